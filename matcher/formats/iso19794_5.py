"""Face image records (ISO/IEC 19794-5:2005 and :2011): bytes to record and back."""

from __future__ import annotations

from matcher.formats.iso19794_5_2005 import read_iso_2005, write_iso_2005
from matcher.formats.iso19794_5_2011 import read_iso_2011, write_iso_2011
from matcher.formats.iso19794_5_record import (
    MAGIC,
    MAX_RECORD_BYTES,
    VERSION_10,
    VERSION_30,
    FaceFormat,
    FaceImageRecord,
)
from matcher.formats.record_header import RecordKind

READERS = {VERSION_10: read_iso_2005, VERSION_30: read_iso_2011}

KIND = RecordKind(
    name="a face image record (FAC)",
    magic=MAGIC,
    lengths=dict.fromkeys(READERS, (8, 12)),
    most=MAX_RECORD_BYTES,
    editions="ISO/IEC 19794-5:2005 or :2011",
)


def is_face_image_record(data: bytes) -> bool:
    """Tell whether bytes begin as a face image record."""
    return data.startswith(MAGIC)


def read_face_image_record(data: bytes) -> FaceImageRecord:
    """Read a record, whichever edition it is of.

    Raises
    ------
    RecordFormatError
        If it is none.
    RecordUnsupportedError
        If it is a version that is not read, or larger than 64 MiB.
    RecordTruncatedError
        If it ends before its own length.
    RecordCorruptError
        If it contradicts itself.
    """
    data = bytes(data)
    return READERS[KIND.version_of(data)](data)


def write_face_image_record(record: FaceImageRecord) -> bytes:
    """Return the bytes of `record` in `record.format`; images are written as they are stored.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    return write_iso_2011(record) if record.format is FaceFormat.ISO_2011 else write_iso_2005(record)
