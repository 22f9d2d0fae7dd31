"""What every method of the service does first: is there an engine, is the request sound, whose turn is it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Protocol

import grpc

from matcher.deadline import Deadline
from matcher.encounters import check_name
from matcher.engine import Engine
from matcher.errors import ArgumentError, NotReadyError
from matcher.gallery.schema import MAX_ID_LENGTH
from matcher.service.searching import Searching
from matcher.service.turn import DEFAULT_PRIORITY, Turn
from matcher.service.turns import PRIORITIES, Turns, Work
from matcher.v1 import matcher_pb2 as pb

NO_DEADLINE_S = 1e6
"""gRPC gives a call without a deadline a very distant one; beyond this it counts as none, seconds."""


CALLER = "matcher_caller"
"""Attribute of a call's context that says who calls."""


class Request(Protocol):
    """What every request has."""

    transaction_id: str
    priority: int

    def HasField(self, field: Any) -> bool:  # noqa: N802
        """Return whether a field is set."""


class Handlers:
    """Base of the methods.

    Parameters
    ----------
    turns : Turns
        Whose turn it is.
    """

    def __init__(self, turns: Turns) -> None:
        self.engine: Engine | None = None
        self.turns = turns
        self.searching = Searching(turns.queues[Work.SEARCH])
        self.stopping = threading.Event()

    def ready(self) -> Engine:
        """Return the engine.

        Raises
        ------
        NotReadyError
            While there is none.
        """
        engine = self.engine
        if engine is None:
            raise NotReadyError("The server is starting or stopping.", hint="Try again in a moment.")
        return engine

    def turn(
        self, work: Work, request: Request, context: grpc.ServicerContext, *, streamed: bool = False
    ) -> HeldTurn:
        """Return what holds a turn for a request, and gives the engine and the caller's deadline.

        Raises
        ------
        ArgumentError
            If the transaction's id or the priority is out of range.
        NotReadyError, OverloadedError, DeadlineError
        """
        engine = self.ready()
        priority = priority_of(request)
        deadline = deadline_of(context)
        queue = self.turns.queues[work]
        turn = queue.turn(deadline, priority, streamed=streamed, wake=context.add_callback)
        return HeldTurn(turn, engine, deadline)


class HeldTurn:
    """A turn, and what its holder works with; see `Handlers.turn`."""

    __slots__ = ("_turn", "_with")

    def __init__(self, turn: Turn, engine: Engine, deadline: Deadline) -> None:
        self._turn, self._with = turn, (engine, deadline)

    def __enter__(self) -> tuple[Engine, Deadline]:
        self._turn.__enter__()
        return self._with

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turn.__exit__(kind, error, trace)


def priority_of(request: Request) -> int:
    """Return how urgent a request is, 0 (last) to 9; its transaction's id is checked on the way.

    Raises
    ------
    ArgumentError
        If either is out of range.
    """
    transaction = request.transaction_id
    if transaction and (len(transaction) > MAX_ID_LENGTH or not transaction.isprintable()):
        raise ArgumentError(f"transaction_id: expected at most {MAX_ID_LENGTH} printable characters.")
    if not request.HasField("priority"):
        return DEFAULT_PRIORITY
    if request.priority not in PRIORITIES:
        raise ArgumentError(f"priority: expected 0 to {PRIORITIES[-1]}, got {request.priority}.")
    return request.priority


def caller_is(context: grpc.ServicerContext, name: str) -> None:
    """Note who calls, where callers are told from each other."""
    setattr(context, CALLER, name)


def key_of(key: str, context: grpc.ServicerContext) -> str | None:
    """Return an idempotency key as the store knows it: of each caller its own, where callers are told apart.

    Raises
    ------
    ArgumentError
        If it is no key.
    """
    if not key:
        return None
    check_name("Idempotency key", key)
    caller = getattr(context, CALLER, "")
    return hashlib.sha256(repr((caller, key)).encode()).hexdigest() if caller else key


def work_of(samples: Iterable[pb.Sample], otherwise: Work) -> Work:
    """Return what samples make of a request: extraction, where there is an image."""
    return Work.EXTRACT if any(sample.WhichOneof("content") == "image" for sample in samples) else otherwise


def deadline_of(context: grpc.ServicerContext) -> Deadline:
    """Return a call's deadline: passed as well once the caller has cancelled or gone."""

    def remaining() -> float | None:
        if not context.is_active():
            return 0.0
        left = context.time_remaining()
        return None if left is None or left > NO_DEADLINE_S else left

    return Deadline(remaining)
