"""Fingerprints in memory, in the form that the scorer reads; derived from the store and never the truth.

Layout: rows are packed into blocks. Row r of a block is `words[offsets[r]:offsets[r+1]]`; beside it stand its
subject, finger position and extractor. A block is allocated once, filled at its end and never moved, so a
reader keeps the part that was published to it while the writer appends behind. A deleted row is marked dead
in place (one byte, which a reader sees at once or at its next look).

One thread writes (the store's writer). Readers take `view()`: one reference to an immutable tuple.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.errors import NotReadyError
from matcher.gallery.records import Change, ChangeKind
from matcher.types import I64, U8, U64

I32 = npt.NDArray[np.int32]

BLOCK_WORDS = 1 << 23
"""Words (8 bytes) allocated at a time: 64 MiB, of which the system hands out only what is written."""

BLOCK_ROWS = 1 << 16
"""Rows in a block: enough for templates of 1 kB, and a search is cut at block ends."""

MAX_EXTRACTORS = 255
"""Extractor ids are one byte in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ResidentSample:
    """One finger as the scorer reads it.

    Attributes
    ----------
    words : uint64 array (W,)
    position : int
        `FingerPosition`, 0 unknown.
    extractor : str
    """

    words: U64
    position: int
    extractor: str


@dataclass(slots=True, eq=False)
class Block:
    """Storage for many rows; only the part that a `BlockView` names is filled.

    Attributes
    ----------
    words : uint64 array (W,)
    offsets : int64 array (R + 1,)
    subject : int32 array (R,)
        Number of the subject within this memory.
    position, extractor : uint8 array (R,)
    dead : bool array (R,)
        True once the subject was deleted.
    """

    words: U64
    offsets: I64
    subject: I32
    position: U8
    extractor: U8
    dead: npt.NDArray[np.bool_]
    rows: int = 0

    @staticmethod
    def allocate(words: int, rows: int) -> Block:
        """Return an empty block with room for so many words and rows."""
        return Block(
            np.empty(words, np.uint64),
            np.zeros(rows + 1, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows, np.uint8),
            np.empty(rows, np.uint8),
            np.zeros(rows, np.bool_),
        )

    def fits(self, words: int) -> bool:
        """Return whether one more row of so many words has room."""
        return self.rows < len(self.subject) and int(self.offsets[self.rows]) + words <= len(self.words)

    def append(self, sample: ResidentSample, subject: int, extractor: int) -> int:
        """Add a row behind what readers see and return its number."""
        row = self.rows
        begin = int(self.offsets[row])
        end = begin + len(sample.words)
        self.words[begin:end] = sample.words
        self.subject[row] = subject
        self.position[row] = sample.position
        self.extractor[row] = extractor
        self.offsets[row + 1] = end
        self.rows = row + 1
        return row


@dataclass(frozen=True, slots=True)
class View:
    """What a reader works on: the state after `sequence`, later deletions included.

    Attributes
    ----------
    blocks : tuple of (Block, int)
        Each block with the number of its rows that are published.
    extractors : tuple of str
        By the number that rows carry.
    subjects : int
        How many are enrolled.
    samples : int
        How many rows are alive.
    numbers : int
        Subject numbers given so far; every row's `subject` is below.
    sequence : int
        Last change that is contained.
    """

    blocks: tuple[tuple[Block, int], ...] = ()
    extractors: tuple[str, ...] = ()
    subjects: int = 0
    samples: int = 0
    numbers: int = 0
    sequence: int = 0


Place = tuple[Block, int]
"""A block and a row in it."""


class Memory:
    """All fingers of a gallery, and where each subject's are.

    Parameters
    ----------
    block_words, block_rows : int
        Size of a block; tests take small ones.
    """

    def __init__(self, *, block_words: int = BLOCK_WORDS, block_rows: int = BLOCK_ROWS) -> None:
        self._size = (block_words, block_rows)
        self._blocks: list[Block] = []
        self._extractors: dict[str, int] = {}
        self._extractor_names: list[str] = []
        self._names: list[str | None] = []
        self._places: dict[str, tuple[int, int, tuple[Place, ...]]] = {}
        self._samples = 0
        self._sequence = 0
        self._view = View()

    def view(self) -> View:
        """Return the last published state."""
        return self._view

    def name(self, subject: int) -> str | None:
        """Return the id of a subject by its number, None once it is deleted."""
        return self._names[subject]

    def extractor(self, number: int) -> str:
        """Return an extractor's id by the number that rows carry."""
        return self._extractor_names[number]

    def places(self, subject_id: str) -> tuple[Place, ...] | None:
        """Return where the samples of a subject are, or None if nobody of that id is enrolled."""
        found = self._places.get(subject_id)
        return None if found is None else found[2]

    def places_of(self, subject: int) -> tuple[Place, ...] | None:
        """Return where the samples of a subject are by its number, None once it is deleted."""
        name = self._names[subject]
        found = None if name is None else self._places.get(name)
        return None if found is None or found[1] != subject else found[2]

    def add(self, subject_key: int, subject_id: str, samples: Sequence[ResidentSample]) -> None:
        """Append a subject's samples; nothing is visible before `publish`. Adding a known key adds to it."""
        known = self._places.get(subject_id)
        if known is not None and known[0] != subject_key:
            raise ValueError("two subjects of one id in the log")
        number = len(self._names) if known is None else known[1]
        places = tuple(self._append(sample, number) for sample in samples)
        if known is None:
            self._names.append(subject_id)
            self._places[subject_id] = (subject_key, number, places)
        else:
            self._places[subject_id] = (subject_key, number, known[2] + places)
        self._samples += len(samples)

    def remove(self, subject_key: int, subject_id: str) -> None:
        """Mark a subject's rows dead; a reader that is at work sees it when it asks for the name."""
        known = self._places.get(subject_id)
        if known is None or known[0] != subject_key:
            return
        del self._places[subject_id]
        self._names[known[1]] = None
        for block, row in known[2]:
            block.dead[row] = True
        self._samples -= len(known[2])

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes in log order and publish them; those taken over before are passed by.

        Raises
        ------
        NotReadyError
            If an entry before the first of these was never taken over.
        """
        for change in changes:
            if change.sequence <= self._sequence:
                continue
            if change.sequence != self._sequence + 1:
                raise NotReadyError(f"Change {change.sequence} came where {self._sequence + 1} was expected.")
            if change.kind is ChangeKind.ENROLL:
                self.add(change.subject_key, change.subject_id, change.resident)
            else:
                self.remove(change.subject_key, change.subject_id)
            self._sequence = change.sequence
        self.publish(self._sequence)

    def publish(self, sequence: int) -> None:
        """Make everything added so far visible as the state after `sequence`."""
        self._sequence = sequence
        self._view = View(
            tuple((block, block.rows) for block in self._blocks),
            tuple(self._extractor_names),
            len(self._places),
            self._samples,
            len(self._names),
            sequence,
        )

    def resident_bytes(self) -> int:
        """Bytes that the rows occupy, dead ones included; what a block has in reserve is not counted."""
        per_row = sum(a.itemsize for b in self._blocks[:1] for a in (b.offsets, b.subject)) + 3
        return sum(int(b.offsets[b.rows]) * b.words.itemsize + b.rows * per_row for b in self._blocks)

    def _append(self, sample: ResidentSample, number: int) -> Place:
        if sample.extractor not in self._extractors:
            if len(self._extractors) == MAX_EXTRACTORS:
                raise ValueError(f"more than {MAX_EXTRACTORS} extractors in one gallery")
            self._extractor_names.append(sample.extractor)
            self._extractors[sample.extractor] = len(self._extractors)
        if not self._blocks or not self._blocks[-1].fits(len(sample.words)):
            words, rows = self._size
            self._blocks.append(Block.allocate(max(words, len(sample.words)), rows))
        block = self._blocks[-1]
        return block, block.append(sample, number, self._extractors[sample.extractor])
