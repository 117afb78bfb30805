"""Variants that Pillow reads and does not write: PNG interlaced or with 16 bits a sample, BMP with 16 bits a pixel."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

# Adam7 (ISO/IEC 15948, section 8.2): where each pass starts and how far it steps, in columns and in rows.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(samples: Samples) -> bytes:
    """Return the rows, each behind the number of its filter: 0, none."""
    big_endian = samples.astype(samples.dtype.newbyteorder(">"))
    return b"".join(b"\0" + row.tobytes() for row in big_endian)


def png(samples: Samples, interlaced: bool) -> bytes:
    """Write RGB samples, uint8 or uint16 [height, width, 3], as a PNG."""
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, samples.itemsize * 8, 2, 0, 0, int(interlaced))
    if interlaced:
        passes = [samples[row::down, column::across] for column, row, across, down in ADAM7]
        data = b"".join(_rows(one) for one in passes if one.size)
    else:
        data = _rows(samples)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def bmp16(samples: Samples, green_bits: int) -> bytes:
    """Write RGB samples, uint8 [height, width, 3], as a BMP of 16 bits a pixel, 5 or 6 of them for green."""
    height, width, _ = samples.shape
    red, green, blue = (samples[..., channel].astype(np.uint16) for channel in range(3))
    pixels = (red >> 3 << (5 + green_bits)) | (green >> (8 - green_bits) << 5) | (blue >> 3)
    rows = np.zeros((height, width + width % 2), dtype="<u2")
    rows[:, :width] = pixels[::-1]
    # Without masks a BMP has 5 bits of each colour.
    masks = struct.pack("<III", 0x1F << 11, 0x3F << 5, 0x1F) if green_bits == 6 else b""
    offset = 14 + 40 + len(masks)
    compression = 3 if masks else 0
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, compression, rows.nbytes, 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", offset + rows.nbytes, 0, 0, offset) + info + masks + rows.tobytes()
