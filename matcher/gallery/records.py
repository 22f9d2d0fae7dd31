"""What the store keeps and what it says: subjects, encounters and samples, and the changes that come out.

A subject (a person) has encounters (visits), an encounter has samples. Three kinds of number name them for
ever: the number of the change that created a subject or an encounter is its key, and a sample's key is its
encounter's key with its ordinal (`sample_key_of`). None is used again after a deletion; ids of subjects are,
and those that clients give to encounters, each once within a subject (`ClientEncounter`).

Status, galleries, year of birth and tags belong to the encounter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from matcher.gallery.generations import NextTemplate
from matcher.types import Modality

ORDINAL_BITS = 8
"""Low bits of a sample's key that hold its ordinal: at most 256 samples in an encounter."""

MAX_ENCOUNTER_SAMPLES = 1 << ORDINAL_BITS
"""Most samples of one encounter."""

NO_TAGS: Mapping[str, str] = MappingProxyType({})
"""An encounter without tags."""


class ChangeKind(IntEnum):
    """Codes of the `kind` column of the change log; never renumbered."""

    ENROLL = 1
    """A new encounter, of a new subject or of a known one."""

    DELETE = 2
    """A subject with everything that belongs to it."""

    DELETE_ENCOUNTER = 3
    DELETE_SAMPLE = 4

    MERGE = 5
    """All encounters of another subject became this one's; the other subject is no more."""

    MOVE = 6
    """One encounter became this subject's, which may be new."""

    STATUS = 7
    GALLERIES = 8

    UPDATE = 9
    """Other attributes of an encounter: dates, year of birth, tags, missing positions, client data."""

    SWITCH = 10
    """Samples have the templates of an upgrade from here on (`generations`); `other_id`: the store's identity
    from then on. It is about nobody: subject key 0, and no id."""


class EncounterStatus(IntEnum):
    """Whether searches that ask for it find an encounter. Codes are part of the stored form."""

    ACTIVE = 1
    INACTIVE = 2


class MissingReason(IntEnum):
    """Why a position has no sample, with the codes of ANSI/NIST-ITL 1 where it has one."""

    UNSTATED = 0

    MISSING = 1
    """Amputated or never there (AMP field of a finger, DME field of an eye: XX)."""

    UNABLE_TO_CAPTURE = 2
    """There, but it cannot be captured now, bandaged for example (a finger: UP, an eye: UC)."""

    SCARRED = 3
    """A permanent injury leaves nothing to capture (a finger: SR)."""

    REFUSED = 4
    """The person did not agree. No standard code."""

    POOR_QUALITY = 5
    """Captured, but never well enough to be kept (ISO/IEC 19795: failure to acquire). No standard code."""


def sample_key_of(encounter_key: int, ordinal: int) -> int:
    """Return the key of an encounter's sample; keys of later encounters are greater."""
    return encounter_key << ORDINAL_BITS | ordinal


def encounter_key_of(sample_key: int) -> int:
    """Return the encounter that a sample belongs to."""
    return sample_key >> ORDINAL_BITS


@dataclass(frozen=True, slots=True)
class ClientEncounter:
    """An encounter by the id that the client gave it, which goes with it to another subject.

    Attributes
    ----------
    subject_id : str
        Whose it is now.
    client_id : str
        1 to 128 printable characters; no other encounter of that subject has it.
    """

    subject_id: str
    client_id: str

    def __str__(self) -> str:
        return f"{self.client_id!r} of subject {self.subject_id!r}"


EncounterName = int | ClientEncounter
"""How an encounter may be named: by its key, or by the client's id within its subject."""


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One sample as it goes into the store.

    Attributes
    ----------
    modality : Modality
        What kind of template it is.
    position : int
        Code of the modality's positions: which finger or eye, 0 unknown; of a face 1.
    quality : int
        0 to 100.
    template : bytes
        Encoded in our own stored form.
    extractor : str or None
        Who made the template: extractor, or model of a face, at most 64 characters; None where nobody said.
    image : bytes or None
        The image file that it came from, where it is to be kept; in a table of its own.
    ppi : float or None
        Resolution of that image where its file does not say it, pixels per inch.
    following : NextTemplate or None
        Its template of the upgrade that is on its way.
    """

    modality: Modality
    position: int
    quality: int
    template: bytes
    extractor: str | None = None
    image: bytes | None = None
    ppi: float | None = None
    following: NextTemplate | None = None


@dataclass(frozen=True, slots=True)
class MissingPosition:
    """A finger, eye or face that an encounter could not give."""

    modality: Modality
    position: int
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class EncounterDetails:
    """What is known of a visit beside its samples.

    Attributes
    ----------
    status : EncounterStatus
    galleries : frozenset of str
        Named sets that it belongs to; each name 1 to 128 printable characters, at most 64.
    year_of_birth : int or None
        1800 to 2200.
    tags : mapping of str to str
        What searches may be limited by; at most 64, keys and values up to 128 printable characters.
    captured_at_us : int or None
        When it took place, microseconds since 1970-01-01 UTC.
    missing : tuple of MissingPosition
        Each position at most once.
    client_data : bytes or None
        Whatever the client wants to find again, at most `schema.MAX_CLIENT_DATA` bytes; never looked into.
    """

    status: EncounterStatus = EncounterStatus.ACTIVE
    galleries: frozenset[str] = frozenset()
    year_of_birth: int | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    captured_at_us: int | None = None
    missing: tuple[MissingPosition, ...] = ()
    client_data: bytes | None = None


NO_DETAILS = EncounterDetails()
"""Nothing is known of a visit."""


class StoredSample(NamedTuple):
    """A sample read back, with its encounter and its subject. A tuple: millions are made."""

    sample_key: int
    encounter_key: int
    subject_key: int
    subject_id: str
    modality: Modality
    position: int
    quality: int
    extractor: str | None
    template: bytes


class StoredEncounter(NamedTuple):
    """What memory keeps of an encounter: whose it is, and what searches are filtered by."""

    encounter_key: int
    subject_key: int
    subject_id: str
    status: EncounterStatus
    galleries: frozenset[str]
    year_of_birth: int | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log.

    As handed over after a commit it says how things stood then. Read back later (`Store.changes_after`)
    numbers and ids, those in `encounter` and `samples` too, are as they were then; attributes and samples as
    they stand now: None and empty where they are gone. So replaying entries in order up to the end of the log
    gives the present state, from any earlier one. What an entry says of encounters and samples that the
    reader does not know, since they are gone by now, is passed by; a MOVE without `encounter` still moves.

    Attributes
    ----------
    sequence : int
        Number in commit order, from 1, without gaps.
    kind : ChangeKind
    subject_key : int
        The number of the entry that created the subject: unlike its id, never used again after a deletion.
        Whose the encounter is after the change; MERGE: the subject that stays.
    subject_id : str
    resident : object
        From the enrolment, what memory shall hold; None where the entry was read back from the store.
    following : object
        The same of the upgrade that is on its way; None where it is no other.
    encounter_key : int or None
        What was enrolled, deleted, moved or altered, or whose sample was deleted; None of DELETE and MERGE.
    sample_key : int or None
        DELETE_SAMPLE: which.
    other_key, other_id : int, str or None
        MERGE: the subject that is no more; MOVE: whose it was.
    encounter : StoredEncounter or None
        ENROLL, MOVE, STATUS, GALLERIES and UPDATE: its attributes.
    samples : tuple of StoredSample
        ENROLL: in order of their keys, one for each of `resident` where that is given.
    changed_at_us : int
        When it was made, microseconds since 1970-01-01 UTC: tells it from the change that has its number in
        another life of the store.
    """

    sequence: int
    kind: ChangeKind
    subject_key: int
    subject_id: str
    resident: Any = None
    encounter_key: int | None = None
    sample_key: int | None = None
    other_key: int | None = None
    other_id: str | None = None
    encounter: StoredEncounter | None = None
    samples: tuple[StoredSample, ...] = ()
    following: Any = None
    changed_at_us: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a committed operation came to.

    Attributes
    ----------
    subject_id : str
    created : bool
        Whether it enrolled something; False where an earlier request with the same key had done so already.
    sequence : int
        The change that did it; of an enrolment also the key of its encounter.
    """

    subject_id: str
    created: bool
    sequence: int
