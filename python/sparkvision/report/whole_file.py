"""A page's file, written whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file beside its place and move it there: whoever interrupts leaves the old one, or none.

    Parameters
    ----------
    file : Path
        The file. A link is followed; what is no ordinary file (``/dev/stdout``) is written to as it is.
    text : str
        Its text. What is not UTF-8, as names of files need not be, is written with backslashes.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
        return
    half = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        half.write_text(text, encoding="utf-8", errors="backslashreplace")
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
