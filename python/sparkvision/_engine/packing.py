"""The binary format in which images go to the JVM and results come back, as in `LocalModelBytes.scala`."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from sparkvision._engine.image import ImageInput, encoded
from sparkvision.errors import ImageError

# Images per call: enough to fill batches, few enough for one byte array. Pixels are sent uncompressed, which is tens of
# megabytes for a photo of a camera; a larger image goes alone.
IMAGES_PER_CALL = 64
BYTES_PER_CALL = 64 * 2**20
# Larger calls go through a file: py4j converts bytes to text and back, which for photos of a camera takes as long as
# labelling them.
BYTES_IN_A_FILE = 2**20


def packed_calls(images: Sequence[ImageInput]) -> Iterator[tuple[bytes, list[str | None]]]:
    """Pack images for the JVM, in several calls. An image that cannot be read is left out, with the reason.

    The packed bytes are valid until the next ones are requested.
    """
    for packed, reasons in _groups(images):
        with _sendable(packed) as sent:
            yield sent, reasons


@contextmanager
def _sendable(packed: bytes) -> Iterator[bytes]:
    """Yield the bytes or, if there are many, the name of a file that holds them, after its negative length."""
    if len(packed) < BYTES_IN_A_FILE:
        yield packed
        return
    with tempfile.NamedTemporaryFile(prefix="sparkvision-images-") as file:
        file.write(packed)
        file.flush()
        name = file.name.encode()
        yield struct.pack("<i", -len(name)) + name


def _groups(images: Sequence[ImageInput]) -> Iterator[tuple[bytes, list[str | None]]]:
    packed = bytearray()
    reasons: list[str | None] = []
    for image in images:
        entry, reason = _entry(image)
        if len(reasons) == IMAGES_PER_CALL or (packed and len(packed) + len(entry) > BYTES_PER_CALL):
            yield bytes(packed), reasons
            packed, reasons = bytearray(), []
        packed += entry
        reasons.append(reason)
    if reasons:
        yield bytes(packed), reasons


def _entry(image: ImageInput) -> tuple[bytes, str | None]:
    try:
        data = encoded(image)
    except ImageError as error:
        return b"", error.reason
    return struct.pack("<i", len(data)) + data, None


def unpack(packed: bytes, count: int) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Unpack a result of `LocalModelBytes`: for each image a reason or an empty text, then the floats."""
    reasons, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from("<i", packed, at)
        reasons.append(packed[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return reasons, np.frombuffer(packed, dtype="<f4", offset=at).astype(np.float32)
