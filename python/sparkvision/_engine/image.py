"""The kinds of images that a caller on this machine may pass, and the encoded bytes that the engine takes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import numpy.typing as npt

from sparkvision._pillow import upright_rgb
from sparkvision.errors import ImageError, ParameterError

if TYPE_CHECKING:
    from PIL import Image

# An encoded image, the path or file:// URL of an image file, or pixels: [height, width, 3] RGB or [height, width] grey.
ImageInput: TypeAlias = Union[bytes, bytearray, str, Path, "Image.Image", npt.NDArray[np.uint8]]
Images: TypeAlias = ImageInput | Sequence[ImageInput]


def listed(images: Images) -> list[ImageInput]:
    """Return a list of images; a single image becomes a list of one."""
    if isinstance(images, (bytes, bytearray, str, Path)) or _is_pil(images):
        return [images]  # type: ignore[list-item]
    if isinstance(images, np.ndarray) and images.ndim <= 3:
        return [images]
    try:
        return list(images)  # type: ignore[arg-type]
    except TypeError:
        raise _not_an_image(images) from None


def encoded(image: ImageInput) -> bytes:
    """Return an image as the bytes of a file. Pixels become a PNG, which is lossless.

    Raises
    ------
    ImageError
        When the image cannot be read.
    ParameterError
        When the value is none of the kinds of images.
    """
    if isinstance(image, (bytes, bytearray)):
        return bytes(image)
    if isinstance(image, (str, Path)):
        return _read(_path(image))
    if isinstance(image, np.ndarray):
        return _png(_of_array(image))
    if _is_pil(image):
        return _of_pil(image)
    raise _not_an_image(image)


def origin(image: ImageInput) -> str:
    """Return the path or URL of an image that has one, else an empty string."""
    return str(image) if isinstance(image, (str, Path)) else ""


def local_file(name: str) -> Path:
    """Return the file of a path or a file: URL. Spark writes ``file:/folder/name`` without percent-encoding."""
    return Path(url2pathname(urlsplit(name).path) if name.startswith("file://") else name.removeprefix("file:"))


def _path(image: str | Path) -> Path:
    if isinstance(image, Path):
        return image
    if "://" in image and not image.startswith("file:"):
        raise ImageError(None, f"{image} is not on this machine: fetch it, and give its bytes or path")
    return local_file(image)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise ImageError(None, f"the file cannot be read: {error}") from error


def _of_array(pixels: npt.NDArray[Any]) -> Image.Image:
    from PIL import Image

    is_image = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not is_image or pixels.size == 0:
        raise ParameterError(
            "A numpy image is uint8, [height, width, 3] in the order red, green, blue, or [height, width] grey; "
            f"this one is {pixels.dtype} {list(pixels.shape)}."
        )
    return Image.fromarray(pixels)


def _of_pil(image: Any) -> bytes:
    """Apply the EXIF orientation and convert to RGB, as transformers does with PIL images."""
    try:
        return _png(upright_rgb(image))
    except (OSError, SyntaxError, ValueError) as error:  # PIL decodes an opened file only now
        raise ImageError(None, f"Pillow cannot read the image: {error}") from error


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0)
    return file.getvalue()


def _is_pil(image: object) -> bool:
    try:
        from PIL import Image
    except ImportError:  # without Pillow there are no PIL images
        return False
    return isinstance(image, Image.Image)


def _not_an_image(image: object) -> ParameterError:
    return ParameterError(
        "An image is bytes, a path, a file:// URL, a PIL image or a numpy array, not "
        f"{type(image).__name__}: {image!r:.80}"
    )
