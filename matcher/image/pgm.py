"""PGM files (netpbm), plain (P2) and raw (P5), 8 and 16 bits: our own reader, whole arrays at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.errors import ImageCorruptError, ImageTooLargeError, ImageTruncatedError
from matcher.image.cursor import need
from matcher.image.grey import MAX_GREY, scale_depth
from matcher.image.limits import check_stored
from matcher.types import U8

MAX_HEADER_BYTES = 2**16
"""Most bytes of header, comments included."""

MAX_MAXVAL = 65535
"""Largest sample value that the format allows."""

MAX_DIGITS = 5
"""Digits of the largest number in a header or of a sample."""

MAX_PLAIN_BYTES = 2**24
"""Most bytes of a plain (P2) file: reading text takes about 40 bytes of memory a byte."""

WHITESPACE = b" \t\n\r\v\f"


@dataclass(frozen=True, slots=True)
class PgmSource:
    """A PGM file whose header is read."""

    data: bytes
    width: int
    height: int
    maxval: int
    start: int
    plain: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.width, self.height

    @property
    def ppi(self) -> None:
        """The format states no resolution."""

    def decode(self) -> U8:
        """Return the samples scaled to 0 to 255.

        Raises
        ------
        ImageTruncatedError, ImageCorruptError
        """
        count = self.width * self.height
        if self.plain:
            samples = _read_plain(self.data[self.start :], count)
        else:
            dtype = np.dtype(np.uint8) if self.maxval <= MAX_GREY else np.dtype(">u2")
            need(self.data, self.start, count * dtype.itemsize)
            samples = np.frombuffer(self.data, dtype, count, self.start)
        if int(samples.max()) > self.maxval:
            raise ImageCorruptError(f"PGM: a sample exceeds the stated maximum of {self.maxval}.")
        grey = scale_depth(samples.astype(samples.dtype.newbyteorder("="), copy=False), self.maxval)
        return grey.reshape(self.height, self.width)


def open_pgm(data: bytes) -> PgmSource:
    """Read the header of a PGM file.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    offset = 2
    fields = []
    for _ in range(3):
        number, offset = _read_number(data, offset)
        fields.append(number)
    width, height, maxval = fields
    check_stored(width, height, len(data))
    if not 1 <= maxval <= MAX_MAXVAL:
        raise ImageCorruptError(f"PGM: expected a maximum of 1 to {MAX_MAXVAL}, got {maxval}.")
    plain = data.startswith(b"P2")
    if plain and len(data) > MAX_PLAIN_BYTES:
        raise ImageTooLargeError(
            f"PGM: expected at most {MAX_PLAIN_BYTES} bytes of plain text, got {len(data)}.",
            hint="Store it raw (P5).",
        )
    # Exactly one whitespace byte stands between the header and raw samples.
    return PgmSource(data, width, height, maxval, offset + 1, plain)


def _read_number(data: bytes, offset: int) -> tuple[int, int]:
    """Return the number after any whitespace and comments, and the offset behind its last digit."""
    end = min(len(data), MAX_HEADER_BYTES)
    while offset < end and (data[offset] in WHITESPACE or data[offset] == ord("#")):
        if data[offset] == ord("#"):
            line_end = data.find(b"\n", offset, end)
            offset = end if line_end < 0 else line_end
        offset += 1
    start = offset
    while offset < end and data[offset : offset + 1].isdigit():
        offset += 1
    if offset >= end:
        raise ImageTruncatedError("PGM: the file ends inside its header.")
    if not 1 <= offset - start <= MAX_DIGITS or data[offset] not in WHITESPACE:
        raise ImageCorruptError(f"PGM: expected a number of at most {MAX_DIGITS} digits in the header.")
    return int(data[start:offset]), offset


def _read_plain(text: bytes, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """Return the first `count` decimal numbers of `text`."""
    codes = np.frombuffer(text, np.uint8)
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    if not (digit | np.isin(codes, np.frombuffer(WHITESPACE, np.uint8))).all():
        raise ImageCorruptError("PGM: expected only digits and whitespace in plain samples.")
    edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
    starts, ends = edges[0::2][:count], edges[1::2][:count]
    if len(starts) < count:
        raise ImageTruncatedError(f"PGM: expected {count} samples, got {len(starts)}.")
    lengths = ends - starts
    if int(lengths.max()) > MAX_DIGITS:
        raise ImageCorruptError(f"PGM: expected samples of at most {MAX_DIGITS} digits.")
    values = np.zeros(count, np.uint32)
    for place in range(int(lengths.max())):
        more = place < lengths
        values[more] = values[more] * 10 + (codes[starts[more] + place] - ord("0"))
    if int(values.max()) > MAX_MAXVAL:
        raise ImageCorruptError(f"PGM: expected samples of at most {MAX_MAXVAL}.")
    return values
