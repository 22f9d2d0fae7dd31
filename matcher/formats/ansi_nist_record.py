"""A transaction of ANSI/NIST-ITL as its file means it: records of tagged fields, and binary records.

Everything is kept as written: reading and writing again gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matcher.errors import ArgumentError, RecordCorruptError

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
"""Separators: end of a record, of a field, of a subfield, of an information item."""

BINARY_TYPES = frozenset({3, 4, 5, 6, 7, 8})
"""Record types with a fixed binary header."""

LEN, IDC, IMAGE_DATA = 1, 2, 999
"""Field numbers that all tagged records share: length, information designation character, binary data."""

FIRST_IMAGE_TYPE = 10
"""From this type on, field 999 holds binary data to the end of its record."""

OWN_TYPE = 7
"""The parties define its records: most are binary, some are tagged, with data in field 999."""

TAG = re.compile(rb"(\d{1,3})\.(\d{1,4}):")
"""How a field begins."""

PADDING = b"\x00\t\n\r\x1a "
"""What may stand behind the last record without meaning anything."""

MM_PER_INCH = 25.4
MAX_IDC = 255

VER, CNT, TOT, DAT, DAI, ORI, TCN, NSR, NTR, DOM, DCS = 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15
"""Field numbers of the Type-1 record."""

NUMBER = re.compile(rb"[+-]?\d{1,9}")


@dataclass(frozen=True, slots=True)
class Field:
    """One tagged field.

    Attributes
    ----------
    tag : str
        "14.013", as the file writes it (some write fewer digits).
    value : bytes
        What stands between the colon and the separator that ends the field.
    """

    tag: str
    value: bytes

    def __post_init__(self) -> None:
        if not (self.tag.isascii() and TAG.fullmatch(self.tag.encode() + b":")):
            raise ArgumentError("Field.tag: expected a type and a number such as 14.013, got another form.")
        if not self.is_binary and (FS in self.value or GS in self.value):
            raise ArgumentError(f"Field {self.tag}: a value cannot hold the separators FS and GS.")

    def __repr__(self) -> str:
        # Never the value: it may name or show a person, and a representation ends up in logs.
        return f"Field({self.tag}, {len(self.value)} bytes)"

    @classmethod
    def of(cls, record_type: int, number: int, *subfields: Iterable[str | int] | str | int) -> Field:
        """Return a field of subfields, each one item or a sequence of items."""
        parts = []
        for subfield in subfields:
            items = [subfield] if isinstance(subfield, str | int) else subfield
            parts.append(US.join(str(item).encode() for item in items))
        return cls(f"{record_type}.{number:03d}", RS.join(parts))

    @property
    def number(self) -> int:
        """The number behind the point."""
        return int(self.tag.partition(".")[2])

    @property
    def is_binary(self) -> bool:
        """Whether the value is data to the record's end."""
        return self.number == IMAGE_DATA and holds_data(int(self.tag.partition(".")[0]))

    @property
    def subfields(self) -> tuple[tuple[bytes, ...], ...]:
        """The value as subfields of information items."""
        return tuple(tuple(subfield.split(US)) for subfield in self.value.split(RS))

    @property
    def text(self) -> str:
        """The value as text: UTF-8 (which holds ASCII), else Latin-1."""
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            return self.value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class TaggedRecord:
    """A record of tagged fields, in the file's order (Types 1, 2 and from 9 on).

    The length field may be missing in a record that is to be written; it is computed then.
    """

    record_type: int
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if self.record_type in BINARY_TYPES - {OWN_TYPE} or not 1 <= self.record_type <= 999:
            raise ArgumentError(f"TaggedRecord: Type {self.record_type} is not a tagged record.")
        if any(field.is_binary for field in self.fields[:-1]):
            raise ArgumentError("TaggedRecord: binary data (field 999) must come last.")

    @property
    def idc(self) -> int:
        """Information designation character, 0 in the Type-1 record.

        Raises
        ------
        RecordCorruptError
            If it is missing or not a number.
        """
        return 0 if self.record_type == 1 else self.number(IDC)

    def get(self, number: int) -> Field | None:
        """Return the first field of that number, None if there is none."""
        return next((field for field in self.fields if field.number == number), None)

    def text(self, number: int) -> str:
        """Return a field's text, empty where there is no such field."""
        field = self.get(number)
        return "" if field is None else field.text

    def subfields(self, number: int) -> tuple[tuple[bytes, ...], ...]:
        """Return a field's subfields, none where there is no such field or it is empty."""
        field = self.get(number)
        return () if field is None or not field.value else field.subfields

    def number(self, number: int, default: int | None = None) -> int:
        """Return a field of one whole number; `default` where it is missing or empty.

        Raises
        ------
        RecordCorruptError
            If it is missing without a default, or holds something else.
        """
        field = self.get(number)
        if (field is None or not field.value) and default is not None:
            return default
        if field is None:
            raise RecordCorruptError(f"Record: Type {self.record_type} lacks field {number:03d}.")
        return whole(field.value, f"{self.record_type}.{number:03d}")

    def with_field(self, field: Field) -> TaggedRecord:
        """Return the record with a field replaced, or added before binary data."""
        same = [index for index, old in enumerate(self.fields) if old.number == field.number]
        fields = list(self.fields)
        if same:
            fields[same[0]] = field
        else:
            binary = bool(fields) and fields[-1].is_binary
            fields.insert(len(fields) - binary, field)
        return replace(self, fields=tuple(fields))


@dataclass(frozen=True, slots=True)
class BinaryRecord:
    """A record of Types 3 to 8: its bytes behind the length (4) and the IDC (1)."""

    record_type: int
    idc: int
    body: bytes

    def __post_init__(self) -> None:
        if self.record_type not in BINARY_TYPES:
            raise ArgumentError(f"BinaryRecord: expected Types 3 to 8, got {self.record_type}.")
        if not 0 <= self.idc <= MAX_IDC:
            raise ArgumentError(f"BinaryRecord.idc: expected 0 to {MAX_IDC}, got {self.idc}.")

    def __repr__(self) -> str:
        return f"BinaryRecord({self.record_type}, {self.idc}, {len(self.body)} bytes)"


Record = TaggedRecord | BinaryRecord


@dataclass(frozen=True, slots=True)
class Transaction:
    """A whole file; its first record is the only one of Type 1.

    Attributes
    ----------
    records : tuple of Record
    padding : bytes
        Blanks, line ends or zeros behind the last record, as some systems leave them.
    """

    records: tuple[Record, ...]
    padding: bytes = b""

    def __post_init__(self) -> None:
        if not self.records or not isinstance(self.records[0], TaggedRecord):
            raise ArgumentError("Transaction: expected a Type-1 record first.")
        if [record.record_type for record in self.records].count(1) != 1 or self.records[0].record_type != 1:
            raise ArgumentError("Transaction: expected one Type-1 record, the first.")
        if self.padding.strip(PADDING):
            raise ArgumentError("Transaction.padding: expected blanks, line ends and zeros only.")

    @property
    def header(self) -> TaggedRecord:
        """The Type-1 record."""
        first = self.records[0]
        assert isinstance(first, TaggedRecord)  # Checked when built.
        return first

    @property
    def version(self) -> str:
        """Version of the standard: 0300 is 2000, 0400 is 2007, 0500 is 2011, 0502 its update of 2015."""
        return self.header.text(VER)

    @property
    def kind(self) -> str:
        """Type of transaction (TOT)."""
        return self.header.text(TOT)

    @property
    def destination(self) -> str:
        """Destination agency (DAI)."""
        return self.header.text(DAI)

    @property
    def origin(self) -> str:
        """Originating agency (ORI)."""
        return self.header.text(ORI)

    @property
    def control_number(self) -> str:
        """Transaction control number (TCN)."""
        return self.header.text(TCN)

    @property
    def native_ppi(self) -> float | None:
        """Native scanning resolution (NSR) of Types 3 to 7, pixels per inch; None where it is 00.00."""
        return self._resolution(NSR)

    @property
    def transmitting_ppi(self) -> float | None:
        """Nominal transmitting resolution (NTR), pixels per inch; None where it is 00.00."""
        return self._resolution(NTR)

    @property
    def character_sets(self) -> tuple[tuple[str, ...], ...]:
        """Directory of character sets (DCS): code, name and version of each that the file uses."""
        return tuple(
            tuple(item.decode("latin-1") for item in subfield) for subfield in self.header.subfields(DCS)
        )

    def of_type(self, *types: int) -> tuple[Record, ...]:
        """Return the records of these types, in the file's order."""
        return tuple(record for record in self.records if record.record_type in types)

    def _resolution(self, number: int) -> float | None:
        try:
            per_mm = float(self.header.text(number))
        except ValueError:
            return None
        return per_mm * MM_PER_INCH if 0 < per_mm < 1000 else None


def holds_data(record_type: int) -> bool:
    """Tell whether field 999 of a record type is binary data."""
    return record_type >= FIRST_IMAGE_TYPE or record_type == OWN_TYPE


def whole(value: bytes, what: str) -> int:
    """Return a whole number of at most nine digits.

    Raises
    ------
    RecordCorruptError
        If it is none; the message does not repeat what stands there.
    """
    stripped = value.strip(b" ")
    if not NUMBER.fullmatch(stripped):
        raise RecordCorruptError(f"Record: expected a whole number in {what}, got something else.")
    return int(stripped)


def whole_items(items: Sequence[bytes], what: str) -> tuple[int, ...]:
    """Return items as whole numbers; see `whole`."""
    return tuple(whole(item, what) for item in items)
