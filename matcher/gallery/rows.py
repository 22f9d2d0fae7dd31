"""The samples of one modality in memory: packed, append-only, in the form that searches read.

Layout: rows are packed into blocks. Row r of a block is `words[offsets[r]:offsets[r+1]]`; beside it stand its
encounter, its ordinal there, position and extractor. A block is allocated once, filled at its end and never
moved, so a reader keeps the part that was published to it while the writer appends behind. A deleted row is
marked dead in place (one byte, which a reader sees at once or at its next look).

Rows are in the order of their encounters, across blocks too. So the rows of an encounter are found by
bisection, and nothing points at a row: a block with many dead rows is replaced by one without them, and the
encounters still find theirs.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from matcher.fingerprint.descriptor import FingerprintDescriptor
from matcher.gallery.columns import I32, Bools
from matcher.types import I64, U8, U64, Modality

if TYPE_CHECKING:
    from matcher.gallery.face_segment import InvertedFile

BLOCK_WORDS = 1 << 23
"""Words (8 bytes) allocated at a time: 64 MiB, of which the system hands out only what is written."""

BLOCK_ROWS = 1 << 16
"""Rows in a block: room for forms of 1 kB, and a search looks at its deadline between blocks."""

MAX_EXTRACTORS = 255
"""Extractor ids are one byte in memory."""

DEAD_SHARE = 0.2
"""A full block with more dead rows than this is replaced by one without them."""


@dataclass(frozen=True, slots=True, eq=False)
class ResidentSample:
    """One finger, eye or face as memory keeps it.

    Attributes
    ----------
    modality : Modality
    words : uint64 array (W,)
    position : int
        Code of the modality's positions, 0 unknown.
    extractor : str
        Of a face, its model.
    ordinal : int
        Of the sample in its encounter, 0 to 255.
    descriptor : FingerprintDescriptor or None
        What the shortlist keeps of it, where there is one.
    """

    modality: Modality
    words: U64
    position: int
    extractor: str
    ordinal: int = 0
    descriptor: FingerprintDescriptor | None = None


@dataclass(slots=True, eq=False)
class Block:
    """Storage for many rows; only the part that a `RowsView` names is filled.

    Attributes
    ----------
    words : uint64 array (W,)
    offsets : int64 array (R + 1,)
    encounter : int32 array (R,)
        Number of the encounter within this memory, ascending.
    ordinal, position, extractor : uint8 array (R,)
    dead : bool array (R,)
        True once the sample was deleted.
    rows : int
        How many are filled; only the writer reads it.
    inverted : InvertedFile or None
        Proposes rows of a full block of embeddings, see `matcher.gallery.sealed`; given in the background.
    """

    words: U64
    offsets: I64
    encounter: I32
    ordinal: U8
    position: U8
    extractor: U8
    dead: Bools
    rows: int = 0
    inverted: InvertedFile | None = None

    @staticmethod
    def allocate(words: int, rows: int) -> Block:
        """Return an empty block with room for so many words and rows."""
        return Block(
            np.empty(words, np.uint64),
            np.zeros(rows + 1, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows, np.uint8),
            np.empty(rows, np.uint8),
            np.empty(rows, np.uint8),
            np.zeros(rows, np.bool_),
        )

    def fits(self, words: int) -> bool:
        """Return whether one more row of so many words has room."""
        return self.rows < len(self.encounter) and int(self.offsets[self.rows]) + words <= len(self.words)

    def append(self, sample: ResidentSample, encounter: int, extractor: int) -> None:
        """Add a row behind what readers see."""
        row = self.rows
        begin = int(self.offsets[row])
        end = begin + len(sample.words)
        self.words[begin:end] = sample.words
        self.encounter[row] = encounter
        self.ordinal[row] = sample.ordinal
        self.position[row] = sample.position
        self.extractor[row] = extractor
        self.offsets[row + 1] = end
        self.rows = row + 1

    def find(self, first: int, last: int, encounter: int) -> range:
        """Return the rows of an encounter among rows `first` to `last`."""
        own = self.encounter[first:last]
        return range(
            first + int(np.searchsorted(own, encounter, "left")),
            first + int(np.searchsorted(own, encounter, "right")),
        )

    def reopened(self, words: int, rows: int) -> Block:
        """Return a block with room behind these rows, of the usual size; itself where they fill it."""
        used = int(self.offsets[self.rows])
        if self.rows >= rows or used >= words:
            return self
        made = Block.allocate(words, rows)
        made.words[:used] = self.words[:used]
        made.offsets[: self.rows + 1] = self.offsets[: self.rows + 1]
        for name in ("encounter", "ordinal", "position", "extractor", "dead"):
            getattr(made, name)[: self.rows] = getattr(self, name)[: self.rows]
        made.rows = self.rows
        return made

    def compacted(self) -> Block:
        """Return a block of the living rows alone, in their order."""
        kept = np.flatnonzero(~self.dead[: self.rows])
        begins, ends = self.offsets[kept], self.offsets[kept + 1]
        offsets = np.concatenate([[0], np.cumsum(ends - begins)]).astype(np.int64)
        # Word j of the new block came from j, less where its row begins now, plus where it began.
        source = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], ends - begins)
        made = Block(
            self.words[source],
            offsets,
            self.encounter[kept],
            self.ordinal[kept],
            self.position[kept],
            self.extractor[kept],
            np.zeros(len(kept), np.bool_),
            len(kept),
        )
        return made

    @property
    def row_bytes(self) -> int:
        """Bytes of a row beside its words."""
        arrays = (self.offsets, self.encounter, self.ordinal, self.position, self.extractor, self.dead)
        return sum(array.itemsize for array in arrays)


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
    dead : int
        How many are not, and still take room.
    resident_bytes : int
        What the rows occupy, dead ones included; what a block has in reserve is not counted.
    """

    blocks: tuple[tuple[Block, int], ...] = ()
    extractors: tuple[str, ...] = ()
    samples: int = 0
    dead: int = 0
    resident_bytes: int = 0


@dataclass(slots=True)
class Rows:
    """All samples of one modality; one thread writes.

    Parameters
    ----------
    block_words, block_rows : int
        Size of a block.

    Attributes
    ----------
    removed : int
        How many were marked dead since these rows were made or read, compacted ones included.
    """

    block_words: int
    block_rows: int
    blocks: list[Block] = field(default_factory=list)
    extractors: list[str] = field(default_factory=list)
    alive: int = 0
    dead: int = 0
    removed: int = 0

    def append(self, sample: ResidentSample, encounter: int) -> None:
        """Add a sample of an encounter, the last so far; not visible before the next `view`."""
        if sample.extractor not in self.extractors:
            if len(self.extractors) == MAX_EXTRACTORS:
                raise ValueError(f"more than {MAX_EXTRACTORS} extractors in one gallery")
            self.extractors.append(sample.extractor)
        if not self.blocks or not self.blocks[-1].fits(len(sample.words)):
            self._compact_last()
            room = max(self.block_words, len(sample.words))
            self.blocks.append(Block.allocate(room, self.block_rows))
        self.blocks[-1].append(sample, encounter, self.extractors.index(sample.extractor))
        self.alive += 1

    def remove(self, encounter: int, ordinal: int | None = None) -> None:
        """Mark the rows of an encounter dead, or that of one ordinal; those dead already are passed by."""
        for number in reversed(self._around(encounter)):
            block = self.blocks[number]
            marked = 0
            for row in block.find(0, block.rows, encounter):
                if not block.dead[row] and ordinal in (None, int(block.ordinal[row])):
                    block.dead[row] = True
                    marked += 1
            self.alive -= marked
            self.dead += marked
            self.removed += marked
            if marked and number < len(self.blocks) - 1:
                self._compact(number)

    def positions(self, encounter: int) -> set[int]:
        """Return the positions of an encounter's living samples."""
        return {
            int(block.position[row])
            for block in (self.blocks[number] for number in self._around(encounter))
            for row in block.find(0, block.rows, encounter)
            if not block.dead[row]
        }

    def view(self) -> RowsView:
        """Return everything added so far."""
        words = sum(int(block.offsets[block.rows]) for block in self.blocks)
        rows = sum(block.rows for block in self.blocks)
        per_row = self.blocks[0].row_bytes if self.blocks else 0
        return RowsView(
            tuple((block, block.rows) for block in self.blocks),
            tuple(self.extractors),
            self.alive,
            self.dead,
            8 * words + per_row * rows,
        )

    def _around(self, encounter: int) -> range:
        """Return the blocks that may hold rows of an encounter."""
        firsts = [int(block.encounter[0]) for block in self.blocks]
        begin = max(bisect.bisect_left(firsts, encounter) - 1, 0)
        return range(begin, bisect.bisect_right(firsts, encounter))

    def _compact_last(self) -> None:
        if self.blocks:
            self._compact(len(self.blocks) - 1)

    def _compact(self, number: int) -> None:
        """Replace a full block that has many dead rows; readers of the old one go on with it.

        Only the writer marks rows dead, and only the writer comes here: no delete falls in between.
        """
        block = self.blocks[number]
        dead = int(np.count_nonzero(block.dead[: block.rows]))
        if dead > DEAD_SHARE * block.rows:
            self.blocks[number : number + 1] = [block.compacted()] if dead < block.rows else []
            self.dead -= dead


def living_extractors(rows: RowsView) -> dict[str, int]:
    """Return how many rows of each extractor are alive."""
    counts = np.zeros(MAX_EXTRACTORS + 1, np.int64)
    if len(rows.extractors) == 1:
        counts[0] = rows.samples
    else:
        for block, count in rows.blocks:
            living = block.extractor[:count][~block.dead[:count]]
            counts += np.bincount(living, minlength=len(counts))
    return {name: int(counts[number]) for number, name in enumerate(rows.extractors)}
