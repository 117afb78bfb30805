"""Pictures and results on their way to the JVM and back, as `LocalModelBytes.scala` packs them."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from sparkvision._engine.image import Picture, encoded
from sparkvision.errors import ImageError

# Pictures that cross to the JVM in one call: enough to fill batches, few enough for one byte array. Pixels come
# uncompressed, so that those of a camera weigh tens of megabytes each; a picture that weighs more goes alone.
PICTURES_PER_CALL = 64
BYTES_PER_CALL = 64 * 2**20
# From here on they cross in a file: py4j turns bytes into text and back, which for a camera's photos takes as long as
# labelling them.
BYTES_IN_A_FILE = 2**20


def packed_calls(pictures: Sequence[Picture]) -> Iterator[tuple[bytes, list[str | None]]]:
    """Pack pictures for the JVM, some at a time; those that cannot be read stay behind, with the reason.

    What is given is valid until the next is asked for.
    """
    for packed, reasons in _groups(pictures):
        with _sendable(packed) as sent:
            yield sent, reasons


@contextmanager
def _sendable(packed: bytes) -> Iterator[bytes]:
    """Give the bytes themselves or, of many, minus the length of a file's name and the name."""
    if len(packed) < BYTES_IN_A_FILE:
        yield packed
        return
    with tempfile.NamedTemporaryFile(prefix="sparkvision-pictures-") as file:
        file.write(packed)
        file.flush()
        name = file.name.encode()
        yield struct.pack("<i", -len(name)) + name


def _groups(pictures: Sequence[Picture]) -> Iterator[tuple[bytes, list[str | None]]]:
    packed = bytearray()
    reasons: list[str | None] = []
    for picture in pictures:
        entry, reason = _entry(picture)
        if len(reasons) == PICTURES_PER_CALL or (packed and len(packed) + len(entry) > BYTES_PER_CALL):
            yield bytes(packed), reasons
            packed, reasons = bytearray(), []
        packed += entry
        reasons.append(reason)
    if reasons:
        yield bytes(packed), reasons


def _entry(picture: Picture) -> tuple[bytes, str | None]:
    try:
        data = encoded(picture)
    except ImageError as error:
        return b"", error.reason
    return struct.pack("<i", len(data)) + data, None


def unpack(packed: bytes, count: int) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Read what `LocalModelBytes` packs: a reason (or none) for each picture, then the floats."""
    reasons, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from("<i", packed, at)
        reasons.append(packed[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return reasons, np.frombuffer(packed, dtype="<f4", offset=at).astype(np.float32)
