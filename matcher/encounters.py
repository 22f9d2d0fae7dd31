"""What can be done to those who are enrolled: the engine's operations on subjects, encounters and samples.

Each is committed before it returns, and every later search sees it. An encounter is named by its key, the
number of the change that enrolled it (`Enrolled.sequence`), or by its subject and the id that the client
gave it (`ClientEncounter`); a sample by its encounter's key and its place there
(`matcher.gallery.records.sample_key_of`).
"""

from __future__ import annotations

import numpy as np

from matcher.answers import GalleryCount
from matcher.deadline import FOREVER, Deadline
from matcher.errors import ArgumentError, EncounterNotFoundError, SubjectNotFoundError
from matcher.gallery.columns import I32
from matcher.gallery.encounters import NONE
from matcher.gallery.gallery import Gallery
from matcher.gallery.operations import (
    EncounterDeletion,
    EncounterUpdate,
    GalleriesChange,
    Merge,
    Move,
    Operation,
    SampleDeletion,
    StatusChange,
    SubjectDeletion,
    SubjectIs,
)
from matcher.gallery.records import Change, ClientEncounter, EncounterName, EncounterStatus
from matcher.gallery.schema import MAX_ID_LENGTH
from matcher.gallery.subject import StoredSubject, StoredVisit

MAX_PAGE = 1000
"""Most encounters that are listed at once."""

MAX_KEY = (1 << 63) - 1
"""Greatest number that a column of 64 bits holds."""


class EncounterOperations:
    """The operations; the engine is one of these.

    All raise `SubjectNotFoundError` or `EncounterNotFoundError` where what they name is not there, and
    `StoreError`, `NotReadyError` or `DeadlineError` where the change could not be stored. Each returns the
    change's number, in commit order.
    """

    _gallery: Gallery

    def subject(self, subject_id: str) -> StoredSubject:
        """Return a subject with its encounters and their samples, as the store has them."""
        check_name("Subject id", subject_id)
        found = self._gallery.subject(subject_id)
        if found is None:
            raise unknown(subject_id)
        return found

    def encounters(
        self, *, after: int = 0, limit: int = MAX_PAGE, subject_id: str | None = None
    ) -> tuple[StoredVisit, ...]:
        """Return encounters whose keys follow `after`, the earliest first, as the store has them.

        Parameters
        ----------
        after : int
            Key of an encounter; 0 begins with the first.
        limit : int
            Most of them, 1 to 1000; fewer only where there are no more.
        subject_id : str, optional
            Whose; by default everybody's.
        """
        check_name("Subject id", subject_id)
        if not 1 <= limit <= MAX_PAGE:
            raise ArgumentError(f"Encounters: expected a limit of 1 to {MAX_PAGE}, got {limit}.")
        found = self._gallery.encounters_after(check_key(after, 0), limit, subject_id)
        if found is None:
            assert subject_id is not None  # everybody's are there, if none
            raise unknown(subject_id)
        return found

    def encounter(self, encounter: EncounterName) -> StoredVisit:
        """Return an encounter with its samples, as the store has it."""
        found = self._gallery.encounter(check_encounter(encounter))
        if found is None:
            raise unknown_encounter(encounter)
        return found

    def last_change(self) -> int:
        """Return the number of the last change."""
        return self._gallery.memory().view().sequence

    def change_log(self, after: int, limit: int) -> list[Change]:
        """Return what changed after a number, in commit order, at most `limit`: numbers and ids only."""
        return self._gallery.change_log(after, limit)

    def owner_of(self, encounter_key: int) -> str | None:
        """Return whose an encounter is, None where there is none of that key."""
        if not self._gallery.ready:  # memory is being read again: the store knows as well, if later
            stored = self._gallery.encounter(encounter_key)
            return None if stored is None else stored.subject_id
        memory = self._gallery.memory()
        number = memory.encounters.find(encounter_key)
        return None if number == NONE else memory.name(int(memory.encounters.subject[number]))

    def galleries(self) -> tuple[GalleryCount, ...]:
        """Return the galleries that encounters belong to, by name."""
        e = self._gallery.memory().view().encounters
        living = np.flatnonzero(e.alive[: e.count])
        own, subject = e.gallery_set[living], e.subject[living]
        counts: dict[str, list[I32]] = {}
        for number, names in enumerate(e.gallery_sets):
            members = subject[own == number] if names else subject[:0]
            for name in names if len(members) else ():
                counts.setdefault(name, []).append(members)
        return tuple(
            GalleryCount(name, sum(map(len, parts)), len(np.unique(np.concatenate(parts))))
            for name, parts in sorted(counts.items())
        )

    def delete(self, subject_id: str, *, key: str | None = None, deadline: Deadline = FOREVER) -> int:
        """Remove a subject with everything that belongs to it."""
        check_name("Subject id", subject_id)
        return self._submit(SubjectDeletion(subject_id, key), deadline)

    def delete_encounter(
        self, encounter: EncounterName, *, key: str | None = None, deadline: Deadline = FOREVER
    ) -> int:
        """Remove an encounter with its samples; refused where its subject has no other."""
        return self._submit(EncounterDeletion(check_encounter(encounter), key), deadline)

    def delete_sample(self, sample_key: int, *, key: str | None = None, deadline: Deadline = FOREVER) -> int:
        """Remove a sample; refused where its encounter has no other."""
        return self._submit(SampleDeletion(check_key(sample_key), key), deadline)

    def merge(
        self, subject_id: str, other_id: str, *, key: str | None = None, deadline: Deadline = FOREVER
    ) -> int:
        """Make one subject of two: all encounters of the other become those of the first.

        EncounterExistsError, and nothing is done, where both have an encounter of one client's id.
        """
        check_name("Subject id", subject_id)
        check_name("Subject id", other_id)
        return self._submit(Merge(subject_id, other_id, key), deadline)

    def move(
        self,
        encounter: EncounterName,
        subject_id: str,
        *,
        subject_is: SubjectIs = SubjectIs.KNOWN,
        key: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> int:
        """Give an encounter to another subject; refused where it is the only one its subject has.

        EncounterExistsError where the other subject has an encounter of the same client's id.
        """
        check_name("Subject id", subject_id)
        return self._submit(Move(check_encounter(encounter), subject_id, subject_is, key), deadline)

    def set_status(
        self,
        encounter: EncounterName,
        status: EncounterStatus,
        *,
        key: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> int:
        """Make an encounter ACTIVE or INACTIVE: searches find the first unless they ask for more."""
        change = StatusChange(check_encounter(encounter), EncounterStatus(status), key)
        return self._submit(change, deadline)

    def set_galleries(
        self,
        encounter: EncounterName,
        galleries: frozenset[str],
        *,
        key: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> int:
        """Put an encounter into these galleries, and no others."""
        return self._submit(GalleriesChange(check_encounter(encounter), galleries, key), deadline)

    def update(self, change: EncounterUpdate, *, deadline: Deadline = FOREVER) -> int:
        """Set other attributes of an encounter: year of birth, tags, dates, missing positions, notes, its id.

        EncounterExistsError where its subject has another encounter of the new client's id.
        """
        check_encounter(change.encounter_key)
        return self._submit(change, deadline)

    def _submit(self, operation: Operation, deadline: Deadline) -> int:
        check_name("Idempotency key", operation.key)
        return deadline.wait(self._gallery.submit(operation)).sequence


def check_key(key: int, least: int = 1) -> int:
    """Return the key of an encounter or a sample; ArgumentError unless a column can hold it."""
    if not least <= key <= MAX_KEY:
        raise ArgumentError(f"Encounter or sample: expected a number from {least}, got {key}.")
    return key


def check_encounter(name: EncounterName) -> EncounterName:
    """Return the name of an encounter; ArgumentError unless a column can hold it."""
    if isinstance(name, ClientEncounter):
        check_name("Subject id", name.subject_id)
        check_name("Client's id of the encounter", name.client_id)
        return name
    return check_key(name)


def check_name(what: str, name: str | None) -> None:
    """Raise ArgumentError unless a name is None, or 1 to 128 printable characters."""
    if name is None:
        return
    if not isinstance(name, str) or not (1 <= len(name) <= MAX_ID_LENGTH and name.isprintable()):
        raise ArgumentError(f"{what}: expected 1 to {MAX_ID_LENGTH} printable characters.")


def unknown(subject_id: str) -> SubjectNotFoundError:
    """Return the error of an id that nobody has."""
    return SubjectNotFoundError(f"No subject {subject_id!r} is enrolled.")


def unknown_encounter(name: EncounterName) -> EncounterNotFoundError:
    """Return the error of an encounter that is not there."""
    return EncounterNotFoundError(f"No encounter {name} is stored.")
