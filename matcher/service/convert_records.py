"""Encounters, filters and what else is kept of people: messages to domain types and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from matcher.answers import Access, Assessed, Extracted, GalleryCount
from matcher.errors import ArgumentError
from matcher.face.types import FacePosition
from matcher.gallery.filters import MAX_YEAR, MIN_YEAR, Filter
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import (
    EncounterDetails,
    EncounterStatus,
    MissingPosition,
    MissingReason,
    StoredSample,
)
from matcher.gallery.schema import MAX_NAMES
from matcher.gallery.subject import StoredVisit
from matcher.sample_quality import QualityPart
from matcher.service.convert import fields_of_position
from matcher.service.status import from_item_error, to_item_error
from matcher.template.modality import decode, encode, extractor_of, modality_of, position, position_of
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb

MAX_EXCLUDED = 1000
"""Most subjects that a filter leaves out by name."""

E = TypeVar("E", SubjectIs, EncounterStatus, MissingReason, Modality)


def code_of(kind: type[E], value: int, what: str, default: E | None = None) -> E:
    """Return an enumeration's member by its number in a message, of which 0 means `default`.

    Raises
    ------
    ArgumentError
        If there is no such member, or it is 0 without a default.
    """
    if value == 0 and default is not None:
        return default
    try:
        return kind(value)
    except ValueError as error:
        raise ArgumentError(f"{what}: expected {min(kind):d} to {max(kind):d}, got {value}.") from error


def details_to_message(details: EncounterDetails) -> pb.EncounterDetails:
    """Return what is known of a visit as a message."""
    return pb.EncounterDetails(
        status=int(details.status),  # type: ignore[arg-type]
        galleries=sorted(details.galleries),
        year_of_birth=details.year_of_birth,
        tags=details.tags,
        captured_at=None if details.captured_at_us is None else time_to_message(details.captured_at_us),
        missing_positions=[missing_to_message(one) for one in details.missing],
        client_data=details.client_data,
    )


def details_from_message(message: pb.EncounterDetails) -> EncounterDetails:
    """Return what is known of a visit; ranges are the engine's work.

    Raises
    ------
    ArgumentError
        If an enumeration has no such value.
    """
    status = code_of(EncounterStatus, message.status, "EncounterDetails.status", EncounterStatus.ACTIVE)
    return EncounterDetails(
        status,
        frozenset(message.galleries),
        message.year_of_birth if message.HasField("year_of_birth") else None,
        dict(message.tags),
        time_from_message(message.captured_at) if message.HasField("captured_at") else None,
        tuple(missing_from_message(one) for one in message.missing_positions),
        message.client_data if message.HasField("client_data") else None,
    )


def time_to_message(time_us: int) -> Timestamp:
    """Return microseconds since 1970-01-01 UTC as a message."""
    seconds, rest = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def time_from_message(message: Timestamp) -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return message.seconds * 1_000_000 + message.nanos // 1000


def missing_to_message(missing: MissingPosition) -> pb.MissingPosition:
    """Return what could not be captured as a message."""
    where = position(missing.modality, missing.position)
    return pb.MissingPosition(
        modality=int(missing.modality),  # type: ignore[arg-type]
        reason=int(missing.reason),  # type: ignore[arg-type]
        **fields_of_position("", where),  # type: ignore[arg-type]
    )


def missing_from_message(message: pb.MissingPosition) -> MissingPosition:
    """Return what could not be captured.

    Raises
    ------
    ArgumentError
        If the position is none, unknown, or of another modality.
    """
    field = message.WhichOneof("position")
    by_field = {"finger_position": Modality.FINGERPRINT, "eye_position": Modality.IRIS, None: Modality.FACE}
    modality = code_of(Modality, message.modality, "MissingPosition.modality", by_field[field])
    reason = code_of(MissingReason, message.reason, "MissingPosition.reason", MissingReason.UNSTATED)
    if modality is not by_field[field]:
        raise ArgumentError("MissingPosition: the position is of another modality, or missing.")
    where = FacePosition.FACE if field is None else position(modality, getattr(message, field))
    if int(where) == 0:
        raise ArgumentError("MissingPosition: expected a known position.")
    return MissingPosition(modality, int(where), reason)


def filter_to_message(chosen: Filter) -> pb.SearchFilter:
    """Return a filter as a message."""
    first, last = chosen.year_of_birth or (None, None)
    return pb.SearchFilter(
        galleries=sorted(chosen.galleries or ()),
        include_inactive=not chosen.active_only,
        excluded_subject_ids=sorted(chosen.excluded),
        first_year_of_birth=first,
        last_year_of_birth=last,
        tags=chosen.tags,
    )


def filter_from_message(message: pb.SearchFilter) -> Filter:
    """Return a filter from a message.

    Raises
    ------
    ArgumentError
        If there are too many names, or years that there are not.
    """
    for name, given, most in (
        ("galleries", message.galleries, MAX_NAMES),
        ("excluded_subject_ids", message.excluded_subject_ids, MAX_EXCLUDED),
        ("tags", message.tags, MAX_NAMES),
    ):
        if len(given) > most:
            raise ArgumentError(f"SearchFilter.{name}: expected at most {most}, got {len(given)}.")
    years = None
    if message.HasField("first_year_of_birth") or message.HasField("last_year_of_birth"):
        first = message.first_year_of_birth if message.HasField("first_year_of_birth") else MIN_YEAR
        years = first, message.last_year_of_birth if message.HasField("last_year_of_birth") else MAX_YEAR
    return Filter(
        frozenset(message.galleries) or None,
        not message.include_inactive,
        frozenset(message.excluded_subject_ids),
        years,
        dict(message.tags),
    )


def visit_to_message(visit: StoredVisit, *, templates: bool) -> pb.Encounter:
    """Return a stored encounter as a message, with its templates or without."""
    return pb.Encounter(
        encounter_id=visit.encounter_key,
        subject_id=visit.subject_id,
        enrolled_at=time_to_message(visit.enrolled_at_us),
        details=details_to_message(visit.details),
        samples=[
            pb.StoredSample(
                sample_id=sample.sample_key,
                modality=int(sample.modality),  # type: ignore[arg-type]
                quality=sample.quality,
                extractor=sample.extractor or "",
                template=sample.template if templates else None,
                **fields_of_position("", position(sample.modality, sample.position)),  # type: ignore[arg-type]
            )
            for sample in visit.samples
        ],
        client_encounter_id=visit.client_id or "",
    )


def visit_from_message(message: pb.Encounter) -> StoredVisit:
    """Return a stored encounter; templates that were not asked for are empty, keys of subjects 0."""
    name = message.subject_id
    return StoredVisit(
        message.encounter_id,
        time_from_message(message.enrolled_at),
        details_from_message(message.details),
        tuple(_sample_from(sample, message.encounter_id, name) for sample in message.samples),
        name,
        message.client_encounter_id or None,
    )


def _sample_from(message: pb.StoredSample, encounter_key: int, subject_id: str) -> StoredSample:
    field: Any = message.WhichOneof("position")
    return StoredSample(
        message.sample_id,
        encounter_key,
        0,
        subject_id,
        Modality(message.modality),
        int(FacePosition.FACE) if field is None else getattr(message, field),
        message.quality,
        message.extractor or None,
        message.template,
    )


def extracted_to_message(one: Extracted) -> pb.ExtractedTemplate:
    """Return an extracted template as a message."""
    return pb.ExtractedTemplate(
        sample_index=one.index,
        template=encode(one.template),
        modality=int(modality_of(one.template)),  # type: ignore[arg-type]
        quality=one.template.quality,
        extractor=extractor_of(one.template),
        **fields_of_position("", position_of(one.template)),  # type: ignore[arg-type]
    )


def extracted_from_message(message: pb.ExtractedTemplate) -> Extracted:
    """Return an extracted template."""
    return Extracted(message.sample_index, decode(message.template))


def assessed_to_message(one: Assessed) -> pb.SampleQuality:
    """Return a sample's quality as a message."""
    return pb.SampleQuality(
        sample_index=one.index,
        modality=int(one.modality),  # type: ignore[arg-type]
        quality=one.quality,
        error=None if one.failure is None else to_item_error(one.failure),
        parts=[
            pb.QualityPart(
                name=part.name, value=part.value, unit=part.unit, score=part.score, advice=part.advice
            )
            for part in one.parts
        ],
    )


def assessed_from_message(message: pb.SampleQuality) -> Assessed:
    """Return a sample's quality."""
    return Assessed(
        message.sample_index,
        Modality(message.modality),
        message.quality,
        tuple(QualityPart(p.name, p.value, p.unit, p.score, p.advice) for p in message.parts),
        from_item_error(message.error) if message.HasField("error") else None,
    )


def galleries_to_message(galleries: Iterable[GalleryCount]) -> pb.ListGalleriesResponse:
    """Return galleries as a message."""
    return pb.ListGalleriesResponse(
        galleries=[
            pb.Gallery(name=one.name, encounter_count=one.encounters, subject_count=one.subjects)
            for one in galleries
        ]
    )


def galleries_from_message(message: pb.ListGalleriesResponse) -> tuple[GalleryCount, ...]:
    """Return galleries from a message."""
    return tuple(GalleryCount(g.name, g.encounter_count, g.subject_count) for g in message.galleries)


def accesses_from_message(message: pb.ListAccessesResponse) -> tuple[tuple[Access, ...], str]:
    """Return a page of accesses and the token of the next."""
    found = tuple(
        Access(
            one.entry_number,
            time_from_message(one.accessed_at),
            one.client,
            one.method,
            one.access_transaction_id,
            one.outcome,
            one.address,
            one.subject_id,
        )
        for one in message.accesses
    )
    return found, message.next_page_token
