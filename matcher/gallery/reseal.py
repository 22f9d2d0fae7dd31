"""Sealing a store anew with the newest key: what lay in the clear, and what older keys sealed.

It owns the store meanwhile, works in small transactions and may be stopped anywhere: each value says its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, create_engine, make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from matcher.errors import KeyMissingError, StoreUnavailableError
from matcher.gallery.at_rest import image_context, template_context
from matcher.gallery.backend import Backend, open_backend, translated
from matcher.gallery.backup import check_readable
from matcher.gallery.schema import images, next_samples, samples
from matcher.gallery.snapshot_sealed import remove_snapshot
from matcher.gallery.snapshots import default_path
from matcher.security.keyring import key_of, opened

PAGE = {samples: 512, next_samples: 512, images: 8}
"""Rows that are sealed in one transaction."""

IN_THE_CLEAR = 0
"""Stands for the key of a value that is not sealed."""


def seal_store(url: str, snapshot: Path | None = None) -> int:
    """Seal every template and image with the newest key; return how many were altered.

    Values in the clear are taken as they stand, so use it where the store can be trusted. What the database
    keeps of old rows is overwritten as far as it can be: an SQLite file is written anew.

    Parameters
    ----------
    url : str
        Of the store, which nobody serves meanwhile.
    snapshot : Path, optional
        Its snapshot, which is removed; by default beside an SQLite file.

    Raises
    ------
    KeyMissingError
        If there is no keyring, or a key is missing.
    SealBrokenError, StoreError
    """
    altered = 0
    with _open(url, own=True) as backend:
        if backend.keyring is None:
            raise KeyMissingError("There is no keyring.", hint="Set MATCHER_KEYRING and the master key.")
        for table, value in ((samples, "template"), (next_samples, "template"), (images, "image")):
            after = 0
            while True:
                with translated(backend), backend.writer.begin() as connection:
                    rows = connection.execute(_rows(table), {"after": after, "page": PAGE[table]}).all()
                    altered += _seal(backend, connection, table, value, rows)
                if not rows:
                    break
                after = rows[-1].sample_key
        path = snapshot if snapshot is not None else default_path(url)
        if path is not None:
            remove_snapshot(path)
    _compact(url)
    return altered


def count_keys(url: str) -> dict[int, int]:
    """Return how many values each key seals; 0 stands for those in the clear.

    Raises
    ------
    StoreError
    """
    found: Counter[int] = Counter()
    with (
        _open(url, own=False) as backend,
        translated(backend),
        backend.reader.connect() as connection,
        connection.begin(),
    ):
        for table, value in ((samples, "template"), (next_samples, "template"), (images, "image")):
            after = 0
            while rows := connection.execute(_rows(table), {"after": after, "page": PAGE[table]}).all():
                found.update(key_of(bytes(getattr(row, value))) or IN_THE_CLEAR for row in rows)
                after = rows[-1].sample_key
    return dict(sorted(found.items()))


def _compact(url: str) -> None:
    """Have the database give up what it keeps of old rows."""
    engine = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.execute(text("VACUUM"))
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            else:
                for table in PAGE:
                    connection.execute(text(f"VACUUM FULL {table.name}"))
    except DBAPIError as error:
        raise StoreUnavailableError(
            f"Everything is sealed, but old rows may be left in the database ({type(error.orig).__name__}).",
            hint="Compact it: VACUUM.",
        ) from None
    finally:
        engine.dispose()


@contextmanager
def _open(url: str, *, own: bool) -> Iterator[Backend]:
    backend = open_backend(url, own=own)
    try:
        if own:
            backend.settle()
        with translated(backend), backend.reader.connect() as connection, connection.begin():
            check_readable(connection)
        yield backend
    finally:
        backend.close()


def _rows(table: Table) -> Select[Any]:
    """Return the query for a page of a table, with what its values are bound to."""
    if table is next_samples:
        columns = (samples.c.modality, samples.c.position)
        query = select(next_samples, *columns).join(samples, samples.c.sample_key == table.c.sample_key)
    else:
        query = select(table)
    key = table.c.sample_key
    return query.where(key > bindparam("after")).order_by(key).limit(bindparam("page"))


def _seal(backend: Backend, connection: Connection, table: Table, value: str, rows: Any) -> int:
    keyring = backend.keyring
    assert keyring is not None  # the caller looked
    altered = 0
    for row in rows:
        kept, key = bytes(getattr(row, value)), row.sample_key
        if key_of(kept) == keyring.newest:
            continue
        context = (
            image_context(key)
            if table is images
            else template_context(key, row.modality, row.position, row.extractor)
        )
        plain = kept if key_of(kept) is None else opened(keyring, kept, context)
        statement = update(table).where(table.c.sample_key == key)
        connection.execute(statement.values({value: keyring.seal(plain, context)}))
        altered += 1
    return altered
