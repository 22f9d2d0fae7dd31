"""The structure of a JPEG 2000 file (ISO/IEC 15444-1): its size, every tile, every part inside the file."""

from __future__ import annotations

from matcher.errors import ImageCorruptError, ImageTooLargeError, ImageTruncatedError
from matcher.image.cursor import need, unpack
from matcher.image.limits import check_stored

JP2_MAGIC = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
SOC, SIZ, SOT, EOC = 0xFF4F, 0xFF51, 0xFF90, 0xFFD9

MAX_BOXES = 1000
"""Most boxes at the top of a JP2 file; writers use about five."""

MAX_TILES = 4096
"""Most tiles. Each costs the decoder time and memory; 64 x 64 tiles cover any image that is read."""


def check_jpeg2000(data: bytes) -> None:
    """Refuse a JPEG 2000 file or codestream that is cut off, damaged or out of bounds; nothing is decoded.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    start, end, stated = _find_codestream(data) if data.startswith(JP2_MAGIC) else (0, len(data), None)
    stream = data[start:end]
    size, tiles = _read_size(stream)
    check_stored(*size, len(data))
    if stated is not None and stated != size:
        raise ImageCorruptError(f"JPEG 2000: the header says {stated}, the codestream {size} pixels.")
    if tiles > MAX_TILES:
        raise ImageTooLargeError(f"JPEG 2000: expected at most {MAX_TILES} tiles, got {tiles}.")
    _check_tiles(stream, tiles)


def _find_codestream(data: bytes) -> tuple[int, int, tuple[int, int] | None]:
    """Walk the boxes of a JP2 file: where the codestream lies, and the size that the image header states."""
    offset, stated = 0, None
    for _ in range(MAX_BOXES):
        if offset >= len(data):
            break
        length, kind = unpack(">II", data, offset)
        header = 8
        if length == 1:
            (length,) = unpack(">Q", data, offset + 8)
            header = 16
        elif length == 0:
            length = len(data) - offset
        if length < header:
            raise ImageCorruptError("JPEG 2000: a box is shorter than its own header.")
        need(data, offset, length)
        name = kind.to_bytes(4, "big")
        if name == b"jp2h":
            # The image header box comes first in it (I.5.3.1): length, type, height, width.
            _, inner, height, width = unpack(">IIII", data, offset + header)
            if inner.to_bytes(4, "big") != b"ihdr":
                raise ImageCorruptError("JPEG 2000: expected an image header box first.")
            stated = (width, height)
        elif name == b"jp2c":
            if stated is None:
                raise ImageCorruptError("JPEG 2000: the codestream comes before the image header.")
            return offset + header, offset + length, stated
        offset += length
    raise ImageTruncatedError("JPEG 2000: the file holds no codestream.")


def _read_size(stream: bytes) -> tuple[tuple[int, int], int]:
    """Return (width, height) and the number of tiles that the SIZ marker segment states."""
    soc, siz = unpack(">HH", stream, 0)
    if soc != SOC or siz != SIZ:
        raise ImageCorruptError("JPEG 2000: expected the codestream to start with its size.")
    x1, y1, x0, y0, tile_w, tile_h, tile_x, tile_y = unpack(">8I", stream, 8)
    if x1 <= x0 or y1 <= y0 or tile_w == 0 or tile_h == 0 or tile_x > x0 or tile_y > y0:
        raise ImageCorruptError("JPEG 2000: the size segment contradicts itself.")
    tiles = -(-(x1 - tile_x) // tile_w) * -(-(y1 - tile_y) // tile_h)
    return (x1 - x0, y1 - y0), tiles


def _check_tiles(stream: bytes, tiles: int) -> None:
    """Walk main header and tile parts (A.4.2); each tile must occur, each part must lie inside."""
    offset = 2
    while True:
        marker, length = unpack(">HH", stream, offset)
        if marker == SOT:
            break
        if marker < 0xFF00 or length < 2:
            raise ImageCorruptError("JPEG 2000: the main header is damaged.")
        offset += 2 + length
    seen: set[int] = set()
    while True:
        (marker,) = unpack(">H", stream, offset)
        if marker == EOC:
            break
        if marker != SOT:
            raise ImageCorruptError("JPEG 2000: expected a tile part.")
        tile, part_bytes = unpack(">HI", stream, offset + 4)
        if tile >= tiles:
            raise ImageCorruptError(f"JPEG 2000: a part belongs to tile {tile} of {tiles}.")
        seen.add(tile)
        if part_bytes == 0:
            # The last part may leave its length open: it then reaches to the end marker.
            if not stream.rstrip(b"\x00").endswith(EOC.to_bytes(2, "big")):
                raise ImageTruncatedError("JPEG 2000: the codestream ends before its end marker.")
            break
        if part_bytes < 14:
            raise ImageCorruptError("JPEG 2000: a tile part is shorter than its own header.")
        offset += part_bytes
    if len(seen) != tiles:
        raise ImageTruncatedError(f"JPEG 2000: {len(seen)} of {tiles} tiles are there.")
