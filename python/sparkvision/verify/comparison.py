"""Comparison of both sides on one image: the pixels and logits of each, and their differences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sparkvision.errors import ImageError, VerifyError
from sparkvision.local import LocalModel
from sparkvision.verify.reference import Floats, Reference
from sparkvision.verify.verify_report import ImageDifference, Refusal, TopLabel

Doubles = npt.NDArray[np.float64]

# Without a limit, a film in the folder would be sent to the JVM as a whole before the JVM could refuse it.
_LARGEST_FILE = 256 << 20

_REMEDY = "give the checkpoint that the bundle was exported from"


class Comparison:
    """The two sides, for the comparison of any number of files.

    Parameters
    ----------
    model : LocalModel
        The bundle, in SparkVision's engine.
    reference : Reference
        The checkpoint, in transformers.

    Raises
    ------
    VerifyError
        If the two have different numbers of labels.
    """

    def __init__(self, model: LocalModel, reference: Reference) -> None:
        self._model = model
        self._reference = reference
        self._levels_per_unit = reference.levels_per_unit()
        self._labels = model.labels
        ours, theirs = len(self._labels), len(reference.labels)
        if ours != theirs:
            raise VerifyError(f"the bundle has {ours} labels, but the checkpoint has {theirs}; {_REMEDY}")

    @property
    def renamed_labels(self) -> int:
        """Number of labels that the bundle calls by another name than the checkpoint."""
        return sum(ours != theirs for ours, theirs in zip(self._labels, self._reference.labels, strict=True))

    def compare(self, file: Path, name: str) -> ImageDifference | Refusal:
        """Compare the two sides on one file, whose bytes are read once. `name` is the file's name in the report.

        Raises
        ------
        VerifyError
            If the two sides make images of different sizes.
        """
        try:
            encoded = _read(file)
        except ImageError as error:
            return Refusal(name, error.reason, error.reason)
        ours, theirs = self._our_pixels(encoded), self._their_pixels(encoded)
        if isinstance(ours, str) or isinstance(theirs, str):
            return Refusal(name, *(side if isinstance(side, str) else None for side in (ours, theirs)))
        if ours.shape != theirs.shape:
            raise VerifyError(
                f"the bundle makes images of [channels, height, width] {list(ours.shape)}, the checkpoint "
                f"{list(theirs.shape)}; {_REMEDY}"
            )
        return self._difference(name, ours, theirs, self._model.logits([encoded])[0], self._reference.logits(theirs))

    def _our_pixels(self, encoded: bytes) -> Floats | str:
        """Return the pixels, or the reason of the refusal."""
        try:
            pixels: Floats = self._model.preprocess([encoded])[0]
            return pixels
        except ImageError as error:
            return error.reason

    def _their_pixels(self, encoded: bytes) -> Floats | str:
        """Return the pixels, or the reason of the refusal."""
        try:
            return self._reference.pixels(encoded)
        except ImageError as error:
            return error.reason

    def _difference(
        self, name: str, ours: Floats, theirs: Floats, our_logits: Floats, their_logits: Floats
    ) -> ImageDifference:
        distance = np.abs(ours.astype(np.float64) - theirs)
        problem_type = self._reference.checkpoint.problem_type
        return ImageDifference(
            name=name,
            levels=float(np.max(distance * self._levels_per_unit)),
            tensor=float(np.max(distance)),
            logits=float(np.max(np.abs(our_logits.astype(np.float64) - their_logits))),
            same_top=bool(our_logits.argmax() == their_logits.argmax()),
            sparkvision=top_label(our_logits, self._labels, problem_type),
            transformers=top_label(their_logits, self._reference.labels, problem_type),
        )


def top_label(logits: Floats, labels: Sequence[str], problem_type: str) -> TopLabel:
    """Return the label of the largest logit with its score: softmax, sigmoid, or for regression the logit."""
    best = int(logits.argmax())
    return TopLabel(labels[best], float(_scores(logits.astype(np.float64), problem_type)[best]))


def _scores(logits: Doubles, problem_type: str) -> Doubles:
    if problem_type == "regression":
        return logits
    if problem_type == "multi_label_classification":
        return np.asarray(0.5 * (1 + np.tanh(logits / 2)))  # the sigmoid, without overflow
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > _LARGEST_FILE:
            raise ImageError(None, f"not compared: the file has {size >> 20} MiB, of at most {_LARGEST_FILE >> 20}")
        return file.read_bytes()
    except OSError as error:
        raise ImageError(None, f"the file cannot be read: {error}") from error
