"""What a message names: subjects, encounters, galleries, samples; and whether a client may see them.

Messages are walked by the names of their fields, so that a new message is covered without a word here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from matcher.errors import ForbiddenError, MatcherError
from matcher.gallery.records import ClientEncounter
from matcher.security.identity import Identity

SUBJECTS = frozenset({"subject_id", "other_subject_id"})
ENCOUNTERS = frozenset({"encounter_id"})
CLIENT_ENCOUNTERS = frozenset({"client_encounter"})
GALLERIES = frozenset({"galleries", "gallery"})
SAMPLES = frozenset({"samples", "probe_samples", "candidate_samples"})

MUST_NAME_GALLERIES = frozenset(
    {"Enroll", "EnrollIfUnique", "BulkEnroll", "Identify", "IdentifyStream", "SetGalleries"}
)
"""Methods that act on everybody, or put somebody nowhere, where they name no gallery."""

FOR_EVERYBODY = frozenset(
    {
        "ListGalleries",
        "ListEncounters",
        "ListAccesses",
        "StartUpgrade",
        "GetUpgradeStatus",
        "SwitchUpgrade",
        "CancelUpgrade",
    }
)
"""Methods that are about galleries of others too."""

NAMING = frozenset({"details", "filter"})
"""Parts of those requests whose galleries are meant."""


class Lookup(Protocol):
    """What is asked of the gallery before a client that does not see everybody gets an answer."""

    def of_subject(self, subject_id: str) -> list[frozenset[str]]:
        """Return the galleries of each encounter of a subject; none where there is no such subject."""

    def of_encounter(self, encounter_id: int) -> list[frozenset[str]]:
        """Return the galleries of an encounter; none where there is none."""

    def of_client_encounter(self, subject_id: str, client_id: str) -> list[frozenset[str]]:
        """Return the galleries of an encounter by the client's id; none where there is none."""

    def subject_of(self, encounter_id: int) -> str | None:
        """Return whose an encounter is; None where there is none."""


class EngineLookup:
    """`Lookup` in an engine.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def of_subject(self, subject_id: str) -> list[frozenset[str]]:
        """Return the galleries of each encounter of a subject; none where there is no such subject."""
        try:
            return [frozenset(e.details.galleries) for e in self._engine.subject(subject_id).encounters]
        except MatcherError:
            return []  # the call itself says what is wrong with it

    def of_encounter(self, encounter_id: int) -> list[frozenset[str]]:
        """Return the galleries of an encounter; none where there is none."""
        try:
            found = self._engine.encounters(after=encounter_id - 1, limit=1)
        except MatcherError:
            return []
        return [frozenset(e.details.galleries) for e in found if e.encounter_key == encounter_id]

    def of_client_encounter(self, subject_id: str, client_id: str) -> list[frozenset[str]]:
        """Return the galleries of an encounter by the client's id; none where there is none."""
        try:
            found = self._engine.encounter(ClientEncounter(subject_id, client_id))
        except MatcherError:
            return []
        return [frozenset(found.details.galleries)]

    def subject_of(self, encounter_id: int) -> str | None:
        """Return whose an encounter is; None where there is none."""
        try:
            owner: str | None = self._engine.owner_of(encounter_id)
        except MatcherError:
            return None  # the call itself says what is wrong
        return owner


def values(message: Message, names: frozenset[str]) -> Iterator[Any]:
    """Yield the values of every field of these names, at any depth; of repeated ones each."""
    for field, is_wanted, deeper in _plan(message.DESCRIPTOR, names):
        value = getattr(message, field.name)
        if is_wanted:
            yield from value if field.is_repeated else [value]
        if deeper:
            for one in value if field.is_repeated else [value] if message.HasField(field.name) else []:
                yield from values(one, names)


@cache
def _plan(kind: Descriptor, names: frozenset[str]) -> tuple[tuple[FieldDescriptor, bool, bool], ...]:
    """Return the fields of a message that have such a name, or lead to one."""
    found = []
    for field in kind.fields:
        inner = field.message_type
        is_map = inner is not None and inner.GetOptions().map_entry
        leaf = (
            is_map or field.name in CLIENT_ENCOUNTERS
        )  # it is about one encounter, not all of its subject's
        deeper = inner is not None and not leaf and _leads(inner, names, frozenset({kind.full_name}))
        wanted = field.name in names and not (field.name == "galleries" and inner is not None)
        if wanted or deeper:
            found.append((field, wanted, deeper))
    return tuple(found)


def _leads(kind: Descriptor, names: frozenset[str], seen: frozenset[str]) -> bool:
    if kind.full_name in seen:
        return False
    return any(
        (field.name in names and not (field.name == "galleries" and field.message_type is not None))
        or (
            field.message_type is not None
            and field.name not in CLIENT_ENCOUNTERS
            and _leads(field.message_type, names, seen | {kind.full_name})
        )
        for field in kind.fields
    )


def subjects_of(message: Message) -> list[str]:
    """Return the ids of subjects that a message names, each once, in order."""
    return list(dict.fromkeys(one for one in values(message, SUBJECTS) if one))


def owners_of(message: Message, lookup: Lookup | None) -> list[str]:
    """Return the ids of the subjects whose encounters a message names, by numbers or the client's ids."""
    named = [one.subject_id for one in values(message, CLIENT_ENCOUNTERS) if one.subject_id]
    if lookup is None:
        return named
    owners = (lookup.subject_of(number) for number in values(message, ENCOUNTERS) if number)
    return [*named, *(owner for owner in owners if owner is not None)]


def samples_of(message: Message) -> int:
    """Return how many samples a message holds."""
    return sum(1 for _ in values(message, SAMPLES))


def check_scope(identity: Identity, method: str, request: Message, lookup: Lookup | None) -> None:
    """Refuse a request that reaches beyond a client's galleries.

    Raises
    ------
    ForbiddenError
        If it names a gallery, a subject or an encounter that the client does not see, or none where it then
        means everybody. A subject is seen when each of its encounters belongs to a gallery that is seen.
    """
    if identity.sees_everybody:
        return
    if method in FOR_EVERYBODY or lookup is None:
        raise ForbiddenError(f"{method} is about all galleries, and {identity.name} sees some only.")
    named = set(values(request, GALLERIES)) - {""}
    if method in MUST_NAME_GALLERIES and not (named and _names_galleries(request)):
        raise ForbiddenError(f"{identity.name} sees some galleries only: {method} has to name them.")
    if not named <= identity.galleries:
        raise ForbiddenError(f"{identity.name} does not see every gallery that the request names.")
    visits = [v for name in subjects_of(request) for v in lookup.of_subject(name)]
    visits += [v for number in values(request, ENCOUNTERS) if number for v in lookup.of_encounter(number)]
    for one in values(request, CLIENT_ENCOUNTERS):
        if one.subject_id and one.client_encounter_id:
            visits += lookup.of_client_encounter(one.subject_id, one.client_encounter_id)
    if not all(galleries & identity.galleries for galleries in visits):
        raise ForbiddenError(f"{identity.name} does not see whom the request names.")


def _names_galleries(message: Message) -> bool:
    """Return whether every part of a request that is to name galleries does."""
    for field in message.DESCRIPTOR.fields:
        if field.name in NAMING and not getattr(getattr(message, field.name), "galleries", ()):
            return False
        if field.name == "galleries" and not message.galleries:  # type: ignore[attr-defined]
            return False
        inner = field.message_type is not None and field.name not in NAMING and not field.is_repeated
        if inner and message.HasField(field.name) and not _names_galleries(getattr(message, field.name)):
            return False
    return True
