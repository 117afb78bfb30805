"""Where a bundle is written: built beside its place, put there in one move, and nothing lost on failure."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from sparkvision.bundle import Bundle
from sparkvision.errors import BundleError, ExportError
from sparkvision.manifest import MANIFEST


def require_replaceable(out: Path) -> None:
    """Refuse a destination that holds anything but a bundle of ours.

    Parameters
    ----------
    out : Path
        Fine are: no such path, an empty folder, a bundle without files that are not its own.

    Raises
    ------
    ExportError
        Naming what is in the way. Nothing is touched.
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
    """Give a new folder beside `out`; move it to `out` when the block ends well, remove it when it fails.

    An existing bundle at `out` stays complete until the new one is complete.

    Parameters
    ----------
    out : Path
        The destination, already found replaceable by `require_replaceable`.
    """
    # A link is followed, so that what it points to is replaced and the link stays.
    out = out.resolve()
    mark = uuid.uuid4().hex[:8]
    building = out.parent / f".{out.name}.new-{mark}"
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise ExportError(f"{out.parent} cannot be written to ({error.strerror}); name another place") from error
    try:
        yield building
        # Once more: the export took its time, and something may have been put there meanwhile.
        require_replaceable(out)
        _put_in_place(building, out, out.parent / f".{out.name}.old-{mark}")
    finally:
        shutil.rmtree(building, ignore_errors=True)


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
