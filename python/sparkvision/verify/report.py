"""The outcome of a verification: what differs by how much, and whether that is little enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

JSON_SCHEMA_VERSION = 1

# Between two float32 roundings of one pixel lie some 1e-5 levels, between two neighbouring pixels a whole one.
SAME_PIXEL_LEVELS = 1e-3


@dataclass(frozen=True, slots=True)
class TopLabel:
    """The label with the largest logit, and its score.

    Attributes
    ----------
    label : str
        Its name, as that side knows it.
    score : float
        Softmax for single-label models, sigmoid for multi-label ones, the logit itself for regression.
    """

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class PictureDifference:
    """How far the two sides are apart on one picture. Differences are the largest absolute ones, NaN if any is NaN.

    Attributes
    ----------
    name : str
        The file, relative to the folder of pictures.
    levels : float
        Of the preprocessed pixels, in levels of 0..255.
    tensor : float
        Of the preprocessed pixels, as the model is fed them: rescaled and normalised.
    logits : float
        Of the logits.
    same_top : bool
        Whether the largest logit is at the same place.
    sparkvision, transformers : TopLabel
        The best label by either side.
    """

    name: str
    levels: float
    tensor: float
    logits: float
    same_top: bool
    sparkvision: TopLabel
    transformers: TopLabel

    @property
    def equal_pixels(self) -> bool:
        """Whether every pixel is the same but for the rounding of float32."""
        return self.levels <= SAME_PIXEL_LEVELS

    def within(self, tolerance: float) -> bool:
        """Tell whether no logit differs by more; a difference that is no number is not within anything."""
        return self.logits <= tolerance

    def badness(self) -> tuple[float, float, str]:
        """Give the key that sorts the worst picture first."""
        return -_nan_is_most(self.logits), -_nan_is_most(self.levels), self.name


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that at least one side refuses.

    Attributes
    ----------
    name : str
        The file, relative to the folder of pictures.
    sparkvision, transformers : str or None
        The reason why that side refuses it; None where it does not.
    """

    name: str
    sparkvision: str | None
    transformers: str | None

    @property
    def by_both(self) -> bool:
        """Whether the two sides agree that it is of no use."""
        return self.sparkvision is not None and self.transformers is not None

    def badness(self) -> tuple[bool, str]:
        """Give the key that sorts what one side alone refuses before what both do."""
        return self.by_both, self.name


@dataclass(frozen=True)
class VerifyReport:
    """A finished verification.

    Attributes
    ----------
    bundle, checkpoint, images : str
        What was compared, as the user named it.
    model_hash : str or None
        The bundle's model hash, None if it has no manifest on this disk.
    files_found : int
        Files in the folder; more than were compared if there was a limit.
    tolerance : float
        Largest difference of a logit that is allowed.
    problem_type : str
        As transformers names it: ``single_label_classification``, ``multi_label_classification`` or ``regression``.
    labels, labels_renamed : int
        Number of labels, and how many of them the bundle calls by another name.
    differences : tuple of PictureDifference
        Every picture that both sides read, the worst first.
    refusals : tuple of Refusal
        Every other file, those that one side alone refuses first.
    versions, machine : mapping of str to str
        What it was computed with and on.
    started : datetime
        In UTC.
    seconds : float
        How long it took.
    """

    bundle: str
    model_hash: str | None
    checkpoint: str
    images: str
    files_found: int
    tolerance: float
    problem_type: str
    labels: int
    labels_renamed: int
    differences: tuple[PictureDifference, ...]
    refusals: tuple[Refusal, ...]
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    started: datetime
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether pictures were compared, all within the tolerance, and the two sides refuse the same files."""
        return bool(self.differences) and not self.above_tolerance and not self.refused_by_one

    @property
    def above_tolerance(self) -> int:
        """Number of pictures with a logit that differs by more than the tolerance."""
        return sum(not difference.within(self.tolerance) for difference in self.differences)

    @property
    def equal_pixels(self) -> int:
        """Number of pictures whose pixels are all the same."""
        return sum(difference.equal_pixels for difference in self.differences)

    @property
    def same_top(self) -> int:
        """Number of pictures whose largest logit is at the same place."""
        return sum(difference.same_top for difference in self.differences)

    @property
    def refused_by_both(self) -> tuple[Refusal, ...]:
        """What neither side reads."""
        return tuple(refusal for refusal in self.refusals if refusal.by_both)

    @property
    def refused_by_one(self) -> tuple[Refusal, ...]:
        """What one side reads and the other does not."""
        return tuple(refusal for refusal in self.refusals if not refusal.by_both)

    @property
    def largest_level_difference(self) -> float:
        """Largest difference of a pixel, in levels of 0..255."""
        return _largest(difference.levels for difference in self.differences)

    @property
    def largest_tensor_difference(self) -> float:
        """Largest difference of a value that the model is fed."""
        return _largest(difference.tensor for difference in self.differences)

    @property
    def largest_logit_difference(self) -> float:
        """Largest difference of a logit."""
        return _largest(difference.logits for difference in self.differences)

    def to_json(self) -> dict[str, Any]:
        """Give the report as the JSON object that docs/verify.md describes."""
        return {
            "schemaVersion": JSON_SCHEMA_VERSION,
            "passed": self.passed,
            "bundle": self.bundle,
            "modelHash": self.model_hash,
            "checkpoint": self.checkpoint,
            "images": self.images,
            "tolerance": self.tolerance,
            "problemType": self.problem_type,
            "labels": {"count": self.labels, "renamed": self.labels_renamed},
            "files": {
                "found": self.files_found,
                "compared": len(self.differences),
                "aboveTolerance": self.above_tolerance,
                "equalPixels": self.equal_pixels,
                "sameTopLabel": self.same_top,
                "refusedByBoth": len(self.refused_by_both),
                "refusedByOne": len(self.refused_by_one),
            },
            "largestDifference": {
                "levels": _number(self.largest_level_difference),
                "tensor": _number(self.largest_tensor_difference),
                "logits": _number(self.largest_logit_difference),
            },
            "versions": dict(self.versions),
            "machine": dict(self.machine),
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "pictures": [_picture(difference) for difference in self.differences],
            "refusals": [
                {"name": refusal.name, "sparkvision": refusal.sparkvision, "transformers": refusal.transformers}
                for refusal in self.refusals
            ],
        }


def _picture(difference: PictureDifference) -> dict[str, Any]:
    sides = {"sparkvision": difference.sparkvision, "transformers": difference.transformers}
    return {
        "name": difference.name,
        "levels": _number(difference.levels),
        "tensor": _number(difference.tensor),
        "logits": _number(difference.logits),
        "sameTopLabel": difference.same_top,
        **{side: {"label": top.label, "score": _number(top.score)} for side, top in sides.items()},
    }


def _number(value: float) -> float | None:
    """Give a number that JSON knows: null for those it does not, NaN and the infinities."""
    return value if math.isfinite(value) else None


def _largest(values: Iterable[float]) -> float:
    # Python's max would pass over a NaN, depending on where it stands.
    return max(values, key=_nan_is_most, default=0.0)


def _nan_is_most(value: float) -> float:
    return math.inf if math.isnan(value) else value
