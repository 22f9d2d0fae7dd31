"""Enrolments and changes of encounters: messages to domain types and back."""

from __future__ import annotations

from typing import Any, Protocol

from matcher.answers import UniqueEnrolment
from matcher.errors import ArgumentError
from matcher.gallery.operations import EncounterUpdate, Keep
from matcher.gallery.records import ClientEncounter, EncounterDetails, EncounterName
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

CLIENT_ID = "client_encounter_id"
"""What it may name besides: a field of the request itself."""


class NamesEncounter(Protocol):
    """A request that names an encounter."""

    encounter_id: int

    @property
    def client_encounter(self) -> pb.ClientEncounter:
        """It by the client's own id."""

    def HasField(self, field: Any) -> bool:  # noqa: N802
        """Return whether a field is set."""


def encounter_from_message(message: NamesEncounter) -> EncounterName:
    """Return which encounter a request names; ranges are the engine's work.

    Raises
    ------
    ArgumentError
        Unless it names one, in one way.
    """
    given = message.HasField("client_encounter")
    if given == (message.encounter_id != 0):
        raise ArgumentError("Encounter: expected an encounter_id or a client_encounter, one of the two.")
    if not given:
        return message.encounter_id
    one = message.client_encounter
    return ClientEncounter(one.subject_id, one.client_encounter_id)


def name_encounter(message: NamesEncounter, name: EncounterName) -> None:
    """Have a request name an encounter."""
    if isinstance(name, ClientEncounter):
        message.client_encounter.subject_id = name.subject_id
        message.client_encounter.client_encounter_id = name.client_id
        message.client_encounter.SetInParent()
    else:
        message.encounter_id = name


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
        details=details_to_message(EncounterDetails(**{name: v for (_, name), v in values.items()})),
        idempotency_key=change.key or "",
    )
    name_encounter(message, change.encounter_key)
    message.update_mask.paths.extend(path for path, _ in values)
    if not isinstance(change.client_id, Keep):
        message.client_encounter_id = change.client_id or ""
        message.update_mask.paths.append(CLIENT_ID)
    return message


def update_from_message(message: pb.UpdateEncounterRequest) -> EncounterUpdate:
    """Return an update from a message.

    Raises
    ------
    ArgumentError
        If the mask names nothing, or something else.
    """
    paths = list(message.update_mask.paths)
    if not paths or not set(paths) <= {*PATHS, CLIENT_ID}:
        raise ArgumentError(f"update_mask: expected one or more of {', '.join([*PATHS, CLIENT_ID])}.")
    details = details_from_message(message.details)
    values: dict[str, Any] = {
        PATHS[path]: getattr(details, PATHS[path]) for path in paths if path != CLIENT_ID
    }
    if CLIENT_ID in paths:
        values["client_id"] = message.client_encounter_id or None
    name = encounter_from_message(message)
    return EncounterUpdate(name, **values, key=message.idempotency_key or None)
