"""How far a graph of lower precision is from the float32 graph that it was made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError
from sparkvision.export.verify import run
from sparkvision.manifest import FULL_PRECISION, Accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Of the largest value: what differs by more is broken, and not merely less exact.
_MOST_DIFFERENCE = 0.5

_REMEDY = "export it with precision fp32, or calibrate int8 on more pictures like yours"


def measure(full: Any, lowered: Any, pictures: Iterable[Floats], labelled: bool, calibration_pictures: int) -> Accuracy:
    """Run both sessions on every picture, and compare all their outputs.

    Parameters
    ----------
    full, lowered : onnxruntime.InferenceSession
        The float32 graph and the other.
    pictures : iterable of arrays
        What the graphs are fed, each a batch of one picture.
    labelled : bool
        Whether the first output holds logits, one for each label.
    calibration_pictures : int
        Is written into the result.

    Raises
    ------
    ExportError
        If the lowered graph gives what is no finite number, or has little to do with the float32 graph.
    """
    import numpy as np

    count = same = 0
    largest_difference = largest_value = 0.0
    for pixel_values in pictures:
        expected, found = run(full, pixel_values), run(lowered, pixel_values)
        if not all(np.isfinite(output).all() for output in found):
            raise ExportError(
                "the converted graph gives infinities or NaN: the model's values pass what this precision can hold; "
                f"{_REMEDY}"
            )
        count += 1
        same += int(expected[0].argmax() == found[0].argmax())
        for theirs, ours in zip(expected, found, strict=True):
            largest_difference = max(largest_difference, float(np.abs(ours - theirs).max()))
            largest_value = max(largest_value, float(np.abs(theirs).max()))
    if largest_difference > _MOST_DIFFERENCE * largest_value:
        raise ExportError(
            f"the converted graph is no longer the same model: its output differs from float32 by "
            f"{largest_difference:.3g}, where the largest value is {largest_value:.3g}; {_REMEDY}"
        )
    return Accuracy(
        reference=FULL_PRECISION,
        pictures=count,
        same_top_label=same if labelled else None,
        largest_difference=largest_difference,
        largest_value=largest_value,
        calibration_pictures=calibration_pictures,
    )


def describe(accuracy: Accuracy) -> str:
    """Give the accuracy in one line.

    Examples
    --------
    >>> describe(Accuracy("fp32", 256, 255, 0.1466, 5.98, 0))
    'same top label on 255 of 256 pictures, largest difference 0.147 from fp32 (largest value 5.98)'
    """
    top = "" if accuracy.same_top_label is None else f"same top label on {accuracy.same_top_label} of "
    return (
        f"{top}{accuracy.pictures} pictures, largest difference {accuracy.largest_difference:.3g} "
        f"from {accuracy.reference} (largest value {accuracy.largest_value:.3g})"
    )
