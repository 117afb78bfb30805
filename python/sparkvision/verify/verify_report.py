"""The result of a verification: the differences, and whether they are within the tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

JSON_SCHEMA_VERSION = 1

# Two float32 roundings of one pixel differ by about 1e-5 levels, and two neighbouring pixel values by a whole level.
SAME_PIXEL_LEVELS = 1e-3


@dataclass(frozen=True, slots=True)
class TopLabel:
    """The label with the largest logit, and its score.

    Attributes
    ----------
    label : str
        Its name on that side.
    score : float
        Softmax for single-label models, sigmoid for multi-label ones, the logit itself for regression.
    """

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class ImageDifference:
    """The differences of the two sides on one image: the largest absolute differences, NaN if any is NaN.

    Attributes
    ----------
    name : str
        The file, relative to the folder of images.
    levels : float
        Of the preprocessed pixels, in levels of 0..255.
    tensor : float
        Of the preprocessed pixels as the model's input, rescaled and normalised.
    logits : float
        Of the logits.
    same_top : bool
        Whether the largest logit is at the same place.
    sparkvision, transformers : TopLabel
        The best label of each side.
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
        """Whether every pixel is the same except for the rounding of float32."""
        return self.levels <= SAME_PIXEL_LEVELS

    def within(self, tolerance: float) -> bool:
        """Return whether no logit differs by more than the tolerance. NaN is not within any tolerance."""
        return self.logits <= tolerance

    def badness(self) -> tuple[float, float, str]:
        """Return the key that sorts the worst image first."""
        return -_nan_is_most(self.logits), -_nan_is_most(self.levels), self.name


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that at least one side refuses.

    Attributes
    ----------
    name : str
        The file, relative to the folder of images.
    sparkvision, transformers : str or None
        The reason of that side's refusal; None if that side reads the file.
    """

    name: str
    sparkvision: str | None
    transformers: str | None

    @property
    def by_both(self) -> bool:
        """Whether both sides refuse the file."""
        return self.sparkvision is not None and self.transformers is not None

    def badness(self) -> tuple[bool, str]:
        """Return the key that sorts the refusals by one side before the refusals by both."""
        return self.by_both, self.name


@dataclass(frozen=True)
class VerifyReport:
    """A finished verification.

    Attributes
    ----------
    bundle, checkpoint, images : str
        The compared bundle, checkpoint and folder, as the user named them.
    model_hash : str or None
        The bundle's model hash; None if the bundle has no manifest.
    files_found : int
        The number of files in the folder. With a limit, fewer files were compared.
    tolerance : float
        Largest allowed difference of a logit.
    problem_type : str
        The name in transformers: ``single_label_classification``, ``multi_label_classification`` or ``regression``.
    labels, labels_renamed : int
        Number of labels, and how many of them have another name in the bundle.
    differences : tuple of ImageDifference
        Every image that both sides read, the worst first.
    refusals : tuple of Refusal
        Every other file, first those that only one side refuses.
    versions, machine : mapping of str to str
        The libraries and the machine of the comparison.
    started : datetime
        In UTC.
    seconds : float
        The duration.
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
    differences: tuple[ImageDifference, ...]
    refusals: tuple[Refusal, ...]
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    started: datetime
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether images were compared, all are within the tolerance, and the two sides refuse the same files."""
        return bool(self.differences) and not self.above_tolerance and not self.refused_by_one

    @property
    def above_tolerance(self) -> int:
        """Number of images with a logit that differs by more than the tolerance."""
        return sum(not difference.within(self.tolerance) for difference in self.differences)

    @property
    def equal_pixels(self) -> int:
        """Number of images whose pixels are all the same."""
        return sum(difference.equal_pixels for difference in self.differences)

    @property
    def same_top(self) -> int:
        """Number of images whose largest logit is at the same place."""
        return sum(difference.same_top for difference in self.differences)

    @property
    def refused_by_both(self) -> tuple[Refusal, ...]:
        """The files that neither side reads."""
        return tuple(refusal for refusal in self.refusals if refusal.by_both)

    @property
    def refused_by_one(self) -> tuple[Refusal, ...]:
        """The files that one side reads and the other refuses."""
        return tuple(refusal for refusal in self.refusals if not refusal.by_both)

    @property
    def largest_level_difference(self) -> float:
        """Largest difference of a pixel, in levels of 0..255."""
        return _largest(difference.levels for difference in self.differences)

    @property
    def largest_tensor_difference(self) -> float:
        """Largest difference of a value of the model's input."""
        return _largest(difference.tensor for difference in self.differences)

    @property
    def largest_logit_difference(self) -> float:
        """Largest difference of a logit."""
        return _largest(difference.logits for difference in self.differences)

    def to_json(self) -> dict[str, Any]:
        """Return the report as the JSON object that docs/verify.md describes."""
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
            # The key "images" is the folder; the name of this list is a documented part of the format.
            "pictures": [_image(difference) for difference in self.differences],
            "refusals": [
                {"name": refusal.name, "sparkvision": refusal.sparkvision, "transformers": refusal.transformers}
                for refusal in self.refusals
            ],
        }


def _image(difference: ImageDifference) -> dict[str, Any]:
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
    """Return a number that JSON can express; None for NaN and the infinities."""
    return value if math.isfinite(value) else None


def _largest(values: Iterable[float]) -> float:
    # The result of Python's max with NaN depends on the position of the NaN.
    return max(values, key=_nan_is_most, default=0.0)


def _nan_is_most(value: float) -> float:
    return math.inf if math.isnan(value) else value
