"""One picture through both sides: what each makes of it, and how far apart that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sparkvision.errors import ImageError, VerifyError
from sparkvision.local import LocalModel
from sparkvision.verify.reference import Floats, Reference
from sparkvision.verify.report import PictureDifference, Refusal, TopLabel

Doubles = npt.NDArray[np.float64]

# A film among the pictures would have to cross to the JVM as a whole before it could be refused there.
_LARGEST_FILE = 256 << 20


def compare(model: LocalModel, reference: Reference, file: Path, name: str) -> PictureDifference | Refusal:
    """Compare the two sides on one file.

    Parameters
    ----------
    model : LocalModel
        The bundle, in SparkVision's engine.
    reference : Reference
        The checkpoint, in transformers.
    file : Path
        Its bytes are read once, so that both sides have the same.
    name : str
        What the report calls it.

    Raises
    ------
    VerifyError
        If the two sides make pictures of different sizes.
    """
    try:
        encoded = _read(file)
    except ImageError as error:
        return Refusal(name, error.reason, error.reason)
    ours, theirs = _refusal_or_pixels(model, reference, encoded)
    if isinstance(ours, str) or isinstance(theirs, str):
        return Refusal(name, *(side if isinstance(side, str) else None for side in (ours, theirs)))
    if ours.shape != theirs.shape:
        raise VerifyError(
            f"the bundle makes pictures of [channels, height, width] {list(ours.shape)}, the checkpoint "
            f"{list(theirs.shape)}; give the checkpoint that the bundle was exported from"
        )
    our_logits, their_logits = model.logits([encoded])[0], reference.logits(theirs)
    distance = np.abs(ours.astype(np.float64) - theirs)
    return PictureDifference(
        name=name,
        levels=float(np.max(distance * reference.levels_per_unit())),
        tensor=float(np.max(distance)),
        logits=float(np.max(np.abs(our_logits.astype(np.float64) - their_logits))),
        same_top=bool(our_logits.argmax() == their_logits.argmax()),
        sparkvision=top_label(our_logits, model.labels, reference.problem_type),
        transformers=top_label(their_logits, reference.labels, reference.problem_type),
    )


def top_label(logits: Floats, labels: list[str] | tuple[str, ...], problem_type: str) -> TopLabel:
    """Give the label of the largest logit with its score: softmax, sigmoid, or for regression the logit."""
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


def _refusal_or_pixels(model: LocalModel, reference: Reference, encoded: bytes) -> tuple[str | Floats, str | Floats]:
    """Give what SparkVision and what transformers makes of a picture: its pixels, or the reason of the refusal."""
    try:
        ours: str | Floats = model.preprocess([encoded])[0]
    except ImageError as error:
        ours = error.reason
    try:
        return ours, reference.pixels(encoded)
    except ImageError as error:
        return ours, error.reason
