"""One picture of a report, and the counts of many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

BUCKETS = 20
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class LabelledPicture:
    """A picture and what was found in it.

    Attributes
    ----------
    path : str
        What names the picture; where `content` is None, the file from which its thumbnail is made.
    scores : sequence of (str, float)
        Labels with their scores, best first; empty where there are none.
    error : str, optional
        Why the picture has no label.
    truth : str, optional
        Its true label.
    content : bytes, optional
        The encoded picture, or a thumbnail of it.

    Examples
    --------
    >>> LabelledPicture("photos/cat.jpg", [("tabby", 0.93), ("tiger cat", 0.05)], truth="tabby").label
    'tabby'
    """

    path: str
    scores: Sequence[tuple[str, float]] = ()
    error: str | None = None
    truth: str | None = None
    content: bytes | None = None

    @property
    def label(self) -> str | None:
        """The best label, if there is one."""
        return self.scores[0][0] if self.scores else None

    @property
    def kind(self) -> Kind:
        """What this picture counts as."""
        score = self.scores[0][1] if self.scores else None
        return Kind(self.truth, self.label, bucket(score), reason(self.error))


@dataclass(frozen=True)
class Kind:
    """What pictures have in common that are counted together: true label, best label, its score's bucket, reason."""

    truth: str | None
    label: str | None
    bucket: int | None
    reason: str | None


# How many pictures there are of each kind.
Counts = Counter[Kind]


def bucket(score: float | None) -> int | None:
    """Give the place of a score among `BUCKETS` equal ones from 0 to 1; None for a score that is no probability."""
    if score is None or not isfinite(score) or not 0 <= score <= 1:
        return None
    return min(int(score * BUCKETS), BUCKETS - 1)


def reason(error: str | None) -> str | None:
    """Give an error without its numbers, which differ from picture to picture."""
    return None if error is None else _NUMBER.sub("#", error)


def add_example(error: str | None, examples: dict[str, str]) -> None:
    """Keep one error for each reason, numbers included; always the same one, whatever order Spark gives."""
    masked = reason(error)
    if error is not None and masked is not None:
        examples[masked] = min(error, examples.get(masked, error))


def folder_of(path: str) -> str | None:
    """Give the name of the folder that a picture lies in: in many collections, its true label."""
    parts = path.split("/")
    return parts[-2] if len(parts) > 1 else None
