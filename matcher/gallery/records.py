"""What the store keeps and what it says: samples going in, changes coming out, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from matcher.types import Modality


class ChangeKind(IntEnum):
    """Codes of the `kind` column of the change log; never renumbered."""

    ENROLL = 1
    DELETE = 2


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One sample as it is stored.

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
    """

    modality: Modality
    position: int
    quality: int
    template: bytes


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A request to add one subject with one encounter.

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
    """

    subject_id: str
    samples: tuple[SampleRecord, ...]
    key: str | None = None
    digest: bytes = b""
    resident: Any = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A request to remove one subject with everything that belongs to it."""

    subject_id: str


Operation = Enrolment | Deletion


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log.

    Attributes
    ----------
    sequence : int
        Number in commit order, from 1, without gaps.
    kind : ChangeKind
    subject_key : int
        The number of the entry that created the subject: unlike its id, never used again after a deletion.
    subject_id : str
    resident : object
        From the enrolment; None where the entry was read back from the store.
    """

    sequence: int
    kind: ChangeKind
    subject_key: int
    subject_id: str
    resident: Any = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a committed operation came to.

    Attributes
    ----------
    subject_id : str
    created : bool
        False where an earlier request with the same key had done the work already.
    sequence : int
        The change that did it.
    """

    subject_id: str
    created: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample read back, with the subject that it belongs to."""

    subject_key: int
    subject_id: str
    record: SampleRecord
