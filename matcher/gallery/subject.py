"""A subject read back whole, for whoever wants to see it: encounters, attributes, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from matcher.gallery.at_rest import opened_image
from matcher.gallery.attributes import missing_of
from matcher.gallery.backend import Backend
from matcher.gallery.read import encounters_by_key, samples_of_encounters
from matcher.gallery.records import (
    ClientEncounter,
    EncounterDetails,
    EncounterName,
    StoredEncounter,
    StoredSample,
)
from matcher.gallery.schema import encounters, images, missing_positions, subjects

VISITS = select(
    encounters.c.encounter_key,
    encounters.c.enrolled_at_us,
    encounters.c.captured_at_us,
    encounters.c.client_data,
    encounters.c.client_id,
).order_by(encounters.c.encounter_key)


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """An encounter with everything that belongs to it but images.

    Attributes
    ----------
    encounter_key : int
    enrolled_at_us : int
        When it was stored, microseconds since 1970-01-01 UTC.
    details : EncounterDetails
    samples : tuple of StoredSample
        In the order of the enrolment.
    subject_id : str
        Whose it is.
    client_id : str or None
        The client's own id of it.
    """

    encounter_key: int
    enrolled_at_us: int
    details: EncounterDetails
    samples: tuple[StoredSample, ...]
    subject_id: str
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredSubject:
    """A subject with its encounters, the earliest first."""

    subject_key: int
    subject_id: str
    encounters: tuple[StoredVisit, ...]


def subject_by_id(backend: Backend, connection: Connection, subject_id: str) -> StoredSubject | None:
    """Return a subject, or None if nobody has that id."""
    key = _key_of(connection, subject_id)
    if key is None:
        return None
    visits = _visits(backend, connection, VISITS.where(encounters.c.subject_key == key))
    return StoredSubject(key, subject_id, visits)


def visit_by_name(backend: Backend, connection: Connection, name: EncounterName) -> StoredVisit | None:
    """Return an encounter, or None if there is none of that key or id."""
    if isinstance(name, ClientEncounter):
        subject = _key_of(connection, name.subject_id)
        chosen = and_(encounters.c.subject_key == subject, encounters.c.client_id == name.client_id)
    else:
        chosen = encounters.c.encounter_key == name
    found = _visits(backend, connection, VISITS.where(chosen))
    return found[0] if found else None


def visits_after(
    backend: Backend, connection: Connection, after: int, limit: int, subject_id: str | None
) -> tuple[StoredVisit, ...] | None:
    """Return encounters whose keys follow `after`, the earliest first.

    Parameters
    ----------
    backend, connection
    after : int
    limit : int
        Most of them.
    subject_id : str or None
        Whose; None for everybody's.

    Returns
    -------
    tuple of StoredVisit, or None if nobody has that id
    """
    query = VISITS.where(encounters.c.encounter_key > after).limit(limit)
    if subject_id is not None:
        key = _key_of(connection, subject_id)
        if key is None:
            return None
        query = query.where(encounters.c.subject_key == key)
    return _visits(backend, connection, query)


def _key_of(connection: Connection, subject_id: str) -> int | None:
    query = select(subjects.c.subject_key).where(subjects.c.subject_id == subject_id)
    key: int | None = connection.execute(query).scalar_one_or_none()
    return key


def _visits(backend: Backend, connection: Connection, query: Select[Any]) -> tuple[StoredVisit, ...]:
    rows = connection.execute(query).all()
    keys = [row.encounter_key for row in rows]
    stored = encounters_by_key(backend, connection, keys)
    samples = samples_of_encounters(backend, connection, stored)
    m = missing_positions.c
    missing = connection.execute(
        select(missing_positions).where(m.encounter_key.in_(keys)).order_by(m.modality, m.position)
    ).all()
    return tuple(
        StoredVisit(
            row.encounter_key,
            row.enrolled_at_us,
            _details(
                stored[row.encounter_key],
                row,
                [one for one in missing if one.encounter_key == row.encounter_key],
            ),
            tuple(samples[row.encounter_key]),
            stored[row.encounter_key].subject_id,
            row.client_id,
        )
        for row in rows
    )


def image_of(backend: Backend, connection: Connection, sample_key: int) -> bytes | None:
    """Return the image file kept with a sample, or None."""
    query = select(images.c.image).where(images.c.sample_key == sample_key)
    image = connection.execute(query).scalar_one_or_none()
    return None if image is None else opened_image(backend.keyring, sample_key, image)


def _details(encounter: StoredEncounter, row: Any, missing: list[Any]) -> EncounterDetails:
    captured, data = row.captured_at_us, row.client_data
    return EncounterDetails(
        encounter.status,
        encounter.galleries,
        encounter.year_of_birth,
        encounter.tags,
        captured,
        tuple(missing_of(one) for one in missing),
        None if data is None else bytes(data),
    )
