"""The structure of a PNG file (ISO/IEC 15948): every chunk inside the file, every checksum right, an end.

Pillow itself neither misses IEND nor rows, nor checks the checksums of image data.
"""

from __future__ import annotations

import zlib

from matcher.errors import ImageCorruptError, ImageTruncatedError
from matcher.image.cursor import need, unpack
from matcher.image.limits import check_stored

SIGNATURE_BYTES = 8
CHUNK_FRAME_BYTES = 12
"""Length, type and checksum around a chunk's content."""

IHDR_BYTES = 13

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel by colour type."""

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Start and step in x and y of the passes of an interlaced image."""

PIECE_BYTES = 2**16
"""Bytes inflated at a time."""


def check_png(data: bytes) -> None:
    """Refuse a PNG file that is cut off, damaged or out of bounds; nothing is decoded.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    offset = SIGNATURE_BYTES
    seen: list[bytes] = []
    content: list[memoryview] = []
    expected = 0
    while offset < len(data):
        (length,) = unpack(">I", data, offset)
        need(data, offset, length + CHUNK_FRAME_BYTES)
        kind = data[offset + 4 : offset + 8]
        if not seen:
            expected = _check_header(data, offset, kind, length)
        (checksum,) = unpack(">I", data, offset + 8 + length)
        if zlib.crc32(memoryview(data)[offset + 4 : offset + 8 + length]) != checksum:
            raise ImageCorruptError("PNG: a chunk's checksum does not match its content.")
        seen.append(kind)
        if kind == b"IDAT":
            content.append(memoryview(data)[offset + 8 : offset + 8 + length])
        if kind == b"IEND":
            break
        offset += length + CHUNK_FRAME_BYTES
    if not seen or seen[-1] != b"IEND":
        raise ImageTruncatedError("PNG: the file ends before its IEND chunk.")
    _check_content(content, expected)


def _check_header(data: bytes, offset: int, kind: bytes, length: int) -> int:
    """Check IHDR; return how many bytes of filtered rows the image has."""
    if kind != b"IHDR" or length != IHDR_BYTES:
        raise ImageCorruptError("PNG: expected the file to start with an IHDR chunk.")
    width, height, bits, colour, _, _, interlace = unpack(">IIBBBBB", data, offset + 8)
    check_stored(width, height, len(data))
    if colour not in CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise ImageCorruptError("PNG: the header states an unknown sort of pixels.")
    passes = ADAM7 if interlace else ((0, 0, 1, 1),)
    total = 0
    for x, y, dx, dy in passes:
        columns, rows = -(-max(width - x, 0) // dx), -(-max(height - y, 0) // dy)
        total += rows * (1 + -(-columns * bits * CHANNELS[colour] // 8)) if columns else 0
    return total


def _check_content(content: list[memoryview], expected: int) -> None:
    """Inflate the image data in small pieces, only to count: the decoder leaves missing rows black."""
    inflate = zlib.decompressobj()
    count = 0
    try:
        for part in content:
            pending: memoryview | bytes = part
            while pending and count < expected:
                count += len(inflate.decompress(pending, PIECE_BYTES))
                pending = inflate.unconsumed_tail
        while count < expected and (piece := inflate.decompress(inflate.unconsumed_tail, PIECE_BYTES)):
            count += len(piece)
    except zlib.error:
        raise ImageCorruptError("PNG: the compressed image data are damaged.") from None
    if count < expected:
        raise ImageTruncatedError(f"PNG: expected {expected} bytes of image data, got {count}.")
