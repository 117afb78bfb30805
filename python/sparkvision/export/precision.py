"""Conversion of a float32 bundle to another precision, and the measured accuracy that the new bundle states."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError
from sparkvision.export import conversion
from sparkvision.export.bundle_writer import write_golden
from sparkvision.export.images import readable_images, synthetic_images
from sparkvision.export.onnx_graph import open_session, read_facts, run
from sparkvision.export.progress import StepProgress
from sparkvision.export.self_check import read_golden
from sparkvision.manifest import FULL_PRECISION, FULL_PRECISION_TOLERANCE, PRECISIONS, Accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]
    Preprocess = Callable[[Image], Floats]

# Ranges settle after some dozens of images. A folder may hold a million.
MOST_CALIBRATION_IMAGES = 128
# 256 images show an agreement of 99 %. Each image is run in float32 too.
MOST_ACCURACY_IMAGES = 256
# Other processors round sums differently, and other images differ more: with the digits model the worst of 240 images
# differed 2.5 times as much as the worst of the four synthetic ones.
_TOLERANCE_MARGIN = 3.0
# As a share of the largest value. A graph that differs by more is broken, and not merely less exact.
_MOST_DIFFERENCE = 0.5

_REMEDY = "export it with precision fp32, or calibrate int8 on more images like yours"


@dataclass(frozen=True)
class Precision:
    """The arithmetic of a bundle.

    Attributes
    ----------
    name : str
        One of `PRECISIONS`.
    calibrate : str, Path or None
        Folder of images to take the ranges of int8 activations from. None takes the ranges from each batch as it runs.

    Raises
    ------
    ExportError
        If there is no such precision, or the precision needs no calibration.
    """

    name: str = FULL_PRECISION
    calibrate: str | Path | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown precision, and a calibration of anything but int8."""
        if self.name not in PRECISIONS:
            raise ExportError(f"there is no precision {self.name!r}; give one of {', '.join(PRECISIONS)}")
        if self.calibrate is not None and self.name != "int8":
            raise ExportError(
                f"{self.name} needs no calibration, only int8 does; omit the folder {self.calibrate}, "
                "or give precision int8"
            )

    @property
    def steps(self) -> int:
        """Number of steps that `convert_bundle` reports."""
        return 0 if self.name == FULL_PRECISION else 2


def convert_bundle(
    folder: Path, precision: Precision, preprocess: Preprocess, images: str | Path | None, progress: StepProgress
) -> None:
    """Convert the float32 bundle in the folder to the precision; a bundle that shall stay float32 is not changed.

    The golden output becomes the converted graph's own output on the CPU provider. The tolerance becomes three times
    the largest difference from float32 on the images.

    Parameters
    ----------
    folder : Path
        A complete float32 bundle, which has not been put in place yet.
    precision : Precision
        The new precision.
    preprocess : callable
        Makes the graph's input from an RGB image, in a batch of its own.
    images : str, Path or None
        Folder of images to measure the accuracy on. None stands for the synthetic images.
    progress : StepProgress
        Reports `Precision.steps` steps.

    Raises
    ------
    ExportError
        If the graph cannot be converted, or if its outputs are no longer those of the same model.
    """
    if precision.name == FULL_PRECISION:
        return
    bundle = Bundle.read(folder)
    manifest = bundle.manifest
    labelled = bool(manifest.labels) and manifest.problem_type != "regression"
    given, _ = read_golden(bundle)
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        full = Path(kept)
        for name in bundle.model_files():
            (folder / name).rename(full / name)
        with progress.step(f"Converting to {precision.name}"):
            calibration = [preprocess(image) for image in _calibration_images(precision)]
            if precision.name == "int8":
                conversion.to_int8(full, folder, calibration)
                progress.note(_ranges(len(calibration)))
            else:
                conversion.to_float16(full, folder)
        with progress.step("Comparing with fp32"):
            converted = open_session(folder)
            compared = map(preprocess, _accuracy_images(images))
            accuracy = _measure(open_session(full), converted, compared, labelled, len(calibration))
            progress.note(describe(accuracy))
    golden = write_golden(folder, given, run(converted, given)[0])
    facts = read_facts(folder)
    tolerance = max(FULL_PRECISION_TOLERANCE, _TOLERANCE_MARGIN * accuracy.largest_difference)
    write_manifest(
        folder,
        replace(
            manifest,
            opset=facts.opset,
            ir_version=facts.ir_version,
            precision=precision.name,
            tolerance={precision.name: tolerance},
            golden=golden,
            files=describe_files(folder),
            accuracy=accuracy,
        ),
    )
    Bundle.read(folder).verify_files()


def describe(accuracy: Accuracy) -> str:
    """Return the accuracy in one line.

    Examples
    --------
    >>> describe(Accuracy("fp32", 256, 255, 0.1466, 5.98, 0))
    'same top label on 255 of 256 images, largest difference 0.147 from fp32 (largest value 5.98)'
    """
    top = "" if accuracy.same_top_label is None else f"same top label on {accuracy.same_top_label} of "
    return (
        f"{top}{accuracy.images} images, largest difference {accuracy.largest_difference:.3g} "
        f"from {accuracy.reference} (largest value {accuracy.largest_value:.3g})"
    )


def _measure(full: Any, converted: Any, images: Iterable[Floats], labelled: bool, calibration_images: int) -> Accuracy:
    """Run both sessions on every image, and compare all their outputs.

    Parameters
    ----------
    full, converted : onnxruntime.InferenceSession
        The float32 graph and the converted graph.
    images : iterable of arrays
        Inputs of the graphs, each a batch of one image.
    labelled : bool
        Whether the first output holds logits, one for each label.
    calibration_images : int
        Is written into the result.

    Raises
    ------
    ExportError
        If an output of the converted graph is not finite, or differs too much from the float32 graph's.
    """
    import numpy as np

    count = same = 0
    largest_difference = largest_value = 0.0
    for pixel_values in images:
        expected, found = run(full, pixel_values), run(converted, pixel_values)
        if not all(np.isfinite(output).all() for output in found):
            raise ExportError(
                "the converted graph computes infinities or NaN: the model's values exceed the range of this "
                f"precision; {_REMEDY}"
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
        images=count,
        same_top_label=same if labelled else None,
        largest_difference=largest_difference,
        largest_value=largest_value,
        calibration_images=calibration_images,
    )


def _ranges(calibration_images: int) -> str:
    if calibration_images:
        return f"ranges of activations taken from {calibration_images} images"
    return "ranges of activations computed in each batch: the numbers of an image depend slightly on its neighbours"


def _calibration_images(precision: Precision) -> Iterator[Image]:
    if precision.calibrate is None:
        return iter(())
    return itertools.islice(readable_images(precision.calibrate), MOST_CALIBRATION_IMAGES)


def _accuracy_images(folder: str | Path | None) -> Iterator[Image]:
    if folder is None:
        return iter(synthetic_images())
    return itertools.islice(readable_images(folder), MOST_ACCURACY_IMAGES)
