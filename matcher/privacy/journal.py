"""Which rows a store of shares has: entries of fixed size, each with its checksum; a torn last one is
dropped.

What an entry says is public to the parties (row, subject id, enrolled or deleted), but for the checksum of
the party's own share. A digest over the public part chains the entries: parties in one state have one digest.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from matcher.errors import ArgumentError

ENTRY = struct.Struct("<BB64sQII")
"""Kind, length of the id, id, row, checksum of the share, checksum of all before it."""

MAX_ID_BYTES = 64

START = bytes(32)
"""Digest of an empty journal."""


class Kind(IntEnum):
    """What an entry records."""

    ENROLLED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Attributes
    ----------
    kind : Kind
    subject_id : str
        At most 64 bytes of UTF-8.
    row : int
    share_crc : int
        CRC-32 of the party's own record; 0 for a deletion.
    """

    kind: Kind
    subject_id: str
    row: int
    share_crc: int

    def packed(self) -> bytes:
        """Return the stored form."""
        name = id_bytes(self.subject_id)
        head = ENTRY.pack(self.kind, len(name), name, self.row, self.share_crc, 0)[:-4]
        return head + struct.pack("<I", zlib.crc32(head))

    def after(self, digest: bytes) -> bytes:
        """Return the digest of a journal that ends with this entry, from the one before it."""
        public = struct.pack("<BQ", self.kind, self.row) + id_bytes(self.subject_id)
        return hashlib.sha256(digest + public).digest()


def id_bytes(subject_id: str) -> bytes:
    """Return an id as bytes; ArgumentError where it is empty or too long."""
    name = subject_id.encode()
    if not 1 <= len(name) <= MAX_ID_BYTES:
        raise ArgumentError(f"subject_id: expected 1 to {MAX_ID_BYTES} bytes, got {len(name)}.")
    return name


def entries_of(data: bytes) -> list[Entry]:
    """Return the entries up to the first that is torn or damaged."""
    found = []
    for begin in range(0, len(data) - ENTRY.size + 1, ENTRY.size):
        piece = data[begin : begin + ENTRY.size]
        kind, length, name, row, share_crc, crc = ENTRY.unpack(piece)
        if zlib.crc32(piece[:-4]) != crc or kind not in list(Kind) or not 1 <= length <= MAX_ID_BYTES:
            break
        try:
            found.append(Entry(Kind(kind), name[:length].decode(), row, share_crc))
        except UnicodeDecodeError:
            break
    return found


def digest_of(entries: Iterable[Entry]) -> bytes:
    """Return the chained digest of entries."""
    digest = START
    for entry in entries:
        digest = entry.after(digest)
    return digest
