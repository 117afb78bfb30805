"""Images read with Pillow in the same way as transformers reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL.Image import Image


def upright_rgb(image: Image) -> Image:
    """Turn an image as its EXIF orientation says, and convert it to 8-bit RGB, as transformers' `load_image` does.

    Raises
    ------
    Exception
        Whatever Pillow raises for an image that cannot be decoded.
    """
    from PIL import ImageOps

    return ImageOps.exif_transpose(image).convert("RGB")


def read_upright_rgb(source: Path | BinaryIO) -> Image:
    """Read an image file, or the bytes of one, as `upright_rgb` returns it.

    Raises
    ------
    Exception
        Whatever Pillow raises for a file that cannot be read.
    """
    from PIL import Image

    with Image.open(source) as image:
        return upright_rgb(image)
