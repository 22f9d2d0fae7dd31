"""The samples of chosen subjects, in the form that scorers read, found for all of them at once.

Most forms lie in memory as scorers read them. Of an iris only the search code does: the full code is read
from the store for those that are asked for.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
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

    def without(self, owners: Bools) -> Samples:
        """Return the samples of everybody but some owners, given by a mark for each."""
        found = (batch.chosen(~owners[batch.owner]) for batch in self.batches)
        return Samples(tuple(batch for batch in found if len(batch)), self.extractors)

    @property
    def position(self) -> U8:
        """Of every sample."""
        if len(self.batches) == 1:
            return self.batches[0].position
        return np.concatenate([np.zeros(0, np.uint8), *(batch.position for batch in self.batches)])

    @property
    def extractor(self) -> U8:
        """Number of every sample's extractor."""
        if len(self.batches) == 1:
            return self.batches[0].extractor
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


SamplesKey = tuple[tuple[bytes, bytes], ...]
"""Which samples of one memory and modality some are: encounters and ordinals, neither of which is ever given
again there, nor are its samples ever changed."""

Person = Mapping[Modality, Samples]
"""The samples of somebody, or of several by owner."""


def widened(samples: Samples, widen: Callable[[U64], U64]) -> Samples:
    """Return samples, each in the form that `widen` makes of it; themselves where that is theirs."""
    forms = list(samples.forms())
    made = [widen(form) for form in forms]
    if all(one is other for one, other in zip(made, forms, strict=True)):
        return samples
    offsets = np.concatenate([[0], np.cumsum([len(form) for form in made])]).astype(np.int64)
    words: U64 = np.concatenate(made)
    begins = np.cumsum([0, *map(len, samples.batches)]).tolist()
    return replace(
        samples,
        batches=tuple(
            replace(batch, words=words, offsets=offsets, rows=np.arange(begin, begin + len(batch)))
            for batch, begin in zip(samples.batches, begins, strict=False)
        ),
    )


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


def own_samples(
    memory: Memory, view: View, passing: Allowed, subject: int, modality: Modality
) -> tuple[Samples, SamplesKey]:
    """Return the samples of one subject as they lie in memory, and what tells them from any others there.

    What a `Selection` of one says, found row by row: a verification asks for little else.
    """
    encounters = [e for e in memory.encounters_of_one(subject) if e < view.encounters.count]
    if passing.encounters is not None:
        passes = passing.passes(np.array(encounters, np.int32))
        encounters = [encounter for encounter, kept in zip(encounters, passes, strict=True) if kept]
    rows = view.rows[modality]
    living: dict[int, list[int]] = {}
    for encounter in encounters:
        for number in _blocks_with(rows.blocks, encounter):
            block, count = rows.blocks[number]
            # Not NumPy's search, which gives the interpreter's lock away each time: its threads queue for it.
            own = block.encounter.data[:count]
            first = bisect.bisect_left(own, encounter)
            last = bisect.bisect_right(own, encounter, first)
            dead = block.dead[first:last].tolist()
            living.setdefault(number, []).extend(row for row, gone in enumerate(dead, first) if not gone)
    batches = []
    for number, its in sorted(living.items()):
        if its:
            chosen = np.array(its, np.int64)
            batches.append(batch_of(rows.blocks[number][0], chosen, np.zeros(len(its), np.int32)))
    key = tuple((batch.encounter.tobytes(), batch.ordinal.tobytes()) for batch in batches)
    return Samples(tuple(batches), rows.extractors), key


def _blocks_with(blocks: Sequence[tuple[Block, int]], encounter: int) -> range:
    """Return the numbers of the blocks that may hold rows of an encounter: they stand in its order."""
    last = bisect.bisect_right(blocks, encounter, key=_first_encounter)
    first = last - 1
    while first > 0 and _first_encounter(blocks[first]) == encounter:
        first -= 1
    return range(max(first, 0), last)


def _first_encounter(block: tuple[Block, int]) -> int:
    return int(block[0].encounter[0])


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


def _without_forms(batches: Sequence[Batch]) -> Batch:
    """Return all rows as one batch, in their order; what they are, without what is compared."""
    nothing = np.zeros(0, np.uint64), np.zeros(1, np.int64), np.arange(sum(map(len, batches)))
    names = ("owner", "encounter", "ordinal", "position", "extractor")
    return Batch(*nothing, *(np.concatenate([getattr(batch, name) for batch in batches]) for name in names))


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
        if not hot.batches:
            return hot
        found = self._fetched(_without_forms(hot.batches), modality, fetch)
        return Samples((found,) if len(found) else (), hot.extractors)

    def current(self, index: int, person: Person) -> bool:
        """Return whether somebody's samples are all still there, and still theirs, and no more came."""
        subject = int(self.subjects[index])
        if self.memory.name(subject) is None:
            return False
        now = Selection(self.memory, self.memory.view(), self.passing, np.array([subject]))
        return all(same(samples, now.hot(modality)) for modality, samples in person.items())

    def _of_block(self, block: Block, count: int) -> Batch | None:
        rows, owner = _core.rows_of(block.encounter[:count], block.dead[:count], self.encounter, self.owner)
        return batch_of(block, rows, owner) if len(rows) else None

    def _fetched(self, batch: Batch, modality: Modality, fetch: Fetch) -> Batch:
        keys = self.memory.encounter_keys(batch.encounter) << ORDINAL_BITS | batch.ordinal
        forms = fetch(modality, keys.tolist())
        there = np.array([form is not None for form in forms], np.bool_)
        kept = [form for form in forms if form is not None]
        offsets = np.array([0, *accumulate(map(len, kept))], np.int64)
        # Joined as bytes: numpy gives the interpreter's lock away for each of them.
        words: U64 = np.frombuffer(b"".join(form.data for form in kept), np.uint64)
        left = batch.chosen(there)
        rows = np.arange(len(kept), dtype=np.int64)
        return replace(left, words=words, offsets=offsets, rows=rows)
