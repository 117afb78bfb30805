"""Pictures and results on their way to the JVM and back, as `LocalModelBytes.scala` packs them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sparkvision._picture import Picture, encoded
from sparkvision.errors import ImageError

# Pictures that cross to the JVM in one call: enough to fill batches, few enough for one byte array.
PICTURES_PER_CALL = 64


def packed_calls(pictures: Sequence[Picture]) -> Iterator[tuple[bytes, list[str | None]]]:
    """Pack pictures for the JVM, some at a time; those that cannot be read stay behind, with the reason."""
    for start in range(0, len(pictures), PICTURES_PER_CALL):
        packed = bytearray()
        reasons: list[str | None] = []
        for picture in pictures[start : start + PICTURES_PER_CALL]:
            try:
                data = encoded(picture)
                packed += struct.pack("<i", len(data)) + data
                reasons.append(None)
            except ImageError as error:
                reasons.append(error.reason)
        yield bytes(packed), reasons


def unpack(packed: bytes, count: int) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Read what `LocalModelBytes` packs: a reason (or none) for each picture, then the floats."""
    reasons, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from("<i", packed, at)
        reasons.append(packed[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return reasons, np.frombuffer(packed, dtype="<f4", offset=at).astype(np.float32)
