"""The same images through the engine, and through Pillow and transformers' slow processors."""

from __future__ import annotations

import io
import json
import struct
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from sparkvision._engine.gateway import jvm
from sparkvision._spark.scala_errors import scala_errors

Values = npt.NDArray[Any]


class Refused(Exception):
    """Why an image was not read."""


def _packed(images: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<i", len(data)) + data for data in images)


def _answers(packed: bytes, channels: int, kind: str) -> Iterator[tuple[int, int, Values] | Refused]:
    """Read what the engine's `PackedCalls` packs: height, width and values of each image, or why it is refused."""
    at = 0
    while at < len(packed):
        (length,) = struct.unpack_from("<i", packed, at)
        at += 4
        if length:
            yield Refused(packed[at : at + length].decode())
            at += length
        else:
            height, width = struct.unpack_from("<ii", packed, at)
            values = np.frombuffer(packed, kind, height * width * channels, at + 8)
            at += 8 + values.nbytes
            yield height, width, values


def engine_pixels(images: Sequence[bytes]) -> list[Values | Refused]:
    """Decode with the engine: uint8 [height, width, 3] for each image, or why it is refused."""
    with scala_errors():
        packed = jvm().sparkvision.image.preprocess.PackedCalls.decode(_packed(images))
    return [
        answer if isinstance(answer, Refused) else answer[2].reshape(answer[0], answer[1], 3)
        for answer in _answers(packed, 3, "u1")
    ]


def engine_input(config: dict[str, Any], images: Sequence[bytes]) -> list[Values | Refused]:
    """Prepare with the engine: float32 [3, height, width] for each image, or why it is refused."""
    with scala_errors():
        packed = jvm().sparkvision.image.preprocess.PackedCalls.preprocess(json.dumps(config), _packed(images))
    return [
        answer if isinstance(answer, Refused) else answer[2].reshape(3, answer[0], answer[1])
        for answer in _answers(packed, 3, "<f4")
    ]


def pillow_pixels(data: bytes) -> Values | Refused:
    """Decode with Pillow, as transformers' ``load_image`` does: uint8 [height, width, 3], or why it is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGB"))
    # Whatever a damaged file makes Pillow raise (SyntaxError, struct.error, TypeError ...), it does not read it.
    except Exception as refusal:
        return Refused(f"{type(refusal).__name__}: {refusal}")


def transformers_input(config: dict[str, Any], pixels: Values) -> Values:
    """Prepare with the slow processor that the settings name: float32 [3, height, width]."""
    import transformers

    settings = {key: value for key, value in config.items() if key != "image_processor_type"}
    processor = getattr(transformers, config["image_processor_type"])(**settings)
    # Left to guess, transformers takes a side of 1 or 3 pixels for the channels.
    image = Image.fromarray(pixels)
    values: Values = processor(image, return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    return values
