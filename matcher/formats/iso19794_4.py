"""Finger image records (ISO/IEC 19794-4:2005 and :2011, ANSI INCITS 381-2004): bytes to record and back."""

from __future__ import annotations

from matcher.errors import (
    RecordCorruptError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.iso19794_4_2005 import read_iso_2005, write_iso_2005
from matcher.formats.iso19794_4_2011 import read_iso_2011, write_iso_2011
from matcher.formats.iso19794_4_record import (
    MAGIC,
    MAX_RECORD_BYTES,
    VERSION_10,
    VERSION_20,
    FingerImageRecord,
    ImageFormat,
)

LENGTHS = {VERSION_10: (8, 14), VERSION_20: (8, 12)}
"""Where each version keeps the record's length: first byte, end."""

VERSION_END = 8


def is_finger_image_record(data: bytes) -> bool:
    """Tell whether bytes begin as a finger image record."""
    return data.startswith(MAGIC)


def read_finger_image_record(data: bytes) -> FingerImageRecord:
    """Read a record, whichever of the formats it is.

    Raises
    ------
    RecordFormatError
        If it is none of them.
    RecordUnsupportedError
        If it is a version that is not read, or larger than 256 MiB.
    RecordTruncatedError
        If it ends before its own length.
    RecordCorruptError
        If it contradicts itself.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise RecordUnsupportedError(f"Record: expected at most {MAX_RECORD_BYTES} bytes, got {len(data)}.")
    data = bytes(data)
    if not data.startswith(MAGIC):
        if data == MAGIC[: len(data)]:
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its identifier.")
        raise RecordFormatError("Record: expected a finger image record (FIR), got something else.")
    version = data[len(MAGIC) : VERSION_END]
    if version not in LENGTHS:
        if any(known.startswith(version) for known in LENGTHS):
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
        raise RecordUnsupportedError(
            "Record: expected version 010 or 020 of a finger image record, got another.",
            hint="Write it as ISO/IEC 19794-4:2005 or :2011.",
        )
    first, end = LENGTHS[version]
    if len(data) < end:
        raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
    length = int.from_bytes(data[first:end], "big")
    if length > len(data):
        raise RecordTruncatedError(
            f"Record: its header says {length} bytes, got {len(data)}.",
            hint="The file is an incomplete copy; send it again.",
        )
    if length < len(data):
        raise RecordCorruptError(f"Record: its header says {length} bytes, but {len(data)} were given.")
    return read_iso_2011(data) if version == VERSION_20 else _read_version_10(data)


def write_finger_image_record(record: FingerImageRecord) -> bytes:
    """Return the bytes of `record` in `record.format`; images are written as they are stored.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    return write_iso_2011(record) if record.format is ImageFormat.ISO_2011 else write_iso_2005(record)


def _read_version_10(data: bytes) -> FingerImageRecord:
    """Take ISO where the views' lengths add up, else ANSI, whose header is four bytes longer."""
    try:
        return read_iso_2005(data, ImageFormat.ISO_2005)
    except RecordCorruptError as error:
        try:
            return read_iso_2005(data, ImageFormat.ANSI_2004)
        except RecordCorruptError:
            raise error from None
