"""Random images in every variant of every format that Pillow writes, and ways of damaging them.

`VARIANTS` names the variants as docs/exactness.md does; the same generator state gives the same bytes.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageFile
from tests.parity.raw_formats import bmp16, png

PHOTOS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "photos"

Maker = Callable[[random.Random, Image.Image], bytes]

ORIENTATION_TAG = 274
# Pillow writes optimised and progressive JPEGs through one buffer; small images of noise need more than its own.
ImageFile.MAXBLOCK = 1 << 22

PREDICTOR_TAG = 317
ROWS_PER_STRIP_TAG = 278
LOSSLESS_TIFF = [None, "packbits", "tiff_lzw", "tiff_adobe_deflate"]


@cache
def _photos() -> list[Image.Image]:
    return [Image.open(file).convert("RGB") for file in sorted(PHOTOS.iterdir())]


def random_size(rng: random.Random) -> tuple[int, int]:
    """Draw width and height: mostly small, now and then a line of pixels or a larger image."""
    kind = rng.random()
    if kind < 0.1:
        line = rng.randint(1, 400)
        return (1, line) if rng.random() < 0.5 else (line, 1)
    if kind < 0.15:
        return rng.randint(100, 700), rng.randint(100, 700)
    return rng.randint(1, 96), rng.randint(1, 96)


def random_image(rng: random.Random) -> Image.Image:
    """Make an RGB image: a piece of a photo, noise, a gradient, or a few flat colours."""
    width, height = random_size(rng)
    kind = rng.random()
    if kind < 0.5:
        photo = rng.choice(_photos())
        left, top = rng.uniform(0, 0.8) * photo.width, rng.uniform(0, 0.8) * photo.height
        return photo.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, photo.width, photo.height))
    numpy = np.random.default_rng(rng.getrandbits(64))
    if kind < 0.7:
        values = numpy.integers(0, 256, (height, width, 3))
    elif kind < 0.85:
        down, across = np.mgrid[0:height, 0:width]
        steps = numpy.uniform(-4, 4, (2, 3))
        values = (down[..., None] * steps[0] + across[..., None] * steps[1] + numpy.uniform(0, 256, 3)) % 256
    else:
        colours = numpy.integers(0, 256, (rng.randint(1, 5), 3))
        values = colours[numpy.integers(0, len(colours), (height, width))]
    return Image.fromarray(values.astype(np.uint8))


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """Return the file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _alpha(rng: random.Random, image: Image.Image, mode: str = "RGBA") -> Image.Image:
    mask = np.random.default_rng(rng.getrandbits(64)).integers(0, 256, (image.height, image.width)).astype(np.uint8)
    if rng.random() < 0.3:
        mask = np.where(mask < 128, 0, 255).astype(np.uint8)
    with_alpha = image.convert(mode)
    with_alpha.putalpha(Image.fromarray(mask))
    return with_alpha


def _palette(rng: random.Random, image: Image.Image) -> Image.Image:
    return image.quantize(rng.choice([2, 3, 4, 9, 16, 40, 256]))


def _sixteen_bits(rng: random.Random, image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L"), dtype=np.uint16)
    return Image.fromarray(grey * np.uint16(rng.choice([1, 2, 257])))


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    return exif


# -- JPEG


def _jpeg_options(rng: random.Random) -> dict[str, Any]:
    options: dict[str, Any] = {"quality": rng.randint(1, 100)}
    if rng.random() < 0.4:
        options["progressive"] = True
    if rng.random() < 0.3:
        options["optimize"] = True
    if rng.random() < 0.2:
        options["restart_marker_blocks"] = rng.randint(1, 20)
    if rng.random() < 0.1:
        options["icc_profile"] = rng.randbytes(200)
    return options


def _jpeg(rng: random.Random, image: Image.Image, **more: Any) -> bytes:
    subsampling = rng.choice(["4:4:4", "4:2:2", "4:2:0"])
    return encoded(image, "JPEG", subsampling=subsampling, **_jpeg_options(rng), **more)


def _jpeg_cmyk(rng: random.Random, image: Image.Image) -> bytes:
    return encoded(image.convert("CMYK"), "JPEG", **_jpeg_options(rng))


def _adobe_marker(jpeg: bytes) -> int:
    return jpeg.index(b"\xff\xee\x00\x0eAdobe")


def _jpeg_ycck(rng: random.Random, image: Image.Image) -> bytes:
    """Pillow writes no YCCK: the same samples are declared to be that (Adobe's colour transform 2)."""
    jpeg = bytearray(_jpeg_cmyk(rng, image))
    jpeg[_adobe_marker(bytes(jpeg)) + 15] = 2
    return bytes(jpeg)


def _jpeg_cmyk_unmarked(rng: random.Random, image: Image.Image) -> bytes:
    jpeg = _jpeg_cmyk(rng, image)
    marker = _adobe_marker(jpeg)
    return jpeg[:marker] + jpeg[marker + 16 :]


# -- PNG, GIF, BMP, WebP


def _png(rng: random.Random, image: Image.Image, **more: Any) -> bytes:
    return encoded(image, "PNG", compress_level=rng.randint(0, 9), **more)


def _png_palette(rng: random.Random, image: Image.Image) -> bytes:
    palette = _palette(rng, image)
    if rng.random() < 0.5:
        return _png(rng, palette)
    return _png(rng, palette, transparency=rng.choice([0, rng.randbytes(2)]))


def _png_16bit_colour(rng: random.Random, image: Image.Image) -> bytes:
    samples = np.asarray(image).astype(np.uint16) * 257
    samples += np.random.default_rng(rng.getrandbits(64)).integers(0, 250, samples.shape).astype(np.uint16)
    return png(samples, interlaced=rng.random() < 0.3)


def _apng(rng: random.Random, image: Image.Image) -> bytes:
    other = Image.new("RGB", image.size, (rng.randrange(256), 7, 9))
    return _png(rng, image, save_all=True, append_images=[other], default_image=rng.random() < 0.3)


def _gif(rng: random.Random, image: Image.Image, **more: Any) -> bytes:
    return encoded(_palette(rng, image), "GIF", interlace=rng.random() < 0.5, **more)


def _gif_animated(rng: random.Random, image: Image.Image) -> bytes:
    other = Image.new("RGB", image.size, (rng.randrange(256), 7, 9))
    return encoded(image, "GIF", save_all=True, append_images=[other], duration=100)


def _webp(rng: random.Random, image: Image.Image, **more: Any) -> bytes:
    return encoded(image, "WEBP", quality=rng.randint(0, 100), method=rng.randint(0, 4), **more)


def _webp_animated(rng: random.Random, image: Image.Image) -> bytes:
    other = Image.new("RGB", image.size, (rng.randrange(256), 7, 9))
    return _webp(rng, image, save_all=True, append_images=[other], lossless=rng.random() < 0.5)


# -- TIFF


def _tiff(rng: random.Random, image: Image.Image, compressions: list[str | None] | None = None, **more: Any) -> bytes:
    compression = rng.choice(compressions or LOSSLESS_TIFF)
    tags: dict[int, int] = dict(more.pop("tiffinfo", {}))
    if compression in ("tiff_lzw", "tiff_adobe_deflate") and image.mode in ("L", "RGB", "RGBA") and rng.random() < 0.5:
        tags[PREDICTOR_TAG] = 2
    if compression != "jpeg" and rng.random() < 0.5:
        tags[ROWS_PER_STRIP_TAG] = rng.randint(1, image.height)
    return encoded(image, "TIFF", compression=compression, tiffinfo=tags, **more)


def _tiff_float(rng: random.Random, image: Image.Image) -> bytes:
    grey = np.asarray(image.convert("L"), dtype=np.float32) * np.float32(rng.choice([1.0, 1.37, -0.5, 1 / 255]))
    return _tiff(rng, Image.fromarray(grey))


def _tiff_integers(rng: random.Random, image: Image.Image) -> bytes:
    grey = np.asarray(image.convert("L"), dtype=np.int32) * rng.choice([1, 3, -1, 65537])
    return _tiff(rng, Image.fromarray(grey))


def _lab(image: Image.Image) -> Image.Image:
    conversion = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    return ImageCms.applyTransform(image, conversion) or image


def _tiff_oriented(rng: random.Random, image: Image.Image, orientations: range) -> bytes:
    return _tiff(rng, image, tiffinfo={ORIENTATION_TAG: rng.choice(orientations)})


def _tiff_pages(rng: random.Random, image: Image.Image) -> bytes:
    return _tiff(rng, image, save_all=True, append_images=[Image.new("RGB", (9, 9))])


VARIANTS: dict[str, Maker] = {
    "JPEG, grey": lambda rng, image: encoded(image.convert("L"), "JPEG", **_jpeg_options(rng)),
    "JPEG, colour": _jpeg,
    "JPEG, colour stored as RGB": lambda rng, image: encoded(image, "JPEG", keep_rgb=True, **_jpeg_options(rng)),
    "JPEG, EXIF orientation 1 to 8": lambda rng, image: _jpeg(rng, image, exif=_exif(rng.randint(1, 8))),
    "JPEG, CMYK": _jpeg_cmyk,
    "JPEG, CMYK without Adobe's marker": _jpeg_cmyk_unmarked,
    "JPEG, YCCK": _jpeg_ycck,
    "PNG, grey, 1 bit": lambda rng, image: _png(rng, image.convert("1")),
    "PNG, grey, 8 bits": lambda rng, image: _png(rng, image.convert("L")),
    "PNG, grey, 16 bits": lambda rng, image: _png(rng, _sixteen_bits(rng, image)),
    "PNG, colour, 8 bits": _png,
    "PNG, colour, 16 bits": _png_16bit_colour,
    "PNG, palette, 1 to 8 bits": _png_palette,
    "PNG, grey with alpha": lambda rng, image: _png(rng, _alpha(rng, image, "LA")),
    "PNG, colour with alpha": lambda rng, image: _png(rng, _alpha(rng, image)),
    "PNG, colour with a transparent colour": lambda rng, image: _png(rng, image, transparency=image.getpixel((0, 0))),
    "PNG, interlaced": lambda _, image: png(np.asarray(image), interlaced=True),
    "PNG, EXIF orientation 1 to 8": lambda rng, image: _png(rng, image, exif=_exif(rng.randint(1, 8))),
    "PNG, animated (the first frame)": _apng,
    "GIF": _gif,
    "GIF, transparent": lambda rng, image: _gif(rng, image, transparency=rng.randint(0, 3)),
    "GIF, animated (the first frame)": _gif_animated,
    "BMP, 1 bit": lambda _, image: encoded(image.convert("1"), "BMP"),
    "BMP, palette and grey": lambda rng, image: encoded(
        image.convert("L") if rng.random() < 0.3 else _palette(rng, image), "BMP"
    ),
    "BMP, 16 bits": lambda rng, image: bmp16(np.asarray(image), green_bits=rng.choice([5, 6])),
    "BMP, 24 bits": lambda _, image: encoded(image, "BMP"),
    "BMP, 32 bits": lambda rng, image: encoded(_alpha(rng, image), "BMP"),
    "WebP, lossy": _webp,
    "WebP, lossless": lambda rng, image: _webp(rng, image, lossless=True),
    "WebP, alpha": lambda rng, image: _webp(rng, _alpha(rng, image), lossless=rng.random() < 0.5),
    "WebP, EXIF orientation 1 to 8": lambda rng, image: _webp(rng, image, exif=_exif(rng.randint(1, 8))),
    "WebP, animated (the first frame)": _webp_animated,
    "TIFF, 1 bit": lambda rng, image: _tiff(rng, image.convert("1"), [*LOSSLESS_TIFF, "group3", "group4"]),
    "TIFF, grey, 8 bits": lambda rng, image: _tiff(rng, image.convert("L")),
    "TIFF, grey, 16 bits": lambda rng, image: _tiff(rng, _sixteen_bits(rng, image)),
    "TIFF, grey, 32-bit integers": _tiff_integers,
    "TIFF, grey, 32-bit floats": _tiff_float,
    "TIFF, colour, 8 bits": _tiff,
    "TIFF, palette": lambda rng, image: _tiff(rng, _palette(rng, image)),
    "TIFF, grey with alpha": lambda rng, image: _tiff(rng, _alpha(rng, image, "LA")),
    "TIFF, colour with alpha": lambda rng, image: _tiff(rng, _alpha(rng, image)),
    "TIFF, CMYK": lambda rng, image: _tiff(rng, image.convert("CMYK")),
    "TIFF, YCbCr": lambda rng, image: _tiff(rng, image.convert("YCbCr")),
    "TIFF, CIELab": lambda rng, image: _tiff(rng, _lab(image)),
    "TIFF, JPEG inside": lambda rng, image: _tiff(rng, image.convert(rng.choice(["L", "RGB"])), ["jpeg"]),
    "TIFF, Zstandard or LZMA inside": lambda rng, image: _tiff(rng, image, ["zstd", "lzma"]),
    "TIFF, orientation 1 to 4": lambda rng, image: _tiff_oriented(rng, image, range(1, 5)),
    "TIFF, orientation 5 to 8": lambda rng, image: _tiff_oriented(rng, image, range(5, 9)),
    "TIFF, several pages (the first)": _tiff_pages,
    "BigTIFF": lambda rng, image: _tiff(rng, image, big_tiff=True),
    "AVIF": lambda _, image: encoded(image, "AVIF", speed=10),
    "JPEG 2000": lambda _, image: encoded(image, "JPEG2000"),
    "ICO": lambda _, image: encoded(image.resize((32, 32)), "ICO", sizes=[(32, 32)]),
    "PPM": lambda _, image: encoded(image, "PPM"),
    "TGA": lambda _, image: encoded(image, "TGA"),
}


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Cut a file off, or change, remove or insert some of its bytes."""
    changed = bytearray(data)
    kind = rng.random()
    if kind < 0.35:
        return data[: rng.randrange(len(data))]
    if kind < 0.8:
        for _ in range(rng.choice([1, 1, 2, 5, 20])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    elif kind < 0.9:
        start = rng.randrange(len(changed))
        del changed[start : start + rng.randint(1, 50)]
    else:
        at = rng.randrange(len(changed))
        changed[at:at] = rng.randbytes(rng.randint(1, 50))
    return bytes(changed)
