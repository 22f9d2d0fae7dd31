"""Face image records (ISO/IEC 19794-5:2005 and :2011): bytes to record and back."""

from __future__ import annotations

from matcher.errors import (
    RecordCorruptError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
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

READERS = {VERSION_10: read_iso_2005, VERSION_30: read_iso_2011}

VERSION_END, LENGTH_END = 8, 12


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
    if len(data) > MAX_RECORD_BYTES:
        raise RecordUnsupportedError(f"Record: expected at most {MAX_RECORD_BYTES} bytes, got {len(data)}.")
    data = bytes(data)
    if not data.startswith(MAGIC):
        if data == MAGIC[: len(data)]:
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its identifier.")
        raise RecordFormatError("Record: expected a face image record (FAC), got something else.")
    version = data[len(MAGIC) : VERSION_END]
    if version not in READERS:
        if any(known.startswith(version) for known in READERS):
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
        raise RecordUnsupportedError(
            "Record: expected version 010 or 030 of a face image record, got another.",
            hint="Write it as ISO/IEC 19794-5:2005 or :2011.",
        )
    if len(data) < LENGTH_END:
        raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
    length = int.from_bytes(data[VERSION_END:LENGTH_END], "big")
    if length > len(data):
        raise RecordTruncatedError(
            f"Record: its header says {length} bytes, got {len(data)}.",
            hint="The file is an incomplete copy; send it again.",
        )
    if length < len(data):
        raise RecordCorruptError(f"Record: its header says {length} bytes, but {len(data)} were given.")
    return READERS[version](data)


def write_face_image_record(record: FaceImageRecord) -> bytes:
    """Return the bytes of `record` in `record.format`; images are written as they are stored.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    return write_iso_2011(record) if record.format is FaceFormat.ISO_2011 else write_iso_2005(record)
