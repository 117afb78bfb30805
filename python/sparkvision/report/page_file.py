"""The file of a page: checked before the page is made, and written completely or not at all."""

from __future__ import annotations

import errno
import uuid
from pathlib import Path

from sparkvision._output_place import require_writable_file

# The errors of a folder that accepts no new file, and of a file that is a mount point, as in containers.
_NOTHING_BESIDE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY}


def prepare_file(path: str | Path) -> Path:
    """Return the path of a file that can be written, and create its folder.

    Raises
    ------
    ParameterError
        If the path is a folder, or the file cannot be written.
    """
    file = Path(path)
    require_writable_file(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def write_whole(file: Path, text: str) -> None:
    """Write a file beside its destination and move it there, so that an interruption leaves the old file or none.

    Parameters
    ----------
    file : Path
        The file. A link is followed. A special file such as ``/dev/stdout``, and a file in a folder that accepts no
        other file, is written in place.
    text : str
        The content. Characters that UTF-8 cannot encode, which names of files may have, are written with backslashes.
    """
    if file.exists() and not file.is_file():  # not resolved, because the target of a pipe's link is not a path
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
