"""From a float32 bundle to one of cheaper arithmetic: convert the graph, measure what that costs, write it down."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision.bundle import Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError
from sparkvision.export import accuracy, half, pictures, quantise
from sparkvision.export.assets import write_golden
from sparkvision.export.graph import read_facts
from sparkvision.export.progress import Progress
from sparkvision.export.verify import open_session, read_golden, run
from sparkvision.manifest import FULL_PRECISION, PRECISIONS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Preprocess = Callable[[Image], NDArray[np.float32]]

# Ranges settle after some dozens of pictures; a folder may hold a million.
MOST_CALIBRATION_PICTURES = 128
# Enough to see an agreement of 99 %; each is run in float32 too.
MOST_ACCURACY_PICTURES = 256
# Other processors round other sums. Other pictures differ more: with the digits model the worst of 240 differed 2.5
# times as much as the worst of the four made in code.
_TOLERANCE_MARGIN = 3.0
_LEAST_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Precision:
    """What numbers a bundle is to compute with.

    Attributes
    ----------
    name : str
        One of `PRECISIONS`.
    calibrate : str, Path or None
        Folder of pictures to take the ranges of int8 activations from; None takes them from each batch as it runs.

    Raises
    ------
    ExportError
        If there is no such precision, or it has nothing to calibrate.
    """

    name: str = FULL_PRECISION
    calibrate: str | Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.name not in PRECISIONS:
            raise ExportError(f"precision {self.name!r} is none; give one of {', '.join(PRECISIONS)}")
        if self.calibrate is not None and self.name != "int8":
            raise ExportError(
                f"{self.name} needs no calibration, only int8 does; leave the folder {self.calibrate} away, "
                "or give precision int8"
            )

    @property
    def steps(self) -> int:
        """Number of steps that `lower` tells."""
        return 0 if self.name == FULL_PRECISION else 2


def lower(
    folder: Path, precision: Precision, preprocess: Preprocess, images: str | Path | None, progress: Progress
) -> None:
    """Convert the float32 bundle in the folder to the precision; float32 itself is left as it is.

    The golden output becomes the converted graph's own on the CPU provider, and the tolerance three times the
    largest difference from float32 on the pictures.

    Parameters
    ----------
    folder : Path
        A complete float32 bundle, not yet in its place.
    precision : Precision
        What to convert it to.
    preprocess : callable
        Makes of an RGB picture what the graph is fed, one picture in a batch of its own.
    images : str, Path or None
        Folder of pictures to measure the accuracy on; None takes the few made in code.
    progress : Progress
        Is told `Precision.steps` steps.

    Raises
    ------
    ExportError
        If the graph cannot be converted, or then has little to do with the float32 one.
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
            calibration = [preprocess(picture) for picture in _calibration_pictures(precision)]
            if precision.name == "int8":
                quantise.write(full, folder, calibration)
                progress.note(_ranges(len(calibration)))
            else:
                half.write(full, folder)
        with progress.step("Comparing with fp32"):
            lowered = open_session(folder)
            compared = map(preprocess, _accuracy_pictures(images))
            found = accuracy.measure(open_session(full), lowered, compared, labelled, len(calibration))
            progress.note(accuracy.describe(found))
    golden = write_golden(folder, given, run(lowered, given)[0])
    facts = read_facts(folder)
    write_manifest(
        folder,
        replace(
            manifest,
            opset=facts.opset,
            ir_version=facts.ir_version,
            precision=precision.name,
            tolerance={precision.name: max(_LEAST_TOLERANCE, _TOLERANCE_MARGIN * found.largest_difference)},
            golden=golden,
            files=describe_files(folder),
            accuracy=found,
        ),
    )
    Bundle.read(folder).verify_files()


def _ranges(calibration_pictures: int) -> str:
    if calibration_pictures:
        return f"ranges of activations taken from {calibration_pictures} pictures"
    return "ranges of activations found in each batch: a picture's numbers depend a little on its neighbours"


def _calibration_pictures(precision: Precision) -> Iterator[Image]:
    if precision.calibrate is None:
        return iter(())
    return itertools.islice(pictures.readable(precision.calibrate), MOST_CALIBRATION_PICTURES)


def _accuracy_pictures(images: str | Path | None) -> Iterator[Image]:
    if images is None:
        return iter(pictures.made_in_code())
    return itertools.islice(pictures.readable(images), MOST_ACCURACY_PICTURES)
