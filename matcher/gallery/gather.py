"""The samples of chosen subjects, in the form that scorers read, found for all of them at once.

Most forms lie in memory as scorers read them. Of an iris only the search code does: the full code is read
from the store for those that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.gallery.columns import I32, Bools
from matcher.gallery.filters import Allowed
from matcher.gallery.memory import Memory, View
from matcher.gallery.records import ORDINAL_BITS
from matcher.gallery.rows import Block, RowsView
from matcher.types import I64, U8, U64, Modality

CHUNK_ROWS = 8192
"""Rows that are compared between two looks at the deadline: about 0.1 s of one thread."""

Fetch = Callable[[Modality, Sequence[int]], Sequence[U64 | None]]
"""From keys of samples to the forms that the scorer reads, read from the store; None for one that is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows of one modality; row i is `words[offsets[rows[i]]:offsets[rows[i] + 1]]`.

    Attributes
    ----------
    words : uint64 array (W,)
    offsets : int64 array (R + 1,)
    rows : int64 array (r,)
    owner : int32 array (r,)
        Whose each is: an index, of what the caller says.
    encounter : int32 array (r,)
    ordinal, position, extractor : uint8 array (r,)
    """

    words: U64
    offsets: I64
    rows: I64
    owner: I32
    encounter: I32
    ordinal: U8
    position: U8
    extractor: U8

    def __len__(self) -> int:
        return len(self.rows)

    def chosen(self, which: npt.NDArray[Any] | slice) -> Batch:
        """Return some of the rows, by a mask, by numbers or by a slice."""
        return Batch(
            self.words,
            self.offsets,
            self.rows[which],
            self.owner[which],
            self.encounter[which],
            self.ordinal[which],
            self.position[which],
            self.extractor[which],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Batches of one modality, and the extractors by number."""

    batches: tuple[Batch, ...] = ()
    extractors: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def pieces(self) -> Iterator[Batch]:
        """Yield all rows in batches of at most `CHUNK_ROWS`."""
        for batch in self.batches:
            for begin in range(0, len(batch), CHUNK_ROWS):
                yield batch.chosen(slice(begin, begin + CHUNK_ROWS))

    def of(self, owner: int) -> Samples:
        """Return the samples of one owner."""
        found = (batch.chosen(batch.owner == owner) for batch in self.batches)
        return Samples(tuple(batch for batch in found if len(batch)), self.extractors)

    @property
    def position(self) -> U8:
        """Of every sample."""
        return np.concatenate([np.zeros(0, np.uint8), *(batch.position for batch in self.batches)])

    @property
    def extractor(self) -> U8:
        """Number of every sample's extractor."""
        return np.concatenate([np.zeros(0, np.uint8), *(batch.extractor for batch in self.batches)])

    def forms(self) -> Iterator[U64]:
        """Yield every sample's words."""
        for batch in self.batches:
            for row in batch.rows.tolist():
                yield batch.words[batch.offsets[row] : batch.offsets[row + 1]]


def same(one: Samples, other: Samples) -> bool:
    """Return whether two are of the same samples, in whichever form."""
    if len(one) != len(other):
        return False
    return all(
        np.array_equal(
            np.concatenate([getattr(b, name) for b in one.batches]),
            np.concatenate([getattr(b, name) for b in other.batches]),
        )
        for name in ("encounter", "ordinal")
        if len(one)
    )


Person = Mapping[Modality, Samples]
"""The samples of somebody, or of several by owner."""


def samples_in_full(residents: Sequence[tuple[U64, int, str]]) -> Samples:
    """Return the samples of somebody who is in no memory, as (form, position, extractor); the owner is 0."""
    names = tuple(dict.fromkeys(extractor for _, _, extractor in residents))
    count = len(residents)
    offsets = np.concatenate([[0], np.cumsum([len(form) for form, _, _ in residents])]).astype(np.int64)
    batch = Batch(
        np.concatenate([np.zeros(0, np.uint64), *(form for form, _, _ in residents)]),
        offsets,
        np.arange(count, dtype=np.int64),
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.arange(count, dtype=np.uint8),
        np.array([position for _, position, _ in residents], np.uint8),
        np.array([names.index(extractor) for _, _, extractor in residents], np.uint8),
    )
    return Samples((batch,) if count else (), names)


def everything(rows: RowsView, view: View, passing: Allowed) -> Iterator[Batch]:
    """Yield all rows that live and pass, as they lie in memory; the owner is the subject's number."""
    for block, count in rows.blocks:
        chosen = np.flatnonzero(passing.rows(block, count))
        if len(chosen):
            yield batch_of(block, chosen, view.encounters.subject[block.encounter[chosen]])


def batch_of(block: Block, rows: npt.NDArray[np.intp], owner: I32) -> Batch:
    """Return rows of a block, each with its owner."""
    return Batch(
        block.words,
        block.offsets,
        rows.astype(np.int64, copy=False),
        owner,
        block.encounter[rows],
        block.ordinal[rows],
        block.position[rows],
        block.extractor[rows],
    )


@dataclass(slots=True, eq=False)
class Selection:
    """Chosen subjects with their encounters that pass, of one view.

    Parameters
    ----------
    memory : Memory
    view : View
    passing : Allowed
    subjects : int array (C,)
        Numbers of the subjects, ascending.
    """

    memory: Memory
    view: View
    passing: Allowed
    subjects: npt.NDArray[np.integer[Any]]
    encounter: I32 = field(init=False)
    owner: I32 = field(init=False)

    def __post_init__(self) -> None:
        found = self.memory.encounters_of(self.subjects)
        kept = self.passing.passes(found.encounter) & (found.encounter < self.view.encounters.count)
        self.encounter, self.owner = found.encounter[kept], found.owner[kept]

    def hot(self, modality: Modality) -> Samples:
        """Return the samples as they lie in memory; the owner is an index of `subjects`."""
        rows = self.view.rows[modality]
        found = (self._of_block(block, count) for block, count in rows.blocks)
        return Samples(tuple(batch for batch in found if batch is not None), rows.extractors)

    def stored(self, modality: Modality, fetch: Fetch) -> Samples:
        """Return the samples in the form that is read from the store; those gone since are left out."""
        hot = self.hot(modality)
        found = (self._fetched(batch, modality, fetch) for batch in hot.batches)
        return Samples(tuple(batch for batch in found if len(batch)), hot.extractors)

    def current(self, index: int, person: Person) -> bool:
        """Return whether somebody's samples are all still there, and still theirs, and no more came."""
        subject = int(self.subjects[index])
        if self.memory.name(subject) is None:
            return False
        now = Selection(self.memory, self.memory.view(), self.passing, np.array([subject]))
        return all(same(samples, now.hot(modality)) for modality, samples in person.items())

    def _of_block(self, block: Block, count: int) -> Batch | None:
        own = block.encounter[:count]
        if not count or not len(self.encounter):
            return None
        first, last = np.searchsorted(self.encounter, [own[0], own[-1] + 1])
        asked = self.encounter[first:last]
        begins = np.searchsorted(own, asked, "left")
        sizes = np.searchsorted(own, asked, "right") - begins
        rows = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        living: Bools = ~block.dead[rows]
        rows = rows[living]
        if not len(rows):
            return None
        return batch_of(block, rows, np.repeat(self.owner[first:last], sizes)[living])

    def _fetched(self, batch: Batch, modality: Modality, fetch: Fetch) -> Batch:
        keys = self.memory.encounter_keys(batch.encounter) << ORDINAL_BITS | batch.ordinal
        forms = fetch(modality, keys.tolist())
        there = np.array([form is not None for form in forms], np.bool_)
        kept = [form for form in forms if form is not None]
        offsets = np.concatenate([[0], np.cumsum([len(form) for form in kept])]).astype(np.int64)
        words: U64 = np.concatenate([np.zeros(0, np.uint64), *kept])
        left = batch.chosen(there)
        rows = np.arange(len(kept), dtype=np.int64)
        return replace(left, words=words, offsets=offsets, rows=rows)
