"""Items of streams and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any

from matcher.answers import Enrolled, Identification
from matcher.client.call import CallOptions, make
from matcher.client.calls import Samples, enroll_request, identify_request, unique_request
from matcher.errors import ArgumentError, MatcherError
from matcher.gallery.filters import ACTIVE, EVERYBODY, Filter
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import NO_DETAILS, EncounterDetails, EncounterName
from matcher.service.convert import identification_from_message
from matcher.service.convert_changes import name_encounter, unique_from_message
from matcher.service.status import from_item_error
from matcher.v1 import matcher_pb2 as pb


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Who counts as the same person; see `Engine.enroll_if_unique`."""

    fpir: float | None = None
    threshold: float | None = None
    chosen: Filter = EVERYBODY


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One enrolment of many.

    Attributes
    ----------
    item_id : str
        1 to 128 printable characters; the same item again is one enrolment.
    samples, subject_id, details, subject_is, client_encounter_id
        As `Client.enroll`.
    unique : Uniqueness, optional
        Enrol only somebody new; `subject_is` must be NEW then.
    """

    item_id: str
    samples: Samples
    subject_id: str | None = None
    details: EncounterDetails = NO_DETAILS
    subject_is: SubjectIs = SubjectIs.NEW
    unique: Uniqueness | None = None
    client_encounter_id: str | None = None

    def message(self, options: CallOptions) -> pb.BulkEnrollRequest:
        """Return the request."""
        request = pb.BulkEnrollRequest(item_id=_item_id(self.item_id))
        if self.unique is None:
            request.enroll.CopyFrom(
                enroll_request(
                    self.samples,
                    self.subject_id,
                    None,
                    self.details,
                    self.subject_is,
                    self.client_encounter_id,
                )
            )
        else:
            u = self.unique
            request.enroll_if_unique.CopyFrom(
                unique_request(
                    self.samples,
                    self.subject_id,
                    None,
                    self.details,
                    u.fpir,
                    u.threshold,
                    u.chosen,
                    self.client_encounter_id,
                )
            )
        return make("BulkEnroll", request, _unread, options).request  # type: ignore[no-any-return]


class BulkOutcome(StrEnum):
    """What became of an item."""

    ENROLLED = "ENROLLED"
    ALREADY = "ALREADY"
    """Enrolled before under this item_id."""

    NOT_UNIQUE = "NOT_UNIQUE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """Answer to one `BulkItem`: its enrolment, the search that was made, or what failed."""

    item_id: str
    outcome: BulkOutcome
    enrolled: Enrolled | None = None
    search: Identification | None = None
    error: MatcherError | None = None


@dataclass(frozen=True, slots=True)
class SearchItem:
    """One search of many; all but `item_id` as `Client.identify`."""

    item_id: str
    samples: Samples = ()
    subject_id: str | None = None
    encounter: EncounterName | None = None
    max_candidates: int | None = None
    fpir: float | None = None
    threshold: float | None = None
    chosen: Filter = ACTIVE
    exhaustive: bool = False

    def message(self, options: CallOptions) -> pb.IdentifyStreamRequest:
        """Return the request."""
        search = identify_request(
            self.samples, self.max_candidates, self.fpir, self.threshold, self.chosen, self.exhaustive
        )
        search.subject_id = self.subject_id or ""
        if self.encounter is not None:
            name_encounter(search, self.encounter)
        request = pb.IdentifyStreamRequest(item_id=_item_id(self.item_id), search=search)
        return make("IdentifyStream", request, _unread, options).request  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Answer to one `SearchItem`: what was found, or what failed."""

    item_id: str
    result: Identification | None = None
    error: MatcherError | None = None


def bulk_answer(message: pb.BulkEnrollResponse) -> BulkAnswer:
    """Return the answer to an item."""
    unique = unique_from_message(message)
    outcome = pb.BulkEnrollOutcome.Name(message.outcome).removeprefix("BULK_ENROLL_OUTCOME_")
    error = from_item_error(message.error) if message.HasField("error") else None
    return BulkAnswer(message.item_id, BulkOutcome(outcome), unique.enrolled, unique.search, error)


def search_answer(message: pb.IdentifyStreamResponse) -> SearchAnswer:
    """Return the answer to an item."""
    if message.WhichOneof("outcome") == "error":
        return SearchAnswer(message.item_id, error=from_item_error(message.error))
    return SearchAnswer(message.item_id, identification_from_message(message.result))


@dataclass(slots=True)
class Resumable:
    """Requests that are sent on one stream after another until each was answered.

    Parameters
    ----------
    source : iterable
        Requests with an `item_id`; each is taken from it once.

    Attributes
    ----------
    pending : dict of str to message
        What was taken and not answered yet.
    progress : bool
        Whether the present stream has answered anything.
    failure : Exception or None
        With which the source ended.
    """

    source: Iterable[Any]
    pending: dict[str, Any] = field(default_factory=dict)
    progress: bool = False
    failure: Exception | None = None
    _stream: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.source = iter(self.source)

    def requests(self) -> Iterator[Any]:
        """Begin a stream: yield what was not answered before, and then the rest."""
        with self._lock:
            self._stream += 1
            mine, again = self._stream, list(self.pending.values())
            self.progress = False
        yield from again
        while True:
            # An older stream's thread may still be here: what it takes is pending before a newer one looks.
            with self._lock:
                request = self._next() if mine == self._stream else None
            if request is None:
                return
            yield request

    def _next(self) -> Any:
        """Take a request from the source; None at its end, or its error: that is told last."""
        try:
            request = next(self.source, None)  # type: ignore[call-overload]
            if request is not None and request.item_id in self.pending:
                raise ArgumentError(f"Item {request.item_id!r}: expected each item_id once.")
        except Exception as error:
            self.failure = error
            return None
        if request is not None:
            self.pending[request.item_id] = request
        return request

    def answered(self, item_id: str) -> None:
        """Note an answer."""
        with self._lock:
            self.pending.pop(item_id, None)
            self.progress = True


def _item_id(name: str) -> str:
    if not name:
        raise ArgumentError("item_id: expected 1 to 128 printable characters.")
    return name


def _unread(_: Any) -> None:
    """Streams read their replies themselves."""
