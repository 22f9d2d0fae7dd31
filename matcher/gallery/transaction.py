"""One database transaction over a group of operations: checked one by one, written together, in one order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from matcher.errors import (
    ArgumentError,
    IdempotencyMismatchError,
    MatcherError,
    StoreCorruptError,
    SubjectExistsError,
    SubjectNotFoundError,
)
from matcher.gallery.operations import Enrolment, Operation, SubjectDeletion
from matcher.gallery.records import Change, ChangeKind, Receipt
from matcher.gallery.schema import (
    change_counter,
    changes,
    encounters,
    idempotency_keys,
    samples,
    subjects,
)

Outcome = Receipt | MatcherError
"""What becomes of one operation of a group: a refusal of one never harms the others."""

# Parents before children, as the foreign keys want it.
INSERT_ORDER: tuple[Table, ...] = (subjects, encounters, samples, idempotency_keys, changes)

KeyRow = tuple[bytes, str, int]
"""Payload digest, subject id, sequence."""


def last_sequence(connection: Connection, *, lock: bool) -> int:
    """Return the number of the last committed change; `lock` holds the counter until the transaction ends."""
    query = select(change_counter.c.last_sequence)
    number = connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if number is None:
        raise StoreCorruptError("The store's change counter is missing.", hint="Restore it from a backup.")
    return int(number)


def find_key(connection: Connection, key: str) -> KeyRow | None:
    """Return what an idempotency key was used for, or None."""
    c = idempotency_keys.c
    row = connection.execute(
        select(c.payload_digest, c.subject_id, c.sequence).where(c.key == key)
    ).one_or_none()
    return None if row is None else (bytes(row.payload_digest), row.subject_id, row.sequence)


def repeated(enrolment: Enrolment, row: KeyRow, subject_key: int | None) -> Outcome:
    """Return the answer to a request whose key is known already.

    Parameters
    ----------
    enrolment : Enrolment
    row : KeyRow
        What the key was used for.
    subject_key : int or None
        Of the subject that has that id now.
    """
    digest, subject_id, sequence = row
    if digest != enrolment.digest:
        return IdempotencyMismatchError(
            "This idempotency key was used before with another payload.",
            hint="Take a new key for a new request.",
        )
    if subject_key != sequence:
        return SubjectNotFoundError(
            "The subject that was enrolled with this idempotency key has been deleted since.",
            hint="Take a new key to enrol it again.",
        )
    return Receipt(subject_id, False, sequence)


class GroupTransaction:
    """Runs operations in order inside an open transaction, then writes their rows with one statement a table.

    Parameters
    ----------
    connection : Connection
        Inside a transaction that no other writer shares.
    operations : sequence of Operation

    Attributes
    ----------
    before : int
        Number of the last change before this group.
    changes : list of Change
        What this group changes, in order.
    """

    def __init__(self, connection: Connection, operations: Sequence[Operation]) -> None:
        self._connection = connection
        self._operations = operations
        self._rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in INSERT_ORDER}
        self._now_us = time.time_ns() // 1000
        self.before = last_sequence(connection, lock=True)
        self.changes: list[Change] = []

    def run(self) -> list[Outcome]:
        """Run every operation; the caller commits. Returns one outcome for each, in order."""
        self._look_up()
        outcomes = [self._one(operation) for operation in self._operations]
        self._flush()
        if self.changes:
            self._connection.execute(update(change_counter).values(last_sequence=self._sequence))
        return outcomes

    @property
    def _sequence(self) -> int:
        return self.before + len(self.changes)

    def _look_up(self) -> None:
        """Read what the group's operations will be checked against, in two queries."""
        keys = {op.key for op in self._operations if isinstance(op, Enrolment) and op.key is not None}
        c = idempotency_keys.c
        columns = (c.key, c.payload_digest, c.subject_id, c.sequence)
        self._keys: dict[str, KeyRow] = {
            row.key: (bytes(row.payload_digest), row.subject_id, row.sequence)
            for row in self._where_in(columns, c.key, keys)
        }
        ids = {op.subject_id for op in self._operations if isinstance(op, Enrolment | SubjectDeletion)} | {
            row[1] for row in self._keys.values()
        }
        s = subjects.c
        self._subjects: dict[str, int] = {
            row.subject_id: row.subject_key
            for row in self._where_in((s.subject_id, s.subject_key), s.subject_id, ids)
        }

    def _where_in(self, columns: Any, column: Any, values: set[str]) -> Sequence[Row[Any]]:
        if not values:
            return []
        return self._connection.execute(select(*columns).where(column.in_(sorted(values)))).all()

    def _one(self, operation: Operation) -> Outcome:
        act: Callable[[Any], Outcome] = (
            self._delete if isinstance(operation, SubjectDeletion) else self._enroll
        )
        return act(operation)

    def _enroll(self, enrolment: Enrolment) -> Outcome:
        known = self._keys.get(enrolment.key) if enrolment.key is not None else None
        if known is not None:
            return repeated(enrolment, known, self._subjects.get(known[1]))
        if not enrolment.samples:
            return ArgumentError("An enrolment needs at least one sample.")
        if enrolment.subject_id in self._subjects:
            return SubjectExistsError(
                f"Subject {enrolment.subject_id!r} is enrolled already.",
                hint="Take another id, or delete that subject first.",
            )
        change = self._log(ChangeKind.ENROLL, enrolment.subject_id, None, enrolment.resident)
        sequence = change.sequence
        self._subjects[enrolment.subject_id] = sequence
        self._rows[subjects].append({"subject_key": sequence, "subject_id": enrolment.subject_id})
        self._rows[encounters].append(
            {"encounter_key": sequence, "subject_key": sequence, "enrolled_at_us": self._now_us}
        )
        self._rows[samples] += [
            {
                "encounter_key": sequence,
                "ordinal": ordinal,
                "modality": int(sample.modality),
                "position": sample.position,
                "quality": sample.quality,
                "template": sample.template,
            }
            for ordinal, sample in enumerate(enrolment.samples)
        ]
        if enrolment.key is not None:
            row: KeyRow = (enrolment.digest, enrolment.subject_id, sequence)
            self._keys[enrolment.key] = row
            self._rows[idempotency_keys].append(
                {"key": enrolment.key, "payload_digest": row[0], "subject_id": row[1], "sequence": sequence}
            )
        return Receipt(enrolment.subject_id, True, sequence)

    def _delete(self, deletion: SubjectDeletion) -> Outcome:
        subject_key = self._subjects.pop(deletion.subject_id, None)
        if subject_key is None:
            return SubjectNotFoundError(f"No subject {deletion.subject_id!r} is enrolled.")
        self._flush()
        own = select(encounters.c.encounter_key).where(encounters.c.subject_key == subject_key)
        for statement in (
            delete(samples).where(samples.c.encounter_key.in_(own)),
            delete(encounters).where(encounters.c.subject_key == subject_key),
            delete(subjects).where(subjects.c.subject_key == subject_key),
        ):
            self._connection.execute(statement)
        change = self._log(ChangeKind.DELETE, deletion.subject_id, subject_key)
        return Receipt(deletion.subject_id, False, change.sequence)

    def _log(
        self, kind: ChangeKind, subject_id: str, subject_key: int | None, resident: Any = None
    ) -> Change:
        sequence = self._sequence + 1
        change = Change(
            sequence, kind, sequence if subject_key is None else subject_key, subject_id, resident
        )
        self.changes.append(change)
        self._rows[changes].append(
            {
                "sequence": sequence,
                "kind": int(kind),
                "subject_key": change.subject_key,
                "subject_id": subject_id,
                "changed_at_us": self._now_us,
            }
        )
        return change

    def _flush(self) -> None:
        for table, rows in self._rows.items():
            if rows:
                self._connection.execute(insert(table), rows)
                rows.clear()
