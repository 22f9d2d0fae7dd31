"""How an encounter gets into the store."""

from __future__ import annotations

from dataclasses import replace

from matcher.errors import EncounterExistsError, SubjectExistsError, SubjectNotFoundError
from matcher.gallery.attributes import (
    check_client_id,
    check_details,
    check_samples,
    details_columns,
    missing_rows,
)
from matcher.gallery.generations import UpgradeState
from matcher.gallery.ledger import Ledger
from matcher.gallery.operations import Enrolment, SubjectIs
from matcher.gallery.records import (
    ChangeKind,
    EncounterDetails,
    Receipt,
    SampleRecord,
    StoredEncounter,
    StoredSample,
    sample_key_of,
)
from matcher.gallery.schema import images, missing_positions, samples, subjects
from matcher.gallery.upgrade import keep, state_of

NO_DETAILS = EncounterDetails()


def known_subject(ledger: Ledger, subject_id: str, expected: SubjectIs) -> int | None:
    """Return the key of a subject, None where it is to be made.

    Raises
    ------
    SubjectExistsError, SubjectNotFoundError
        If it is there, or not, against what was expected.
    """
    known = ledger.subject_keys.get(subject_id)
    if known is not None and expected is SubjectIs.NEW:
        raise SubjectExistsError(
            f"Subject {subject_id!r} is enrolled already.",
            hint="Take another id, or delete that subject first.",
        )
    if known is None and expected is SubjectIs.KNOWN:
        raise SubjectNotFoundError(f"No subject {subject_id!r} is enrolled.")
    return known


def make_subject(ledger: Ledger, subject_id: str) -> int:
    """Add a subject, whose key is the number of the next change."""
    key = ledger.next_sequence
    ledger.subject_keys[subject_id] = key
    ledger.insert(subjects, {"subject_key": key, "subject_id": subject_id})
    return key


def check_id_free(ledger: Ledger, subject_key: int, subject_id: str, client_id: str | None) -> None:
    """Refuse a second encounter of one id in a subject.

    Raises
    ------
    EncounterExistsError
    """
    if client_id is not None and ledger.client_encounter(subject_key, client_id) is not None:
        raise EncounterExistsError(
            f"Subject {subject_id!r} has an encounter {client_id!r} already.",
            hint="Take another id, or give the encounter that has it another one first.",
        )


def enroll(ledger: Ledger, enrolment: Enrolment) -> Receipt:
    """Add an encounter with its samples, and its subject where that is new.

    Raises
    ------
    ArgumentError, SubjectExistsError, SubjectNotFoundError, EncounterExistsError
    """
    check_samples(enrolment.samples)
    check_client_id(enrolment.client_id)
    if enrolment.details != NO_DETAILS:
        check_details(enrolment.details)
    if enrolment.upgrade is not None:
        enrolment = _of_this_moment(ledger, enrolment, enrolment.upgrade)
    name = enrolment.subject_id
    subject = known_subject(ledger, name, enrolment.subject_is)
    key = ledger.next_sequence
    if subject is None:
        subject = make_subject(ledger, name)
    else:
        check_id_free(ledger, subject, name, enrolment.client_id)
    details = enrolment.details
    ledger.add_encounter(
        {
            "encounter_key": key,
            "subject_key": subject,
            "enrolled_at_us": ledger.now_us,
            "client_id": enrolment.client_id,
            **details_columns(details),
        }
    )
    stored = tuple(
        StoredSample(
            sample_key_of(key, ordinal),
            key,
            subject,
            name,
            sample.modality,
            sample.position,
            sample.quality,
            sample.extractor,
            sample.template,
        )
        for ordinal, sample in enumerate(enrolment.samples)
    )
    ledger.insert(
        samples,
        *(
            {
                "sample_key": one.sample_key,
                "modality": int(one.modality),
                "position": one.position,
                "quality": one.quality,
                "extractor": one.extractor,
                "template": one.template,
            }
            for one in stored
        ),
    )
    for one, sample in zip(stored, enrolment.samples, strict=True):
        if sample.image is not None:
            ppi = None if sample.ppi is None else round(1000 * sample.ppi)
            ledger.insert(images, {"sample_key": one.sample_key, "image": sample.image, "milli_ppi": ppi})
        if sample.following is not None:
            keep(ledger, [(one.sample_key, sample.following)])
    ledger.insert(missing_positions, *missing_rows(key, details.missing))
    encounter = StoredEncounter(
        key, subject, name, details.status, details.galleries, details.year_of_birth, details.tags
    )
    ledger.log(
        ChangeKind.ENROLL,
        subject,
        name,
        resident=enrolment.resident,
        encounter_key=key,
        encounter=encounter,
        samples=stored,
        following=enrolment.following,
    )
    return Receipt(name, True, key)


def _of_this_moment(ledger: Ledger, enrolment: Enrolment, upgrade: int) -> Enrolment:
    """Return an enrolment with its templates as they are wanted now: it was read when the upgrade ran."""
    state = state_of(ledger, upgrade)
    if state is UpgradeState.RUNNING:
        return enrolment
    own = enrolment.samples
    if state is UpgradeState.CANCELLED:
        plain = tuple(replace(sample, following=None) for sample in own)
        return replace(enrolment, samples=plain, following=None)
    return replace(
        enrolment,
        samples=tuple(_followed(sample) for sample in own),
        resident=enrolment.following or enrolment.resident,
        following=None,
    )


def _followed(sample: SampleRecord) -> SampleRecord:
    new = sample.following
    if new is None:
        return sample
    return replace(
        sample, quality=new.quality, extractor=new.extractor, template=new.template, following=None
    )
