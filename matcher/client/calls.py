"""The methods of the service as functions from typed arguments to a `Call`: what both clients are made of.

Each raises ArgumentError for what no server would take. The calls themselves raise the same typed errors as
the engine's method of the same name, and ServerUnavailableError, NotReadyError, OverloadedError and
DeadlineError. Calls that change something are repeated by themselves only with an idempotency key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Unpack

from matcher.answers import (
    Access,
    Assessed,
    Enrolled,
    Extracted,
    GalleryCount,
    Identification,
    Status,
    UniqueEnrolment,
    Verification,
)
from matcher.client.call import Call, CallOptions, make
from matcher.errors import ArgumentError
from matcher.gallery.filters import ACTIVE, EVERYBODY, Filter
from matcher.gallery.operations import EncounterUpdate, SubjectIs
from matcher.gallery.records import NO_DETAILS, EncounterDetails, EncounterName, EncounterStatus
from matcher.gallery.subject import StoredVisit
from matcher.samples import Sample, sample_of
from matcher.service.convert import (
    enrolled_from_message,
    identification_from_message,
    sample_to_message,
    verification_from_message,
)
from matcher.service.convert_changes import name_encounter, unique_from_message, update_to_message
from matcher.service.convert_records import (
    accesses_from_message,
    assessed_from_message,
    details_to_message,
    extracted_from_message,
    filter_to_message,
    galleries_from_message,
    visit_from_message,
)
from matcher.service.convert_status import status_from_message
from matcher.v1 import matcher_pb2 as pb

Samples = Sequence[Sample | bytes]
"""1 to 20; the kind of bare bytes is told from how they begin."""

Page = tuple[tuple[StoredVisit, ...], str]
"""Encounters, and the token of the next page, "" after the last."""

_sequence = attrgetter("sequence")


def enroll(
    samples: Samples,
    *,
    subject_id: str | None = None,
    idempotency_key: str | None = None,
    details: EncounterDetails = NO_DETAILS,
    subject_is: SubjectIs = SubjectIs.NEW,
    client_encounter_id: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[Enrolled]:
    """Add an encounter, by default of a new subject; see `Engine.enroll`."""
    request = enroll_request(samples, subject_id, idempotency_key, details, subject_is, client_encounter_id)
    repeat = idempotency_key is not None
    return make("Enroll", request, enrolled_from_message, options, repeat=repeat)


def enroll_if_unique(
    samples: Samples,
    *,
    subject_id: str | None = None,
    fpir: float | None = None,
    threshold: float | None = None,
    max_candidates: int | None = None,
    chosen: Filter = EVERYBODY,
    idempotency_key: str | None = None,
    details: EncounterDetails = NO_DETAILS,
    client_encounter_id: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[UniqueEnrolment]:
    """Add a new subject unless somebody looks the same; see `Engine.enroll_if_unique`."""
    request = unique_request(
        samples, subject_id, idempotency_key, details, fpir, threshold, chosen, client_encounter_id
    )
    request.max_candidates = _count(max_candidates)
    repeat = idempotency_key is not None
    return make("EnrollIfUnique", request, unique_from_message, options, repeat=repeat)


def subject(
    subject_id: str, *, templates: bool = False, **options: Unpack[CallOptions]
) -> Call[tuple[StoredVisit, ...]]:
    """Return a subject's encounters, with their templates or without."""
    request = pb.GetSubjectRequest(subject_id=subject_id, include_templates=templates)
    return make("GetSubject", request, _visits, options)


def list_encounters(
    *,
    subject_id: str | None = None,
    gallery: str | None = None,
    page_size: int = 0,
    page_token: str = "",
    client_encounter_id: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[Page]:
    """Return a page of encounters, and the token of the next; or the one of that id of the client's."""
    request = pb.ListEncountersRequest(
        subject_id=named("subject_id", subject_id),
        gallery=named("gallery", gallery),
        page_size=page_size,
        page_token=page_token,
        client_encounter_id=named("client_encounter_id", client_encounter_id),
    )
    return make("ListEncounters", request, lambda reply: (_visits(reply), reply.next_page_token), options)


def update(change: EncounterUpdate, **options: Unpack[CallOptions]) -> Call[int]:
    """Set attributes of an encounter and return the change's number."""
    request = update_to_message(change)
    return make("UpdateEncounter", request, _sequence, options, repeat=change.key is not None)


def set_status(
    encounter: EncounterName,
    status: EncounterStatus,
    *,
    idempotency_key: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[int]:
    """Make an encounter active or inactive and return the change's number."""
    request = pb.SetEncounterStatusRequest(status=int(status))  # type: ignore[arg-type]
    name_encounter(request, encounter)
    return _change("SetEncounterStatus", request, idempotency_key, options)


def set_galleries(
    encounter: EncounterName,
    galleries: Iterable[str],
    *,
    idempotency_key: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[int]:
    """Put an encounter into these galleries, and no others; return the change's number."""
    request = pb.SetGalleriesRequest(galleries=sorted(set(galleries)))
    name_encounter(request, encounter)
    return _change("SetGalleries", request, idempotency_key, options)


def delete_encounter(
    encounter: EncounterName, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
) -> Call[int]:
    """Remove an encounter with its samples and return the change's number."""
    request = pb.DeleteEncounterRequest()
    name_encounter(request, encounter)
    return _change("DeleteEncounter", request, idempotency_key, options)


def delete(
    subject_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
) -> Call[int]:
    """Remove a subject with everything that belongs to it and return the change's number."""
    request = pb.DeleteSubjectRequest(subject_id=subject_id)
    return _change("DeleteSubject", request, idempotency_key, options)


def merge(
    subject_id: str, other_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
) -> Call[int]:
    """Make one subject of two, the first, and return the change's number."""
    request = pb.MergeSubjectsRequest(subject_id=subject_id, other_subject_id=other_id)
    return _change("MergeSubjects", request, idempotency_key, options)


def move(
    encounter: EncounterName,
    subject_id: str,
    *,
    subject_is: SubjectIs = SubjectIs.KNOWN,
    idempotency_key: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[int]:
    """Give an encounter to another subject and return the change's number."""
    request = pb.MoveEncounterRequest(
        subject_id=subject_id,
        subject_expectation=int(subject_is),  # type: ignore[arg-type]
    )
    name_encounter(request, encounter)
    return _change("MoveEncounter", request, idempotency_key, options)


def verify(
    subject_id: str,
    samples: Samples,
    *,
    fmr: float | None = None,
    threshold: float | None = None,
    **options: Unpack[CallOptions],
) -> Call[Verification]:
    """Compare a probe with one subject; at FMR 1e-4 unless `fmr` or a `threshold` is given."""
    request = pb.VerifyRequest(subject_id=subject_id, samples=messages(samples))
    _set_criterion(request, "fmr", fmr, threshold)
    return make("Verify", request, verification_from_message, options)


def compare(
    probe_samples: Samples,
    candidate_samples: Samples,
    *,
    fmr: float | None = None,
    threshold: float | None = None,
    **options: Unpack[CallOptions],
) -> Call[Verification]:
    """Compare two sets of samples, neither of which need be enrolled; criteria as `verify`."""
    request = pb.CompareRequest(
        probe_samples=messages(probe_samples), candidate_samples=messages(candidate_samples)
    )
    _set_criterion(request, "fmr", fmr, threshold)
    return make("Compare", request, verification_from_message, options)


def identify(
    samples: Samples = (),
    *,
    subject_id: str | None = None,
    encounter: EncounterName | None = None,
    max_candidates: int | None = None,
    fpir: float | None = None,
    threshold: float | None = None,
    chosen: Filter = ACTIVE,
    exhaustive: bool = False,
    **options: Unpack[CallOptions],
) -> Call[Identification]:
    """Search everybody who passes a filter by samples, or by a stored subject or encounter.

    At FPIR 1e-2 unless `fpir` or a `threshold` is given.
    """
    request = identify_request(samples, max_candidates, fpir, threshold, chosen, exhaustive)
    request.subject_id = named("subject_id", subject_id)
    if encounter is not None:
        name_encounter(request, encounter)
    return make("Identify", request, identification_from_message, options)


def extract(samples: Samples, **options: Unpack[CallOptions]) -> Call[tuple[Extracted, ...]]:
    """Return the templates of samples."""
    request = pb.ExtractTemplateRequest(samples=messages(samples))
    read = lambda reply: tuple(map(extracted_from_message, reply.templates))  # noqa: E731
    return make("ExtractTemplate", request, read, options)


def assess(samples: Samples, **options: Unpack[CallOptions]) -> Call[tuple[Assessed, ...]]:
    """Return how well samples will do in comparisons."""
    request = pb.AssessQualityRequest(samples=messages(samples))
    read = lambda reply: tuple(map(assessed_from_message, reply.qualities))  # noqa: E731
    return make("AssessQuality", request, read, options)


def galleries(**options: Unpack[CallOptions]) -> Call[tuple[GalleryCount, ...]]:
    """Return the galleries that encounters belong to."""
    return make("ListGalleries", pb.ListGalleriesRequest(), galleries_from_message, options)


def list_accesses(
    subject_id: str, *, page_size: int = 0, page_token: str = "", **options: Unpack[CallOptions]
) -> Call[tuple[tuple[Access, ...], str]]:
    """Return a page of who looked at a subject's data, and the token of the next."""
    request = pb.ListAccessesRequest(subject_id=subject_id, page_size=page_size, page_token=page_token)
    return make("ListAccesses", request, accesses_from_message, options)


def status(**options: Unpack[CallOptions]) -> Call[Status]:
    """Return what the server holds."""
    return make("GetServerStatus", pb.GetServerStatusRequest(), status_from_message, options)


def messages(samples: Samples) -> list[pb.Sample]:
    """Return samples as messages."""
    return [sample_to_message(s if isinstance(s, Sample) else sample_of(s)) for s in samples]


def enroll_request(
    samples: Samples,
    subject_id: str | None,
    key: str | None,
    details: EncounterDetails,
    subject_is: SubjectIs,
    client_encounter_id: str | None,
) -> pb.EnrollRequest:
    """Return the request of an enrolment."""
    return pb.EnrollRequest(
        subject_id=named("subject_id", subject_id),
        samples=messages(samples),
        idempotency_key=named("idempotency_key", key),
        details=None if details == NO_DETAILS else details_to_message(details),
        subject_expectation=int(subject_is),  # type: ignore[arg-type]
        client_encounter_id=named("client_encounter_id", client_encounter_id),
    )


def unique_request(
    samples: Samples,
    subject_id: str | None,
    key: str | None,
    details: EncounterDetails,
    fpir: float | None,
    threshold: float | None,
    chosen: Filter,
    client_encounter_id: str | None,
) -> pb.EnrollIfUniqueRequest:
    """Return the request of an enrolment of somebody new."""
    request = pb.EnrollIfUniqueRequest(
        subject_id=named("subject_id", subject_id),
        samples=messages(samples),
        idempotency_key=named("idempotency_key", key),
        details=None if details == NO_DETAILS else details_to_message(details),
        filter=None if chosen == EVERYBODY else filter_to_message(chosen),
        client_encounter_id=named("client_encounter_id", client_encounter_id),
    )
    _set_criterion(request, "fpir", fpir, threshold)
    return request


def identify_request(
    samples: Samples,
    max_candidates: int | None,
    fpir: float | None,
    threshold: float | None,
    chosen: Filter,
    exhaustive: bool,
) -> pb.IdentifyRequest:
    """Return the request of a search."""
    request = pb.IdentifyRequest(
        samples=messages(samples),
        max_candidates=_count(max_candidates),
        filter=None if chosen == ACTIVE else filter_to_message(chosen),
        exhaustive=exhaustive,
    )
    _set_criterion(request, "fpir", fpir, threshold)
    return request


def _visits(reply: pb.GetSubjectResponse | pb.ListEncountersResponse) -> tuple[StoredVisit, ...]:
    return tuple(visit_from_message(encounter) for encounter in reply.encounters)


def _change(method: str, request: Any, key: str | None, options: CallOptions) -> Call[int]:
    request.idempotency_key = named("idempotency_key", key)
    return make(method, request, _sequence, options, repeat=key is not None)


def _set_criterion(request: Any, name: str, rate: float | None, threshold: float | None) -> None:
    if rate is not None and threshold is not None:
        raise ArgumentError("Expected a rate or a threshold, got both.")
    if rate is not None:
        setattr(request, name, rate)
    if threshold is not None:
        request.threshold = threshold


def _count(candidates: int | None) -> int:
    if candidates is not None and not 1 <= candidates < 1 << 31:
        raise ArgumentError(f"max_candidates: expected 1 to 1000, got {candidates}.")
    return candidates or 0


def named(what: str, name: str | None) -> str:
    """Return a name as it goes over the wire, "" for None.

    Raises
    ------
    ArgumentError
        If it is empty.
    """
    # On the wire an empty name means none; here it is a mistake.
    if name == "":
        raise ArgumentError(f"{what}: expected 1 to 128 printable characters, or None.")
    return name or ""
