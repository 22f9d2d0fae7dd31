"""Opening a store: made where there is none, brought up to this version, checked where there is one."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, func, insert, inspect, select

from matcher.errors import StoreCorruptError, StoreNewerError
from matcher.gallery.ledger import last_sequence
from matcher.gallery.migrate import migrate, revision_of
from matcher.gallery.schema import (
    SCHEMA_VERSION,
    STORE_FORMAT,
    alembic_version,
    change_counter,
    changes,
    metadata,
    store_info,
)


def prepare(connection: Connection) -> str:
    """Make the tables in an empty database, or check those that are there; return the store's identity.

    Raises
    ------
    StoreNewerError
        If a later version of this program wrote them.
    StoreCorruptError
        If they are somebody else's, or contradict themselves.
    """
    names = set(inspect(connection).get_table_names())
    if not names:
        return make(connection)
    version = version_of(connection, names)
    if version < SCHEMA_VERSION:
        migrate(connection, version, SCHEMA_VERSION)
        names = set(inspect(connection).get_table_names())
    if not set(metadata.tables) <= names:
        raise StoreCorruptError("Tables of the store are missing.", hint="Restore it from a backup.")
    check_log(connection)
    return identity_of(connection)


def make(connection: Connection) -> str:
    """Make the tables of an empty store; return the identity of the history that begins here."""
    identity = uuid.uuid4().hex
    metadata.create_all(connection)
    connection.execute(
        insert(store_info).values(id=1, format=STORE_FORMAT, schema_version=SCHEMA_VERSION, store_id=identity)
    )
    connection.execute(insert(alembic_version).values(version_num=revision_of(SCHEMA_VERSION)))
    connection.execute(insert(change_counter).values(id=1, last_sequence=0))
    return identity


def version_of(connection: Connection, names: set[str]) -> int:
    """Return the schema version of a store that has these tables.

    Raises
    ------
    StoreNewerError, StoreCorruptError
        As `prepare`.
    """
    if store_info.name not in names:
        raise _foreign()
    row = connection.execute(select(store_info.c.format, store_info.c.schema_version)).one_or_none()
    if row is None or row.format != STORE_FORMAT:
        raise _foreign()
    if row.schema_version > SCHEMA_VERSION:
        raise StoreNewerError(
            f"The store has schema version {row.schema_version}; this program knows up to {SCHEMA_VERSION}.",
            hint="Use the program that wrote it, or a later one.",
        )
    if row.schema_version < 1:
        raise StoreCorruptError("The store's schema version is none.", hint="Restore it from a backup.")
    return int(row.schema_version)


def identity_of(connection: Connection) -> str:
    """Return which history of changes this is: a restored backup begins another one."""
    return str(connection.execute(select(store_info.c.store_id)).scalar_one())


def check_log(connection: Connection) -> None:
    """The counter, the log's length and its last number are one number, or something was lost."""
    counter = last_sequence(connection, lock=True)
    last, count = connection.execute(select(func.max(changes.c.sequence), func.count())).one()
    if not counter == (last or 0) == count:
        raise StoreCorruptError(
            f"The change log has {count} entries up to number {last or 0}, its counter says {counter}.",
            hint="Restore the store from a backup.",
        )


def _foreign() -> StoreCorruptError:
    return StoreCorruptError(
        "The database holds tables that are not of this program.",
        hint="Give the store a database of its own.",
    )
