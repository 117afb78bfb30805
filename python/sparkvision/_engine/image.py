"""Pictures as a caller on this machine has them, and the encoded bytes that the engine takes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import numpy.typing as npt

from sparkvision.errors import ImageError, ParameterError

if TYPE_CHECKING:
    from PIL import Image

# An encoded picture, a path or file:// URL of one, or pixels: [height, width, 3] RGB or [height, width] grey.
Picture: TypeAlias = Union[bytes, bytearray, str, Path, "Image.Image", npt.NDArray[np.uint8]]


def listed(pictures: Picture | Sequence[Picture]) -> list[Picture]:
    """Give a list of pictures: of one, where one came alone."""
    if isinstance(pictures, (bytes, bytearray, str, Path)) or _is_pil(pictures):
        return [pictures]  # type: ignore[list-item]
    if isinstance(pictures, np.ndarray) and pictures.ndim <= 3:
        return [pictures]
    try:
        return list(pictures)  # type: ignore[arg-type]
    except TypeError:
        raise _no_picture(pictures) from None


def encoded(picture: Picture) -> bytes:
    """Give a picture as the bytes of a file. Pixels become a PNG, which keeps every one of them.

    Raises
    ------
    ImageError
        When it cannot be read.
    ParameterError
        When it is no picture.
    """
    if isinstance(picture, (bytes, bytearray)):
        return bytes(picture)
    if isinstance(picture, (str, Path)):
        return _read(_path(picture))
    if isinstance(picture, np.ndarray):
        return _png(_of_array(picture))
    if _is_pil(picture):
        return _of_pil(picture)
    raise _no_picture(picture)


def origin(picture: Picture) -> str:
    """Give the path or URL of a picture that has one, else an empty string."""
    return str(picture) if isinstance(picture, (str, Path)) else ""


def local_file(name: str) -> Path:
    """Give the file that a path or a file: URL names; Spark writes ``file:/folder/name``, and quotes nothing in it."""
    return Path(url2pathname(urlsplit(name).path) if name.startswith("file://") else name.removeprefix("file:"))


def _path(picture: str | Path) -> Path:
    if isinstance(picture, Path):
        return picture
    if "://" in picture and not picture.startswith("file:"):
        raise ImageError(None, f"{picture} is not on this machine: fetch it, and give its bytes or path")
    return local_file(picture)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise ImageError(None, f"the file cannot be read: {error}") from error


def _of_array(pixels: npt.NDArray[Any]) -> Image.Image:
    from PIL import Image

    is_picture = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not is_picture or pixels.size == 0:
        raise ParameterError(
            "A numpy picture is uint8, [height, width, 3] in the order red, green, blue, or [height, width] grey; "
            f"this one is {pixels.dtype} {list(pixels.shape)}."
        )
    return Image.fromarray(pixels)


def _of_pil(picture: Any) -> bytes:
    """Turn it as its EXIF says and convert it to RGB, as transformers does with a picture that it is given."""
    from PIL import ImageOps

    try:
        return _png(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # a file that was opened is decoded only now
        raise ImageError(None, f"Pillow cannot read the picture: {error}") from error


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=0)
    return file.getvalue()


def _is_pil(picture: object) -> bool:
    try:
        from PIL import Image
    except ImportError:  # then it cannot be one
        return False
    return isinstance(picture, Image.Image)


def _no_picture(picture: object) -> ParameterError:
    return ParameterError(
        "A picture is bytes, a path, a file:// URL, a PIL image or a numpy array, not "
        f"{type(picture).__name__}: {picture!r:.80}"
    )
