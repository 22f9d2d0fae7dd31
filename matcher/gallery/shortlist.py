"""The fingers of a gallery by position, each in an index whose rows are encounters: whom the scorer sees.

An encounter's first sample of a position is indexed; a further one of the same is found through the first.
Not so of unknown positions, which are different fingers: the second of an encounter is in an index of its
own, the third in another, and so on.
What is added is kept back until `flush`, so that many come at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.fingerprint.descriptor import DescriptorProbe, FingerprintDescriptor
from matcher.gallery.columns import I32
from matcher.gallery.index_fingerprint import FingerprintIndex
from matcher.gallery.index_fingerprint_fuse import (
    ShortlistPart,
    first_length,
    shortlist,
    shortlist_length,
    widening,
)
from matcher.types import U64

UNKNOWN_POSITION = 0

FURTHER_UNKNOWN = 256
"""Indexes from this one on are of an encounter's second, third ... finger of unknown position."""

OTHERS_FIRST, OTHERS_SHARE = 0.2, 0.6
"""Parts of the first list and of the shortlist that are looked at where irises or a face propose, too."""

Arrays = dict[str, npt.NDArray[Any]]


class Shortlist:
    """One thread adds and removes; `maintain` and searches may run beside it."""

    def __init__(self) -> None:
        self._indexes: dict[int, FingerprintIndex] = {}
        self._waiting: dict[int, dict[int, FingerprintDescriptor]] = {}

    def add(self, encounter: int, position: int, descriptor: FingerprintDescriptor) -> None:
        """Keep a finger for the next `flush`; those of one encounter come together."""
        if position == UNKNOWN_POSITION:
            while encounter in self._waiting.get(position, {}):
                position = max(position + 1, FURTHER_UNKNOWN)
        self._waiting.setdefault(position, {}).setdefault(encounter, descriptor)

    def flush(self) -> None:
        """Make what was added visible to searches that begin afterwards."""
        for position, added in self._waiting.items():
            index = self._indexes.get(position)
            if index is None:
                # Searches go through the dictionary: it is replaced, never changed.
                index = FingerprintIndex()
                self._indexes = {**self._indexes, position: index}
            index.add(np.fromiter(added, np.int32, len(added)), list(added.values()))
        self._waiting = {}

    def remove(self, encounter: int, positions: Iterable[int] | None = None) -> None:
        """Take out an encounter's fingers, all of them or those of some positions."""
        for position, index in self._indexes.items():
            if positions is None or _position_of(position) in positions:
                index.remove(np.array([encounter]))

    def search(
        self,
        probes: Sequence[tuple[int, DescriptorProbe]],
        owners: I32,
        allowed: U64 | None,
        subjects: int,
        *,
        others: bool,
        threads: int = 1,
    ) -> I32:
        """Return the subjects that the scorer should see, those with the most votes first.

        Parameters
        ----------
        probes : sequence of (int, DescriptorProbe)
            Fingers of a probe with their positions.
        owners : int32 array
            Subject of each encounter; encounters beyond its end are not searched.
        allowed : uint64 array or None
            Bits of the encounters that pass.
        subjects : int
            How many pass.
        others : bool
            Whether other modalities propose, too.
        threads : int
            Fingers that are looked for at once.
        """
        indexes = self._indexes
        length, first = shortlist_length(subjects), first_length(subjects)
        if others:
            length, first = max(int(length * OTHERS_SHARE), 1), int(first * OTHERS_FIRST)
        else:
            factor = widening([probe for _, probe in probes])
            length, first = factor * length, factor * first
        numbers = int(owners.max()) + 1 if len(owners) else 0

        def part(position: int, probe: DescriptorProbe) -> ShortlistPart:
            return ShortlistPart(indexes[position], probe, owners, allowed)

        # Fingers of known position are judged together; what may be any finger is tried by itself.
        together = [part(p, probe) for p, probe in probes if p != UNKNOWN_POSITION and p in indexes]
        unknown = [index for index in indexes if _position_of(index) == UNKNOWN_POSITION]
        alone = [part(index, probe) for _, probe in probes for index in unknown]
        for position, probe in probes:
            if position == UNKNOWN_POSITION:
                alone += [part(other, probe) for other in indexes if other not in unknown]
        found: list[I32] = []
        for parts in ([together] if together else []) + [[one] for one in alone]:
            found.append(shortlist(parts, numbers, length, first=first, threads=threads)[0])
        return best_first(found)

    def maintain(self) -> None:
        """Make small segments into large ones, and drop what was removed; may run beside everything else."""
        for index in self._indexes.values():
            index.maintain()

    def shed(self, stopped: Callable[[], bool]) -> None:
        """Drop all that was removed from the segments, until `stopped`; may run beside everything else."""
        for index in list(self._indexes.values()):
            while not stopped() and index.maintain(every=True):
                pass

    @property
    def holds_deleted(self) -> bool:
        """Whether segments hold anything of prints that were removed."""
        return any(index.holds_deleted for index in self._indexes.values())

    @property
    def resident_bytes(self) -> int:
        """What the indexes occupy."""
        return sum(index.resident_bytes() for index in self._indexes.values())

    def arrays(self) -> tuple[dict[str, Any], Arrays]:
        """Return what is needed to make it anew: plain values, and arrays that do not change any more."""
        said: dict[str, Any] = {}
        arrays: Arrays = {}
        for position, index in self._indexes.items():
            segments = index.sealed()
            said[str(position)] = {"segments": len(segments), "codebook": index.codebook_id}
            arrays[f"shortlist.{position}.alive"] = index.state.alive.copy()
            for number, segment in enumerate(segments):
                for name, array in segment.arrays().items():
                    arrays[f"shortlist.{position}.{number}.{name}"] = array
        return said, arrays

    @classmethod
    def of(cls, said: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Shortlist:
        """Return what `arrays` gave; the arrays may be mapped from a file, and are not copied.

        Raises
        ------
        ArgumentError
            If they do not fit each other, or were made with another codebook.
        KeyError
            If one is missing.
        """
        made = cls()
        for name, own in said.items():
            prefix = f"shortlist.{name}."
            segments = []
            for number in range(own["segments"]):
                start = f"{prefix}{number}."
                segments.append({k[len(start) :]: a for k, a in arrays.items() if k.startswith(start)})
            index = FingerprintIndex.of(segments, arrays[f"{prefix}alive"])
            if index.codebook_id != own["codebook"]:
                raise ArgumentError("Shortlist: expected the codebook of this program.")
            made._indexes[int(name)] = index
        return made


def best_first(lists: Sequence[I32]) -> I32:
    """Return what stands on several lists, once, in the order of the first place that each has on one."""
    if len(lists) == 1:
        return lists[0]
    places = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(own)) for own in lists)])
    ordered = np.concatenate([np.zeros(0, np.int32), *lists])[np.argsort(places, kind="stable")]
    first = np.unique(ordered, return_index=True)[1]
    return ordered[np.sort(first)]


def _position_of(index: int) -> int:
    """Return the position of the fingers that are in an index."""
    return index if index < FURTHER_UNKNOWN else UNKNOWN_POSITION
