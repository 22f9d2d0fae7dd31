"""How every record of images begins: an identifier, a version, the record's own length."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import (
    RecordCorruptError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)

VERSION_BYTES = 4
"""Of a version, three digits and a 0."""


@dataclass(frozen=True, slots=True)
class RecordKind:
    """One kind of record.

    Attributes
    ----------
    name : str
        What it is, with its article: "a face image record".
    magic : bytes
        What it begins with.
    lengths : dict of bytes to (int, int)
        Of each version that is read: where it keeps the record's length, first byte and end.
    most : int
        Bytes.
    editions : str
        Standards that it can be written by.
    """

    name: str
    magic: bytes
    lengths: dict[bytes, tuple[int, int]]
    most: int
    editions: str

    def version_of(self, data: bytes) -> bytes:
        """Return the version of a record that is there to its end.

        Raises
        ------
        RecordFormatError
            If it is no record of this kind.
        RecordUnsupportedError
            If it is a version that is not read, or too large.
        RecordTruncatedError
            If it ends before its own length.
        RecordCorruptError
            If it is longer than its own length.
        """
        if len(data) > self.most:
            raise RecordUnsupportedError(f"Record: expected at most {self.most} bytes, got {len(data)}.")
        if not data.startswith(self.magic):
            if data == self.magic[: len(data)]:
                raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its identifier.")
            raise RecordFormatError(f"Record: expected {self.name}, got something else.")
        version = data[len(self.magic) : len(self.magic) + VERSION_BYTES]
        if version not in self.lengths:
            if any(known.startswith(version) for known in self.lengths):
                raise RecordTruncatedError(f"Record: it ends after {len(data)} bytes, within its header.")
            known = " or ".join(version.rstrip(b"\0").decode("ascii") for version in self.lengths)
            raise RecordUnsupportedError(
                f"Record: expected version {known} of {self.name}, got another.",
                hint=f"Write it as {self.editions}.",
            )
        first, end = self.lengths[version]
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
        return version
