"""How much each scenario does, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Figures: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """How much a scenario does.

    Attributes
    ----------
    rows, partitions
        Of each job that is disturbed.
    cycles
        How often something happens in one application.
    memory_images
        Through one executor, to see whether its memory grows.
    fuzzed_files
        Damaged files for the decoder.
    seed
        Of the damage.
    """

    rows: int = 40_000
    partitions: int = 40
    cycles: int = 5
    memory_images: int = 50_000
    fuzzed_files: int = 20_000
    seed: int = 0


SMALL = Workload(rows=2_000, partitions=20, cycles=1, memory_images=2_000, fuzzed_files=2_000)
