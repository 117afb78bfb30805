"""The images of the benchmark, made from the real photos of the tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = ROOT / "tests" / "fixtures" / "photos"
FOLDER = ROOT / "build" / "bench" / "images"
# Smaller photos would have to be enlarged, and would then have less detail per pixel than a camera's.
SMALLEST_SIDE = 300


def _photos() -> list[Image.Image]:
    photos = [Image.open(file).convert("RGB") for file in sorted(PHOTOS.iterdir())]
    return [photo for photo in photos if min(photo.size) >= SMALLEST_SIDE]


def _crop(photos: list[Image.Image], number: int, size: tuple[int, int]) -> Image.Image:
    """Return a part of a photo, another one for each number."""
    random = np.random.default_rng(number)
    photo = photos[number % len(photos)]
    left, top = random.uniform(0, 0.2, 2) * photo.size
    return photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, *photo.size))


def _mosaic(photos: list[Image.Image], number: int, size: tuple[int, int]) -> Image.Image:
    """Place photos side by side at their own size, so that a pixel has as much detail as in a photo."""
    mosaic = Image.new("RGB", size)
    top, index = 0, number
    while top < size[1]:
        left, height = 0, size[1]
        while left < size[0]:
            photo = photos[index % len(photos)]
            mosaic.paste(photo, (left, top))
            left, height, index = left + photo.width, min(height, photo.height), index + 1
        top += height
    return mosaic


def _encoded(image: Image.Image, file_format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, quality=90)
    return file.getvalue()


def _jpeg(photos: list[Image.Image], number: int) -> bytes:
    return _encoded(_crop(photos, number, (500, 375)), "JPEG")


def _large_jpeg(photos: list[Image.Image], number: int) -> bytes:
    return _encoded(_mosaic(photos, number, (4000, 3000)), "JPEG")


def _small_png(photos: list[Image.Image], number: int) -> bytes:
    return _encoded(_crop(photos, number, (32, 32)), "PNG")


# The number of different images of a kind, and the function that makes one.
KINDS: Mapping[str, tuple[int, Callable[[list[Image.Image], int], bytes]]] = {
    "500x375 JPEG": (128, _jpeg),
    "12-megapixel JPEG": (12, _large_jpeg),
    "32x32 PNG": (128, _small_png),
}


def image_folder(kind: str) -> Path:
    """Return the folder of images of a kind, one of `KINDS`; made at the first call."""
    count, make = KINDS[kind]
    extension = kind.rpartition(" ")[2].lower()
    folder = FOLDER / kind.replace(" ", "-").lower()
    last = folder / f"{count - 1:03d}.{extension}"
    if not last.exists():
        folder.mkdir(parents=True, exist_ok=True)
        photos = _photos()
        for number in range(count):
            (folder / f"{number:03d}.{extension}").write_bytes(make(photos, number))
    return folder
