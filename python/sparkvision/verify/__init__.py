"""Comparison of a bundle with its checkpoint in transformers, image by image, on the user's own images.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. The libraries of that extra are imported when
`verify` is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision._image_folder import image_files
from sparkvision._spark.embedded import local_folder
from sparkvision.bundle import Bundle
from sparkvision.errors import VerifyError
from sparkvision.export.progress import quiet
from sparkvision.manifest import CLASSIFICATION, FULL_PRECISION, FULL_PRECISION_TOLERANCE, MANIFEST
from sparkvision.verify.verify_page import write_verify_report
from sparkvision.verify.verify_report import ImageDifference, Refusal, TopLabel, VerifyReport

if TYPE_CHECKING:
    from sparkvision.verify.comparison import Comparison

__all__ = ["ImageDifference", "Refusal", "TopLabel", "VerifyReport", "verify", "write_verify_report"]


def verify(
    bundle: str | Path,
    source: str | Path,
    images: str | Path,
    tolerance: float | None = None,
    limit: int | None = None,
    progress: Callable[[str], object] | None = None,
) -> VerifyReport:
    """Run every image of a folder through SparkVision's engine and through transformers, and compare the results.

    Both sides read the same bytes. SparkVision's side is the engine that runs in Spark's executors, started here
    without Spark. The other side is Pillow, the checkpoint's slow image processor, and torch in float32 with eager
    attention.

    Parameters
    ----------
    bundle : str or Path
        The bundle's folder, or ``embedded:NAME``.
    source : str or Path
        The checkpoint that the bundle was made from: a folder, or the id of a model on the hub.
    images : str or Path
        Folder of images, whose sub-folders are searched too.
    tolerance : float, optional
        Largest allowed absolute difference of a logit. Default: the bundle's own tolerance, which is 1e-3 for float32.
    limit : int, optional
        The number of files to compare, in the order of their names. Default: all.
    progress : callable taking str, optional
        Gets a line after each file. Default: nothing is shown.

    Returns
    -------
    VerifyReport
        The differences, the worst first. Its property ``passed`` judges them.

    Raises
    ------
    ParameterError
        If a path does not exist, or the folder of images holds no files.
    VerifyError
        If the bundle has another task, or the checkpoint has another shape.
    BundleError, ProcessorError
        If the engine refuses the bundle.
    ExportError
        If the checkpoint cannot be loaded.

    Examples
    --------
    >>> from sparkvision.verify import verify
    >>> report = verify("my-vit", "my-checkpoint", "photos")  # doctest: +SKIP
    >>> report.passed, report.largest_logit_difference < 1e-4  # doctest: +SKIP
    (True, True)
    """
    _require_libraries()
    from sparkvision.local import LocalModel
    from sparkvision.verify.comparison import Comparison
    from sparkvision.verify.environment import machine, versions
    from sparkvision.verify.reference import Reference

    if limit is not None and limit < 1:
        raise VerifyError(f"limit is {limit}, but at least one image must be compared; give 1 or more, or omit limit")
    if tolerance is not None and not tolerance >= 0:
        raise VerifyError(f"tolerance is {tolerance:g}; give a number that is not negative, such as 1e-3")
    files = image_files(images)
    described = _described(bundle)
    allowed = tolerance if tolerance is not None else _tolerance(described)
    started, clock = datetime.now(timezone.utc), time.monotonic()
    with quiet(), LocalModel(bundle) as model:
        reference = Reference.load(source, CLASSIFICATION)
        comparison = Comparison(model, reference)
        differences, refusals = _compare(comparison, Path(images), files[:limit], progress)
        return VerifyReport(
            bundle=str(bundle),
            model_hash=described.model_hash() if described is not None else None,
            checkpoint=str(source),
            images=str(images),
            files_found=len(files),
            tolerance=allowed,
            problem_type=reference.checkpoint.problem_type,
            labels=len(reference.labels),
            labels_renamed=comparison.renamed_labels,
            differences=tuple(sorted(differences, key=ImageDifference.badness)),
            refusals=tuple(sorted(refusals, key=Refusal.badness)),
            versions=versions(),
            machine=machine(),
            started=started,
            seconds=time.monotonic() - clock,
        )


def _compare(
    comparison: Comparison, folder: Path, files: Sequence[Path], progress: Callable[[str], object] | None
) -> tuple[list[ImageDifference], list[Refusal]]:
    """Compare file by file, and keep only the outcomes, not the pixels."""
    differences: list[ImageDifference] = []
    refusals: list[Refusal] = []
    for number, file in enumerate(files, start=1):
        found = comparison.compare(file, file.relative_to(folder).as_posix())
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            differences.append(found)
        if progress is not None:
            progress(f"{number} of {len(files)} files compared")
    return differences, refusals


def _require_libraries() -> None:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise VerifyError(
            f"verifying needs libraries that are not installed ({error}); run `pip install 'sparkvision[export]'`"
        ) from error


def _described(bundle: str | Path) -> Bundle | None:
    """Read the bundle; None for a folder in Spark NLP's layout, which has no manifest."""
    with local_folder(bundle) as folder:
        if not (folder / MANIFEST).is_file():
            return None
        read = Bundle.read(folder)
    if read.manifest.task != CLASSIFICATION:
        raise VerifyError(f"{bundle} is a bundle for {read.manifest.task}; only {CLASSIFICATION} can be verified")
    return read


def _tolerance(bundle: Bundle | None) -> float:
    """Return the bundle's own tolerance: 1e-3 for float32, otherwise the tolerance that its export measured."""
    if bundle is None or bundle.manifest.precision == FULL_PRECISION:
        return FULL_PRECISION_TOLERANCE
    return bundle.manifest.tolerance.get(bundle.manifest.precision, FULL_PRECISION_TOLERANCE)
