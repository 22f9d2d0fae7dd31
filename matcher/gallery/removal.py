"""How samples, encounters and subjects leave the store."""

from __future__ import annotations

from sqlalchemy import BindParameter, bindparam, delete, select

from matcher.errors import NothingLeftError, SampleNotFoundError, SubjectNotFoundError
from matcher.gallery.ledger import Ledger
from matcher.gallery.operations import EncounterDeletion, SampleDeletion, SubjectDeletion
from matcher.gallery.records import ChangeKind, Receipt, encounter_key_of, sample_key_of
from matcher.gallery.schema import (
    encounters,
    images,
    missing_positions,
    next_samples,
    samples,
    subjects,
)

LOW: BindParameter[int] = bindparam("low")
HIGH: BindParameter[int] = bindparam("high")
KEY: BindParameter[int] = bindparam("this_key")

OF_SAMPLE = (
    delete(samples).where(samples.c.sample_key == KEY),
    delete(images).where(images.c.sample_key == KEY),
    delete(next_samples).where(next_samples.c.sample_key == KEY),
)
OF_RANGE = (
    delete(samples).where(samples.c.sample_key >= LOW, samples.c.sample_key < HIGH),
    delete(images).where(images.c.sample_key >= LOW, images.c.sample_key < HIGH),
    delete(next_samples).where(next_samples.c.sample_key >= LOW, next_samples.c.sample_key < HIGH),
)
"""Samples of one encounter."""

OF_ENCOUNTER = (
    delete(missing_positions).where(missing_positions.c.encounter_key == KEY),
    delete(encounters).where(encounters.c.encounter_key == KEY),
)
"""What else belongs to one encounter, and it."""

OWN_ENCOUNTERS = select(encounters.c.encounter_key).where(encounters.c.subject_key == KEY)
TWO_ENCOUNTERS = OWN_ENCOUNTERS.limit(2)
OWN_SAMPLES = select(samples.c.sample_key).where(samples.c.sample_key >= LOW, samples.c.sample_key < HIGH)
DELETE_SUBJECT = delete(subjects).where(subjects.c.subject_key == KEY)


def delete_subject(ledger: Ledger, deletion: SubjectDeletion) -> Receipt:
    """Remove a subject with everything that belongs to it.

    Raises
    ------
    SubjectNotFoundError
    """
    name = deletion.subject_id
    key = ledger.subject_keys.get(name)
    if key is None:
        raise SubjectNotFoundError(f"No subject {name!r} is enrolled.")
    own = ledger.fetch(OWN_ENCOUNTERS, this_key=key)
    with ledger.together():
        for (encounter,) in own:
            _remove_encounter(ledger, encounter)
        ledger.run(DELETE_SUBJECT, this_key=key)
    del ledger.subject_keys[name]
    change = ledger.log(ChangeKind.DELETE, key, name)
    return Receipt(name, False, change.sequence)


def delete_encounter(ledger: Ledger, deletion: EncounterDeletion) -> Receipt:
    """Remove an encounter with its samples.

    Raises
    ------
    EncounterNotFoundError
    NothingLeftError
        If its subject has no other.
    """
    encounter = ledger.encounter(deletion.encounter_key)
    check_not_last(ledger, encounter.subject_key, hint="Delete the subject instead.")
    _remove_encounter(ledger, encounter.encounter_key)
    change = ledger.log(
        ChangeKind.DELETE_ENCOUNTER,
        encounter.subject_key,
        encounter.subject_id,
        encounter_key=encounter.encounter_key,
    )
    return Receipt(encounter.subject_id, False, change.sequence)


def delete_sample(ledger: Ledger, deletion: SampleDeletion) -> Receipt:
    """Remove one sample.

    Raises
    ------
    SampleNotFoundError
    NothingLeftError
        If its encounter has no other.
    """
    key = deletion.sample_key
    owner = encounter_key_of(key)
    own = {row[0] for row in ledger.fetch(OWN_SAMPLES, **_range(owner))}
    if key not in own:
        raise SampleNotFoundError(f"No sample {key} is stored.")
    if len(own) == 1:
        raise NothingLeftError(
            "The encounter has no other sample.", hint="Delete the encounter or the subject instead."
        )
    encounter = ledger.encounter(owner)
    for statement in OF_SAMPLE:
        ledger.run(statement, this_key=key)
    change = ledger.log(
        ChangeKind.DELETE_SAMPLE,
        encounter.subject_key,
        encounter.subject_id,
        encounter_key=owner,
        sample_key=key,
    )
    return Receipt(encounter.subject_id, False, change.sequence)


def check_not_last(ledger: Ledger, subject_key: int, hint: str) -> None:
    """Refuse to take a subject's only encounter away.

    Raises
    ------
    NothingLeftError
    """
    if len(ledger.fetch(TWO_ENCOUNTERS, this_key=subject_key)) < 2:
        raise NothingLeftError("The subject has no other encounter.", hint=hint)


def _remove_encounter(ledger: Ledger, key: int) -> None:
    for statement in OF_RANGE:
        ledger.run(statement, **_range(key))
    for statement in OF_ENCOUNTER:
        ledger.run(statement, this_key=key)


def _range(encounter_key: int) -> dict[str, int]:
    return {"low": sample_key_of(encounter_key, 0), "high": sample_key_of(encounter_key + 1, 0)}
