"""What one database transaction writes: rows waiting for their statement, and the log's next entries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, String, Table, bindparam, select, update

from matcher.errors import EncounterNotFoundError, StoreCorruptError
from matcher.gallery.at_rest import sealed_rows
from matcher.gallery.backend import Backend, KeyedQuery, Rows
from matcher.gallery.generations import UpgradeState
from matcher.gallery.read import encounters_by_key
from matcher.gallery.records import Change, ChangeKind, ClientEncounter, EncounterName, StoredEncounter
from matcher.gallery.schema import (
    change_counter,
    changes,
    encounters,
    idempotency_keys,
    images,
    missing_positions,
    next_samples,
    samples,
    subjects,
    upgrades,
)

# Parents before children, as the foreign keys want it.
INSERT_ORDER: tuple[Table, ...] = (
    subjects,
    encounters,
    samples,
    images,
    missing_positions,
    idempotency_keys,
    upgrades,
    next_samples,
    changes,
)

BY_ID = KeyedQuery(select(subjects.c.subject_id, subjects.c.subject_key), subjects.c.subject_id)
BY_CLIENT_ID = select(encounters.c.encounter_key).where(
    encounters.c.subject_key == bindparam("subject"),
    encounters.c.client_id == bindparam("name", type_=String()),
)
COUNT = update(change_counter).values(last_sequence=bindparam("number"))
LAST = select(change_counter.c.last_sequence)
LAST_LOCKED = LAST.with_for_update()


def last_sequence(connection: Connection, *, lock: bool) -> int:
    """Return the number of the last committed change; `lock` holds the counter until the transaction ends."""
    return _number_in(connection.execute(LAST_LOCKED if lock else LAST).all())


def _number_in(rows: Sequence[Any]) -> int:
    if len(rows) != 1:
        raise StoreCorruptError("The store's change counter is missing.", hint="Restore it from a backup.")
    return int(rows[0][0])


class Ledger:
    """What a group of operations reads and writes in common.

    Parameters
    ----------
    backend : Backend
    connection : Connection
        Inside a transaction that no other writer shares.

    Attributes
    ----------
    backend : Backend
    before : int
        Number of the last change before this group.
    changes : list of Change
        What this group changes, in order.
    now_us : int
        Microseconds since 1970-01-01 UTC.
    subject_keys : dict of str to int
        Of all subjects that the group names and that are there at this point of the group.
    upgrade_states : dict of int to UpgradeState
        Of the upgrades that enrolments of the group name, as far as they were asked for.
    """

    def __init__(self, backend: Backend, connection: Connection) -> None:
        self.connection = connection
        self.before = _number_in(backend.fetch(connection, LAST_LOCKED, {}))
        self.changes: list[Change] = []
        self.now_us = time.time_ns() // 1000
        self.subject_keys: dict[str, int] = {}
        self.upgrade_states: dict[int, UpgradeState] = {}
        self.backend = backend
        self._rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in INSERT_ORDER}
        self._client_ids: dict[tuple[int, str], int] = {}

    @property
    def next_sequence(self) -> int:
        """The number that the next change gets."""
        return self.before + len(self.changes) + 1

    def look_up_subjects(self, ids: Iterable[str]) -> None:
        """Read which of these subjects are there."""
        rows = BY_ID.fetch(self.backend, self.connection, ids)
        self.subject_keys.update((row[0], row[1]) for row in rows)

    def encounter(self, name: EncounterName) -> StoredEncounter:
        """Return an encounter as it is at this point of the group.

        Raises
        ------
        EncounterNotFoundError
            If there is none of that key or id.
        """
        key: int | None
        if isinstance(name, ClientEncounter):
            subject = self.subject_keys.get(name.subject_id)
            key = None if subject is None else self.client_encounter(subject, name.client_id)
        else:
            key = name
        found = None if key is None else self.encounter_or_none(key)
        if found is None:
            raise EncounterNotFoundError(f"No encounter {name} is stored.")
        return found

    def client_encounter(self, subject_key: int, client_id: str) -> int | None:
        """Return the key of a subject's encounter of that id of the client's, or None."""
        waiting = self._client_ids.get((subject_key, client_id))
        if waiting is not None:
            return waiting
        # Whatever else changed such ids was written before: what waits is enrolments.
        rows = self.backend.fetch(self.connection, BY_CLIENT_ID, {"subject": subject_key, "name": client_id})
        return int(rows[0][0]) if rows else None

    def add_encounter(self, row: dict[str, Any]) -> None:
        """Have an encounter written with the others."""
        self._rows[encounters].append(row)
        if row["client_id"] is not None:
            self._client_ids[row["subject_key"], row["client_id"]] = row["encounter_key"]

    def encounter_or_none(self, key: int) -> StoredEncounter | None:
        """Return an encounter as it is at this point of the group, or None."""
        self.flush()
        return encounters_by_key(self.backend, self.connection, [key]).get(key)

    def insert(self, table: Table, *rows: dict[str, Any]) -> None:
        """Have rows written with the others of their table."""
        self._rows[table].extend(rows)

    def run(self, statement: Any, **values: Any) -> None:
        """Run one of the statements that are made once, after everything before it was written."""
        self.flush()
        self.backend.run(self.connection, statement, values)

    def fetch(self, query: Any, **values: Any) -> Rows:
        """Run one of the queries that are made once, after everything before it was written."""
        self.flush()
        return self.backend.fetch(self.connection, query, values)

    def together(self) -> AbstractContextManager[Any]:
        """Within it what is `run` may travel together; nothing is read."""
        self.flush()
        return self.backend.together(self.connection)

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run a statement after everything before it was written."""
        self.flush()
        return self.connection.execute(statement, parameters)

    def log(self, kind: ChangeKind, subject_key: int, subject_id: str, **rest: Any) -> Change:
        """Add the next entry to the log; `rest` as `Change` has it."""
        change = Change(self.next_sequence, kind, subject_key, subject_id, changed_at_us=self.now_us, **rest)
        self.changes.append(change)
        self._rows[changes].append(
            {
                "sequence": change.sequence,
                "kind": int(kind),
                "subject_key": subject_key,
                "subject_id": subject_id,
                "changed_at_us": self.now_us,
                "encounter_key": change.encounter_key,
                "sample_key": change.sample_key,
                "other_key": change.other_key,
                "other_id": change.other_id,
            }
        )
        return change

    def flush(self) -> None:
        """Write all rows that wait, one statement a table."""
        for table, rows in self._rows.items():
            if rows:
                self.backend.insert(self.connection, table, sealed_rows(self.backend.keyring, table, rows))
                rows.clear()
        self._client_ids.clear()

    def finish(self) -> None:
        """Write what waits and move the counter; the caller commits."""
        with self.backend.together(self.connection):
            self.flush()
            if self.changes:
                self.run(COUNT, number=self.changes[-1].sequence)
