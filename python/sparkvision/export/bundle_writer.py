"""Writing of a bundle: its assets and golden pair, in a folder that replaces the destination in one move."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GOLDEN_INPUT, GOLDEN_OUTPUT, LABELS, PREPROCESSOR, Bundle
from sparkvision.errors import BundleError, ExportError
from sparkvision.export.labels import to_ids
from sparkvision.manifest import MANIFEST
from sparkvision.tensors import GoldenPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def require_replaceable(out: Path) -> None:
    """Refuse a destination that holds anything but a bundle.

    Parameters
    ----------
    out : Path
        Accepted are a path that does not exist, an empty folder, and a bundle without any other files.

    Raises
    ------
    ExportError
        Naming what is in the way. Nothing is changed.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file; name a new folder, or one that holds a bundle to replace")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not found:
        return
    if MANIFEST not in found:
        raise ExportError(f"{out} is not empty and holds no bundle (no {MANIFEST}); name a new folder")
    try:
        bundle = Bundle.read(out)
    except BundleError as error:
        raise ExportError(f"{out} holds a bundle that cannot be read ({error}); name a new folder") from error
    foreign = sorted(found - set(bundle.manifest.files) - {MANIFEST})
    if foreign:
        raise ExportError(
            f"{out} holds a bundle and also {', '.join(foreign[:3])}, which replacing it would delete; "
            "move that away, or name a new folder"
        )


@contextlib.contextmanager
def written_beside(out: Path) -> Iterator[Path]:
    """Yield a new folder beside `out`; move the folder to `out` when the block succeeds, remove it when it fails.

    An existing bundle at `out` stays complete until the new one is complete.

    Parameters
    ----------
    out : Path
        The destination, which `require_replaceable` has accepted.
    """
    # A link is followed, so that its target is replaced and the link stays.
    out = out.resolve()
    mark = uuid.uuid4().hex[:8]
    building = out.parent / f".{out.name}.new-{mark}"
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise ExportError(f"{out.parent} cannot be written to ({error.strerror}); name another place") from error
    try:
        yield building
        # The destination is checked again, because another process may have written to it during the export.
        require_replaceable(out)
        _put_in_place(building, out, out.parent / f".{out.name}.old-{mark}")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_assets(folder: Path, names: tuple[str, ...], processor_config: Mapping[str, Any]) -> None:
    """Write ``assets/labels.json`` and ``assets/preprocessor_config.json`` into a new bundle's folder."""
    (folder / LABELS).parent.mkdir()
    _write_json(folder / LABELS, to_ids(names))
    _write_json(folder / PREPROCESSOR, processor_config)


def write_golden(folder: Path, given: NDArray[np.float32], expected: NDArray[np.float32]) -> GoldenPair:
    """Write an input and the first output that the graph must compute from it, both with the batch as first axis."""
    return write_pair(folder, given, expected, (GOLDEN_INPUT, GOLDEN_OUTPUT))


def write_pair(
    folder: Path, given: NDArray[np.float32], expected: NDArray[np.float32], files: tuple[str, str]
) -> GoldenPair:
    """Write a golden pair into two files of the bundle."""
    for name, values in zip(files, (given, expected), strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        values.astype("<f4").tofile(folder / name)
    return GoldenPair(files[0], given.shape, files[1], expected.shape)


def _put_in_place(building: Path, out: Path, old: Path) -> None:
    if not out.exists():
        building.rename(out)
        return
    out.rename(old)
    try:
        building.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
