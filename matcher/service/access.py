"""What the log of accesses says of a call, and of each item of a stream."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from matcher.audit.entry import Entry, change_note
from matcher.errors import MatcherError
from matcher.security.identity import Identity
from matcher.service.boundary import Undecodable
from matcher.service.scopes import subjects_of
from matcher.v1 import matcher_pb2 as pb

ENROLMENTS = (pb.EnrollIfUniqueResponse, pb.BulkEnrollResponse)
"""Replies that hold another one where somebody was enrolled."""

CHANGES = (
    pb.EnrollResponse,
    pb.UpdateEncounterResponse,
    pb.SetEncounterStatusResponse,
    pb.SetGalleriesResponse,
    pb.DeleteEncounterResponse,
    pb.DeleteSubjectResponse,
    pb.MergeSubjectsResponse,
    pb.MoveEncounterResponse,
)
"""Replies whose `sequence` is the number of a change that was made."""


class CallAccess:
    """One call: what the log says of it."""

    def __init__(self, method: str, context: grpc.ServicerContext) -> None:
        self.method, self.identity = method, Identity("", frozenset(), frozenset())
        self._address = context.peer()
        self._made = ""
        self.owners: list[str] = []
        """Subjects whose encounters the request names by their numbers."""
        self.items = Items()

    def entry(self, request: Any, reply: Any, error: Exception | None, item: Item | None = None) -> Entry:
        """Return the entry of an access and its answer; of a stream's item with what was kept of it."""
        subjects: dict[str, None] = {}
        for message in (request, reply):
            if message is not None and not isinstance(message, Undecodable):
                subjects.update(dict.fromkeys(subjects_of(message)))
        subjects.update(dict.fromkeys(item.subjects if item else self.owners))
        said = item.transaction if item else getattr(request, "transaction_id", "")
        return Entry(
            time.time_ns() // 1000,
            self.identity.name or "unknown",
            self.method,
            said or self._transaction(),
            outcome_of(reply, error),
            tuple(subjects),
            self._address,
            note_of(reply),
        )

    def _transaction(self) -> str:
        self._made = self._made or uuid.uuid4().hex
        return self._made


@dataclass(frozen=True, slots=True)
class Item:
    """What the log wants to know of a stream's item that its answer does not say."""

    transaction: str
    subjects: tuple[str, ...]


class Items:
    """Items of one stream that are not answered yet, by their ids, of which a client may send one twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Item]] = {}

    def add(self, request: Any, owners: Sequence[str]) -> None:
        """Note an item before it is begun, since it may delete or move whom it names."""
        item = Item(request.transaction_id, tuple(dict.fromkeys([*subjects_of(request), *owners])))
        with self._lock:
            self._waiting.setdefault(request.item_id, deque()).append(item)

    def take(self, item_id: str) -> Item | None:
        """Return an item that was answered, the first of its id."""
        with self._lock:
            waiting = self._waiting.get(item_id)
            if not waiting:
                return None
            item = waiting.popleft()
            if not waiting:
                del self._waiting[item_id]
            return item


def note_of(reply: Any) -> str:
    """Return what the entry says besides: the number of the change that was made, where one was."""
    made = reply.enrolment if isinstance(reply, ENROLMENTS) else reply
    return change_note(made.sequence) if isinstance(made, CHANGES) and made.sequence else ""


def outcome_of(reply: Any, error: Exception | None) -> str:
    """Return how a call or an item ended: OK, or the reason of the error."""
    if error is not None:
        return (error.reason or type(error).__name__) if isinstance(error, MatcherError) else "INTERNAL"
    item = getattr(reply, "error", None)
    return getattr(item, "reason", "") or "OK"
