"""The samples of one modality in memory, in the form that the scorer reads.

Layout: rows are packed into blocks. Row r of a block is `words[offsets[r]:offsets[r+1]]`; beside it stand its
subject, position and extractor. A block is allocated once, filled at its end and never moved, so a
reader keeps the part that was published to it while the writer appends behind. A deleted row is marked dead
in place (one byte, which a reader sees at once or at its next look).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from matcher.types import I64, U8, U64, Modality

I32 = npt.NDArray[np.int32]

BLOCK_WORDS = 1 << 23
"""Words (8 bytes) allocated at a time: 64 MiB, of which the system hands out only what is written."""

BLOCK_ROWS = 1 << 16
"""Rows in a block: enough for templates of 1 kB, and a search is cut at block ends."""

MAX_EXTRACTORS = 255
"""Extractor ids are one byte in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ResidentSample:
    """One finger, eye or face as its scorer reads it.

    Attributes
    ----------
    modality : Modality
    words : uint64 array (W,)
    position : int
        Code of the modality's positions, 0 unknown.
    extractor : str
        Of a face, its model.
    """

    modality: Modality
    words: U64
    position: int
    extractor: str


@dataclass(slots=True, eq=False)
class Block:
    """Storage for many rows; only the part that a `RowsView` names is filled.

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

    def row(self, number: int) -> U64:
        """Return the words of a row."""
        return self.words[self.offsets[number] : self.offsets[number + 1]]


class Place(NamedTuple):
    """Where one sample is."""

    modality: Modality
    block: Block
    row: int
    extractor: str


@dataclass(frozen=True, slots=True)
class RowsView:
    """What a reader sees of one modality.

    Attributes
    ----------
    blocks : tuple of (Block, int)
        Each block with the number of its rows that are published.
    extractors : tuple of str
        By the number that rows carry.
    samples : int
        How many rows are alive.
    resident_bytes : int
        What the rows occupy, dead ones included; what a block has in reserve is not counted.
    """

    blocks: tuple[tuple[Block, int], ...] = ()
    extractors: tuple[str, ...] = ()
    samples: int = 0
    resident_bytes: int = 0


class Rows:
    """All samples of one modality; one thread writes.

    Parameters
    ----------
    modality : Modality
    block_words, block_rows : int
        Size of a block.
    """

    def __init__(self, modality: Modality, block_words: int, block_rows: int) -> None:
        self._modality = modality
        self._size = (block_words, block_rows)
        self._blocks: list[Block] = []
        self._extractors: dict[str, int] = {}
        self._alive = 0

    def append(self, sample: ResidentSample, subject: int) -> Place:
        """Add a sample of a subject; not visible before the next `view` is published."""
        if sample.extractor not in self._extractors:
            if len(self._extractors) == MAX_EXTRACTORS:
                raise ValueError(f"more than {MAX_EXTRACTORS} extractors in one gallery")
            self._extractors[sample.extractor] = len(self._extractors)
        if not self._blocks or not self._blocks[-1].fits(len(sample.words)):
            words, rows = self._size
            self._blocks.append(Block.allocate(max(words, len(sample.words)), rows))
        block = self._blocks[-1]
        row = block.append(sample, subject, self._extractors[sample.extractor])
        self._alive += 1
        return Place(self._modality, block, row, sample.extractor)

    def remove(self, place: Place) -> None:
        """Mark a row dead."""
        place.block.dead[place.row] = True
        self._alive -= 1

    def view(self) -> RowsView:
        """Return everything added so far."""
        return RowsView(
            tuple((block, block.rows) for block in self._blocks),
            tuple(self._extractors),
            self._alive,
            self._bytes(),
        )

    def _bytes(self) -> int:
        arrays = [(b.offsets, b.subject, b.position, b.extractor, b.dead) for b in self._blocks[:1]]
        per_row = sum(array.itemsize for row in arrays for array in row)
        return sum(int(b.offsets[b.rows]) * b.words.itemsize + b.rows * per_row for b in self._blocks)
