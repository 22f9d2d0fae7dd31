"""What can be done to those who are enrolled: the engine's operations on subjects, encounters and samples.

Each is committed before it returns, and every later search sees it. An encounter is named by its key, the
number of the change that enrolled it (`Enrolled.sequence`); a sample by its encounter's key and its place
there (`matcher.gallery.records.sample_key_of`).
"""

from __future__ import annotations

from matcher.deadline import FOREVER, Deadline
from matcher.errors import ArgumentError, SubjectNotFoundError
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
from matcher.gallery.records import EncounterStatus
from matcher.gallery.schema import MAX_ID_LENGTH
from matcher.gallery.subject import StoredSubject


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

    def delete(self, subject_id: str, *, deadline: Deadline = FOREVER) -> int:
        """Remove a subject with everything that belongs to it."""
        check_name("Subject id", subject_id)
        return self._submit(SubjectDeletion(subject_id), deadline)

    def delete_encounter(self, encounter_key: int, *, deadline: Deadline = FOREVER) -> int:
        """Remove an encounter with its samples; refused where its subject has no other."""
        return self._submit(EncounterDeletion(encounter_key), deadline)

    def delete_sample(self, sample_key: int, *, deadline: Deadline = FOREVER) -> int:
        """Remove a sample; refused where its encounter has no other."""
        return self._submit(SampleDeletion(sample_key), deadline)

    def merge(self, subject_id: str, other_id: str, *, deadline: Deadline = FOREVER) -> int:
        """Make one subject of two: all encounters of the other become those of the first."""
        check_name("Subject id", subject_id)
        check_name("Subject id", other_id)
        return self._submit(Merge(subject_id, other_id), deadline)

    def move(
        self,
        encounter_key: int,
        subject_id: str,
        *,
        subject_is: SubjectIs = SubjectIs.KNOWN,
        deadline: Deadline = FOREVER,
    ) -> int:
        """Give an encounter to another subject; refused where it is the only one its subject has."""
        check_name("Subject id", subject_id)
        return self._submit(Move(encounter_key, subject_id, subject_is), deadline)

    def set_status(self, encounter_key: int, status: EncounterStatus, *, deadline: Deadline = FOREVER) -> int:
        """Make an encounter ACTIVE or INACTIVE: searches find the first unless they ask for more."""
        return self._submit(StatusChange(encounter_key, EncounterStatus(status)), deadline)

    def set_galleries(
        self, encounter_key: int, galleries: frozenset[str], *, deadline: Deadline = FOREVER
    ) -> int:
        """Put an encounter into these galleries, and no others."""
        return self._submit(GalleriesChange(encounter_key, galleries), deadline)

    def update(self, change: EncounterUpdate, *, deadline: Deadline = FOREVER) -> int:
        """Set other attributes of an encounter: year of birth, tags, dates, missing positions, notes."""
        return self._submit(change, deadline)

    def _submit(self, operation: Operation, deadline: Deadline) -> int:
        return deadline.wait(self._gallery.submit(operation)).sequence


def check_name(what: str, name: str | None) -> None:
    """Raise ArgumentError unless a name is None, or 1 to 128 printable characters."""
    if name is None:
        return
    if not isinstance(name, str) or not (1 <= len(name) <= MAX_ID_LENGTH and name.isprintable()):
        raise ArgumentError(f"{what}: expected 1 to {MAX_ID_LENGTH} printable characters.")


def unknown(subject_id: str) -> SubjectNotFoundError:
    """Return the error of an id that nobody has."""
    return SubjectNotFoundError(f"No subject {subject_id!r} is enrolled.")
