"""What the store says of its upgrades, and of the samples that they have to look at."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, inspect, select

from matcher.errors import StoreUnavailableError
from matcher.gallery.at_rest import opened_image
from matcher.gallery.backend import Backend, open_backend, translated
from matcher.gallery.generations import Counts, Upgrade, UpgradeState
from matcher.gallery.schema import images, next_samples, samples, upgrades
from matcher.types import Modality

u, n, t = upgrades.c, next_samples.c, samples.c

ALL = select(upgrades).order_by(u.upgrade_key)
WORK = (
    select(t.sample_key, t.position, t.extractor, n.sample_key, images.c.image, images.c.milli_ppi)
    .join_from(samples, next_samples, n.sample_key == t.sample_key, isouter=True)
    .join(images, images.c.sample_key == t.sample_key, isouter=True)
    .where(t.sample_key > bindparam("after"), t.modality == bindparam("kind"))
    .order_by(t.sample_key)
    .limit(bindparam("page"))
)


class Work(NamedTuple):
    """A sample that an upgrade has to look at.

    Attributes
    ----------
    sample_key, position : int
    extractor : str or None
        Of its template; None where nobody said.
    staged : bool
        Whether it has a new template already, since its enrolment.
    image : bytes or None
    ppi : float or None
        Resolution of the image where its file does not say it, pixels per inch.
    """

    sample_key: int
    position: int
    extractor: str | None
    staged: bool
    image: bytes | None
    ppi: float | None


def upgrades_of(connection: Connection) -> list[Upgrade]:
    """Return all upgrades of a store, the earliest first."""
    return [_upgrade(row) for row in connection.execute(ALL).all()]


def read_upgrades(url: str) -> list[Upgrade]:
    """Return all upgrades of a store, which may be served meanwhile.

    Raises
    ------
    ArgumentError, StoreError
        If there is no store of this version.
    """
    backend = open_backend(url, own=False)
    try:
        with translated(backend), backend.reader.connect() as connection, connection.begin():
            if not inspect(connection).has_table(upgrades.name):
                raise StoreUnavailableError(
                    "There is no store of this version in this database.",
                    hint="Check the URL; a server that is started once brings an older store up to date.",
                )
            return upgrades_of(connection)
    finally:
        backend.close()


def work_after(
    backend: Backend, connection: Connection, modality: Modality, after: int, limit: int
) -> list[Work]:
    """Return the samples of a modality behind a key that an upgrade has to look at."""
    rows = backend.fetch(connection, WORK, {"after": after, "kind": int(modality), "page": limit})
    return [
        Work(key, where, maker, staged is not None, _image(backend, key, image), milli and milli / 1000)
        for key, where, maker, staged, image, milli in rows
    ]


def _image(backend: Backend, sample_key: int, image: bytes | None) -> bytes | None:
    return None if image is None else opened_image(backend.keyring, sample_key, image)


def _upgrade(row: Any) -> Upgrade:
    return Upgrade(
        row.upgrade_key,
        UpgradeState(row.state),
        Modality(row.modality),
        row.extractor,
        row.setting,
        row.former_extractor,
        row.former_setting,
        row.per_minute,
        row.cursor,
        Counts(row.staged, row.kept, row.without_image, row.failed),
        row.started_at_us,
        row.ended_at_us,
    )
