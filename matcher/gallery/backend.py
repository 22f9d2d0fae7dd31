"""What a database brings along beside SQL, and which one a URL means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, Select, make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import DBAPIError

from matcher.errors import ArgumentError, StoreError

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

    def settle(self) -> None:
        """Make everything readable durable; called before the first answer and after every failure."""

    def watch(self) -> None:
        """Raise if the store is no longer this process's own; called while nothing is written."""

    def fetch(
        self, connection: Connection, query: Select[Any], values: dict[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """Run a query and return plain tuples, as fast as the driver can."""

    def translate(self, error: BaseException | None) -> StoreError:
        """Return the typed error that a driver's error means."""

    def dispose(self) -> None:
        """Close all connections."""

    def close(self) -> None:
        """Close all connections and give up ownership."""


@contextmanager
def translated(backend: Backend) -> Iterator[None]:
    """Turn what the database or its driver raises into our typed errors."""
    try:
        yield
    except DBAPIError as error:
        raise backend.translate(error.orig) from error
    except backend.driver_error as error:
        raise backend.translate(error) from error


def open_backend(url: str) -> Backend:
    """Return the backend of a store's URL, which owns the store from then on.

    Raises
    ------
    ArgumentError
        If the URL names no database that a store can be kept in.
    StoreLockedError
        If another process owns the store.
    StoreUnavailableError
        If the database does not answer.
    """
    parsed = _parsed(url)
    if parsed.drivername == "sqlite":
        from matcher.gallery.sqlite import SqliteBackend

        return SqliteBackend(parsed)
    try:
        from matcher.gallery.postgres import PostgresBackend
    except ImportError as error:
        raise ArgumentError(
            "Store URL: PostgreSQL needs the package psycopg, which is not installed.",
            hint="Install the extra `postgresql`.",
        ) from error

    return PostgresBackend(parsed)


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


def text_and_values(connection: Connection, query: Select[Any], values: dict[str, Any]) -> tuple[str, Any]:
    """Return a query as the driver takes it: its text, and its values by name or in order."""
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    named = compiled.construct_params(values)
    if compiled.positiontup is None:
        return compiled.string, named
    return compiled.string, [named[name] for name in compiled.positiontup]
