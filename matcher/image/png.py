"""The structure of a PNG file (ISO/IEC 15948): every chunk inside the file, every checksum right, an end.

Pillow itself neither misses IEND nor checks the checksums of image data.
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


def check_png(data: bytes) -> None:
    """Refuse a PNG file that is cut off, damaged or out of bounds; nothing is decoded.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    offset = SIGNATURE_BYTES
    seen: list[bytes] = []
    while offset < len(data):
        (length,) = unpack(">I", data, offset)
        need(data, offset, length + CHUNK_FRAME_BYTES)
        kind = data[offset + 4 : offset + 8]
        if not seen:
            _check_header(data, offset, kind, length)
        (checksum,) = unpack(">I", data, offset + 8 + length)
        if zlib.crc32(memoryview(data)[offset + 4 : offset + 8 + length]) != checksum:
            raise ImageCorruptError("PNG: a chunk's checksum does not match its content.")
        seen.append(kind)
        if kind == b"IEND":
            break
        offset += length + CHUNK_FRAME_BYTES
    if not seen or seen[-1] != b"IEND":
        raise ImageTruncatedError("PNG: the file ends before its IEND chunk.")
    if b"IDAT" not in seen:
        raise ImageCorruptError("PNG: expected image data (IDAT), found none.")


def _check_header(data: bytes, offset: int, kind: bytes, length: int) -> None:
    if kind != b"IHDR" or length != IHDR_BYTES:
        raise ImageCorruptError("PNG: expected the file to start with an IHDR chunk.")
    width, height = unpack(">II", data, offset + 8)
    check_stored(width, height, len(data))
