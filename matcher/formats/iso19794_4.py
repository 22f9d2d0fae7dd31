"""Finger image records (ISO/IEC 19794-4:2005 and :2011, ANSI INCITS 381-2004): bytes to record and back."""

from __future__ import annotations

from matcher.errors import RecordCorruptError
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
from matcher.formats.record_header import RecordKind

KIND = RecordKind(
    name="a finger image record (FIR)",
    magic=MAGIC,
    lengths={VERSION_10: (8, 14), VERSION_20: (8, 12)},
    most=MAX_RECORD_BYTES,
    editions="ISO/IEC 19794-4:2005 or :2011",
)


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
    data = bytes(data)
    version = KIND.version_of(data)
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
