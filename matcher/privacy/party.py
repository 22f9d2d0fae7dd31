"""A party as a process: its store, its sessions with the two others, and what clients ask of it.

Party 0 orders operations: one at a time, each under a number above all before it, told to the others by a
frame of its session with them. A party answers no client but through that order. After a failure, and
whenever a party comes back, the next operation is preceded by catching up.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from matcher.errors import ArgumentError, MatcherError, PartyUnavailableError, PrivacyError
from matcher.privacy import operations
from matcher.privacy.catch_up import caught_up
from matcher.privacy.operations import Query
from matcher.privacy.peers import Peers
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Part
from matcher.privacy.search import Policy
from matcher.privacy.session import Session
from matcher.privacy.store import ShareStore
from matcher.v1 import privacy_pb2 as pb

logger = logging.getLogger(__name__)

LEADER = 0

MAX_STAGED = 64
"""Requests' worth of staged records; the oldest goes first."""

POLICIES = {
    pb.MATCH_POLICY_UNSPECIFIED: Policy.ANY,
    pb.MATCH_POLICY_ANY: Policy.ANY,
    pb.MATCH_POLICY_ALL: Policy.ALL,
}


class Party:
    """One of three.

    Parameters
    ----------
    index : int
    store : ShareStore
    send : callable (other, frame)
        Carries a frame to another party.
    timeout : float, optional
        How long to wait for a message, seconds.
    """

    def __init__(
        self,
        index: int,
        store: ShareStore,
        send: Callable[[int, pb.Frame], None],
        timeout: float | None = None,
    ) -> None:
        self.index, self.store = index, store
        self.peers = Peers(index, send) if timeout is None else Peers(index, send, timeout)
        self.offered = {other: Session(index, other) for other in range(3) if other != index}
        self.ready = threading.Event()
        self._staged: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._order = threading.Lock()
        self._number = 0
        self._behind = True

    def hello(self, other: int) -> pb.Frame:
        """Return the first frame of a stream to another party."""
        return pb.Frame(kind=pb.FRAME_KIND_HELLO, payload=self.offered[other].public)

    def met(self, other: int, frame: pb.Frame) -> None:
        """Take the first frame of a stream from another party: a new process has a new key."""
        if frame.kind != pb.FRAME_KIND_HELLO:
            raise ArgumentError("A stream of frames begins with a key.")
        session = self.offered[other]
        session.meet(frame.payload)
        inbox = self.peers.inbox[other]
        with contextlib.suppress(queue.Empty):
            while True:
                inbox.get_nowait()
        self.peers.sessions[other] = session
        self._behind = True
        if len(self.peers.sessions) == len(self.offered):
            self.ready.set()

    def stage(self, stage_id: bytes, records: bytes) -> None:
        """Keep records for an operation."""
        self.store.layout.unpacked(records)
        with self._lock:
            self._staged[stage_id] = records
            while len(self._staged) > MAX_STAGED:
                self._staged.popitem(last=False)

    def lead(self, request: pb.RunOperationRequest) -> pb.RunOperationResponse:
        """Run an operation of all three; party 0 only, one at a time.

        Raises
        ------
        PrivacyError
            If a party is missing or behind, or a message was not the one sent: there is no answer then.
        """
        if self.index != LEADER:
            raise ArgumentError(f"Operations are asked of party {LEADER}.")
        if not self.ready.is_set():
            raise PartyUnavailableError("A party is not there yet.", hint="Start all three, and ask again.")
        with self._order:
            if self._behind and request.kind != pb.OPERATION_KIND_CATCH_UP:
                self._led(pb.RunOperationRequest(kind=pb.OPERATION_KIND_CATCH_UP))
            return self._led(request)

    def follow(self, stop: threading.Event) -> None:
        """Take part in operations until `stop`; of parties 1 and 2."""
        while not stop.is_set():
            try:
                frame = self.peers.inbox[LEADER].get(timeout=0.2)
            except queue.Empty:
                continue
            if frame is None or frame.kind != pb.FRAME_KIND_BEGIN or frame.operation_number <= self._number:
                continue
            try:
                number = frame.operation_number
                sealer = self.peers.sessions[LEADER].sealer(number, outgoing=False)
                sealer.check(frame.kind, 0, frame.payload, frame.tag)
                self._number = number
                self._run(number, pb.RunOperationRequest.FromString(frame.payload))
            except MatcherError as error:
                # Ids and rows may stand in a message: the log has the reason alone.
                logger.warning("Operation %s failed: %s", frame.operation_number, error.reason)
            except Exception:
                logger.error("Operation %s failed by a defect", frame.operation_number)

    def _led(self, request: pb.RunOperationRequest) -> pb.RunOperationResponse:
        # Numbers never repeat, not even after a restart: keys are drawn from them.
        self._number = max(self._number + 1, time.time_ns())
        payload = request.SerializeToString()
        sent, rounds = self.peers.sent_bytes, self.peers.rounds
        try:
            for other, session in self.peers.sessions.items():
                tag = session.sealer(self._number, outgoing=True).tag(pb.FRAME_KIND_BEGIN, 0, payload)
                self.peers.deliver(
                    other,
                    pb.Frame(
                        kind=pb.FRAME_KIND_BEGIN, operation_number=self._number, payload=payload, tag=tag
                    ),
                )
            answer = self._run(self._number, request)
        except PrivacyError:
            self._behind = True
            raise
        if request.kind == pb.OPERATION_KIND_CATCH_UP:
            self._behind = False
        answer.sequence = self.store.sequence
        answer.sent_bytes = self.peers.sent_bytes - sent
        answer.round_count = self.peers.rounds - rounds
        return answer

    def _run(self, number: int, request: pb.RunOperationRequest) -> pb.RunOperationResponse:
        with self._lock:
            records = self._staged.pop(request.stage_id, b"")
        make = _PARTS.get(request.kind)
        if make is None:
            raise ArgumentError("The operation is unknown.")
        result = self.peers.run(number, lambda shared: make(shared, self.store, request, records))
        return _answered(request, result)


def _query(request: pb.RunOperationRequest, records: bytes) -> Query:
    return Query(records, tuple(request.parts), POLICIES.get(request.policy, Policy.ANY))


def _subject(request: pb.RunOperationRequest) -> str:
    if len(request.subject_ids) != 1:
        raise ArgumentError("Expected one subject_id.")
    return request.subject_ids[0]


def _enroll(shared: Shared, store: ShareStore, request: pb.RunOperationRequest, records: bytes) -> Part[Any]:
    unique = _query(request, records) if request.parts else None
    return operations.enrolled(shared, store, records, list(request.subject_ids), unique)


_PARTS: dict[int, Callable[[Shared, ShareStore, pb.RunOperationRequest, bytes], Part[Any]]] = {
    pb.OPERATION_KIND_ENROLL: _enroll,
    pb.OPERATION_KIND_DELETE: lambda s, store, r, _: operations.deleted(s, store, _subject(r)),
    pb.OPERATION_KIND_VERIFY: lambda s, store, r, d: operations.verify(s, store, _query(r, d), _subject(r)),
    pb.OPERATION_KIND_IDENTIFY: lambda s, store, r, d: operations.identify(s, store, _query(r, d)),
    pb.OPERATION_KIND_CHECK: lambda s, store, r, d: operations.known(s, store, _query(r, d)),
    pb.OPERATION_KIND_REFRESH: lambda s, store, r, _: operations.refreshed(s, store),
    pb.OPERATION_KIND_CATCH_UP: lambda s, store, r, _: caught_up(s, store),
}


def _answered(request: pb.RunOperationRequest, result: Any) -> pb.RunOperationResponse:
    """Return a result as a message."""
    kind = request.kind
    if kind in (pb.OPERATION_KIND_VERIFY, pb.OPERATION_KIND_CHECK):
        return pb.RunOperationResponse(answers=[pb.RecordAnswer(matched=one) for one in result])
    if kind == pb.OPERATION_KIND_IDENTIFY:
        return pb.RunOperationResponse(
            answers=[pb.RecordAnswer(matched=bool(ids), matched_ids=ids) for ids in result]
        )
    if kind == pb.OPERATION_KIND_ENROLL:
        return pb.RunOperationResponse(answers=[pb.RecordAnswer(matched=bool(result), matched_ids=result)])
    return pb.RunOperationResponse()
