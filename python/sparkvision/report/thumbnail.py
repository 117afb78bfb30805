"""Small pictures to look at, as parts of a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

# Sharp at 96 CSS pixels on most screens, and some 4 kB each.
SIDE = 144
QUALITY = 80


def thumbnail(picture: Path | bytes, side: int = SIDE) -> bytes | None:
    """Give a picture as a small JPEG, or None when it cannot be read (any more).

    Parameters
    ----------
    picture : Path or bytes
        A picture file, or its content.
    side : int
        The longer side, in pixels; a smaller picture is not made larger.
    """
    from PIL import Image

    from sparkvision.export.pictures import upright_rgb

    small = BytesIO()
    try:
        pixels = upright_rgb(picture if isinstance(picture, Path) else BytesIO(picture))
        pixels.thumbnail((side, side), Image.Resampling.BOX)
        pixels.save(small, "JPEG", quality=QUALITY)
    except Exception:  # as in Reference.pixels: Pillow raises exceptions of nearly every kind
        return None
    return small.getvalue()


def data_uri(jpeg: bytes) -> str:
    """Give a JPEG file as a ``data:`` URI, to stand in a page that loads nothing."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
