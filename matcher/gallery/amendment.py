"""How what is stored is altered: whose an encounter is, and its attributes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from matcher.errors import ArgumentError, EncounterExistsError, SubjectNotFoundError
from matcher.gallery.attributes import (
    check_client_data,
    check_client_id,
    check_code,
    check_galleries,
    check_missing,
    check_subject_id,
    check_tags,
    check_time,
    check_year,
    galleries_text,
    missing_rows,
    tags_text,
)
from matcher.gallery.enrolment import check_id_free, known_subject, make_subject
from matcher.gallery.ledger import Ledger
from matcher.gallery.operations import (
    KEEP,
    EncounterUpdate,
    GalleriesChange,
    Merge,
    Move,
    StatusChange,
)
from matcher.gallery.records import ChangeKind, EncounterName, EncounterStatus, Receipt
from matcher.gallery.removal import check_not_last
from matcher.gallery.schema import encounters, missing_positions, subjects

MAX_TOLD = 5
"""Most ids that an error names."""


def merge(ledger: Ledger, operation: Merge) -> Receipt:
    """Make one subject of two.

    Raises
    ------
    ArgumentError
        If both are the same.
    SubjectNotFoundError
    EncounterExistsError
        If both have an encounter of one client's id.
    """
    kept, gone = operation.subject_id, operation.other_id
    if kept == gone:
        raise ArgumentError("Merge: expected two different subjects, got the same id twice.")
    keys = ledger.subject_keys
    for name in (kept, gone):
        if name not in keys:
            raise SubjectNotFoundError(f"No subject {name!r} is enrolled.")
    _check_ids_differ(ledger, keys[kept], keys[gone])
    other = keys.pop(gone)
    ledger.execute(update(encounters).where(encounters.c.subject_key == other).values(subject_key=keys[kept]))
    ledger.execute(delete(subjects).where(subjects.c.subject_key == other))
    change = ledger.log(ChangeKind.MERGE, keys[kept], kept, other_key=other, other_id=gone)
    return Receipt(kept, False, change.sequence)


def move(ledger: Ledger, operation: Move) -> Receipt:
    """Give an encounter to another subject.

    Raises
    ------
    ArgumentError
        If it is that subject's already.
    EncounterNotFoundError, SubjectExistsError, SubjectNotFoundError
    NothingLeftError
        If its subject has no other.
    EncounterExistsError
        If the other subject has an encounter of the same client's id.
    """
    name = operation.subject_id
    check_subject_id(name)
    encounter = ledger.encounter(operation.encounter_key)
    target = known_subject(ledger, name, operation.subject_is)
    if target == encounter.subject_key:
        raise ArgumentError(f"Move: encounter {encounter.encounter_key} is that subject's already.")
    check_not_last(ledger, encounter.subject_key, hint="Merge the subjects instead.")
    if target is None:
        target = make_subject(ledger, name)
    else:
        check_id_free(ledger, target, name, _client_id_of(ledger, encounter.encounter_key))
    _set(ledger, encounter.encounter_key, {"subject_key": target})
    change = ledger.log(
        ChangeKind.MOVE,
        target,
        name,
        encounter_key=encounter.encounter_key,
        other_key=encounter.subject_key,
        other_id=encounter.subject_id,
        encounter=encounter._replace(subject_key=target, subject_id=name),
    )
    return Receipt(name, False, change.sequence)


def set_status(ledger: Ledger, operation: StatusChange) -> Receipt:
    """Set the status of an encounter.

    Raises
    ------
    ArgumentError, EncounterNotFoundError
    """
    check_code(EncounterStatus, operation.status)
    status = int(operation.status)
    return _alter(ledger, operation.encounter_key, ChangeKind.STATUS, {"status": status})


def set_galleries(ledger: Ledger, operation: GalleriesChange) -> Receipt:
    """Set the galleries of an encounter.

    Raises
    ------
    ArgumentError, EncounterNotFoundError
    """
    check_galleries(operation.galleries)
    text = galleries_text(operation.galleries)
    return _alter(ledger, operation.encounter_key, ChangeKind.GALLERIES, {"galleries": text})


def update_encounter(ledger: Ledger, operation: EncounterUpdate) -> Receipt:
    """Set other attributes of an encounter.

    Raises
    ------
    ArgumentError, EncounterNotFoundError, EncounterExistsError
    """
    values: dict[str, Any] = {}
    if operation.year_of_birth is not KEEP:
        check_year(operation.year_of_birth)
        values["year_of_birth"] = operation.year_of_birth
    if operation.tags is not KEEP:
        check_tags(operation.tags)
        values["tags"] = tags_text(operation.tags)
    if operation.captured_at_us is not KEEP:
        check_time(operation.captured_at_us)
        values["captured_at_us"] = operation.captured_at_us
    if operation.client_data is not KEEP:
        check_client_data(operation.client_data)
        values["client_data"] = operation.client_data
    if operation.missing is not KEEP:
        check_missing(operation.missing)
    encounter = ledger.encounter(operation.encounter_key)
    key = encounter.encounter_key
    if operation.client_id is not KEEP:
        name = operation.client_id
        check_client_id(name)
        if name != _client_id_of(ledger, key):
            check_id_free(ledger, encounter.subject_key, encounter.subject_id, name)
        values["client_id"] = name
    if operation.missing is not KEEP:
        ledger.execute(delete(missing_positions).where(missing_positions.c.encounter_key == key))
        ledger.insert(missing_positions, *missing_rows(key, operation.missing))
    return _alter(ledger, key, ChangeKind.UPDATE, values)


def _check_ids_differ(ledger: Ledger, kept: int, gone: int) -> None:
    """Refuse to bring two encounters of one client's id together.

    Raises
    ------
    EncounterExistsError
    """
    e = encounters.c
    theirs = select(e.client_id).where(e.subject_key == gone, e.client_id.is_not(None))
    both = select(e.client_id).where(e.subject_key == kept, e.client_id.in_(theirs))
    told = ledger.execute(both.order_by(e.client_id).limit(MAX_TOLD)).scalars().all()
    if told:
        raise EncounterExistsError(
            f"Both subjects have encounters {', '.join(map(repr, told))}.",
            hint="Give those of one of the two other ids first, then merge.",
        )


def _client_id_of(ledger: Ledger, key: int) -> str | None:
    query = select(encounters.c.client_id).where(encounters.c.encounter_key == key)
    found: str | None = ledger.execute(query).scalar_one_or_none()
    return found


def _alter(ledger: Ledger, name: EncounterName, kind: ChangeKind, values: dict[str, Any]) -> Receipt:
    key = ledger.encounter(name).encounter_key
    if values:
        _set(ledger, key, values)
    now = ledger.encounter(key)
    change = ledger.log(kind, now.subject_key, now.subject_id, encounter_key=key, encounter=now)
    return Receipt(now.subject_id, False, change.sequence)


def _set(ledger: Ledger, key: int, values: dict[str, Any]) -> None:
    ledger.execute(update(encounters).where(encounters.c.encounter_key == key).values(**values))
