"""Everything about the store that is particular to PostgreSQL: ownership, durability, error codes.

The session that writes is the session that holds the lock. So no write can be committed by a process that
lost the store: losing the connection is losing the lock, and the transaction with it. A pooler that
shares sessions among clients (PgBouncer in transaction mode) would break this: connect to the server itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, cast

import psycopg
from psycopg import errors
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    create_engine,
    event,
)

from matcher.errors import (
    ArgumentError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
)
from matcher.gallery.backend import Rows, Values, text_and_values, translated
from matcher.security.keyring import Keyring

LOCK_KEY = int.from_bytes(b"matcher\0", "big")
"""Of the advisory lock; there is one store in a database."""

LOCK_WAIT_S = 3.0
"""How long the session of a process that has just died may still hold the lock, seconds."""

LOCK_POLL_S = 0.05

CONNECT_TIMEOUT_S = 5
"""For one attempt to connect, seconds."""

KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Milliseconds. The others are for idle connections: a commit that nobody acknowledges, and whoever waits
    # for it, would hang for the quarter of an hour in which the system sends it again.
    "user_timeout": 25_000,
}
"""A connection whose other end vanished without a word is noticed after 25 s, on both sides."""

CLIENT_NAMES = {"user_timeout": "tcp_user_timeout"}
"""As libpq calls them; the server has `tcp_` before each."""

DURABLE_COMMITS = ("on", "remote_apply")
"""Values of synchronous_commit with which a commit that returned is on disk."""

HOLDER = """
SELECT coalesce(nullif(activity.application_name, ''), 'process ' || activity.pid)
FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND held.database = (
    SELECT oid FROM pg_database WHERE datname = current_database())
  AND (held.classid::bigint << 32 | held.objid::bigint) = %s
"""

CORRUPT = (errors.DataCorrupted, errors.IndexCorrupted)
FULL = (errors.DiskFull,)
FORBIDDEN = (errors.InsufficientPrivilege, errors.InvalidAuthorizationSpecification, errors.InvalidPassword)


class PostgresBackend:
    """Opens connections to one PostgreSQL database and owns the store in it.

    Parameters
    ----------
    url : sqlalchemy.URL
        `postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE`, with libpq's parameters as a query.
    own : bool
        False for reading only, beside the process that owns the store.

    Raises
    ------
    ArgumentError
        If the URL names no database.
    StoreLockedError
        If another process owns the store.
    StoreUnavailableError
        If the server does not answer, or runs so that an acknowledged write could be lost.
    """

    keyring: Keyring | None = None
    name = "postgresql"
    driver_error: type[Exception] = psycopg.Error
    refusals: tuple[type[Exception], ...] = (psycopg.IntegrityError, psycopg.DataError)

    def __init__(self, url: URL, *, own: bool = True) -> None:
        if not url.database:
            raise ArgumentError("Store URL: expected postgresql+psycopg://HOST/DATABASE, got no database.")
        arguments = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": f"matcher {os.getpid()}",
            **{CLIENT_NAMES.get(name, name): value for name, value in KEEPALIVE.items()},
        }
        common: dict[str, Any] = {"connect_args": arguments, "hide_parameters": True}
        # One connection, never more: it is the owner.
        self.writer: Engine = create_engine(url, pool_size=1, max_overflow=0, **common)
        self.reader: Engine = create_engine(
            url, isolation_level="REPEATABLE READ", pool_pre_ping=True, **common
        )
        event.listen(self.writer, "connect", _own)
        event.listen(self.reader, "connect", _prepare)
        if own:
            try:
                self.settle()
            except BaseException:
                self.close()
                raise

    def settle(self) -> None:
        """Own the store. What can be read is durable already: a commit is visible after its log was synced.

        Raises
        ------
        StoreLockedError, StoreUnavailableError
        """
        self.watch()

    def watch(self) -> None:
        """Raise if the owning session is gone.

        Raises
        ------
        StoreLockedError
            If another process took the store over meanwhile.
        StoreUnavailableError
        """
        with translated(self), self.writer.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def fetch(self, connection: Connection, query: Any, values: Values) -> Rows:
        """Run a query and return plain tuples; binary, since templates as text are twice as long."""
        driver: Any = connection.connection.driver_connection
        with driver.cursor(binary=True) as cursor:
            found: Rows = cursor.execute(*text_and_values(connection, query, values)).fetchall()
        return found

    def fetch_pairs(self, connection: Connection, query: Any, values: Values) -> Sequence[tuple[int, Any]]:
        """Run a query for two columns and return its rows."""
        return [(row[0], row[1]) for row in self.fetch(connection, query, values)]

    def run(self, connection: Connection, statement: Any, values: Values) -> None:
        """Run a statement that returns nothing."""
        driver: Any = connection.connection.driver_connection
        driver.execute(*text_and_values(connection, statement, values))

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Add rows with one prepared statement, whatever their number: a column travels as one array."""
        driver: Any = connection.connection.driver_connection
        columns = [[row[column.name] for row in rows] for column in table.columns]
        driver.execute(_insert_text(table), columns)

    def together(self, connection: Connection) -> AbstractContextManager[Any]:
        """Send statements without waiting for each one's answer (libpq's pipeline)."""
        driver: Any = connection.connection.driver_connection
        return cast(AbstractContextManager[Any], driver.pipeline())

    def translate(self, error: BaseException | None) -> StoreError:
        """Return the typed error that a driver's error means."""
        code = getattr(error, "sqlstate", None) or "no answer"
        if isinstance(error, FULL):
            return StoreFullError(
                "The disk under the store is full; nothing of this request was kept.",
                hint="Free space and send it again.",
            )
        if isinstance(error, CORRUPT):
            return StoreCorruptError(
                f"The database is damaged (SQLSTATE {code}).", hint="Restore it from a backup."
            )
        if isinstance(error, FORBIDDEN):
            return StoreUnavailableError(
                f"The database does not let us in (SQLSTATE {code}).",
                hint="Check the URL's user and what it may do.",
            )
        return StoreUnavailableError(
            f"The database does not answer (SQLSTATE {code}).",
            hint="Check that it runs and can be reached; nothing acknowledged is lost.",
        )

    def dispose(self) -> None:
        """Close every connection, so that the next ones start afresh."""
        self.writer.dispose()
        self.reader.dispose()

    def close(self) -> None:
        """Close every connection, and with the writer's the lock is free."""
        self.dispose()


@cache
def _insert_text(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    arrays = ", ".join(f"%b::{_array_type(column.type)}[]" for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"


def _array_type(kind: Any) -> str:
    if isinstance(kind, String):  # Text too; a cast to varchar(n) would cut off
        return "text"
    if isinstance(kind, LargeBinary):
        return "bytea"
    return "smallint" if isinstance(kind, SmallInteger) else "bigint"


def _own(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Take the store's lock for a new session, and see that its commits are durable."""
    try:
        with connection.cursor() as cursor:
            _check_durable(cursor)
            _lock(cursor)
            for name, value in KEEPALIVE.items():
                cursor.execute(f"SET tcp_{name} = {value}")  # how the server notices that we are gone
            cursor.execute("SET idle_session_timeout = 0")
        _prepare(connection, _record)
    except BaseException:
        connection.close()
        raise


def _prepare(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Keep a session to its keys: a plan made while a table was small must not read it whole later.

    A plan that has no key to go by, as that of the counter's one row, then looks so dear to the server that
    it would compile it (LLVM) before each run: 10 to 40 ms of its CPU in place of 0.1.
    """
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET jit = off")
    connection.commit()


def _check_durable(cursor: psycopg.Cursor[Any]) -> None:
    for name in ("fsync", "full_page_writes"):
        if _show(cursor, name) != "on":
            raise StoreUnavailableError(
                f"The database runs with {name} off: an acknowledged write could be lost.",
                hint=f"Set {name} = on in its configuration.",
            )
    if _show(cursor, "synchronous_commit") not in DURABLE_COMMITS:
        cursor.execute("SET synchronous_commit = on")


def _show(cursor: psycopg.Cursor[Any], name: str) -> str:
    row = cursor.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return "" if row is None else str(row[0])


def _lock(cursor: psycopg.Cursor[Any]) -> None:
    end = time.monotonic() + LOCK_WAIT_S
    while cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone() != (True,):
        if time.monotonic() > end:
            holder = cursor.execute(HOLDER, (LOCK_KEY,)).fetchone()
            raise StoreLockedError(
                f"Another process{f' ({holder[0]})' if holder else ''} owns this store.",
                hint="Send writes to that server, or stop it first.",
            )
        time.sleep(LOCK_POLL_S)
