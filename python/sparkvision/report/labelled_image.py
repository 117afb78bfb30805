"""One image of a report, and the counts of many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

BUCKETS = 20
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class LabelledImage:
    """An image and the labels that a model predicted for it.

    Attributes
    ----------
    path : str
        The name of the image. If `content` is None, it is the file from which the thumbnail is made.
    scores : sequence of (str, float)
        Labels with their scores, the best first; empty if there are none.
    error : str, optional
        The reason why the image has no label.
    truth : str, optional
        The true label of the image.
    content : bytes, optional
        The encoded image, or a thumbnail of it.

    Examples
    --------
    >>> LabelledImage("photos/cat.jpg", [("tabby", 0.93), ("tiger cat", 0.05)], truth="tabby").label
    'tabby'
    """

    path: str
    scores: Sequence[tuple[str, float]] = ()
    error: str | None = None
    truth: str | None = None
    content: bytes | None = None

    @property
    def label(self) -> str | None:
        """The best label, or None if there is none."""
        return self.scores[0][0] if self.scores else None

    @property
    def kind(self) -> Kind:
        """The kind under which this image is counted."""
        score = self.scores[0][1] if self.scores else None
        return Kind(self.truth, self.label, bucket(score), reason(self.error))


@dataclass(frozen=True)
class Kind:
    """The properties by which images are counted: true label, best label, bucket of its score, and reason."""

    truth: str | None
    label: str | None
    bucket: int | None
    reason: str | None


# The number of images of each kind.
Counts = Counter[Kind]


def bucket(score: float | None) -> int | None:
    """Return the position of a score among `BUCKETS` equal ranges from 0 to 1; None if it is not a probability."""
    if score is None or not isfinite(score) or not 0 <= score <= 1:
        return None
    return min(int(score * BUCKETS), BUCKETS - 1)


def reason(error: str | None) -> str | None:
    """Return an error with its numbers masked, because they differ from image to image."""
    return None if error is None else _NUMBER.sub("#", error)


def add_example(error: str | None, examples: dict[str, str]) -> None:
    """Keep one error with its numbers for each reason, independently of the order in which Spark returns them."""
    masked = reason(error)
    if error is not None and masked is not None:
        examples[masked] = min(error, examples.get(masked, error))


def folder_of(path: str) -> str | None:
    """Return the name of the folder that an image lies in, which in many collections is its true label."""
    parts = path.split("/")
    return parts[-2] if len(parts) > 1 else None
