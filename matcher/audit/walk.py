"""Reading a segment and holding every entry and head against what stands before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from matcher.audit.entry import unpacked
from matcher.audit.head import Head, PublicKeys, unpacked_head
from matcher.audit.merkle import HASH_BYTES, Frontier, leaf_hash
from matcher.audit.segment import ENTRY, NO_LINK, SegmentHeader, frames, link_of, read_header
from matcher.errors import AuditCorruptError


@dataclass(slots=True)
class State:
    """Where a log stands.

    Attributes
    ----------
    tree : Frontier
    chain : bytes
        Last link.
    own : Frontier
        Tree over the last segment alone.
    """

    tree: Frontier = field(default_factory=Frontier)
    chain: bytes = NO_LINK
    own: Frontier = field(default_factory=Frontier)

    def add(self, data: bytes) -> bytes:
        """Go on by an entry's stored form; return the hash of its leaf."""
        leaf = leaf_hash(data)
        self.chain = link_of(self.chain, leaf)
        self.tree.append(leaf)
        self.own.append(leaf)
        return leaf

    def copy(self) -> State:
        """Return another one of the same state."""
        return State(self.tree.copy(), self.chain, self.own.copy())


@dataclass(slots=True)
class Walked:
    """What a walk through a segment came to; complete once the walk has ended.

    Attributes
    ----------
    header : SegmentHeader
    state : State
        Behind the last head.
    head : Head or None
        The last one.
    end : int
        Offset behind the last head: everything before it holds.
    rest : int
        Bytes after it.
    """

    header: SegmentHeader
    state: State
    head: Head | None = None
    end: int = 0
    rest: int = 0

    @property
    def size(self) -> int:
        """Entries of the log up to here."""
        return self.state.tree.size

    @property
    def is_full(self) -> bool:
        """Whether the next entry belongs to the next segment."""
        return self.size - self.header.first == self.header.full


def walk_segment(
    path: Path, keys: PublicKeys, before: State | None, leaves: list[bytes] | None = None
) -> Walked:
    """Hold a whole segment against its header, its chain, its heads and what came before.

    Parameters
    ----------
    path : Path
    keys : mapping of bytes to Ed25519PublicKey
        Who may have signed.
    before : State or None
        Of the log before the segment; None: as its signed header says.
    leaves : list of bytes, optional
        Gets the hash of every entry behind which there is a head.

    Raises
    ------
    AuditCorruptError, AuditNewerError
        At the first thing that does not hold. What is torn at the end is no such thing: see `rest`.
    """
    with path.open("rb") as file:
        header = read_header(file, keys)
        if before is not None:
            told = (header.first, list(header.peaks), header.chain)
            root = before.own.root() if before.own.size else NO_LINK
            if (*told, header.before) != (before.tree.size, before.tree.peaks, before.chain, root):
                raise AuditCorruptError(f"The segment from entry {header.first} does not follow the last.")
        walked = Walked(header, State(header.frontier(), header.chain), end=file.tell())
        _walk(file, walked, keys, leaves if leaves is not None else [])
        walked.rest = os.fstat(file.fileno()).st_size - walked.end
    return walked


def _walk(file: BinaryIO, walked: Walked, keys: PublicKeys, leaves: list[bytes]) -> None:
    state, waiting = walked.state.copy(), list[bytes]()
    for kind, body, end in frames(file):
        if kind == ENTRY:
            link, data = body[:HASH_BYTES], body[HASH_BYTES:]
            if state.tree.size - walked.header.first == walked.header.full:
                raise AuditCorruptError(f"Entry {state.tree.size} stands in the wrong segment.")
            leaf = state.add(data)
            if link != state.chain:
                raise AuditCorruptError(
                    f"Entry {state.tree.size - 1} was changed, or something before it moved."
                )
            unpacked(data)
            waiting.append(leaf)
        else:
            head = unpacked_head(body)
            said = (head.log, head.size, head.root, head.chain)
            if said != (walked.header.log, state.tree.size, state.tree.root(), state.chain):
                raise AuditCorruptError(f"The signed head at {head.size} entries does not fit the entries.")
            head.check(keys)
            leaves += waiting
            waiting.clear()
            walked.state, walked.head, walked.end = state.copy(), head, end


def entries_of(file: BinaryIO, first: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield number, stored form and offset of entries from here on that have a head behind them; unchecked.

    Parameters
    ----------
    file : binary file
        Behind a header, or behind a head.
    first : int
        Number of the next entry.
    """
    group: list[tuple[int, bytes, int]] = []
    begin = file.tell()
    for kind, body, end in frames(file):
        if kind == ENTRY:
            group.append((first, body[HASH_BYTES:], begin))
            first += 1
        else:
            yield from group
            group.clear()
        begin = end
