"""A label of an image, with its score: `ScoredLabel`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoredLabel:
    """A label of an image.

    Attributes
    ----------
    id : int
        The class id: the index of its logit.
    label : str
        The class's name.
    score : float
        Its probability (softmax or sigmoid), or the raw value of a regression.
    """

    id: int
    label: str
    score: float
