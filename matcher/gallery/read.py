"""Reading the tables: everybody in order for a start, or what was asked for by key.

Every function reads inside the caller's transaction, so several of them see one state. Everything goes page
by page along a primary key: no cursor stays open, no database sorts what it holds in order already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, select

from matcher.errors import StoreCorruptError
from matcher.gallery.at_rest import opened_template
from matcher.gallery.attributes import galleries_of, tags_of
from matcher.gallery.backend import Backend, KeyedQuery
from matcher.gallery.generations import UpgradeState
from matcher.gallery.records import (
    NO_TAGS,
    ORDINAL_BITS,
    Change,
    ChangeKind,
    EncounterStatus,
    StoredEncounter,
    StoredSample,
)
from matcher.gallery.schema import changes, encounters, next_samples, samples, subjects, upgrades
from matcher.types import Modality

LOAD_CHUNK = 4096
"""Rows read from the database at a time."""

WITH_ENCOUNTER = {
    ChangeKind.ENROLL,
    ChangeKind.MOVE,
    ChangeKind.STATUS,
    ChangeKind.GALLERIES,
    ChangeKind.UPDATE,
}
"""Kinds of changes that carry an encounter's attributes."""

MODALITIES = {int(modality): modality for modality in Modality}
STATUSES = {int(status): status for status in EncounterStatus}
NO_GALLERIES: frozenset[str] = frozenset()

s, e, t, c, n = subjects.c, encounters.c, samples.c, changes.c, next_samples.c

OWNERS = select(e.encounter_key, e.subject_key, s.subject_id).join_from(
    encounters, subjects, e.subject_key == s.subject_key
)
ENCOUNTERS = OWNERS.add_columns(e.status, e.galleries, e.year_of_birth, e.tags)
OWN = select(
    t.sample_key,
    t.modality,
    t.position,
    func.coalesce(n.quality, t.quality),
    func.coalesce(n.extractor, t.extractor),
    func.coalesce(n.template, t.template),
)
TEMPLATE = t.sample_key.label("key"), func.coalesce(n.template, t.template).label("value")
SWITCHED = exists().where(upgrades.c.state == int(UpgradeState.SWITCHED))
SAMPLES = OWN.join_from(samples, next_samples, and_(n.sample_key == t.sample_key, SWITCHED), isouter=True)
NEXT_SAMPLES = OWN.join_from(samples, next_samples, n.sample_key == t.sample_key, isouter=True)
"""As they are once the upgrade that is on its way has been switched."""

ENCOUNTER_PAGE = (
    ENCOUNTERS.where(e.encounter_key > bindparam("after")).order_by(e.encounter_key).limit(bindparam("page"))
)


def page_of(query: Select[Any]) -> Select[Any]:
    """Return the samples of a query behind a key, in order."""
    return query.where(t.sample_key > bindparam("after")).order_by(t.sample_key).limit(bindparam("page"))


SAMPLE_PAGE, NEXT_SAMPLE_PAGE = page_of(SAMPLES), page_of(NEXT_SAMPLES)
SAMPLE_RANGE = SAMPLES.where(t.sample_key >= bindparam("low"), t.sample_key < bindparam("high"))
OWNER_RANGE = OWNERS.where(e.encounter_key.between(bindparam("low"), bindparam("high")))
SAMPLES_BY_KEY = KeyedQuery(SAMPLES, t.sample_key)
NEXT_SAMPLES_BY_KEY = KeyedQuery(NEXT_SAMPLES, t.sample_key)
TEMPLATES_BY_KEY = KeyedQuery(SAMPLES.with_only_columns(*TEMPLATE), t.sample_key)
NEXT_TEMPLATES_BY_KEY = KeyedQuery(NEXT_SAMPLES.with_only_columns(*TEMPLATE), t.sample_key)
OWNERS_BY_KEY = KeyedQuery(OWNERS, e.encounter_key)
ENCOUNTERS_BY_KEY = KeyedQuery(ENCOUNTERS, e.encounter_key)
CHANGE_PAGE = (
    select(
        c.sequence,
        c.kind,
        c.subject_key,
        c.subject_id,
        c.encounter_key,
        c.sample_key,
        c.other_key,
        c.other_id,
        c.changed_at_us,
    )
    .where(c.sequence > bindparam("after"))
    .order_by(c.sequence)
    .limit(bindparam("page"))
)

CHANGE_TIME = select(c.changed_at_us).where(c.sequence == bindparam("number"))


class Stored(Protocol):
    """The whole store in one state, each part in order of its keys; each may be read several times."""

    def encounters(self) -> Iterator[list[StoredEncounter]]:
        """Yield every encounter, a page at a time."""

    def samples(self) -> Iterator[list[StoredSample]]:
        """Yield every sample, a page at a time."""

    def time_of(self, sequence: int) -> int:
        """Return when a change was made, microseconds since 1970-01-01 UTC; 0 where there is none."""


class StoredState:
    """`Stored` through one open transaction.

    Parameters
    ----------
    backend : Backend
    connection : Connection
    following : bool
        Whether samples are read as they are once the upgrade that is on its way has been switched.
    """

    def __init__(self, backend: Backend, connection: Connection, *, following: bool = False) -> None:
        self._backend = backend
        self._connection = connection
        self._samples = NEXT_SAMPLE_PAGE if following else SAMPLE_PAGE

    def encounters(self) -> Iterator[list[StoredEncounter]]:
        """Yield every encounter, a page at a time."""
        for rows in self._pages(ENCOUNTER_PAGE):
            yield [_encounter(row) for row in rows]

    def samples(self) -> Iterator[list[StoredSample]]:
        """Yield every sample, a page at a time."""
        for rows in self._pages(self._samples):
            bounds = {"low": rows[0][0] >> ORDINAL_BITS, "high": rows[-1][0] >> ORDINAL_BITS}
            owners = {row[0]: row for row in self._backend.fetch(self._connection, OWNER_RANGE, bounds)}
            yield _with_owners(rows, owners, self._backend)

    def time_of(self, sequence: int) -> int:
        """Return when a change was made, microseconds since 1970-01-01 UTC; 0 where there is none."""
        rows = self._backend.fetch(self._connection, CHANGE_TIME, {"number": sequence})
        return int(rows[0][0]) if rows else 0

    def _pages(self, query: Select[Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
        after = 0
        while rows := self._backend.fetch(self._connection, query, {"after": after, "page": LOAD_CHUNK}):
            yield rows
            after = rows[-1][0]


def samples_by_key(
    backend: Backend, connection: Connection, keys: Iterable[int], *, following: bool = False
) -> list[StoredSample]:
    """Return the samples of these keys that are there, in order of their keys; see `StoredState`."""
    rows = (NEXT_SAMPLES_BY_KEY if following else SAMPLES_BY_KEY).fetch(backend, connection, keys)
    own = {row[0] >> ORDINAL_BITS for row in rows}
    owners = {row[0]: row for row in OWNERS_BY_KEY.fetch(backend, connection, own)}
    return _with_owners(rows, owners, backend)


def templates_by_key(
    backend: Backend, connection: Connection, keys: Iterable[int], *, following: bool = False
) -> dict[int, bytes]:
    """Return the templates of samples of these keys that are there; see `StoredState`."""
    if backend.keyring is not None:  # they are bound to more of their rows
        found = samples_by_key(backend, connection, keys, following=following)
        return {sample.sample_key: sample.template for sample in found}
    query = NEXT_TEMPLATES_BY_KEY if following else TEMPLATES_BY_KEY
    return {key: bytes(value) for key, value in query.fetch_pairs(backend, connection, keys)}


def encounters_by_key(
    backend: Backend, connection: Connection, keys: Iterable[int]
) -> dict[int, StoredEncounter]:
    """Return the encounters of these keys that are there."""
    rows = ENCOUNTERS_BY_KEY.fetch(backend, connection, keys)
    return {row[0]: _encounter(row) for row in rows}


def samples_of_encounters(
    backend: Backend, connection: Connection, owners: dict[int, StoredEncounter]
) -> dict[int, list[StoredSample]]:
    """Return the samples of each of these encounters, in order."""
    found: dict[int, list[StoredSample]] = {key: [] for key in owners}
    for first, last in _runs(sorted(owners)):
        bounds = {"low": first << ORDINAL_BITS, "high": (last + 1) << ORDINAL_BITS}
        for sample in _with_owners(backend.fetch(connection, SAMPLE_RANGE, bounds), owners, backend):
            found[sample.encounter_key].append(sample)
    for own in found.values():
        own.sort()
    return found


def changes_after(backend: Backend, connection: Connection, sequence: int, limit: int) -> list[Change]:
    """Return the log's entries that follow `sequence`, in commit order, at most `limit`; see `Change`."""
    rows = backend.fetch(connection, CHANGE_PAGE, {"after": sequence, "page": limit})
    own = encounters_by_key(backend, connection, {r[4] for r in rows if r[1] in WITH_ENCOUNTER})
    enrolled = {r[4]: own[r[4]] for r in rows if r[1] == ChangeKind.ENROLL and r[4] in own}
    samples_now = samples_of_encounters(backend, connection, enrolled)
    return [_change(row, own.get(row[4]), samples_now.get(row[4], [])) for row in rows]


def change_log(backend: Backend, connection: Connection, after: int, limit: int) -> list[Change]:
    """Return the log's entries that follow `after`, in commit order, without attributes and samples."""
    rows = backend.fetch(connection, CHANGE_PAGE, {"after": after, "page": limit})
    return [_change(row, None, []) for row in rows]


def _change(row: tuple[Any, ...], now: StoredEncounter | None, own: list[StoredSample]) -> Change:
    sequence, code, subject, name, encounter, sample, other, other_id, changed_at_us = row
    kind = _kind(code)
    then = None
    if kind in WITH_ENCOUNTER and now is not None:
        then = now._replace(subject_key=subject, subject_id=name)
    return Change(
        sequence,
        kind,
        subject,
        name,
        None,
        encounter,
        sample,
        other,
        other_id,
        then,
        tuple(one._replace(subject_key=subject, subject_id=name) for one in own)
        if kind is ChangeKind.ENROLL
        else (),
        changed_at_us=changed_at_us,
    )


def _runs(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each stretch of keys without gaps."""
    begin = 0
    for index in range(1, len(keys) + 1):
        if index == len(keys) or keys[index] != keys[index - 1] + 1:
            yield keys[begin], keys[index - 1]
            begin = index


def _with_owners(
    rows: Iterable[tuple[Any, ...]], owners: dict[int, Any], backend: Backend
) -> list[StoredSample]:
    """Join samples with (encounter key, subject key, subject id, ...)."""
    found: list[StoredSample] = []
    keyring = backend.keyring
    try:
        for key, modality, position, quality, extractor, template in rows:
            encounter, subject, name = owners[key >> ORDINAL_BITS][:3]
            found.append(
                StoredSample(
                    key,
                    encounter,
                    subject,
                    name,
                    MODALITIES[modality],
                    position,
                    quality,
                    extractor,
                    opened_template(keyring, key, modality, position, extractor, template),
                )
            )
    except KeyError as error:
        raise StoreCorruptError(
            f"Sample {key} has no encounter, or the unknown modality {modality}.",
            hint="Restore the store from a backup.",
        ) from error
    return found


def _encounter(row: tuple[Any, ...]) -> StoredEncounter:
    key, subject, name, status, galleries, year, tags = row
    if status not in STATUSES:
        raise StoreCorruptError(
            f"Encounter {key} has the unknown status {status}.", hint="Restore the store from a backup."
        )
    return StoredEncounter(
        key,
        subject,
        name,
        STATUSES[status],
        galleries_of(galleries) if galleries else NO_GALLERIES,
        year,
        tags_of(tags) if tags else NO_TAGS,
    )


def _kind(code: int) -> ChangeKind:
    try:
        return ChangeKind(code)
    except ValueError as error:
        raise StoreCorruptError(
            f"The change log has an entry of the unknown kind {code}.",
            hint="Restore the store from a backup.",
        ) from error
