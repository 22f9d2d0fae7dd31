"""Which pairs of records are asked for: all, those of two registers, or those of new records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.dedup.records import NamedSample, Source, checked_count, digest_of
from matcher.errors import ArgumentError
from matcher.types import I64

REFERENCE = "against:"
"""What precedes the ids of the register that another one is held against."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The pairs that are compared.

    Attributes
    ----------
    first_new : int
        Pairs of two records before it are left out.
    within_new : bool
        Whether pairs of two records from it on are compared.
    """

    first_new: int = 0
    within_new: bool = True

    def searches(self, records: int) -> float:
        """Return how many records are searched for: twice the pairs over the records."""
        new = records - self.first_new
        pairs = self.pairs(records)
        return min(2.0 * pairs / max(records - 1, 1), float(new * 2 if self.first_new else new))

    def pairs(self, records: int) -> int:
        """Return the number of pairs."""
        new = records - self.first_new
        return new * self.first_new + (new * (new - 1) // 2 if self.within_new else 0)


@dataclass(frozen=True)
class JoinedSource:
    """Two registers, the reference first; see `matcher.dedup.records.Source`."""

    reference: Source
    source: Source

    @property
    def ids(self) -> Sequence[str]:
        """Those of the reference with `REFERENCE` before them."""
        return (*(REFERENCE + name for name in self.reference.ids), *self.source.ids)

    @property
    def attributes(self) -> Mapping[str, Sequence[str]]:
        """Columns of both; what one lacks is empty."""
        names = dict.fromkeys([*self.reference.attributes, *self.source.attributes])
        return {
            name: tuple(
                text
                for own in (self.reference, self.source)
                for text in own.attributes.get(name, ("",) * len(own.ids))
            )
            for name in names
        }

    @property
    def records_a_task(self) -> int:
        """As the smaller of both."""
        return min(self.reference.records_a_task, self.source.records_a_task)

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Read from the one or the other, or both."""
        first = len(self.reference.ids)
        old = self.reference.read(begin, min(end, first)) if begin < first else []
        new = self.source.read(max(begin - first, 0), end - first) if end > first else []
        return old + new

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the samples of some records."""
        first = len(self.reference.ids)
        old = self.reference.digest(begin, min(end, first)) if begin < first else ""
        new = self.source.digest(max(begin - first, 0), end - first) if end > first else ""
        return digest_of(old, new)


@dataclass(frozen=True, eq=False)
class OrderedSource:
    """A register in another order; see `matcher.dedup.records.Source`."""

    source: Source
    order: I64

    @property
    def ids(self) -> Sequence[str]:
        """In the new order."""
        own = self.source.ids
        return tuple(own[i] for i in self.order.tolist())

    @property
    def attributes(self) -> Mapping[str, Sequence[str]]:
        """In the new order."""
        return {
            name: tuple(values[i] for i in self.order.tolist())
            for name, values in self.source.attributes.items()
        }

    @property
    def records_a_task(self) -> int:
        """As of the register."""
        return self.source.records_a_task

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Read record by record where they do not lie together."""
        return [samples for one, two in self._runs(begin, end) for samples in self.source.read(one, two)]

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the samples of some records."""
        return digest_of(*(self.source.digest(one, two) for one, two in self._runs(begin, end)))

    def _runs(self, begin: int, end: int) -> list[tuple[int, int]]:
        own = self.order[begin:end]
        cuts = np.flatnonzero(np.diff(own) != 1) + 1
        return [(int(run[0]), int(run[-1]) + 1) for run in np.split(own, cuts) if len(run)]


def against(reference: Source, source: Source) -> tuple[JoinedSource, Asked]:
    """Hold a register against another one: only pairs of one record of each are compared.

    Raises
    ------
    ArgumentError
        If there are too many records, or their ids cannot be told apart.
    """
    joined = JoinedSource(reference, source)
    checked_count(len(reference.ids) + len(source.ids))
    if len(set(joined.ids)) < len(joined.ids):
        raise ArgumentError(f"Register: an id begins with {REFERENCE!r}, and is one of both registers then.")
    return joined, Asked(len(reference.ids), within_new=False)


def incremental(source: Source, known: Collection[str]) -> tuple[Source, Asked]:
    """Compare only records that are not among the known ids, with all and with each other.

    Raises
    ------
    ArgumentError
        If no record is new.
    """
    names = set(known)
    is_known = np.array([name in names for name in source.ids], np.bool_)
    if is_known.all():
        raise ArgumentError("Incremental: every record of the register is known already.")
    order = np.argsort(~is_known, kind="stable").astype(np.int64)
    return OrderedSource(source, order), Asked(int(is_known.sum()))
