"""Opening a store: made where there is none, checked where there is one, read from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, insert, inspect, select

from matcher.errors import StoreCorruptError, StoreNewerError
from matcher.gallery.records import StoredSample, sample_key_of
from matcher.gallery.schema import (
    SCHEMA_VERSION,
    STORE_FORMAT,
    change_counter,
    changes,
    encounters,
    metadata,
    samples,
    store_info,
    subjects,
)
from matcher.gallery.transaction import last_sequence
from matcher.types import Modality

LOAD_CHUNK = 4096
"""Rows read from the database at a time."""


def prepare(connection: Connection) -> None:
    """Make the tables in an empty database, or check those that are there.

    Raises
    ------
    StoreNewerError
        If a later version of this program wrote them.
    StoreCorruptError
        If they are somebody else's, or contradict themselves.
    """
    names = set(inspect(connection).get_table_names())
    if not names:
        metadata.create_all(connection)
        connection.execute(
            insert(store_info).values(id=1, format=STORE_FORMAT, schema_version=SCHEMA_VERSION)
        )
        connection.execute(insert(change_counter).values(id=1, last_sequence=0))
        return
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
    if row.schema_version < 1 or not set(metadata.tables) <= names:
        raise StoreCorruptError("Tables of the store are missing.", hint="Restore it from a backup.")
    _check_log(connection)


def stored_samples(connection: Connection) -> Iterator[list[StoredSample]]:
    """Yield every sample with its subject, in the order in which they were enrolled, a chunk at a time."""
    query = (
        select(
            subjects.c.subject_key,
            subjects.c.subject_id,
            samples.c.encounter_key,
            samples.c.ordinal,
            samples.c.modality,
            samples.c.position,
            samples.c.quality,
            samples.c.template,
        )
        .join_from(samples, encounters, samples.c.encounter_key == encounters.c.encounter_key)
        .join(subjects, subjects.c.subject_key == encounters.c.subject_key)
        .order_by(samples.c.encounter_key, samples.c.ordinal)
        .execution_options(yield_per=LOAD_CHUNK)
    )
    for rows in connection.execute(query).partitions():
        yield [_sample(row) for row in rows]


def _sample(row: Any) -> StoredSample:
    try:
        modality = Modality(row.modality)
    except ValueError as error:
        raise StoreCorruptError(
            f"A sample of subject {row.subject_id!r} has the unknown modality {row.modality}.",
            hint="Restore the store from a backup.",
        ) from error
    return StoredSample(
        sample_key_of(row.encounter_key, row.ordinal),
        row.encounter_key,
        row.subject_key,
        row.subject_id,
        modality,
        row.position,
        row.quality,
        None,
        bytes(row.template),
    )


def _check_log(connection: Connection) -> None:
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
        "The database holds tables that are not of this program.", hint="Give the store a file of its own."
    )
