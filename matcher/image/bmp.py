"""The structure of a BMP file: size, room for its rows, and no run-length bomb."""

from __future__ import annotations

from matcher.errors import ImageFormatError, ImageTooLargeError
from matcher.image.cursor import need, unpack
from matcher.image.limits import check_stored

FILE_HEADER_BYTES = 14
CORE_HEADER_BYTES = 12
"""Length of the header with 16-bit sizes; all others have 32-bit ones."""

HEADER_BYTES = frozenset({40, 52, 56, 64, 108, 124})

UNCOMPRESSED = frozenset({0, 3})
"""BI_RGB and BI_BITFIELDS."""

RUN_LENGTH = frozenset({1, 2})
"""BI_RLE8 and BI_RLE4."""

MAX_RUN_LENGTH_BYTES = 2**21
"""Most bytes of a run-length coded file: its decoder is slow (about 1 us a byte)."""


def check_bmp(data: bytes) -> None:
    """Refuse a BMP file that is cut off or out of bounds; nothing is decoded.

    Raises
    ------
    ImageTruncatedError, ImageFormatError, ImageTooLargeError, ImageTooSmallError
    """
    start, header = unpack("<II", data, FILE_HEADER_BYTES - 4)
    compression = colours = 0
    if header == CORE_HEADER_BYTES:
        width, height, _, bits = unpack("<HHHH", data, FILE_HEADER_BYTES + 4)
    elif header in HEADER_BYTES:
        width, height, _, bits, compression = unpack("<iiHHI", data, FILE_HEADER_BYTES + 4)
        (colours,) = unpack("<I", data, FILE_HEADER_BYTES + 32)
    else:
        raise ImageFormatError(f"BMP: a header of {header} bytes is not known.")
    check_stored(width, abs(height), len(data))
    if bits > 1 and 1 <= colours <= 2:
        # Pillow would take the samples for single bits.
        raise ImageFormatError("BMP: a palette of one or two colours with more than one bit is not read.")
    if compression in RUN_LENGTH:
        if len(data) > MAX_RUN_LENGTH_BYTES:
            raise ImageTooLargeError(
                f"BMP: expected at most {MAX_RUN_LENGTH_BYTES} bytes of run-length code, got {len(data)}.",
                hint="Convert the image to PNG.",
            )
    elif compression in UNCOMPRESSED:
        row_bytes = (width * bits + 31) // 32 * 4
        need(data, start, row_bytes * abs(height))
    else:
        raise ImageFormatError("BMP: embedded compression is not read.", hint="Convert the image to PNG.")
