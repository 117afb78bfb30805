"""The files of an image folder on this machine."""

from __future__ import annotations

from pathlib import Path

from sparkvision.errors import ParameterError


def image_files(folder: str | Path, *, recursive: bool = True) -> list[Path]:
    """List the files of a folder, sorted by path. A file that is not an image is listed too.

    Parameters
    ----------
    folder
        The folder.
    recursive
        Whether files in sub-folders are listed.

    Raises
    ------
    ParameterError
        When the folder does not exist, is a file, or holds no files.
    """
    folder = Path(folder)
    if not folder.exists():
        raise ParameterError(f"{folder}: there is no such folder; give a folder of images")
    if not folder.is_dir():
        raise ParameterError(f"{folder} is a file; give a folder of images")
    entries = folder.rglob("*") if recursive else folder.iterdir()
    files = sorted(path for path in entries if path.is_file())
    if not files:
        raise ParameterError(f"{folder} holds no files; give a folder of images")
    return files
