"""ANSI/NIST-ITL 1-2007 and 1-2011 (updates 2013 and 2015), traditional encoding: bytes to records and back.

    Type 1    tells in its field CNT which records follow
    tagged    1.001:LEN GS 1.002:... GS ... FS       Types 1, 2 and from 9 on; field 999 is binary to the end
    binary    length (4), IDC (1), body              Types 3 to 8 (7 may be tagged)

Types that are not known are kept as they are. Images are in `ansi_nist_images`, minutiae in
`ansi_nist_minutiae`. The files of 2000 (version 0300) have the same form.
"""

from __future__ import annotations

import re

from matcher.errors import (
    ArgumentError,
    RecordCorruptError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.ansi_nist_record import (
    BINARY_TYPES,
    CNT,
    FS,
    GS,
    IDC,
    IMAGE_DATA,
    LEN,
    OWN_TYPE,
    PADDING,
    RS,
    TAG,
    US,
    BinaryRecord,
    Field,
    Record,
    TaggedRecord,
    Transaction,
    holds_data,
    whole,
)

MAX_TRANSACTION_BYTES = 256 << 20
"""Largest file that is read: fourteen uncompressed 1000 ppi images of a card, and some."""

MAX_FIELDS = 10_000
"""Most fields of a record: the standard numbers them with at most four digits."""

LENGTH_FIELD = re.compile(rb"(\d{1,3})\.(\d{1,4}):(\d{1,10})[\x1c\x1d]")
"""A whole LEN field with the separator behind it."""

CUT_LENGTH_FIELD = re.compile(rb"(\d{1,3}(\.(\d{1,4}(:\d{0,10})?)?)?)?")
"""What is left of it where a file was cut off."""

LONGEST_LENGTH_FIELD = 20

BINARY_PREFIX_BYTES = 5
"""Length and IDC of a binary record."""

START = re.compile(rb"1\.0{0,3}1:")
"""How a file begins: the length field of the Type-1 record."""

CUT_START = re.compile(rb"(1(\.(0{0,3}1?)?)?)?")
LONGEST_START = 7


def is_ansi_nist(data: bytes) -> bool:
    """Tell whether bytes begin as an ANSI/NIST-ITL file of the traditional encoding."""
    return START.match(data[:LONGEST_START]) is not None


def read_ansi_nist(data: bytes) -> Transaction:
    """Read a file.

    Parameters
    ----------
    data : bytes
        The whole file; bytes after its last record are an error, unless they are padding.

    Returns
    -------
    Transaction
        Everything as written; images and minutiae are not looked into.

    Raises
    ------
    RecordFormatError
        If it does not begin with a Type-1 record.
    RecordUnsupportedError
        If it is larger than 256 MiB.
    RecordTruncatedError
        If it ends before a record does, or before the records that Type 1 announces.
    RecordCorruptError
        If it contradicts itself.
    """
    if len(data) > MAX_TRANSACTION_BYTES:
        raise RecordUnsupportedError(
            f"Record: expected at most {MAX_TRANSACTION_BYTES} bytes, got {len(data)}."
        )
    data = bytes(data)
    if not is_ansi_nist(data):
        if len(data) < LONGEST_START and CUT_START.fullmatch(data):
            raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its first tag.")
        raise RecordFormatError("Record: expected ANSI/NIST-ITL (a Type-1 record), got something else.")
    header, offset = _read_tagged(data, 0, 1)
    records: list[Record] = [header]
    for record_type in _content(header):
        read = _read_binary if _is_binary(data, offset, record_type) else _read_tagged
        record, offset = read(data, offset, record_type)
        records.append(record)
    if data[offset:].strip(PADDING):
        raise RecordCorruptError(
            f"Record: {len(data) - offset} bytes follow the last of {len(records)} records.",
            hint="Field 1.003 (CNT) lists fewer records than there are.",
        )
    return Transaction(tuple(records), data[offset:])


def write_ansi_nist(transaction: Transaction) -> bytes:
    """Return the bytes of a transaction; lengths (LEN) and the list of records (CNT) are computed.

    A transaction that was read gives the bytes that it was read from.

    Raises
    ------
    RecordCorruptError
        If a record other than the first has no IDC.
    RecordUnsupportedError
        If a binary record is longer than its length field can say.
    """
    header = transaction.header
    # LEN and CNT lead the record whatever the order of fields that the caller made.
    if header.get(LEN) is None or header.get(CNT) is None:
        rest = [field for field in header.fields if field.number not in (LEN, CNT)]
        before = [field for field in rest if field.number < CNT]
        after = [field for field in rest if field.number >= CNT]
        empty = Field(f"1.{CNT:03d}", b"")
        header = TaggedRecord(1, (*before, header.get(CNT) or empty, *after))
    others = transaction.records[1:]
    header = header.with_field(_count_field(header, others))
    return b"".join(_write(record) for record in (header, *others)) + transaction.padding


def _content(header: TaggedRecord) -> tuple[int, ...]:
    """Return the types of the records that follow, from field 1.003."""
    listed = header.subfields(CNT)
    if not listed or len(listed[0]) < 2 or whole(listed[0][0], "1.003") != 1:
        raise RecordCorruptError("Record: field 1.003 (CNT) must begin with 1 and the number of records.")
    count = whole(listed[0][1], "1.003")
    if count != len(listed) - 1:
        raise RecordCorruptError(
            f"Record: field 1.003 (CNT) announces {count} records and lists {len(listed) - 1}."
        )
    types = tuple(whole(subfield[0], "1.003") for subfield in listed[1:])
    if any(not 2 <= record_type <= 99 for record_type in types):
        raise RecordCorruptError("Record: field 1.003 (CNT) lists a type outside 2 to 99.")
    return types


def _count_field(header: TaggedRecord, others: tuple[Record, ...]) -> Field:
    """Return field CNT: the one at hand if it says what is there, else a new one."""
    wanted = [(1, len(others)), *((record.record_type, record.idc) for record in others)]
    old = header.get(CNT)
    if old is not None and old.value:
        try:
            said = [(whole(s[0], "1.003"), whole(s[1], "1.003")) for s in old.subfields if len(s) >= 2]
            if said == wanted:
                return old
        except RecordCorruptError:
            pass
    tag = old.tag if old is not None else f"1.{CNT:03d}"
    first = b"%d%b%d" % (1, US, len(others))
    return Field(tag, RS.join([first, *(b"%d%b%02d" % (kind, US, idc) for kind, idc in wanted[1:])]))


def _is_binary(data: bytes, offset: int, record_type: int) -> bool:
    """Tell a binary record from a tagged one, which those that the parties define may be."""
    if record_type != OWN_TYPE:
        return record_type in BINARY_TYPES
    return LENGTH_FIELD.match(data, offset, offset + LONGEST_LENGTH_FIELD) is None


def _read_binary(data: bytes, offset: int, record_type: int) -> tuple[BinaryRecord, int]:
    end = _within(data, offset, BINARY_PREFIX_BYTES, record_type)
    length = int.from_bytes(data[offset : offset + 4], "big")
    if length < BINARY_PREFIX_BYTES:
        raise RecordCorruptError(f"Record: Type {record_type} states a length of {length} bytes.")
    end = _within(data, offset, length, record_type)
    return BinaryRecord(record_type, data[offset + 4], data[offset + BINARY_PREFIX_BYTES : end]), end


def _read_tagged(data: bytes, offset: int, record_type: int) -> tuple[TaggedRecord, int]:
    length = _stated_length(data, offset, record_type)
    end = _within(data, offset, length, record_type)
    if data[end - 1 : end] != FS:
        raise RecordCorruptError(
            f"Record: Type {record_type} does not end with its separator after {length} bytes.",
            hint="Its length field is wrong, or the file was changed on the way.",
        )
    return TaggedRecord(record_type, tuple(_fields(data[offset : end - 1], record_type))), end


def _stated_length(data: bytes, offset: int, record_type: int) -> int:
    """Return what the LEN field says, the first of the record."""
    head = data[offset : offset + LONGEST_LENGTH_FIELD]
    found = LENGTH_FIELD.match(head)
    if found is None:
        if offset + len(head) == len(data) and CUT_LENGTH_FIELD.fullmatch(head):
            raise RecordTruncatedError(
                f"Record: it ends at the start of a Type-{record_type} record.",
                hint="The file is an incomplete copy; send it again.",
            )
        raise RecordCorruptError(f"Record: expected a Type-{record_type} record with its length field first.")
    if int(found[1]) != record_type or int(found[2]) != LEN:
        raise RecordCorruptError(
            f"Record: expected a Type-{record_type} record with its length field first.",
            hint="Field 1.003 (CNT) lists records in another order, or a length is wrong.",
        )
    length = int(found[3])
    if length < found.end():
        raise RecordCorruptError(f"Record: Type {record_type} states a length of {length} bytes.")
    return length


def _within(data: bytes, offset: int, length: int, record_type: int) -> int:
    """Return where a record ends, checked against the bytes at hand."""
    if offset + length > len(data):
        raise RecordTruncatedError(
            f"Record: Type {record_type} at byte {offset} takes {length} bytes, "
            f"{len(data) - offset} are left.",
            hint="The file is an incomplete copy; send it again.",
        )
    return offset + length


def _fields(block: bytes, record_type: int) -> list[Field]:
    """Split a record without its last separator."""
    fields: list[Field] = []
    position = 0
    while position <= len(block):
        tag = TAG.match(block, position)
        if tag is None:
            raise RecordCorruptError(
                f"Record: expected a field's tag at byte {position} of a Type-{record_type} record."
            )
        name = block[position : tag.end() - 1].decode("ascii")
        if int(tag[2]) == IMAGE_DATA and holds_data(int(tag[1])):
            fields.append(Field(name, block[tag.end() :]))
            break
        end = block.find(GS, tag.end())
        end = len(block) if end < 0 else end
        if len(fields) == MAX_FIELDS:
            raise RecordCorruptError(f"Record: Type {record_type} has more than {MAX_FIELDS} fields.")
        try:
            fields.append(Field(name, block[tag.end() : end]))
        except ArgumentError:
            raise RecordCorruptError(
                f"Record: a Type-{record_type} record ends before the length that it states."
            ) from None
        position = end + 1
    return fields


def _write(record: Record) -> bytes:
    if isinstance(record, BinaryRecord):
        length = len(record.body) + BINARY_PREFIX_BYTES
        if length >= 1 << 32:
            raise RecordUnsupportedError(f"Record: a Type-{record.record_type} record holds less than 4 GiB.")
        return length.to_bytes(4, "big") + bytes([record.idc]) + record.body
    if record.record_type != 1 and record.get(IDC) is None:
        raise RecordCorruptError(f"Record: Type {record.record_type} lacks its IDC (field 002).")
    first = record.fields[0] if record.fields and record.fields[0].number == LEN else None
    rest = [field for field in record.fields if field is not first]
    tail = b"".join(GS + _written(field) for field in rest) + FS
    tag = first.tag if first is not None else f"{record.record_type}.001"
    base = len(tag) + 1 + len(tail)
    if first is not None and first.value.isdigit() and int(first.value) == base + len(first.value):
        stated = first.value
    else:
        digits = 1
        while len(str(base + digits)) > digits:
            digits += 1
        stated = b"%0*d" % (digits, base + digits)
    return tag.encode() + b":" + stated + tail


def _written(field: Field) -> bytes:
    return field.tag.encode() + b":" + field.value
