"""Small pictures to look at, as part of a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

# Sharp at 96 CSS pixels on most screens, and some 4 kB each.
_SIDE = 144


def thumbnail(file: Path) -> str | None:
    """Give a picture as a ``data:`` URI of a small JPEG, or None when it cannot be read any more."""
    from PIL import Image

    from sparkvision.export.pictures import upright_rgb

    small = BytesIO()
    try:
        picture = upright_rgb(file)
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
        picture.save(small, "JPEG", quality=80)
    except Exception:  # as in Reference.pixels: Pillow raises exceptions of nearly every kind
        return None
    return f"data:image/jpeg;base64,{b64encode(small.getvalue()).decode('ascii')}"
