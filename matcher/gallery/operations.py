"""What the store is asked to do. Each is done whole or not at all; each may carry an idempotency key.

The same operation sent twice under one key is done once, and both get the first one's receipt. Another
operation under a key that was used is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, IntEnum
from typing import Any

from matcher.gallery.generations import (
    CancelUpgrade,
    SettleUpgrade,
    StageSamples,
    StartUpgrade,
    SwitchUpgrade,
)
from matcher.gallery.records import (
    EncounterDetails,
    EncounterName,
    EncounterStatus,
    MissingPosition,
    SampleRecord,
)


class Keep(Enum):
    """Stands for "as it is" where None already means "none"."""

    KEEP = "keep"


KEEP = Keep.KEEP


class SubjectIs(IntEnum):
    """What an enrolment expects of the subject's id."""

    NEW = 1
    """Nobody has it."""

    KNOWN = 2
    """Somebody has it: one more encounter of that subject."""

    EITHER = 3


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A request to add one encounter, of a new subject or of a known one.

    Attributes
    ----------
    subject_id : str
        The id that the subject gets where the request is new.
    samples : tuple of SampleRecord
        At least one.
    key : str or None
        Idempotency key.
    digest : bytes
        SHA-256 of the request as it came; tells a repeated request from another one under the same key.
    resident : object
        What the applier puts into memory after the commit; the store only carries it.
    details : EncounterDetails
    subject_is : SubjectIs
    upgrade : int or None
        The upgrade that the samples' `following` templates are of.
    following : object
        As `resident`, of those.
    client_id : str or None
        The client's own id of the encounter.
    """

    subject_id: str
    samples: tuple[SampleRecord, ...]
    key: str | None = None
    digest: bytes = b""
    resident: Any = None
    details: EncounterDetails = field(default_factory=EncounterDetails)
    subject_is: SubjectIs = SubjectIs.NEW
    upgrade: int | None = None
    following: Any = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectDeletion:
    """A request to remove one subject with everything that belongs to it."""

    subject_id: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class EncounterDeletion:
    """A request to remove one encounter with its samples; refused where its subject has no other."""

    encounter_key: EncounterName
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SampleDeletion:
    """A request to remove one sample; refused where its encounter has no other."""

    sample_key: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """A request to make one subject of two: all encounters of `other_id` become those of `subject_id`."""

    subject_id: str
    other_id: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A request to give one encounter to another subject; refused where it is the only one its subject has.

    Attributes
    ----------
    encounter_key : EncounterName
    subject_id : str
        Whose it becomes.
    subject_is : SubjectIs
        NEW splits what was wrongly merged.
    key : str or None
    """

    encounter_key: EncounterName
    subject_id: str
    subject_is: SubjectIs = SubjectIs.KNOWN
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A request to set the status of an encounter."""

    encounter_key: EncounterName
    status: EncounterStatus
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GalleriesChange:
    """A request to set the galleries of an encounter; those not named are left."""

    encounter_key: EncounterName
    galleries: frozenset[str]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class EncounterUpdate:
    """A request to set other attributes of an encounter; see `EncounterDetails`. KEEP leaves one as it is.

    `client_id` gives it another id of the client's, or takes it away.
    """

    encounter_key: EncounterName
    year_of_birth: int | Keep | None = KEEP
    tags: Mapping[str, str] | Keep = KEEP
    captured_at_us: int | Keep | None = KEEP
    missing: tuple[MissingPosition, ...] | Keep = KEEP
    client_data: bytes | Keep | None = KEEP
    key: str | None = None
    client_id: str | Keep | None = KEEP


Operation = (
    Enrolment
    | SubjectDeletion
    | EncounterDeletion
    | SampleDeletion
    | Merge
    | Move
    | StatusChange
    | GalleriesChange
    | EncounterUpdate
    | StartUpgrade
    | StageSamples
    | SwitchUpgrade
    | SettleUpgrade
    | CancelUpgrade
)


NOT_ASKED_FOR = frozenset({"key", "former_extractor", "former_setting"})
"""Fields that are not the caller's: the same request may be sent again when they are other ones."""


def digest_of(operation: Operation) -> bytes:
    """Return what tells an operation from another under the same idempotency key.

    An enrolment brings its own: it was made from the request as it came, before extraction. For the others it
    is the SHA-256 of their kind and what was asked for.
    """
    if isinstance(operation, Enrolment):
        return operation.digest
    names = (f.name for f in fields(operation) if f.name not in NOT_ASKED_FOR)
    values = [(name, _plain(getattr(operation, name))) for name in names]
    # Stores hold digests of updates from before there were clients' ids: theirs stay the same.
    values = [one for one in values if one != ("client_id", KEEP)]
    return hashlib.sha256(repr((type(operation).__name__, values)).encode()).digest()


def _plain(value: Any) -> Any:
    """Return a value in a form whose text is the same every time."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return sorted(value.items())
    return value
