"""One database transaction over a group of operations: checked one by one, written together, in one order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from matcher.errors import (
    IdempotencyMismatchError,
    InputError,
    MatcherError,
    StoreError,
    SubjectNotFoundError,
)
from matcher.gallery import upgrade
from matcher.gallery.amendment import merge, move, set_galleries, set_status, update_encounter
from matcher.gallery.backend import Backend, KeyedQuery
from matcher.gallery.enrolment import enroll
from matcher.gallery.generations import (
    CancelUpgrade,
    SettleUpgrade,
    StageSamples,
    StartUpgrade,
    SwitchUpgrade,
)
from matcher.gallery.ledger import Ledger
from matcher.gallery.operations import (
    EncounterDeletion,
    EncounterUpdate,
    Enrolment,
    GalleriesChange,
    Merge,
    Move,
    Operation,
    SampleDeletion,
    StatusChange,
    SubjectDeletion,
    digest_of,
)
from matcher.gallery.records import Change, ClientEncounter, Receipt
from matcher.gallery.removal import delete_encounter, delete_sample, delete_subject
from matcher.gallery.schema import idempotency_keys

Outcome = Receipt | MatcherError
"""What becomes of one operation of a group: a refusal of one never harms the others."""

KeyRow = tuple[bytes, str, int]
"""Payload digest, subject id, sequence."""

ACTS: dict[type[Any], Callable[[Ledger, Any], Receipt]] = {
    Enrolment: enroll,
    SubjectDeletion: delete_subject,
    EncounterDeletion: delete_encounter,
    SampleDeletion: delete_sample,
    Merge: merge,
    Move: move,
    StatusChange: set_status,
    GalleriesChange: set_galleries,
    EncounterUpdate: update_encounter,
    StartUpgrade: upgrade.start,
    StageSamples: upgrade.stage,
    SwitchUpgrade: upgrade.switch,
    SettleUpgrade: upgrade.settle,
    CancelUpgrade: upgrade.cancel,
}
"""What does each operation. Each refuses before it writes anything, so a refusal leaves no trace."""


c = idempotency_keys.c
BY_KEY = KeyedQuery(select(c.key, c.payload_digest, c.subject_id, c.sequence), c.key)


def find_keys(backend: Backend, connection: Connection, keys: Sequence[str]) -> dict[str, KeyRow]:
    """Return what idempotency keys were used for."""
    if not keys:
        return {}
    rows = BY_KEY.fetch(backend, connection, keys)
    return {row[0]: (bytes(row[1]), row[2], row[3]) for row in rows}


class GroupTransaction:
    """Runs operations in order inside an open transaction, then writes their rows with one statement a table.

    Parameters
    ----------
    backend : Backend
    connection : Connection
        Inside a transaction that no other writer shares.
    operations : sequence of Operation
    """

    def __init__(self, backend: Backend, connection: Connection, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._ledger = Ledger(backend, connection)
        keys = sorted({op.key for op in operations if op.key is not None})
        self._keys = find_keys(backend, connection, keys)
        self._ledger.look_up_subjects(name for op in operations for name in _names(op))

    @property
    def before(self) -> int:
        """Number of the last change before this group."""
        return self._ledger.before

    @property
    def changes(self) -> list[Change]:
        """What this group changes, in order."""
        return self._ledger.changes

    def run(self) -> list[Outcome]:
        """Run every operation; the caller commits. Returns one outcome for each, in order."""
        outcomes = [self._one(operation) for operation in self._operations]
        self._ledger.finish()
        return outcomes

    def _one(self, operation: Operation) -> Outcome:
        try:
            known = self._keys.get(operation.key) if operation.key is not None else None
            if known is not None:
                return self._repeated(operation, known)
            receipt = ACTS[type(operation)](self._ledger, operation)
        except (InputError, StoreError) as refusal:
            return refusal
        if operation.key is not None:
            self._remember(operation.key, (digest_of(operation), receipt.subject_id, receipt.sequence))
        return receipt

    def _repeated(self, operation: Operation, row: KeyRow) -> Receipt:
        digest, subject_id, sequence = row
        if digest != digest_of(operation):
            raise IdempotencyMismatchError(
                "This idempotency key was used before with another payload.",
                hint="Take a new key for a new request.",
            )
        if isinstance(operation, Enrolment):
            encounter = self._ledger.encounter_or_none(sequence)
            if encounter is None:
                raise SubjectNotFoundError(
                    "What was enrolled with this idempotency key has been deleted since.",
                    hint="Take a new key to enrol it again.",
                )
            subject_id = encounter.subject_id  # merged or moved since, perhaps
        return Receipt(subject_id, False, sequence)

    def _remember(self, key: str, row: KeyRow) -> None:
        self._keys[key] = row
        self._ledger.insert(
            idempotency_keys,
            {"key": key, "payload_digest": row[0], "subject_id": row[1], "sequence": row[2]},
        )


def _names(operation: Operation) -> tuple[str, ...]:
    """Return the ids of subjects that an operation names."""
    if isinstance(operation, Merge):
        return operation.subject_id, operation.other_id
    named = getattr(operation, "encounter_key", None)
    owners = (named.subject_id,) if isinstance(named, ClientEncounter) else ()
    if isinstance(operation, Enrolment | SubjectDeletion | Move):
        return operation.subject_id, *owners
    return owners
