"""Enrolments and changes of encounters: messages to domain types and back."""

from __future__ import annotations

from typing import Any

from matcher.answers import UniqueEnrolment
from matcher.errors import ArgumentError
from matcher.gallery.operations import EncounterUpdate, Keep
from matcher.gallery.records import EncounterDetails
from matcher.service.convert import (
    enrolled_from_message,
    enrolled_to_message,
    identification_from_message,
    identification_to_message,
)
from matcher.service.convert_records import details_from_message, details_to_message
from matcher.v1 import matcher_pb2 as pb

PATHS = {
    "year_of_birth": "year_of_birth",
    "tags": "tags",
    "captured_at": "captured_at_us",
    "missing_positions": "missing",
    "client_data": "client_data",
}
"""What update_mask may name, and what each is called in `EncounterUpdate` and `EncounterDetails`."""


def unique_to_message(answer: UniqueEnrolment) -> pb.EnrollIfUniqueResponse:
    """Return the engine's answer as a message."""
    message = pb.EnrollIfUniqueResponse()
    if answer.enrolled is not None:
        message.enrolment.CopyFrom(enrolled_to_message(answer.enrolled))
    if answer.search is not None:
        message.search.CopyFrom(identification_to_message(answer.search))
    return message


def unique_from_message(message: pb.EnrollIfUniqueResponse | pb.BulkEnrollResponse) -> UniqueEnrolment:
    """Return the engine's answer from a message."""
    return UniqueEnrolment(
        enrolled_from_message(message.enrolment) if message.HasField("enrolment") else None,
        identification_from_message(message.search) if message.HasField("search") else None,
    )


def update_to_message(change: EncounterUpdate) -> pb.UpdateEncounterRequest:
    """Return an update as a message."""
    values = {
        (path, name): getattr(change, name)
        for path, name in PATHS.items()
        if not isinstance(getattr(change, name), Keep)
    }
    message = pb.UpdateEncounterRequest(
        encounter_id=change.encounter_key,
        details=details_to_message(EncounterDetails(**{name: v for (_, name), v in values.items()})),
        idempotency_key=change.key or "",
    )
    message.update_mask.paths.extend(path for path, _ in values)
    return message


def update_from_message(message: pb.UpdateEncounterRequest) -> EncounterUpdate:
    """Return an update from a message.

    Raises
    ------
    ArgumentError
        If the mask names nothing, or something else.
    """
    paths = list(message.update_mask.paths)
    if not paths or not set(paths) <= PATHS.keys():
        raise ArgumentError(f"update_mask: expected one or more of {', '.join(PATHS)}.")
    details = details_from_message(message.details)
    values: dict[str, Any] = {PATHS[path]: getattr(details, PATHS[path]) for path in paths}
    return EncounterUpdate(message.encounter_id, **values, key=message.idempotency_key or None)
