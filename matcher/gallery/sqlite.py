"""Everything about the store that is particular to SQLite: files, pragmas, transactions, error codes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import DBAPIError

from matcher.errors import (
    ArgumentError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from matcher.gallery.backend import Rows, Values, text_and_values
from matcher.gallery.lock import FileLock
from matcher.gallery.rights import keep_to_owner
from matcher.security.keyring import Keyring

CHECKPOINT_PAGES = 4096
"""Pages of 4 kB in the log before it is copied into the database: seldom, for that syncs twice more."""

INSERT_ROWS = 40
"""Most rows of one INSERT: eight enrolments of five samples, a usual group."""

KEPT_STATEMENTS = 512
"""Prepared statements that a connection keeps: an INSERT of each number of rows, for each table."""

JOINED = """SELECT group_concat("key"), group_concat(length("value")),
    CAST(group_concat(CAST("value" AS BLOB), '') AS BLOB) FROM ({})"""
"""All rows of a query in one: keys and sizes as text, and all bytes; the three are in the same order."""

SYNCHRONOUS = "FULL"
"""In WAL mode FULL means: the log is fsynced before COMMIT returns."""

BUSY_TIMEOUT_MS = 5000
"""How long to wait for another connection's lock (a backup tool, say), milliseconds."""

PRIMARY_CODE = 0xFF
"""SQLite's extended error codes keep the primary code in their low byte."""

FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""SHMSIZE: the index of the log could not grow."""

CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteBackend:
    """Opens connections to one SQLite file and holds the lock beside it.

    Parameters
    ----------
    url : sqlalchemy.URL
        `sqlite:///relative/path` or `sqlite:////absolute/path`.
    own : bool
        False for reading only, beside the process that owns the store.

    Raises
    ------
    ArgumentError
        If the URL names no file: a store in memory would break every promise.
    StoreLockedError, StoreUnavailableError
        See `FileLock`.
    """

    keyring: Keyring | None = None
    name = "sqlite"
    driver_error: type[Exception] = sqlite3.Error
    refusals: tuple[type[Exception], ...] = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)

    def __init__(self, url: URL, *, own: bool = True) -> None:
        if not url.database or url.database == ":memory:" or url.query:
            raise ArgumentError(
                f"Store URL {url.render_as_string()!r}: expected sqlite:///FILE without options."
            )
        self.path = Path(url.database).absolute()
        if not own and not self.path.exists():
            raise StoreUnavailableError(f"There is no store at {self.path}.", hint="Check the URL.")
        lock = self.path.resolve().with_name(self.path.name + ".lock")
        self._lock = FileLock(lock) if own else None
        if own:
            # Made here, for its owner alone to read; the files of the log take their rights from it.
            with suppress(OSError):  # what is wrong is told by whoever opens it
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            try:
                keep_to_owner(self.path)
            except StoreUnavailableError:
                assert self._lock is not None  # taken above
                self._lock.release()
                raise
        plain = URL.create("sqlite", database=str(self.path))
        self.writer = _engine(plain, "BEGIN IMMEDIATE")
        self.reader = _engine(plain, "BEGIN")

    def settle(self) -> None:
        """Make everything that can be read durable.

        A killed process leaves log pages that are readable but were perhaps never synced, and a failed
        fsync does the same. What an answer is built on must not vanish later, so the log is copied into the
        database, synced and emptied before anything is answered.

        Raises
        ------
        StoreError
            As `translate` says, or StoreUnavailableError if another program blocks the log.
        """
        try:
            raw = self.writer.raw_connection()
            try:
                (busy, _, _) = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        except DBAPIError as error:
            raise self.translate(error.orig) from error
        except sqlite3.Error as error:
            raise self.translate(error) from error
        if busy:
            raise StoreUnavailableError(
                "Another program is reading the database file and blocks its log.",
                hint="Close it and try again.",
            )

    def watch(self) -> None:
        """Nothing to do: only this process's end releases the lock."""

    def fetch(self, connection: Connection, query: Any, values: Values) -> Rows:
        """Run a query and return plain tuples."""
        driver: Any = connection.connection.driver_connection
        found: Rows = driver.execute(*text_and_values(connection, query, values)).fetchall()
        return found

    def fetch_pairs(self, connection: Connection, query: Any, values: Values) -> Sequence[tuple[int, Any]]:
        """Run a query for the columns `key` and `value` and return its rows.

        They come as one row: the driver gives the interpreter's lock away three times and more for each, and
        beside other threads waits every time to have it back.
        """
        driver: Any = connection.connection.driver_connection
        text, bound = text_and_values(connection, query, values)
        [(keys, sizes, joined)] = driver.execute(JOINED.format(text), bound).fetchall()
        if keys is None:
            return []
        numbers, ends = map(int, keys.split(",")), accumulate(map(int, sizes.split(",")))
        return [(key, joined[a:b]) for key, (a, b) in zip(numbers, pairwise((0, *ends)), strict=True)]

    def run(self, connection: Connection, statement: Any, values: Values) -> None:
        """Run a statement that returns nothing."""
        driver: Any = connection.connection.driver_connection
        driver.execute(*text_and_values(connection, statement, values))

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Add rows, a few with each prepared statement.

        Values go by place: by name, the driver gives the interpreter's lock away for each value, and beside
        searches every time waits to have it back. So it does some times a statement.
        """
        driver: Any = connection.connection.driver_connection
        for begin in range(0, len(rows), INSERT_ROWS):
            some = rows[begin : begin + INSERT_ROWS]
            values = [row[column.name] for row in some for column in table.columns]
            driver.execute(_insert_text(table, len(some)), values)

    def together(self, connection: Connection) -> AbstractContextManager[Any]:
        """Nothing to save: there is no way to travel."""
        return nullcontext()

    def translate(self, error: BaseException | None) -> StoreError:
        """Return the typed error that a driver's error means."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code in FULL_CODES:
            return StoreFullError(
                "The disk under the store is full; nothing of this request was kept.",
                hint="Free space and send it again.",
            )
        if code & PRIMARY_CODE in CORRUPT_CODES:
            return StoreCorruptError(
                f"{self.path.name} is no SQLite database, or a damaged one.", hint="Restore it from a backup."
            )
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return StoreUnavailableError(
            f"The database does not answer ({name}).", hint="Check the disk and the file's permissions."
        )

    def dispose(self) -> None:
        """Close every connection, so that the next ones start afresh."""
        self.writer.dispose()
        self.reader.dispose()

    def close(self) -> None:
        """Close every connection and give the lock back."""
        self.dispose()
        if self._lock is not None:
            self._lock.release()


@cache
def _insert_text(table: Table, rows: int) -> str:
    quoted = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = f"({', '.join('?' * len(table.columns))})"
    return f"INSERT INTO {table.name} ({quoted}) VALUES {', '.join([marks] * rows)}"


def _engine(url: URL, begin: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={
            "timeout": BUSY_TIMEOUT_MS / 1000,
            "check_same_thread": False,
            "cached_statements": KEPT_STATEMENTS,
        },
        hide_parameters=True,  # or an error's text would hold templates
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction control begins late and not IMMEDIATE: off, we say BEGIN ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA foreign_keys = ON")
        # Deleted biometrics are overwritten with zeros, not merely unlinked.
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Past SQLAlchemy, which does much around it: one of these is in every commit.
        driver: Any = connection.connection.driver_connection
        driver.execute(begin)

    return engine
