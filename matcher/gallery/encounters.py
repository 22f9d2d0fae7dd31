"""Encounters in memory: whose each is, and what searches are filtered by, a column each.

Galleries and tags are kept once for each set of them that occurs: there are few, however many encounters.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from matcher.gallery.columns import I32, U16, Bools, grown
from matcher.gallery.records import NO_DETAILS, Change, EncounterStatus, StoredEncounter
from matcher.types import I64

NONE = -1
"""Stands where there is no next encounter."""

NO_YEAR = 0
"""Stands where the year of birth is not known."""


@dataclass(frozen=True, slots=True)
class EncountersView:
    """What a reader sees of the encounters; arrays may be longer than `count`.

    Attributes
    ----------
    count : int
        Numbers given so far.
    subject : int32 array
        Number of the subject; a merge or a move changes it in place.
    alive, active : bool array
    year : uint16 array
        Of birth, 0 unknown.
    gallery_set, tag_set : int32 array
        Indices into the following.
    gallery_sets : tuple of frozenset of str
    tag_sets : tuple of frozenset of (str, str)
    inactive : int
        How many living encounters are not ACTIVE.
    """

    count: int
    subject: I32
    alive: Bools
    active: Bools
    year: U16
    gallery_set: I32
    tag_set: I32
    gallery_sets: tuple[frozenset[str], ...]
    tag_sets: tuple[frozenset[tuple[str, str]], ...]
    inactive: int


class Interned:
    """Values by number, each once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        """Return the number of a value, a new one for a new value."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> tuple[Hashable, ...]:
        """Return all values by number."""
        return tuple(self._numbers)


class Encounters:
    """All encounters, numbered in the order of their keys; one thread writes."""

    def __init__(self) -> None:
        self.count = 0
        self.key: I64 = np.zeros(0, np.int64)
        self.subject: I32 = np.zeros(0, np.int32)
        self.next: I32 = np.zeros(0, np.int32)
        self.alive: Bools = np.zeros(0, np.bool_)
        self.active: Bools = np.zeros(0, np.bool_)
        self.year: U16 = np.zeros(0, np.uint16)
        self.gallery_set: I32 = np.zeros(0, np.int32)
        self.tag_set: I32 = np.zeros(0, np.int32)
        self.gallery_sets, self.tag_sets = Interned(), Interned()
        self.inactive = 0

    COLUMNS = ("key", "subject", "next", "alive", "active", "year", "gallery_set", "tag_set")

    def add(self, stored: StoredEncounter, subject: int, following: int) -> int:
        """Append an encounter of a subject and return its number.

        Parameters
        ----------
        stored : StoredEncounter
        subject : int
        following : int
            The subject's encounter that comes after it in the chain, or NONE.
        """
        number = self.count
        if number and stored.encounter_key <= int(self.key[number - 1]):
            raise ValueError("encounters come in the order of their keys")
        for name in self.COLUMNS:
            setattr(self, name, grown(getattr(self, name), number + 1))
        self.key[number] = stored.encounter_key
        self.subject[number] = subject
        self.next[number] = following
        self.alive[number] = True
        self.active[number] = True
        self.count = number + 1
        self.describe(number, stored)
        return number

    def describe(self, number: int, stored: StoredEncounter) -> None:
        """Take over what searches are filtered by."""
        active = stored.status is EncounterStatus.ACTIVE
        self.inactive += int(self.active[number]) - int(active)
        self.year[number] = stored.year_of_birth or NO_YEAR
        self.gallery_set[number] = self.gallery_sets.number(frozenset(stored.galleries))
        self.tag_set[number] = self.tag_sets.number(frozenset(stored.tags.items()))
        self.active[number] = active

    def remove(self, number: int) -> None:
        """Mark an encounter dead."""
        self.alive[number] = False
        self.inactive -= int(not self.active[number])

    def find(self, key: int) -> int:
        """Return the number of a living encounter by its key, or NONE."""
        number = int(np.searchsorted(self.key[: self.count], key))
        return number if number < self.count and self.key[number] == key and self.alive[number] else NONE

    def view(self) -> EncountersView:
        """Return the encounters as they stand."""
        return EncountersView(
            self.count,
            self.subject,
            self.alive,
            self.active,
            self.year,
            self.gallery_set,
            self.tag_set,
            self.gallery_sets.values(),  # type: ignore[arg-type]
            self.tag_sets.values(),  # type: ignore[arg-type]
            self.inactive,
        )

    @property
    def resident_bytes(self) -> int:
        """What the columns occupy, reserves included."""
        return sum(getattr(self, name).nbytes for name in self.COLUMNS)


def stored_encounter(change: Change) -> StoredEncounter:
    """Return the encounter that an ENROLL change tells of, with the subject that it had then."""
    key = change.sequence if change.encounter_key is None else change.encounter_key
    now = change.encounter
    if now is not None:
        return now._replace(subject_key=change.subject_key, subject_id=change.subject_id)
    return plain_encounter(key, change.subject_key, change.subject_id)


def plain_encounter(key: int, subject_key: int, subject_id: str) -> StoredEncounter:
    """Return an encounter of which no more is known than whose it is."""
    d = NO_DETAILS
    return StoredEncounter(key, subject_key, subject_id, d.status, d.galleries, d.year_of_birth, d.tags)
