"""Backup of a store beside the server that serves it, and restoring it, into whichever database.

A backup is one transaction's view of all tables: what was committed when it began. Restoring is one
transaction too: the target holds all of it, or nothing. The restored store is a history of its own from then
on (`Store.identity`), so that no snapshot of the old one is taken for one of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import (
    Connection,
    LargeBinary,
    String,
    Table,
    bindparam,
    inspect,
    select,
    tuple_,
    update,
)

from matcher.errors import BackupCorruptError, BackupNewerError, StoreNotEmptyError, StoreUnavailableError
from matcher.gallery.archive import ArchiveReader, ArchiveWriter
from matcher.gallery.backend import Backend, open_backend, translated
from matcher.gallery.ledger import INSERT_ORDER, last_sequence
from matcher.gallery.load import check_log, identity_of, make, version_of
from matcher.gallery.schema import (
    SCHEMA_VERSION,
    change_counter,
    encounters,
    images,
    next_samples,
    samples,
    upgrades,
)

PAGE_ROWS = 4096
"""Rows of a page of most tables."""

FEW_ROWS = {samples: 512, next_samples: 512, images: 4}
"""Rows of a page where one may be large."""

OLDEST_VERSION = 2
"""Schema version of the earliest backups that are read."""

TABLES_SINCE = {3: (upgrades.name, next_samples.name)}
"""Tables that backups of earlier schema versions do not have."""

COLUMNS_SINCE = {
    3: ((images.name, images.c.milli_ppi.name),),
    4: ((encounters.name, encounters.c.client_id.name),),
}
"""Columns that they do not have: nobody knows a value."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: rows of each table, and the number of the last change."""

    rows: dict[str, int]
    sequence: int


def backup(url: str, file: BinaryIO) -> Contents:
    """Write everything that is committed now. The store may be served meanwhile.

    Raises
    ------
    ArgumentError, StoreError
        If the store cannot be read.
    """
    backend = open_backend(url, own=False)
    try:
        with translated(backend), backend.reader.connect() as connection, connection.begin():
            check_readable(connection)
            sequence = last_sequence(connection, lock=False)
            head = {
                "schema_version": SCHEMA_VERSION,
                "store_id": identity_of(connection),
                "sequence": sequence,
                "written_at_us": time.time_ns() // 1000,
                "tables": {table.name: _kinds(table) for table in INSERT_ORDER},
            }
            writer = ArchiveWriter(file, head)
            for table in INSERT_ORDER:
                for columns in _pages(backend, connection, table):
                    writer.page(table.name, columns)
            return Contents(writer.close(), sequence)
    finally:
        backend.close()


def restore(file: BinaryIO, url: str) -> Contents:
    """Fill an empty store from a backup.

    Raises
    ------
    BackupCorruptError, BackupNewerError
        If it cannot be read whole; the target stays empty.
    StoreNotEmptyError
        If anybody is, or was, enrolled in the target.
    ArgumentError, StoreError
        If the target cannot be written.
    """
    archive = ArchiveReader(file)
    sequence = _check_head(archive.head)
    backend = open_backend(url)
    try:
        backend.settle()
        with translated(backend), backend.writer.begin() as connection:
            _make_empty(connection)
            rows = dict.fromkeys((table.name for table in INSERT_ORDER), 0)
            tables = {table.name: table for table in INSERT_ORDER}
            for name, columns in archive.pages():
                names = list(archive.head["tables"][name])
                absent = dict.fromkeys(column.name for column in tables[name].columns)
                page = [
                    {**absent, **dict(zip(names, row, strict=True))} for row in zip(*columns, strict=True)
                ]
                try:
                    backend.insert(connection, tables[name], page)
                except backend.refusals as error:
                    raise BackupCorruptError(
                        f"The backup is damaged: its {name} contradict each other.",
                        hint="Take another backup.",
                    ) from error
                rows[name] += len(page)
            connection.execute(update(change_counter).values(last_sequence=sequence))
            check_log(connection)
        return Contents(rows, sequence)
    finally:
        backend.close()


def check_readable(connection: Connection) -> None:
    """Refuse a database that holds no store, or one of another version.

    Raises
    ------
    StoreUnavailableError, StoreNewerError, StoreCorruptError
    """
    names = set(inspect(connection).get_table_names())
    if not names:
        raise StoreUnavailableError("There is no store in this database.", hint="Check the URL.")
    version = version_of(connection, names)
    if version < SCHEMA_VERSION:
        raise StoreUnavailableError(
            f"The store has schema version {version}, this program backs up version {SCHEMA_VERSION}.",
            hint="Start the server once: it brings the store up to date.",
        )


def _check_head(head: dict[str, Any]) -> int:
    version, sequence = head.get("schema_version"), head.get("sequence")
    if not isinstance(version, int) or not isinstance(sequence, int) or version < OLDEST_VERSION:
        raise BackupCorruptError(
            "The backup is damaged: its head lacks a number.", hint="Take another backup."
        )
    if version > SCHEMA_VERSION:
        raise BackupNewerError(
            f"The backup is of schema version {version}; this program knows up to {SCHEMA_VERSION}.",
            hint="Use the program that wrote it, or a later one.",
        )
    if head["tables"] != _tables_of(version):
        raise BackupCorruptError("The backup is damaged: its tables are others.", hint="Take another backup.")
    return sequence


def _make_empty(connection: Connection) -> None:
    if inspect(connection).get_table_names():
        raise StoreNotEmptyError(
            "The target holds a store, or something else, already.",
            hint="Give a new file, or an empty database.",
        )
    make(connection)


def _tables_of(version: int) -> dict[str, dict[str, str]]:
    """Return the tables of a backup of a schema version, and their columns' kinds."""
    tables = {table.name: _kinds(table) for table in INSERT_ORDER}
    for later in range(version + 1, SCHEMA_VERSION + 1):
        for name in TABLES_SINCE.get(later, ()):
            del tables[name]
        for name, column in COLUMNS_SINCE.get(later, ()):
            del tables[name][column]
    return tables


def _kinds(table: Table) -> dict[str, str]:
    return {column.name: _kind(column.type) for column in table.columns}


def _kind(kind: Any) -> str:
    if isinstance(kind, String):
        return "text"
    return "bytes" if isinstance(kind, LargeBinary) else "int"


def _pages(backend: Backend, connection: Connection, table: Table) -> Iterator[list[list[Any]]]:
    """Yield a table's rows along its primary key, column by column."""
    keys = list(table.primary_key.columns)
    ordered = select(table).order_by(*keys).limit(FEW_ROWS.get(table, PAGE_ROWS))
    after = ordered.where(
        tuple_(*keys) > tuple_(*(bindparam(f"after_{key.name}", type_=key.type) for key in keys))
    )
    places = [list(table.columns).index(key) for key in keys]
    rows = backend.fetch(connection, ordered, {})
    while rows:
        yield [list(column) for column in zip(*rows, strict=True)]
        last = {f"after_{key.name}": rows[-1][place] for key, place in zip(keys, places, strict=True)}
        rows = backend.fetch(connection, after, last)
