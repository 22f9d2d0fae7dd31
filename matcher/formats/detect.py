"""Bytes to a finger minutiae record, whichever format it is.

The magic does not tell ISO and ANSI apart: ISO/IEC 19794-2:2005 shares it with ANSI INCITS 378-2004, and
:2011 with 378-2009. The width of the length field (4 bytes against 2 or 6) tells the first two apart, and
whether the views' lengths add up the second two.
"""

from __future__ import annotations

from matcher.errors import (
    RecordCorruptError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.ansi378 import HEADER_2004_BYTES, MAGIC_2009_AM1, read_ansi_2004, read_ansi_2009
from matcher.formats.card import SIZES as CARD_SIZES
from matcher.formats.card import TEMPLATE_TAG, read_card
from matcher.formats.iso19794_2_2005 import HEADER_BYTES as HEADER_2005_BYTES
from matcher.formats.iso19794_2_2005 import SIZES as SIZES_2005
from matcher.formats.iso19794_2_2005 import read_iso_2005
from matcher.formats.iso19794_2_2011 import looks_like_iso_2011, read_iso_2011
from matcher.formats.record import FingerMinutiaeRecord, Format

FORMAT_ID = b"FMR\x00"
VERSION_20, VERSION_30, VERSION_35 = b" 20\x00", b"030\x00", MAGIC_2009_AM1[4:]
VERSION_FORMATS = {
    VERSION_20: (*SIZES_2005, Format.ANSI_2004),
    VERSION_30: (Format.ISO_2011, Format.ANSI_2009, Format.ANSI_2009_DRAFT),
    VERSION_35: (Format.ANSI_2009_AM1,),
}

LENGTH_OFFSET = 8
MIN_HEADER_BYTES = 15
"""Shortest header of all formats with the format identifier (ISO/IEC 19794-2:2011)."""

MAX_RECORD_BYTES = 1 << 24
"""Bound on a record; 255 views of 255 minutiae with full extended areas come to about this."""


def is_minutiae_record(data: bytes) -> bool:
    """Return whether `data` begins like a finger minutiae record; nothing else is checked."""
    return data.startswith((FORMAT_ID, TEMPLATE_TAG))


def read_minutiae_record(data: bytes, record_format: Format | None = None) -> FingerMinutiaeRecord:
    """Read a record of any of the formats.

    Parameters
    ----------
    data : bytes
        The whole record; bytes after its end are an error.
    record_format : Format, optional
        What it is, if that is known: needed for bare card minutiae, and where card data could be of either
        size.

    Returns
    -------
    FingerMinutiaeRecord
        In the file's own units.

    Raises
    ------
    RecordFormatError
        If it is none of the formats, or not the one stated.
    RecordUnsupportedError
        If it is a version that is not read, or larger than 16 MiB.
    RecordTruncatedError
        If it ends before its own length.
    RecordCorruptError
        If it contradicts itself.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise RecordUnsupportedError(f"Record: expected at most {MAX_RECORD_BYTES} bytes, got {len(data)}.")
    data = bytes(data)
    if (record_format is not None and record_format.is_card) or data.startswith(TEMPLATE_TAG):
        if record_format is not None and record_format not in CARD_SIZES:
            raise RecordFormatError(f"Record: expected {record_format}, got card data.")
        return read_card(data, record_format)
    if not data.startswith(FORMAT_ID):
        if data == FORMAT_ID[: len(data)] or data == TEMPLATE_TAG[: len(data)]:
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its identifier.")
        raise RecordFormatError(
            "Record: expected a finger minutiae record (FMR) or card data (tag 7F2E), got something else."
        )
    if len(data) < MIN_HEADER_BYTES:
        raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
    version = data[len(FORMAT_ID) : LENGTH_OFFSET]
    if version not in VERSION_FORMATS:
        raise RecordUnsupportedError(
            "Record: expected version 020, 030 or 035 of a finger minutiae record, got another.",
            hint="Write it as one of: " + ", ".join(f for f in Format if not f.is_card) + ".",
        )
    if record_format is not None and record_format not in VERSION_FORMATS[version]:
        raise RecordFormatError(f"Record: expected {record_format}, got a record of another version.")
    if version == VERSION_20:
        return _read_version_20(data, record_format)
    _check_length(data, int.from_bytes(data[8:12], "big"))
    if version == VERSION_35:
        return read_ansi_2009(data, Format.ANSI_2009_AM1)
    return _read_version_30(data, record_format)


def _read_version_20(data: bytes, record_format: Format | None) -> FingerMinutiaeRecord:
    """Tell ANSI's length field of 2 (or 2 + 4) bytes from ISO's of 4 by which of them is possible."""
    short, second = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
    if record_format is None:
        ansi = short >= HEADER_2004_BYTES or (short == 0 and second < HEADER_2005_BYTES)
    else:
        ansi = record_format is Format.ANSI_2004
    if ansi:
        _check_length(data, short or int.from_bytes(data[10:14], "big"))
        return read_ansi_2004(data)
    _check_length(data, int.from_bytes(data[8:12], "big"))
    return read_iso_2005(data, record_format)


def _read_version_30(data: bytes, record_format: Format | None) -> FingerMinutiaeRecord:
    """Take ISO where the views' lengths add up; else ANSI or its draft, whichever fills the record."""
    if record_format is Format.ISO_2011 or (record_format is None and looks_like_iso_2011(data)):
        return read_iso_2011(data)
    if record_format is not None:
        return read_ansi_2009(data, record_format)
    try:
        return read_ansi_2009(data, Format.ANSI_2009)
    except RecordCorruptError as error:
        try:
            return read_ansi_2009(data, Format.ANSI_2009_DRAFT)
        except RecordCorruptError:
            raise error from None


def _check_length(data: bytes, length: int) -> None:
    """Check the record's own length against the bytes at hand."""
    if length > len(data):
        raise RecordTruncatedError(f"Record: its header says {length} bytes, got {len(data)}.")
    if length < len(data):
        raise RecordCorruptError(f"Record: its header says {length} bytes, but {len(data)} were given.")
