"""Pictures to check an export with: the user's own, or a few made in code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sparkvision.errors import ExportError

if TYPE_CHECKING:
    from PIL.Image import Image

# Enough to find a wrong graph; a folder may hold a million, and torch takes seconds for each with a large model.
MOST_PICTURES = 32


def from_folder(folder: str | Path) -> list[Image]:
    """Read the first `MOST_PICTURES` pictures of a folder; see `readable`."""
    return list(islice(readable(folder), MOST_PICTURES))


def readable(folder: str | Path) -> Iterator[Image]:
    """Read the pictures of a folder one by one, in the order of their names, as upright RGB.

    Parameters
    ----------
    folder : str or Path
        Files in it that are no pictures are passed over; its sub-folders are not searched.

    Raises
    ------
    ExportError
        If there is no such folder or no readable picture in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ExportError(f"{folder}: there is no such folder; give a folder of pictures")
    found = False
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        picture = _read(path)
        if picture is not None:
            found = True
            yield picture
    if not found:
        raise ExportError(f"{folder} holds no readable picture; give a folder with JPEG or PNG files in it")


def made_in_code() -> Sequence[Image]:
    """Give pictures of several sizes and kinds: a gradient, stripes, a bright disc on dark ground, and noise."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:300, 0:451]
    gradient = np.stack([x * 255 // 450, y * 255 // 299, (x + y) * 255 // 749], axis=-1)
    y, x = np.mgrid[0:512, 0:200]
    stripes = np.stack([(x // 9 % 2) * 255, (y // 17 % 2) * 200, ((x + y) // 25 % 2) * 150], axis=-1)
    y, x = np.mgrid[0:224, 0:224]
    disc = np.where(((x - 112) ** 2 + (y - 90) ** 2 < 60**2)[..., None], (250, 180, 40), (10, 25, 60))
    noise = np.random.default_rng(0).integers(0, 256, (97, 131, 3))
    return [Image.fromarray(pixels.astype(np.uint8)) for pixels in (gradient, stripes, disc, noise)]


def upright_rgb(source: Path | BinaryIO) -> Image:
    """Read a picture as transformers' `load_image` does: turned as its EXIF says, 8-bit RGB.

    Raises
    ------
    Exception
        Whatever Pillow raises for a file that it cannot read.
    """
    from PIL import Image, ImageOps

    with Image.open(source) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _read(path: Path) -> Image | None:
    from PIL import Image

    try:
        return upright_rgb(path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
