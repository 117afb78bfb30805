"""What labelling very many pictures takes on very many executors, from what was measured on one machine.

Every executor works alone once it has the model, so the time of the work itself is the pictures' cost divided by the
cores. Before it comes a start that does not grow with the pictures: the driver loads the model, executors pass its
chunks on to each other as Spark's torrent broadcast does, each verifies its copy and opens a session.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# An assumption, the only one, and a low one for a data centre: 10 gigabit a second between two executors.
BYTES_A_SECOND = 10e9 / 8


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes
    ----------
    core_seconds_a_picture
        Of one core, from encoded bytes to a row.
    start_seconds
        From `loadSavedModel` to the first label on one executor.
    model_bytes
        Size of the bundle.
    """

    core_seconds_a_picture: float
    start_seconds: float
    model_bytes: int

    def seconds_to_start(self, executors: int) -> float:
        """Give the time until the last executor has its first label: each round of passing on doubles the copies."""
        return self.start_seconds + math.ceil(math.log2(executors)) * self.model_bytes / BYTES_A_SECOND

    def seconds(self, pictures: float, executors: int, cores: int) -> float:
        """Give the time of a job.

        Parameters
        ----------
        pictures
            How many.
        executors, cores
            How many executors, and cores of each.

        Examples
        --------
        >>> Costs(0.1, 5.0, 0).seconds(1e6, 10, 4)
        2505.0
        """
        return self.seconds_to_start(executors) + pictures * self.core_seconds_a_picture / (executors * cores)
