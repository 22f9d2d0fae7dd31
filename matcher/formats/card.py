"""ISO/IEC 19794-2:2005 finger minutiae for a card, clause 8; clause 9 of :2011 keeps the compact size.

    7F2E length                       biometric data template (ISO/IEC 7816-11, BER-TLV)
      81 length minutiae              nothing but minutiae: what PIV cards take (NIST SP 800-76-2)
    or
      A1 length                       with more features
        90 length minutiae
        91 .. 9F length data          ridge counts, cores, deltas ...: kept as they are

A minutia takes 3 bytes (compact, units of 0.1 mm) or 5 (normal, units of 0.01 mm). Nothing in the data says
which, nor the finger, the image or its resolution: those belong to the card's other files.
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError, RecordFormatError, RecordTruncatedError, RecordUnsupportedError
from matcher.formats.extended import VendorData
from matcher.formats.minutia_block import COMPACT, NO_QUALITY, read_minutiae, write_minutiae
from matcher.formats.record import FingerMinutiaeRecord, FingerView, Format

TEMPLATE_TAG = b"\x7f\x2e"
STANDARD_TAG = 0x81
FEATURES_TAG = 0xA1
MINUTIAE_TAG = 0x90
MAX_FEATURE_TAG = 0x9E
"""Context-specific primitive tags of one byte end here; 9F begins a longer one."""

LONG_LENGTH = 0x80
"""From here the first byte of a length says how many bytes of length follow."""

MAX_LENGTH_BYTES = 2

SIZES = {Format.CARD_COMPACT: COMPACT, Format.CARD_NORMAL: NO_QUALITY}


def read_card(data: bytes, record_format: Format | None = None) -> FingerMinutiaeRecord:
    """Read the data objects of one finger.

    Parameters
    ----------
    data : bytes
        A biometric data template or, where `record_format` is given, also the bare minutiae.
    record_format : Format, optional
        CARD_COMPACT or CARD_NORMAL, if it is known.

    Raises
    ------
    RecordTruncatedError
        If the data end too early.
    RecordCorruptError
        If the data objects contradict themselves.
    RecordFormatError
        If the size of a minutia cannot be told.
    """
    if not data.startswith(TEMPLATE_TAG):
        if record_format is None:
            raise RecordFormatError(
                "Record: expected card data to begin with the tag 7F2E.",
                hint="Say whether bare minutiae are card-compact or card-normal.",
            )
        return _record(data, (), record_format)
    try:
        minutiae, features = _read_template(data)
    except (RecordCorruptError, RecordTruncatedError):
        # A bare first minutia may begin like the tag.
        if record_format is not None and len(data) % SIZES[record_format] == 0:
            return _record(data, (), record_format)
        raise
    return _record(minutiae, features, record_format or _tell_size(minutiae))


def write_card(record: FingerMinutiaeRecord) -> bytes:
    """Return the biometric data template of a record of one view.

    Raises
    ------
    RecordUnsupportedError
        If there are several views or the format cannot hold a value.
    """
    if len(record.views) != 1:
        raise RecordUnsupportedError(
            f"Record: card data hold one view, got {len(record.views)}.", hint="Choose one view."
        )
    view = record.views[0]
    minutiae = write_minutiae(view.minutiae, SIZES[record.format], record.format.angle_steps)
    if not view.extended:
        return TEMPLATE_TAG + _value(bytes([STANDARD_TAG]) + _value(minutiae))
    objects = bytes([MINUTIAE_TAG]) + _value(minutiae)
    for area in view.extended:
        if not isinstance(area, VendorData) or not MINUTIAE_TAG < area.area_type <= MAX_FEATURE_TAG:
            raise RecordUnsupportedError(
                "Record: card data hold further features only as data objects with tags 91 to 9E.",
                hint="Leave the extended data out.",
            )
        objects += bytes([area.area_type]) + _value(area.data)
    return TEMPLATE_TAG + _value(bytes([FEATURES_TAG]) + _value(objects))


def _record(block: bytes, features: tuple[VendorData, ...], record_format: Format) -> FingerMinutiaeRecord:
    size = SIZES[record_format]
    if len(block) % size:
        raise RecordCorruptError(f"Record: expected whole minutiae of {size} bytes, got {len(block)} bytes.")
    minutiae = read_minutiae(block, size, record_format.angle_steps)
    view = FingerView(minutiae=minutiae, width=0, height=0, x_resolution=0, y_resolution=0, extended=features)
    return FingerMinutiaeRecord(format=record_format, views=(view,))


def _tell_size(block: bytes) -> Format:
    """Return the only size that the minutiae can have."""
    possible = []
    for record_format in SIZES:
        try:
            _record(block, (), record_format)
        except RecordCorruptError:
            continue
        possible.append(record_format)
    if not possible:
        raise RecordCorruptError(f"Record: expected minutiae of 3 or 5 bytes, got {len(block)} bytes.")
    if len(possible) > 1 and block:
        raise RecordFormatError(
            "Record: the minutiae may be of 3 or of 5 bytes; nothing in card data says which.",
            hint="Say card-compact or card-normal.",
        )
    return possible[0]


def _read_template(data: bytes) -> tuple[bytes, tuple[VendorData, ...]]:
    """Return the minutiae and the other data objects of a biometric data template."""
    content, end = _read_value(data, len(TEMPLATE_TAG), outermost=True)
    if end != len(data):
        raise RecordCorruptError(
            f"Record: expected the end of the template, but {len(data) - end} bytes follow."
        )
    if not content or content[0] not in (STANDARD_TAG, FEATURES_TAG):
        raise RecordCorruptError("Record: expected a data object with the tag 81 or A1.")
    inner, end = _read_value(content, 1)
    if end != len(content):
        raise RecordCorruptError("Record: expected one data object in the template, got more.")
    if content[0] == STANDARD_TAG:
        return inner, ()
    objects = []
    position = 0
    while position < len(inner):
        tag = inner[position]
        value, position = _read_value(inner, position + 1)
        objects.append(VendorData(tag, value))
    if not objects or objects[0].area_type != MINUTIAE_TAG:
        raise RecordCorruptError("Record: expected minutiae with the tag 90 as the first data object.")
    if any(not MINUTIAE_TAG < o.area_type <= MAX_FEATURE_TAG for o in objects[1:]):
        raise RecordCorruptError("Record: expected further data objects with tags 91 to 9E.")
    return objects[0].data, tuple(objects[1:])


def _read_value(data: bytes, position: int, *, outermost: bool = False) -> tuple[bytes, int]:
    """Return the value whose length stands at `position`, and where it ends."""
    error = RecordTruncatedError if outermost else RecordCorruptError
    if position >= len(data):
        raise error("Record: a data object ends before its length.")
    length = data[position]
    position += 1
    if length >= LONG_LENGTH:
        count = length - LONG_LENGTH
        if not 1 <= count <= MAX_LENGTH_BYTES:
            raise RecordCorruptError(f"Record: expected a length of at most {MAX_LENGTH_BYTES} bytes.")
        if position + count > len(data):
            raise error("Record: a data object ends within its length.")
        length = int.from_bytes(data[position : position + count], "big")
        position += count
    if position + length > len(data):
        raise error(f"Record: expected a data object of {length} bytes, got {len(data) - position}.")
    return data[position : position + length], position + length


def _value(data: bytes) -> bytes:
    """Return a value with its length before it, in the shortest form."""
    if len(data) < LONG_LENGTH:
        return bytes([len(data)]) + data
    size = 1 if len(data) < 1 << 8 else MAX_LENGTH_BYTES
    if len(data) >= 1 << 8 * MAX_LENGTH_BYTES:
        raise RecordUnsupportedError(f"Record: card data hold at most 65535 bytes, got {len(data)}.")
    return bytes([LONG_LENGTH | size]) + len(data).to_bytes(size, "big") + data
