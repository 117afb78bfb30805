"""A page's file, written whole or not at all."""

from __future__ import annotations

import errno
import uuid
from pathlib import Path

# A folder that takes no new file, or a file that is a mount point, as containers have them.
_NOTHING_BESIDE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY}


def write_whole(file: Path, text: str) -> None:
    """Write a file beside its place and move it there: whoever interrupts leaves the old one, or none.

    Parameters
    ----------
    file : Path
        The file. A link is followed. What is no ordinary file (``/dev/stdout``), and a file in a folder which takes no
        other file, is written in place.
    text : str
        Its text. What is not UTF-8, as names of files need not be, is written with backslashes.
    """
    if file.exists() and not file.is_file():  # not resolved: the target of a pipe's link is no path
        _write(file, text)
        return
    target = file.resolve()
    half = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        _write(half, text)
        half.replace(target)
    except OSError as error:
        if error.errno not in _NOTHING_BESIDE or not target.exists():
            raise
        _write(target, text)
    finally:
        half.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
