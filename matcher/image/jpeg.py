"""The structure of a JPEG file (ITU-T T.81): its frame's size, its scans, its end."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import ImageCorruptError, ImageFormatError, ImageTooLargeError, ImageTruncatedError
from matcher.image.cursor import need, unpack
from matcher.image.limits import check_stored

MAX_SCANS = 128
"""Most scans. Each passes over the whole image, so scans multiply the time of decoding; encoders write 1 to
12."""

SOF0, SOF15, SOS, EOI = 0xC0, 0xCF, 0xDA, 0xD9
TEM, RST0, RST7 = 0x01, 0xD0, 0xD7
NOT_FRAMES = frozenset({0xC4, 0xC8, 0xCC})
"""DHT, JPG and DAC lie among the codes of frame headers."""

LOSSLESS = 0xC3
"""Lossless frame with Huffman codes."""

DECODABLE_FRAMES = frozenset({0xC0, 0xC1, 0xC2, LOSSLESS, 0xC9, 0xCA})
"""Baseline, extended and progressive, Huffman or arithmetic, and lossless with Huffman codes: lossless with
arithmetic codes and hierarchical ones are not read."""

ARITHMETIC_FRAMES = frozenset({0xC9, 0xCA})
"""Arithmetic codes may rely on the bytes behind them."""

FILLER = b"\x5a" * 64
"""Bytes that stand for some picture in any Huffman code, but for a flat one in hardly any."""

FRAME_BITS = 8
"""Sample depth that is read; 12 bits are not."""


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """What the walk over a JPEG file found: where it ends, and what its frame is."""

    end: int
    huffman: bool
    lossless: bool


def check_jpeg(data: bytes) -> JpegLayout:
    """Refuse a JPEG file that is cut off, damaged or out of bounds; nothing is decoded.

    Returns
    -------
    JpegLayout
        `end` is the offset of the end-of-image marker.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageFormatError, ImageTooLargeError, ImageTooSmallError
    """
    check_scans(data)
    offset, frames, scans = 2, [], 0
    while True:
        offset = next_marker(data, offset, in_scan=scans > 0)
        marker = data[offset + 1]
        if marker == EOI:
            break
        (length,) = unpack(">H", data, offset + 2)
        need(data, offset + 2, length)
        if SOF0 <= marker <= SOF15 and marker not in NOT_FRAMES:
            _check_frame(data, offset, marker)
            frames.append(marker)
        scans += marker == SOS
        offset += 2 + max(length, 2)
    if scans == 0:
        raise ImageTruncatedError("JPEG: the file ends before its first scan.")
    if len(frames) != 1:
        raise ImageCorruptError(f"JPEG: expected one frame header, found {len(frames)}.")
    return JpegLayout(offset, frames[0] not in ARITHMETIC_FRAMES, frames[0] == LOSSLESS)


def other_ending(data: bytes, end: int) -> bytes:
    """Return the file with meaningless bytes before its end-of-image marker.

    Where a scan lacks data the decoder fills the rest of the picture without a word. It never looks at bytes
    behind a complete scan: a complete file decodes to the same pixels with them, an incomplete one does not.
    """
    return data[:end] + FILLER + bytes((0xFF, EOI))


def next_marker(data: bytes, offset: int, *, in_scan: bool) -> int:
    """Return the offset of the next marker that starts a segment or ends the image.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError
        If there is none, or other bytes stand where one must.
    """
    while True:
        if in_scan:
            offset = data.find(b"\xff", offset)
        if offset < 0 or offset + 2 > len(data):
            raise ImageTruncatedError("JPEG: the file ends before its end-of-image marker.")
        if data[offset] != 0xFF:
            raise ImageCorruptError("JPEG: expected a marker between segments.")
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
        elif marker in (0, TEM) or RST0 <= marker <= RST7:
            offset += 2
        else:
            return offset


def check_scans(data: bytes) -> None:
    """Refuse more scans than any encoder writes.

    Inside entropy-coded data 0xFF is always followed by 0 or a restart marker, so counting the marker's two
    bytes finds every scan (and those of embedded thumbnails).

    Raises
    ------
    ImageTooLargeError
    """
    scans = data.count(bytes((0xFF, SOS)))
    if scans > MAX_SCANS:
        raise ImageTooLargeError(f"JPEG: expected at most {MAX_SCANS} scans, got {scans}.")


def _check_frame(data: bytes, offset: int, marker: int) -> None:
    if marker not in DECODABLE_FRAMES:
        raise ImageFormatError(
            "JPEG: hierarchical frames, and lossless ones with arithmetic codes, are not read.",
            hint="Convert the image to PNG.",
        )
    bits, height, width = unpack(">BHH", data, offset + 4)
    if bits != FRAME_BITS:
        raise ImageFormatError(
            f"JPEG: expected {FRAME_BITS} bits a sample, got {bits}.", hint="Convert the image to PNG."
        )
    if height == 0:
        raise ImageCorruptError("JPEG: the frame header leaves the height open (0 lines).")
    check_stored(width, height, len(data))
