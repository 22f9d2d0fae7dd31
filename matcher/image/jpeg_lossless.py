"""Lossless JPEG (ITU-T T.81, process 14) as NIST's tools write it, made to follow the standard.

ANSI/NIST-ITL calls it JPEGL. NIST's encoder files its Huffman tables under class 1 (AC); a lossless scan uses
class 0 (DC), and decoders that follow the standard do not find them.
"""

from __future__ import annotations

from matcher.image.cursor import need, unpack
from matcher.image.jpeg import SOS, next_marker

DHT = 0xC4
CLASS_BIT = 0x10
"""Of a table's first byte: the class; the low bits are its number."""

COUNTS = 16
"""Bytes that count the codes of each length."""


def with_standard_tables(data: bytes) -> bytes:
    """Return a lossless file with its Huffman tables under class 0.

    Parameters
    ----------
    data : bytes
        A file whose markers up to the first scan have been walked.

    Returns
    -------
    bytes
        Of the same length; the file itself where its tables are under class 0.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError
        If a table is cut off, or no scan follows.
    """
    wrong = []
    offset = next_marker(data, 2, in_scan=False)
    while data[offset + 1] != SOS:
        (length,) = unpack(">H", data, offset + 2)
        end = offset + 2 + max(length, 2)
        if data[offset + 1] == DHT:
            at = offset + 4
            while at < end:
                need(data, at, 1 + COUNTS)
                wrong += [at] if data[at] & CLASS_BIT else []
                at += 1 + COUNTS + sum(data[at + 1 : at + 1 + COUNTS])
        offset = next_marker(data, end, in_scan=False)
    if not wrong:
        return data
    mended = bytearray(data)
    for at in wrong:
        mended[at] &= ~CLASS_BIT & 0xFF
    return bytes(mended)
