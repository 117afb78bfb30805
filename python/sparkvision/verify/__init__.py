"""Does a bundle give what its checkpoint gives in transformers? Compared on the user's own pictures, one by one.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. Nothing heavy is imported before `verify` is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision._spark.embedded import local_folder
from sparkvision.bundle import Bundle
from sparkvision.errors import VerifyError
from sparkvision.manifest import FULL_PRECISION, MANIFEST
from sparkvision.verify.report import PictureDifference, Refusal, TopLabel, VerifyReport

if TYPE_CHECKING:
    from sparkvision.verify.comparison import Comparison

__all__ = ["PictureDifference", "Refusal", "TopLabel", "VerifyReport", "verify"]

TASK = "image-classification"
TOLERANCE = 1e-3


def verify(
    bundle: str | Path,
    source: str | Path,
    images: str | Path,
    tolerance: float | None = None,
    limit: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> VerifyReport:
    """Run every picture of a folder through SparkVision's engine and through transformers, and compare.

    Both sides read the same bytes. SparkVision's is the engine that runs in Spark's executors, started here without
    Spark. The other is Pillow, the checkpoint's slow image processor, and torch in float32 with eager attention.

    Parameters
    ----------
    bundle : str or Path
        The bundle's folder, or ``embedded:NAME``.
    source : str or Path
        The checkpoint it was made from: a folder, or the id of a model on the hub.
    images : str or Path
        Folder of pictures; its sub-folders are searched too.
    tolerance : float, optional
        Largest absolute difference of a logit that is allowed. Default: the bundle's own, which is 1e-3 for float32.
    limit : int, optional
        Compare only the first so many files, in the order of their names. Default: all.
    progress : callable taking str, optional
        Gets a line after each file. Default: silence.

    Returns
    -------
    VerifyReport
        The differences, worst first; ``passed`` judges them.

    Raises
    ------
    VerifyError
        If there is nothing to compare: no pictures, a bundle of another task, or a checkpoint of another shape.
    BundleError, ProcessorError
        If the engine refuses the bundle.
    ExportError
        If the checkpoint cannot be had.

    Examples
    --------
    >>> from sparkvision.verify import verify
    >>> report = verify("my-vit", "my-checkpoint", "photos")  # doctest: +SKIP
    >>> report.passed, report.largest_logit_difference < 1e-4  # doctest: +SKIP
    (True, True)
    """
    _require_libraries()
    from sparkvision.export.quiet import quiet
    from sparkvision.local import LocalModel
    from sparkvision.verify.comparison import Comparison
    from sparkvision.verify.environment import machine, versions
    from sparkvision.verify.reference import Reference

    if limit is not None and limit < 1:
        raise VerifyError(f"limit is {limit}, but at least one picture must be compared; give 1 or more, or leave it")
    if tolerance is not None and not tolerance >= 0:
        raise VerifyError(f"tolerance is {tolerance:g}; give a number that is not negative, such as 1e-3")
    files = _files(Path(images))
    described = _described(bundle)
    allowed = tolerance if tolerance is not None else _tolerance(described)
    started, clock = datetime.now(timezone.utc), time.monotonic()
    with quiet(), LocalModel(bundle) as model:
        reference = Reference.load(source, TASK)
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
            differences=tuple(sorted(differences, key=PictureDifference.badness)),
            refusals=tuple(sorted(refusals, key=Refusal.badness)),
            versions=versions(),
            machine=machine(),
            started=started,
            seconds=time.monotonic() - clock,
        )


def _compare(
    comparison: Comparison, folder: Path, files: list[Path], progress: Callable[[str], None] | None
) -> tuple[list[PictureDifference], list[Refusal]]:
    """Compare file by file; of each only the outcome is kept, not its pixels."""
    differences: list[PictureDifference] = []
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


def _files(folder: Path) -> list[Path]:
    """List all files below a folder by name; what is no picture, both sides must refuse."""
    if not folder.is_dir():
        raise VerifyError(f"{folder}: there is no such folder; give a folder of pictures to compare on")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise VerifyError(f"{folder} holds no files; give a folder of pictures to compare on")
    return files


def _described(bundle: str | Path) -> Bundle | None:
    """Read the bundle; None for what has no manifest: Spark NLP's layout."""
    with local_folder(bundle) as folder:
        if not (folder / MANIFEST).is_file():
            return None
        read = Bundle.read(folder)
    if read.manifest.task != TASK:
        raise VerifyError(f"{bundle} is a bundle for {read.manifest.task}; only {TASK} can be verified")
    return read


def _tolerance(bundle: Bundle | None) -> float:
    """Give the bundle's own tolerance: for float32 the exactness we promise, else what was measured at its export."""
    if bundle is None or bundle.manifest.precision == FULL_PRECISION:
        return TOLERANCE
    return bundle.manifest.tolerance.get(bundle.manifest.precision, TOLERANCE)
