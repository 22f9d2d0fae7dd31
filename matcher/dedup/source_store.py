"""A running store as a register: each subject a record, read beside the server in transactions of its own.

Who is in the store, and which samples they have, is one transaction's view, taken when the register is
opened. Templates are read where a task asks for them: a sample never changes, so a later read gives the same;
one that was deleted meanwhile is told as gone. Encounters that are inactive are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, inspect

from matcher.dedup.records import NamedSample, checked_count, digest_of
from matcher.errors import MatcherError, StoreUnavailableError, SubjectNotFoundError
from matcher.gallery.backend import Backend, open_backend, translated
from matcher.gallery.load import identity_of, version_of
from matcher.gallery.read import StoredState, samples_by_key
from matcher.gallery.records import EncounterStatus
from matcher.gallery.schema import SCHEMA_VERSION
from matcher.samples import Sample, SampleKind
from matcher.template.modality import position
from matcher.types import I64

RECORDS_A_TASK = 1024
"""Records of one task: about a second of decoding and packing."""

YEAR = "year_of_birth"
"""Column of the year of birth; tags are columns by their own names."""


@dataclass(frozen=True)
class StoreSource:
    """Records whose samples are in a store; see `matcher.dedup.records.Source`.

    Samples of record i have the keys `keys[offsets[i]:offsets[i + 1]]`.
    """

    url: str
    ids: tuple[str, ...]
    attributes: Mapping[str, Sequence[str]]
    keys: I64
    offsets: I64
    identity: str
    records_a_task: int = RECORDS_A_TASK

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Read the templates of some records."""
        wanted = self.keys[self.offsets[begin] : self.offsets[end]].tolist()
        with _reading(self.url) as (backend, connection):
            found = {row.sample_key: row for row in samples_by_key(backend, connection, wanted)}
        named = [_named(key, found.get(key)) for key in wanted]
        bounds = (self.offsets[begin : end + 1] - self.offsets[begin]).tolist()
        return [named[bounds[i] : bounds[i + 1]] for i in range(end - begin)]

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the store's history and the samples of some records."""
        keys = self.keys[self.offsets[begin] : self.offsets[end]].tolist()
        return digest_of("store", self.identity, self.ids[begin:end], keys)


def store_source(url: str) -> StoreSource:
    """Return the register of a store.

    Parameters
    ----------
    url : str
        `sqlite:///gallery.db` or `postgresql+psycopg://...`; it may be served meanwhile.

    Raises
    ------
    ArgumentError
        If the URL names no store, or nobody is in it.
    StoreError
        If it cannot be read.
    """
    with _reading(url) as (backend, connection):
        identity = identity_of(connection)
        stored = StoredState(backend, connection)
        active = {
            one.encounter_key: one
            for page in stored.encounters()
            for one in page
            if one.status is EncounterStatus.ACTIVE
        }
        owned: dict[str, list[int]] = {}
        told: dict[str, dict[str, str]] = {}
        for page in stored.samples():
            for sample in page:
                encounter = active.get(sample.encounter_key)
                if encounter is None:
                    continue
                owned.setdefault(encounter.subject_id, []).append(sample.sample_key)
                own = told.setdefault(encounter.subject_id, dict(encounter.tags))
                if encounter.year_of_birth is not None:
                    own.setdefault(YEAR, str(encounter.year_of_birth))
    checked_count(len(owned))
    columns = sorted({name for own in told.values() for name in own})
    attributes = {name: tuple(told[subject].get(name, "") for subject in owned) for name in columns}
    counts = np.array([len(own) for own in owned.values()], np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    keys = np.array([key for own in owned.values() for key in own], np.int64)
    return StoreSource(url, tuple(owned), attributes, keys, offsets, identity)


@contextmanager
def _reading(url: str) -> Iterator[tuple[Backend, Connection]]:
    """Open a transaction that sees one state; the server's ownership of the store is left alone."""
    backend = open_backend(url, own=False)
    try:
        with translated(backend), backend.reader.connect() as connection, connection.begin():
            names = set(inspect(connection).get_table_names())
            if not names or version_of(connection, names) < SCHEMA_VERSION:
                raise StoreUnavailableError(
                    "There is no store of this version in this database.",
                    hint="Check the URL; a server that is started once brings an older store up to date.",
                )
            yield backend, connection
    finally:
        backend.close()


def _named(key: int, row: Any) -> NamedSample:
    name = f"sample {key}"
    if row is None:
        gone = SubjectNotFoundError("The sample was deleted while the register was read.")
        return NamedSample(name, None, gone)
    try:
        where = position(row.modality, row.position)
        return NamedSample(name, Sample(row.template, SampleKind.TEMPLATE, where))
    except MatcherError as error:
        return NamedSample(name, None, error)
