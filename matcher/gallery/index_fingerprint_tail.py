"""The youngest prints of an index: one block allocated once, filled by one writer, read meanwhile.

What lies below a published length never changes again; a reader that holds a length sees whole prints.
Every minutia of a probe looks at all postings, few as they are; those of its lists vote, as in a segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher import _core
from matcher.fingerprint.descriptor import I32, U16, DescriptorProbe
from matcher.gallery.index_fingerprint_segment import CODE_BYTES, FACTORS, OVERREAD, PLACE_BYTES, Prints
from matcher.types import U8, U64

TAIL_ROWS = 1_024
"""Rows of a block: comparing with all their postings takes about a millisecond."""

TAIL_POSTINGS = 64 * TAIL_ROWS
"""Postings of a block; prints of more minutiae fill it with fewer rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """A block, and how much of it is published.

    Attributes
    ----------
    numbers : int32 array (rows,)
    minutiae : uint8 array (rows,)
    lists : uint16 array (postings,)
    owners : uint16 array (postings,)
        Row of each posting within the block.
    codes : uint8 array (8 postings + 64,)
        Byte b of code j is `codes[b * postings + j]`.
    places : uint8 array (postings, 3)
    rows, postings : int
        Published.
    """

    numbers: I32
    minutiae: U8
    lists: U16
    owners: U16
    codes: U8
    places: U8
    rows: int = 0
    postings: int = 0

    @classmethod
    def empty(cls, rows: int = TAIL_ROWS, postings: int = TAIL_POSTINGS) -> Tail:
        """Allocate a block."""
        return cls(
            np.empty(rows, np.int32),
            np.empty(rows, np.uint8),
            np.empty(postings, np.uint16),
            np.empty(postings, np.uint16),
            np.zeros(CODE_BYTES * postings + OVERREAD, np.uint8),
            np.empty((postings, PLACE_BYTES), np.uint8),
        )

    def __len__(self) -> int:
        return self.rows

    def room(self, minutiae: U8) -> int:
        """Return how many of the next rows still fit."""
        fit = np.cumsum(minutiae[: len(self.numbers) - self.rows], dtype=np.int64)
        return int(np.searchsorted(fit, len(self.lists) - self.postings, side="right"))

    def filled(self, prints: Prints) -> Tail:
        """Write prints behind what is published, and return the tail that publishes them.

        Only the one writer may call it, and only on the last tail of a block.
        """
        rows, postings = self.rows + len(prints), self.postings + len(prints.lists)
        at, stride = slice(self.postings, postings), len(self.lists)
        self.numbers[self.rows : rows] = prints.numbers
        self.minutiae[self.rows : rows] = prints.minutiae
        self.lists[at] = prints.lists
        self.owners[at] = np.repeat(np.arange(self.rows, rows), prints.minutiae)
        self.places[at] = prints.places
        for byte in range(CODE_BYTES):
            self.codes[byte * stride + self.postings : byte * stride + postings] = prints.codes[:, byte]
        return Tail(
            self.numbers, self.minutiae, self.lists, self.owners, self.codes, self.places, rows, postings
        )

    def prints(self) -> Prints:
        """Return what is published."""
        stride = len(self.lists)
        codes = self.codes[: CODE_BYTES * stride].reshape(CODE_BYTES, stride)[:, : self.postings].T
        return Prints(
            self.numbers[: self.rows],
            self.minutiae[: self.rows],
            self.lists[: self.postings],
            np.ascontiguousarray(codes),
            self.places[: self.postings],
        )

    def vote(self, probe: DescriptorProbe, out: U16) -> None:
        """Write the votes of each row to `out[number]`."""
        if self.rows == 0:
            return
        _core.vote_tail(
            probe.tables,
            probe.bases,
            probe.lists,
            probe.weights,
            self.codes,
            self.lists,
            self.owners,
            self.postings,
            self.numbers[: self.rows],
            self.minutiae[: self.rows],
            FACTORS,
            out,
        )

    def support(self, probe: DescriptorProbe, chosen: U64, out: U16) -> None:
        """Write to `out[number]` the votes that agree on one motion, of rows whose bit is set."""
        if self.rows == 0:
            return
        _core.support_tail(
            probe.tables,
            probe.bases,
            probe.lists,
            probe.weights,
            probe.places.ravel(),
            self.codes,
            self.places.ravel(),
            self.lists,
            self.owners,
            self.postings,
            self.numbers[: self.rows],
            self.minutiae[: self.rows],
            FACTORS,
            chosen,
            out,
        )
