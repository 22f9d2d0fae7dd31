"""A gallery in memory: who there is, and where each encounter's samples are; derived from the store, never
the truth.

    subject -> head -> encounter -> next ... -> rows of each modality, found by the encounter's number

No Python object is kept for a subject, an encounter or a sample. One thread writes (the store's writer).
Readers take `view()`: one reference to an immutable value; what is deleted is marked in place, and a reader
asks again (`name`, `Selection.current`) before it replies.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import NotReadyError
from matcher.gallery.columns import I32, Bools, grown
from matcher.gallery.encounters import NONE, Encounters, EncountersView, stored_encounter
from matcher.gallery.records import (
    ORDINAL_BITS,
    Change,
    ChangeKind,
    StoredEncounter,
    encounter_key_of,
)
from matcher.gallery.rows import BLOCK_ROWS, BLOCK_WORDS, ResidentSample, Rows, RowsView
from matcher.gallery.shortlist import Shortlist
from matcher.gallery.subject_ids import SubjectIds
from matcher.types import I64, FingerPosition, Modality

MAX_POSITION = int(max(FingerPosition))
"""Greatest code of a finger's position."""


def _no_rows() -> Mapping[Modality, RowsView]:
    return MappingProxyType({modality: RowsView() for modality in Modality})


@dataclass(frozen=True, slots=True)
class View:
    """What a reader works on: the state after `sequence`, later deletions included.

    Attributes
    ----------
    encounters : EncountersView
    rows : mapping of Modality to RowsView
        Of every modality.
    subjects : int
        How many are enrolled.
    numbers : int
        Subject numbers given so far; every encounter's `subject` is below.
    sequence : int
        Last change that is contained.
    people_bytes : int
        What subjects and encounters occupy beside their samples.
    shortlist : Shortlist
        Of fingers; those of encounters after this state are to be passed by.
    given : int
        How many encounters had been given to another subject; see `Memory.receivers`.
    """

    encounters: EncountersView
    rows: Mapping[Modality, RowsView] = field(default_factory=_no_rows)
    subjects: int = 0
    numbers: int = 0
    sequence: int = 0
    people_bytes: int = 0
    shortlist: Shortlist = field(default_factory=Shortlist)
    given: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class EncountersOf:
    """Living encounters of some subjects.

    Attributes
    ----------
    encounter : int32 array (e,)
        Ascending.
    owner : int32 array (e,)
        Index of each one's subject among those asked for.
    """

    encounter: I32
    owner: I32


class Memory:
    """All samples of a gallery, by modality, encounter and subject.

    Parameters
    ----------
    block_words, block_rows : int
        Size of a block; tests take small ones.

    Attributes
    ----------
    identity : str
        Of the store's history that it is of; set by its owner.
    changed_at_us : int
        When the last change that is contained was made; see `Change`.
    """

    def __init__(self, *, block_words: int = BLOCK_WORDS, block_rows: int = BLOCK_ROWS) -> None:
        self.rows = {modality: Rows(block_words, block_rows) for modality in Modality}
        self.ids = SubjectIds()
        self.encounters = Encounters()
        self.shortlist = Shortlist()
        self.subject_key: I64 = np.zeros(0, np.int64)
        self.head: I32 = np.zeros(0, np.int32)
        self.alive: Bools = np.zeros(0, np.bool_)
        self.subjects = 0
        self.sequence = 0
        self.identity = ""
        self.changed_at_us = 0
        self._chains = threading.Lock()
        self._received = array("i")
        self._view = self._state()

    # What readers call.

    def view(self) -> View:
        """Return the last published state."""
        return self._view

    def name(self, subject: int) -> str | None:
        """Return the id of a subject by its number, None once it is deleted."""
        return self.ids[subject] if self.alive[subject] else None

    def find(self, subject_id: str) -> int | None:
        """Return the number of a subject by its id, or None if nobody of that id is enrolled."""
        number = self.ids.find(subject_id)
        return number if number >= 0 and self.alive[number] else None

    def numbers_of(self, subject_ids: Iterable[str]) -> frozenset[int]:
        """Return the numbers of those who are enrolled."""
        found = (self.find(subject_id) for subject_id in subject_ids)
        return frozenset(number for number in found if number is not None)

    @property
    def removed(self) -> int:
        """How many samples were deleted since this memory was made or read; only the writer asks."""
        return sum(rows.removed for rows in self.rows.values())

    def encounters_of(self, subjects: npt.NDArray[np.integer[Any]]) -> EncountersOf:
        """Return the living encounters of subjects, given by number."""
        with self._chains:
            current = self.head[subjects]
            owner = np.arange(len(subjects), dtype=np.int32)
            found: list[I32] = []
            owners: list[I32] = []
            while len(current):
                there = current != NONE
                current, owner = current[there], owner[there]
                found.append(current)
                owners.append(owner)
                current = self.encounters.next[current]
            encounter = np.concatenate([np.zeros(0, np.int32), *found])
            whose = np.concatenate([np.zeros(0, np.int32), *owners])
            living = self.encounters.alive[encounter]
        encounter, whose = encounter[living], whose[living]
        order = np.argsort(encounter, kind="stable")
        return EncountersOf(encounter[order], whose[order])

    def receivers(self, since: int) -> tuple[I32, int]:
        """Return who was given encounters of others after the first `since` of these, and how many there are.

        A search that began before looked for them at whose they were.
        """
        with self._chains:  # who sees the encounter gone sees its receiver here
            return np.array(self._received[since:], np.int32), len(self._received)

    def encounters_of_one(self, subject: int) -> list[int]:
        """Return the living encounters of one subject, ascending: `encounters_of`, without arrays."""
        found = []
        with self._chains:
            encounters = self.encounters
            current = int(self.head[subject])
            while current != NONE:
                if encounters.alive[current]:
                    found.append(current)
                current = int(encounters.next[current])
        found.sort()
        return found

    def encounter_keys(self, encounters: I32) -> I64:
        """Return the keys that the store knows encounters by."""
        keys: I64 = self.encounters.key[encounters]
        return keys

    # What the writer calls.

    def add(self, stored: StoredEncounter, samples: Sequence[ResidentSample]) -> None:
        """Append an encounter with its samples; nothing is visible before `publish`.

        It is given to the subject that `stored` names, a new one where there is none of that key.
        """
        subject = self._subject(stored.subject_key, stored.subject_id)
        with self._chains:
            number = self.encounters.add(stored, subject, int(self.head[subject]))
            self.head[subject] = number
        for sample in samples:
            self.rows[sample.modality].append(sample, number)
            if sample.descriptor is not None:
                self.shortlist.add(number, sample.position, sample.descriptor)

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes in log order and publish them; those taken over before are passed by.

        Raises
        ------
        NotReadyError
            If an entry before the first of these was never taken over.
        """
        for change in changes:
            if change.sequence <= self.sequence:
                continue
            if change.sequence != self.sequence + 1:
                raise NotReadyError(f"Change {change.sequence} came where {self.sequence + 1} was expected.")
            self._take(change)
            self.sequence, self.changed_at_us = change.sequence, change.changed_at_us
        self.publish(self.sequence)

    def publish(self, sequence: int) -> None:
        """Make everything added so far visible as the state after `sequence`."""
        self.shortlist.flush()
        self.sequence = sequence
        self._view = self._state()

    def _take(self, change: Change) -> None:
        kind = change.kind
        if kind is ChangeKind.SWITCH:
            return  # about nobody; the gallery changes memories
        if kind is ChangeKind.ENROLL:
            if change.resident:
                self.add(stored_encounter(change), change.resident)
        elif kind is ChangeKind.DELETE:
            self._remove_subject(change.subject_key, change.subject_id)
        elif kind is ChangeKind.MERGE:
            self._merge(change)
        elif kind is ChangeKind.DELETE_SAMPLE:
            assert change.sample_key is not None  # the store states it
            self._remove_sample(change.sample_key)
        else:
            assert change.encounter_key is not None  # the store states it
            encounter = self.encounters.find(change.encounter_key)
            if encounter == NONE:
                return
            if kind is ChangeKind.DELETE_ENCOUNTER:
                self._remove_encounter(encounter)
            elif kind is ChangeKind.MOVE:
                self._give(encounter, self._subject(change.subject_key, change.subject_id))
            elif change.encounter is not None:
                self.encounters.describe(encounter, change.encounter)

    def _subject(self, key: int, subject_id: str) -> int:
        """Return the number of a subject, a new one where nobody of that id lives."""
        number = self.find(subject_id)
        if number is not None:
            if int(self.subject_key[number]) != key:
                raise ValueError("two subjects of one id in the log")
            return number
        number = self.ids.count
        for name in ("subject_key", "head", "alive"):
            setattr(self, name, grown(getattr(self, name), number + 1))
        self.subject_key[number] = key
        self.head[number] = NONE
        self.alive[number] = True
        self.subjects += 1
        self.ids.add(subject_id)
        return number

    def _remove_subject(self, key: int, subject_id: str) -> None:
        number = self.find(subject_id)
        if number is None or int(self.subject_key[number]) != key:
            return
        self._end(number)
        for encounter in self._chain(number):
            self._remove_encounter(encounter)

    def _end(self, subject: int) -> None:
        self.alive[subject] = False
        self.subjects -= 1

    def _remove_encounter(self, encounter: int) -> None:
        self.encounters.remove(encounter)
        for rows in self.rows.values():
            rows.remove(encounter)
        self.shortlist.flush()
        self.shortlist.remove(encounter)

    def _remove_sample(self, sample_key: int) -> None:
        encounter = self.encounters.find(encounter_key_of(sample_key))
        if encounter != NONE:
            for rows in self.rows.values():
                rows.remove(encounter, sample_key & ((1 << ORDINAL_BITS) - 1))
            fingers = set(range(MAX_POSITION + 1)) - self.rows[Modality.FINGERPRINT].positions(encounter)
            self.shortlist.flush()
            self.shortlist.remove(encounter, fingers)

    def _merge(self, change: Change) -> None:
        other = None if change.other_id is None else self.find(change.other_id)
        if other is None or int(self.subject_key[other]) != change.other_key:
            return
        subject = self._subject(change.subject_key, change.subject_id)
        for encounter in self._chain(other):
            self._give(encounter, subject)
        self._end(other)

    def _give(self, encounter: int, subject: int) -> None:
        """Take an encounter out of its subject's chain and put it into another's."""
        with self._chains:
            former, following = int(self.encounters.subject[encounter]), int(self.encounters.next[encounter])
            if self.head[former] == encounter:
                self.head[former] = following
            else:
                before = int(self.head[former])
                while self.encounters.next[before] != encounter:
                    before = int(self.encounters.next[before])
                self.encounters.next[before] = following
            self.encounters.subject[encounter] = subject
            self.encounters.next[encounter] = self.head[subject]
            self.head[subject] = encounter
            self._received.append(subject)

    def _chain(self, subject: int) -> list[int]:
        """Return the living encounters of a subject."""
        found, encounter = [], int(self.head[subject])
        while encounter != NONE:
            if self.encounters.alive[encounter]:
                found.append(encounter)
            encounter = int(self.encounters.next[encounter])
        return found

    def _state(self) -> View:
        columns = (self.subject_key, self.head, self.alive)
        people = self.ids.resident_bytes + self.encounters.resident_bytes + sum(c.nbytes for c in columns)
        rows = MappingProxyType({modality: rows.view() for modality, rows in self.rows.items()})
        return View(
            self.encounters.view(),
            rows,
            self.subjects,
            self.ids.count,
            self.sequence,
            people,
            self.shortlist,
            len(self._received),
        )
