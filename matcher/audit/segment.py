"""The files of the log: entries with their links of the chain, and a signed head behind each group.

    offset  bytes  what (little endian)
    0       8      magic "ABSAUD" and line end
    8       4      version
    12      4      length H of the header
    16      H      header: log (16), entries of a full segment (8), first entry (8), chain before it (32),
                   root of the segment before (32), hashes of the tree before it (1 byte: how many, 32
                   each), id of the key (8), signature (64)
    16 + H  ...    frames: kind (1), length (4), body

A frame of kind 1 is an entry: SHA-256(link before || hash of the leaf), then the entry (`entry.packed`). One
of kind 2 is a signed head (`head.Head`) of all entries before it. Entries without a head behind them were
never acknowledged. A segment holds a fixed power of two of entries: it is one perfect part of the tree.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature

from matcher.audit.entry import MAX_ENTRY_BYTES
from matcher.audit.head import KEY_ID_BYTES, SIGNATURE_BYTES, PublicKeys
from matcher.audit.merkle import HASH_BYTES, Frontier
from matcher.errors import AuditCorruptError, AuditNewerError

MAGIC = b"ABSAUD\r\n"
VERSION = 1
START = struct.Struct("<8sII")
FIXED = struct.Struct("<16sQQ32s32sB")
FRAME = struct.Struct("<BI")
ENTRY, HEAD = 1, 2
CONTEXT = b"matcher audit segment 1\n"

MAX_HEADER = 1 << 13
"""Bound on a header's length: a tree has at most 64 peaks."""

FULL_SEGMENT = 1 << 16
"""Entries of a segment, about 20 MB; a power of two."""

NO_LINK = bytes(HASH_BYTES)
"""The link before the first entry."""


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment begins with; the state of the log before its first entry.

    Attributes
    ----------
    log : bytes
        Which log, 16 bytes.
    full : int
        Entries of a full segment, a power of two.
    first : int
        Number of its first entry, from 0.
    chain : bytes
        Link before it.
    before : bytes
        Root of the segment before; zeros in the first one.
    peaks : tuple of bytes
        `Frontier.peaks` before it.
    """

    log: bytes
    full: int
    first: int
    chain: bytes
    before: bytes
    peaks: tuple[bytes, ...]

    def body(self) -> bytes:
        """Return what is signed."""
        fixed = FIXED.pack(self.log, self.full, self.first, self.chain, self.before, len(self.peaks))
        return fixed + b"".join(self.peaks)

    def frontier(self) -> Frontier:
        """Return the tree before the first entry."""
        return Frontier(self.first, self.peaks)


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment."""
    return folder / f"segment-{number:08d}.audit"


def segment_paths(folder: Path) -> list[Path]:
    """Return the files of all segments in order.

    Raises
    ------
    AuditCorruptError
        If there is none, or one between others is missing.
    """
    found = sorted(folder.glob("segment-*.audit"))
    if not found:
        raise AuditCorruptError(f"{folder}: there is no audit log.", hint="Give the folder of the log.")
    for number, path in enumerate(found):
        if path != segment_path(folder, number):
            raise AuditCorruptError(f"Segment {number} of the log is missing.")
    return found


def header_bytes(header: SegmentHeader, key: bytes, signature: bytes) -> bytes:
    """Return the beginning of a segment's file."""
    body = header.body() + key + signature
    return START.pack(MAGIC, VERSION, len(body)) + body


def read_header(file: BinaryIO, keys: PublicKeys | None) -> SegmentHeader:
    """Return a segment's header and leave the file behind it.

    Parameters
    ----------
    file : binary file
    keys : mapping of bytes to Ed25519PublicKey, or None
        Who may have signed it; None: not looked at.

    Raises
    ------
    AuditCorruptError, AuditNewerError
    """
    start = file.read(START.size)
    if len(start) < START.size or start[: len(MAGIC)] != MAGIC:
        raise AuditCorruptError("A file of the log does not begin as a segment does.")
    _, version, length = START.unpack(start)
    if version > VERSION:
        raise AuditNewerError(f"The log has version {version}; this program knows up to {VERSION}.")
    tail = KEY_ID_BYTES + SIGNATURE_BYTES
    if version != VERSION or not FIXED.size + tail <= length <= MAX_HEADER:
        raise AuditCorruptError("The header of a segment is of an impossible version or length.")
    data = file.read(length)
    if len(data) < length:
        raise AuditCorruptError("The header of a segment is cut off.")
    body, key, signature = data[:-tail], data[-tail:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    log, full, first, chain, before, count = FIXED.unpack_from(body)
    peaks = tuple(body[at : at + HASH_BYTES] for at in range(FIXED.size, len(body), HASH_BYTES))
    ordered = full.bit_count() == 1 and first % full == 0 and first.bit_count() == count == len(peaks)
    if not ordered or len(body) != FIXED.size + count * HASH_BYTES:
        raise AuditCorruptError("The header of a segment contradicts itself.")
    header = SegmentHeader(log, full, first, chain, before, peaks)
    if keys is not None:
        _check_signature(header, keys, key, signature)
    return header


def _check_signature(header: SegmentHeader, keys: PublicKeys, key: bytes, signature: bytes) -> None:
    if key not in keys:
        raise AuditCorruptError(
            f"A segment was signed with the unknown key {key.hex()}.",
            hint="Give the public key that the log is signed with.",
        )
    try:
        keys[key].verify(signature, CONTEXT + header.body())
    except InvalidSignature:
        raise AuditCorruptError(f"The signature of the segment from entry {header.first} is wrong.") from None


def link_of(chain: bytes, leaf: bytes) -> bytes:
    """Return the link of an entry."""
    return hashlib.sha256(chain + leaf).digest()


def frame(kind: int, body: bytes) -> bytes:
    """Return a frame."""
    return FRAME.pack(kind, len(body)) + body


def frames(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Yield kind, body and end of every whole frame from here on; ends before one that is none.

    Afterwards the file may be anywhere; what follows the last frame's end is torn, or nothing.
    """
    at = file.tell()
    while True:
        head = file.read(FRAME.size)
        if len(head) < FRAME.size:
            return
        kind, length = FRAME.unpack(head)
        if kind not in (ENTRY, HEAD) or not HASH_BYTES < length <= HASH_BYTES + MAX_ENTRY_BYTES:
            return
        body = file.read(length)
        if len(body) < length:
            return
        at += FRAME.size + length
        yield kind, body, at


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all; durable on return.

    Raises
    ------
    OSError
    """
    staged = path.with_name(path.name + ".tmp")
    with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
