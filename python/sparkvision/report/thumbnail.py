"""Small images for pages."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from sparkvision._pillow import read_upright_rgb

# Sharp at 96 CSS pixels on most screens, and about 4 kB each.
SIDE = 144
QUALITY = 80


def thumbnail(image: Path | bytes, side: int = SIDE) -> bytes | None:
    """Return an image as a small JPEG, or None if the image cannot be read.

    Parameters
    ----------
    image : Path or bytes
        An image file, or its content.
    side : int
        The longer side, in pixels. A smaller image is not enlarged.
    """
    from PIL import Image

    small = BytesIO()
    try:
        pixels = read_upright_rgb(image if isinstance(image, Path) else BytesIO(image))
        pixels.thumbnail((side, side), Image.Resampling.BOX)
        pixels.save(small, "JPEG", quality=QUALITY)
    except Exception:  # Pillow raises exceptions of nearly every kind for damaged files
        return None
    return small.getvalue()


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG file as a ``data:`` URI, for a page that loads nothing."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
