"""What a database brings along beside SQL, and which one a URL means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, Select, Table, bindparam, make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import DBAPIError

from matcher.errors import ArgumentError, StoreError
from matcher.security.keyring import Keyring, environment_keyring

Values = dict[str, Any]
Rows = Sequence[tuple[Any, ...]]

IN_CHUNK = 512
"""Most keys in one IN list; databases bound their number."""

_COMPILED: dict[tuple[str, Any], Any] = {}
"""Texts of the statements that were run, by dialect; all of them are made once, so there are few."""

SCHEMES = ("sqlite", "postgresql+psycopg")
"""Drivers that a store's URL may name."""


class Backend(Protocol):
    """What a database brings along beside SQL."""

    name: str
    writer: Engine
    """Its connections own the store: there is one at a time, in the whole world."""

    reader: Engine
    """Each of its transactions sees one state, whatever is written meanwhile."""

    driver_error: type[Exception]

    keyring: Keyring | None
    """Seals templates and images; None: they lie in the clear."""

    refusals: tuple[type[Exception], ...]
    """Those by which rows are refused that no column or key can hold."""

    def settle(self) -> None:
        """Make everything readable durable; called before the first answer and after every failure."""

    def watch(self) -> None:
        """Raise if the store is no longer this process's own; called while nothing is written."""

    def fetch(self, connection: Connection, query: Any, values: Values) -> Rows:
        """Run a query and return plain tuples, as fast as the driver can.

        The text is made once and kept, so `query` must be one that is used again and again.
        """

    def fetch_pairs(self, connection: Connection, query: Any, values: Values) -> Sequence[tuple[int, Any]]:
        """Run a query for the columns `key`, of numbers, and `value`, of bytes, in whatever order.

        As `fetch`; many rows at once, for searches that wait for nothing but the interpreter's lock.
        """

    def run(self, connection: Connection, statement: Any, values: Values) -> None:
        """Run a statement that returns nothing, in the same way."""

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """Add rows with one statement; each has a value for every column."""

    def together(self, connection: Connection) -> AbstractContextManager[Any]:
        """Within it `run` and `insert` may travel together; what one refuses may be raised at its end."""

    def translate(self, error: BaseException | None) -> StoreError:
        """Return the typed error that a driver's error means."""

    def dispose(self) -> None:
        """Close all connections."""

    def close(self) -> None:
        """Close all connections and give up ownership."""


@contextmanager
def translated(backend: Backend) -> Iterator[None]:
    """Turn what the database or its driver raises into our typed errors.

    Rows that it refuses are our own mistake, as is a wrong statement: those are raised as they are.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, backend.refusals):
            raise
        raise backend.translate(error.orig) from error
    except backend.driver_error as error:
        if isinstance(error, backend.refusals) or type(error).__name__ == "ProgrammingError":
            raise
        raise backend.translate(error) from error


def open_backend(url: str, *, own: bool = True) -> Backend:
    """Return the backend of a store's URL, which owns the store from then on.

    Parameters
    ----------
    url : str
    own : bool
        False for reading only, beside the process that owns the store.

    Raises
    ------
    ArgumentError
        If the URL names no database that a store can be kept in.
    StoreLockedError
        If another process owns the store.
    StoreUnavailableError
        If the database does not answer.
    KeyMissingError
        If the environment names a keyring that cannot be opened.
    """
    backend = _opened(url, own)
    try:
        backend.keyring = environment_keyring()
    except BaseException:
        backend.close()
        raise
    return backend


def _opened(url: str, own: bool) -> Backend:
    parsed = _parsed(url)
    if parsed.drivername == "sqlite":
        from matcher.gallery.sqlite import SqliteBackend

        return SqliteBackend(parsed, own=own)
    try:
        from matcher.gallery.postgres import PostgresBackend
    except ImportError as error:
        raise ArgumentError(
            "Store URL: PostgreSQL needs the package psycopg, which is not installed.",
            hint="Install the extra `postgresql`.",
        ) from error

    return PostgresBackend(parsed, own=own)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except UrlError as error:
        raise ArgumentError(
            "Store URL: expected something like sqlite:///FILE or postgresql+psycopg://HOST/DATABASE."
        ) from error
    if parsed.drivername not in SCHEMES:
        raise ArgumentError(f"Store URL: expected one of {', '.join(SCHEMES)}, got {parsed.drivername!r}.")
    return parsed


def text_and_values(connection: Connection, statement: Any, values: Values) -> tuple[str, Any]:
    """Return a statement as the driver takes it: its text, and its values by name or in order."""
    key = connection.dialect.name, statement
    compiled = _COMPILED.get(key)
    if compiled is None:
        compiled = _COMPILED[key] = statement.compile(dialect=connection.dialect)
    named = {**compiled.params, **values}
    if compiled.positiontup is None:
        return compiled.string, named
    return compiled.string, [named[name] for name in compiled.positiontup]


class KeyedQuery:
    """A query for rows by key, in order of their keys. Lists of keys are filled up to few lengths.

    Parameters
    ----------
    query : Select
    column : Column
        That holds the keys.
    """

    def __init__(self, query: Select[Any], column: Any) -> None:
        self._query = query
        self._column = column
        self._of: dict[int, Select[Any]] = {}

    def fetch(self, backend: Backend, connection: Connection, keys: Iterable[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of these keys."""
        return [row for one in self._chunks(keys) for row in backend.fetch(connection, *one)]

    def fetch_pairs(
        self, backend: Backend, connection: Connection, keys: Iterable[Any]
    ) -> list[tuple[int, Any]]:
        """Return the rows of these keys, in whatever order; the columns are as `Backend.fetch_pairs` says."""
        return [row for one in self._chunks(keys) for row in backend.fetch_pairs(connection, *one)]

    def _chunks(self, keys: Iterable[Any]) -> Iterator[tuple[Select[Any], Values]]:
        wanted = sorted(set(keys))
        for begin in range(0, len(wanted), IN_CHUNK):
            chunk = wanted[begin : begin + IN_CHUNK]
            length = 1 << (len(chunk) - 1).bit_length()
            chunk += chunk[-1:] * (length - len(chunk))
            yield self._statement(length), {f"key_{n}": key for n, key in enumerate(chunk)}

    def _statement(self, length: int) -> Select[Any]:
        if length not in self._of:
            names = [bindparam(f"key_{n}", type_=self._column.type) for n in range(length)]
            self._of[length] = self._query.where(self._column.in_(names)).order_by(self._column)
        return self._of[length]
