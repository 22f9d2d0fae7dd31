"""The structure of a TIFF file (TIFF 6.0): one page, every strip there and inside the file."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import (
    ImageCorruptError,
    ImageFormatError,
    ImageTooLargeError,
    ImageTruncatedError,
)
from matcher.image.cursor import need, unpack
from matcher.image.jpeg import check_scans
from matcher.image.limits import check_stored

MAX_ENTRIES = 512
"""Most entries of a directory; writers use about 20."""

MAX_VALUES = 2**18
"""Most numbers of an entry: the largest image in tiles of 16 x 16 has half as many offsets."""

MAX_BLOB_BYTES = 2**22
"""Most bytes of an entry that holds bytes (colour profiles, notes)."""

MAX_SAMPLES = 6
"""Most samples a pixel."""

TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of one value of each field type."""

INTEGER_LAYOUTS = {1: "B", 3: "H", 4: "I"}
"""The field types of sizes and offsets."""

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 277, 278, 279
PLANAR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 284, 322, 323, 324, 325

RAW, JPEG = 1, 7
READ_COMPRESSIONS = frozenset({RAW, 2, 3, 4, 5, JPEG, 8, 32773, 32946})
"""None, CCITT (2 to 4), LZW, JPEG, deflate (twice) and PackBits."""

WHITE_IS_ZERO = 0
SEPARATE_PLANES = 2

Entries = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """What the decoder must know of the samples: their depth in bits, and whether 0 is white."""

    bits: int
    white_is_zero: bool


def check_tiff(data: bytes) -> TiffLayout:
    """Refuse a TIFF file that is cut off, damaged or out of bounds; nothing is decoded.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageFormatError, ImageTooLargeError, ImageTooSmallError
    """
    entries = _read_page(data)
    width, height = _one(entries, WIDTH), _one(entries, HEIGHT)
    check_stored(width, height, len(data))
    compression = _one(entries, COMPRESSION, RAW)
    if compression not in READ_COMPRESSIONS:
        raise ImageFormatError(
            f"TIFF: compression {compression} is not read.", hint="Store it uncompressed, or as PNG."
        )
    if compression == JPEG:
        check_scans(data)
    samples = _one(entries, SAMPLES, 1)
    if not 1 <= samples <= MAX_SAMPLES:
        raise ImageFormatError(f"TIFF: expected 1 to {MAX_SAMPLES} samples a pixel, got {samples}.")
    bits = entries.get(BITS, (1,))
    _check_pieces(data, entries, (width, height), samples, sum(bits) if len(bits) > 1 else bits[0] * samples)
    return TiffLayout(max(bits), _one(entries, PHOTOMETRIC, WHITE_IS_ZERO) == WHITE_IS_ZERO)


def _read_page(data: bytes) -> Entries:
    """Read the integers of the only directory, bounding every entry, also those that are not needed here."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = unpack(order + "I", data, 4)
    (count,) = unpack(order + "H", data, start)
    if not 1 <= count <= MAX_ENTRIES:
        raise ImageCorruptError(f"TIFF: expected 1 to {MAX_ENTRIES} directory entries, got {count}.")
    entries: Entries = {}
    for index in range(count):
        offset = start + 2 + 12 * index
        tag, kind, values = unpack(order + "HHI", data, offset)
        value_bytes = TYPE_BYTES.get(kind, 0) * values
        if value_bytes > MAX_BLOB_BYTES or (values > MAX_VALUES and TYPE_BYTES.get(kind, 1) > 1):
            raise ImageTooLargeError(f"TIFF: entry {tag} claims {values} values.")
        place = offset + 8
        if value_bytes > 4:
            (place,) = unpack(order + "I", data, place)
        need(data, place, value_bytes)
        if kind in INTEGER_LAYOUTS and values:
            entries[tag] = unpack(f"{order}{values}{INTEGER_LAYOUTS[kind]}", data, place)
    end = start + 2 + 12 * count
    # Some writers leave out the link to the next page at the very end of the file.
    if end + 4 <= len(data) and unpack(order + "I", data, end) != (0,):
        raise ImageFormatError(
            "TIFF: expected one page, got several.", hint="Send each capture as its own image."
        )
    return entries


def _one(entries: Entries, tag: int, default: int | None = None) -> int:
    values = entries.get(tag)
    if values is None:
        if default is None:
            raise ImageCorruptError(f"TIFF: the required entry {tag} is missing.")
        return default
    return values[0]


def _check_pieces(data: bytes, entries: Entries, size: tuple[int, int], samples: int, bits: int) -> None:
    """Every strip or tile must be listed and lie inside the file: the decoder would leave others black."""
    width, height = size
    planes = samples if _one(entries, PLANAR, 1) == SEPARATE_PLANES else 1
    if TILE_OFFSETS in entries and STRIP_OFFSETS not in entries:
        piece_w, piece_h = _one(entries, TILE_WIDTH), _one(entries, TILE_HEIGHT)
        offsets, lengths = entries[TILE_OFFSETS], entries.get(TILE_BYTES)
    elif STRIP_OFFSETS in entries:
        piece_w, piece_h = width, min(_one(entries, ROWS_PER_STRIP, height), height)
        offsets, lengths = entries[STRIP_OFFSETS], entries.get(STRIP_BYTES)
    else:
        raise ImageCorruptError("TIFF: the page lists no image data.")
    if piece_w < 1 or piece_h < 1:
        raise ImageCorruptError("TIFF: strips or tiles have no pixels.")
    check_stored(piece_w, piece_h, len(data))
    expected = -(-width // piece_w) * -(-height // piece_h) * planes
    if len(offsets) != expected:
        raise ImageTruncatedError(f"TIFF: expected {expected} strips or tiles, {len(offsets)} are listed.")
    if _one(entries, COMPRESSION, RAW) == RAW:
        stored = -(-width * bits // 8) * height if piece_w == width else 0
        if stored > len(data):
            raise ImageTruncatedError(f"TIFF: expected {stored} bytes of samples, the file has {len(data)}.")
    elif lengths is None or len(lengths) != expected:
        raise ImageCorruptError("TIFF: compressed strips or tiles without a length each.")
    for offset, length in zip(offsets, lengths or (1,) * expected, strict=False):
        need(data, offset, length)
