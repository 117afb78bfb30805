"""Checks before any work that its result can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sparkvision.errors import ParameterError


def require_writable_file(file: Path) -> None:
    """Refuse a path to which no file can be written. Missing parent folders are no error: they can be created.

    Raises
    ------
    ParameterError
        When the path is a folder, is not writable, or its folder cannot be created.
    """
    if _is_folder(file):
        raise ParameterError(f"{file} is a folder; give the name of a file")
    try:
        is_there = file.exists()
    except OSError as error:
        raise _refusal(file, error.strerror) from error
    if not is_there:
        require_writable_folder(file.parent, file)
    elif not os.access(file, os.W_OK):
        raise _refusal(file, "no permission to write to it")


def require_writable_folder(folder: Path, result: Path | None = None) -> None:
    """Refuse a folder in which nothing can be written. A missing folder is no error: it can be created.

    Parameters
    ----------
    folder
        The folder.
    result
        The path that the message names. Default: the folder.

    Raises
    ------
    ParameterError
        When the folder, or its nearest existing parent, is a file or allows no new entry.
    """
    named = result or folder
    try:
        nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        if not nearest.is_dir():
            raise _refusal(named, f"{nearest} is a file, not a folder")
    except OSError as error:
        raise _refusal(named, f"{error.filename}: {error.strerror}") from error
    try:
        # Permissions are not enough: a disk may be mounted read-only, and /proc accepts no files.
        with tempfile.TemporaryDirectory(prefix=".sparkvision", dir=nearest):
            pass
    except OSError as error:
        raise _refusal(named, f"nothing can be made in {nearest}: {error.strerror}") from error


def _is_folder(file: Path) -> bool:
    try:
        return file.is_dir()
    except OSError:  # no permission to read it; the caller reports that
        return False


def _refusal(result: Path, reason: str | None) -> ParameterError:
    return ParameterError(f"{result} cannot be written ({reason}); give a place in a folder that you may write to")
