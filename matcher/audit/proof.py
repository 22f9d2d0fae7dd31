"""Proofs that can be checked without the log: an entry is in it; an earlier head is its beginning."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matcher.audit.entry import Entry, unpacked
from matcher.audit.head import Head, PublicKeys, unpacked_head
from matcher.audit.merkle import (
    HASH_BYTES,
    MAX_PROOF,
    Frontier,
    consistency_path,
    inclusion_path,
    is_consistent,
    leaf_hash,
    root_of_inclusion,
)
from matcher.audit.segment import SegmentHeader, read_header, segment_paths
from matcher.audit.walk import entries_of
from matcher.errors import ArgumentError, AuditCorruptError

MAX_PROOF_TEXT = 1 << 23
"""Longest proof that is read, characters."""


class LogParts:
    """`merkle.Parts` of a log: full segments by the roots that the next header says, others by their entries.

    A wrong root in a header makes a proof that does not hold; it cannot make a wrong one hold.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._paths = segment_paths(folder)
        self._headers: dict[int, SegmentHeader] = {}
        self._leaves: tuple[int, list[bytes]] = (-1, [])
        self.full = self._header(0).full

    def __call__(self, begin: int, end: int) -> bytes:
        """Return the hash of the tree over entries begin to end."""
        tree = Frontier()
        if begin % self.full == 0 and (end - begin) >= self.full:
            roots = Frontier()
            for number in range(begin // self.full, end // self.full):
                roots.append(self.root(number))
            tree = Frontier((end - begin) // self.full * self.full, roots.peaks)
            begin += tree.size
        for index in range(begin, end):
            tree.append(self.leaf(index))
        return tree.root()

    def root(self, number: int) -> bytes:
        """Return the root of a full segment."""
        if number + 1 < len(self._paths):
            return self._header(number + 1).before
        tree = Frontier()
        for index in range(number * self.full, (number + 1) * self.full):
            tree.append(self.leaf(index))
        return tree.root()

    def leaf(self, index: int) -> bytes:
        """Return the hash of an entry."""
        number = index // self.full
        if self._leaves[0] != number:
            self._leaves = number, [leaf_hash(data) for data in stored_entries(self._paths[number])]
        try:
            return self._leaves[1][index % self.full]
        except IndexError:
            raise AuditCorruptError(f"The log has no entry {index}.") from None

    def entry(self, index: int) -> bytes:
        """Return the stored form of an entry."""
        if not 0 <= index < len(self._paths) * self.full:
            raise ArgumentError(f"The log has no entry {index}.")
        found = stored_entries(self._paths[index // self.full])
        if index % self.full >= len(found):
            raise ArgumentError(f"The log has no entry {index}.")
        return found[index % self.full]

    def _header(self, number: int) -> SegmentHeader:
        if number not in self._headers:
            with self._paths[number].open("rb") as file:
                self._headers[number] = read_header(file, None)
        return self._headers[number]


def stored_entries(path: Path) -> list[bytes]:
    """Return the stored forms of a segment's entries, unchecked."""
    with path.open("rb") as file:
        header = read_header(file, None)
        return [data for _, data, _ in entries_of(file, header.first)]


@dataclass(frozen=True, slots=True)
class Proof:
    """Shows that an entry is in the log of a head, or that one head's log is the beginning of another's.

    Attributes
    ----------
    head : Head
        Of the log as a whole.
    path : tuple of bytes
        Hashes, as RFC 9162 orders them.
    number, entry : int, bytes, or None
        Of an inclusion.
    earlier : Head or None
        Of a consistency.
    """

    head: Head
    path: tuple[bytes, ...]
    number: int | None = None
    entry: bytes | None = None
    earlier: Head | None = None

    def check(self, keys: PublicKeys) -> Entry | None:
        """Return the entry that is proved to be there, or None of a consistency.

        Raises
        ------
        AuditCorruptError
            If the proof does not hold.
        """
        self.head.check(keys)
        if self.entry is not None and self.number is not None:
            root = root_of_inclusion(leaf_hash(self.entry), self.number, self.head.size, self.path)
            if root != self.head.root:
                raise AuditCorruptError(f"The proof does not show entry {self.number} in the log.")
            return unpacked(self.entry)
        if self.earlier is None:
            raise AuditCorruptError("The proof says neither an entry nor an earlier head.")
        self.earlier.check(keys)
        old, new = self.earlier, self.head
        if old.log != new.log or not is_consistent(old.size, old.root, new.size, new.root, self.path):
            raise AuditCorruptError(f"The log of {new.size} entries does not begin with that of {old.size}.")
        return None

    def text(self) -> str:
        """Return the proof as JSON."""
        value: dict[str, Any] = {"head": _said(self.head.packed()), "path": [_said(one) for one in self.path]}
        if self.entry is not None:
            value |= {"number": self.number, "entry": self.entry.decode("ascii")}
        if self.earlier is not None:
            value["earlier"] = _said(self.earlier.packed())
        return json.dumps(value, indent=1)


def parsed_proof(text: str) -> Proof:
    """Return the proof of a JSON text; whether it holds, `Proof.check` says.

    Raises
    ------
    AuditCorruptError
        If it is none.
    """
    try:
        if len(text) > MAX_PROOF_TEXT:
            raise ValueError
        value = json.loads(text)
        path = tuple(_read(one) for one in value["path"])
        if len(path) > MAX_PROOF or any(len(one) != HASH_BYTES for one in path):
            raise ValueError
        number, entry = value.get("number"), value.get("entry")
        if (number is None) != (entry is None) or (number is not None and type(number) is not int):
            raise ValueError
        return Proof(
            parsed_head(value["head"]),
            path,
            number,
            None if entry is None else entry.encode("ascii"),
            parsed_head(value["earlier"]) if "earlier" in value else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise AuditCorruptError("The file is no proof.") from error


def prove_inclusion(folder: Path, head: Head, number: int) -> Proof:
    """Return the proof that entry `number` is in the log of a head.

    Raises
    ------
    ArgumentError
        If there is no such entry.
    """
    if not 0 <= number < head.size:
        raise ArgumentError(f"Entry: expected 0 to {head.size - 1}, got {number}.")
    parts = LogParts(folder)
    return Proof(head, tuple(inclusion_path(parts, number, head.size)), number, parts.entry(number))


def prove_consistency(folder: Path, head: Head, earlier: Head) -> Proof:
    """Return the proof that the log of `earlier` is the beginning of that of `head`.

    Raises
    ------
    ArgumentError
        If `earlier` has no entries, or more.
    """
    if not 0 < earlier.size <= head.size:
        raise ArgumentError(f"Earlier head: expected 1 to {head.size} entries, got {earlier.size}.")
    return Proof(head, tuple(consistency_path(LogParts(folder), earlier.size, head.size)), earlier=earlier)


def head_text(head: Head) -> str:
    """Return a head as a line of text, to be kept elsewhere."""
    return _said(head.packed())


def parsed_head(text: str) -> Head:
    """Return the head of a line of text.

    Raises
    ------
    AuditCorruptError
        If it is none.
    """
    try:
        return unpacked_head(_read(text.strip()))
    except (ValueError, TypeError, AttributeError) as error:
        raise AuditCorruptError("The text is no head of a log.") from error


def _said(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _read(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
