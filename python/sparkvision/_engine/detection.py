"""An object that a model found in an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Box:
    """The place of an object, in pixels of the upright original image; an edge may lie a little outside the image."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class Detection:
    """An object: the id and name of its class, the probability of the class, and the place of the object.

    Examples
    --------
    >>> Detection(17, "cat", 0.998, Box(13.2, 52.1, 314.0, 470.9)).label
    'cat'
    """

    id: int
    label: str
    score: float
    box: Box

    @staticmethod
    def of(answer: Mapping[str, Any]) -> Detection:
        """Read an object as `LocalModelBytes.scala` writes it."""
        sides = (float(answer[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
        return Detection(answer["id"], answer["label"], float(answer["score"]), Box(*sides))
