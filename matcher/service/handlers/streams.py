"""Many requests on one stream, each answered by itself as soon as it can be.

    requests -> reader thread -> at most `WINDOW` under way, each waiting for its turn -> answers, any order

A stream reads no further while its window is full: what the client sends meanwhile waits in the client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

import grpc

from matcher.errors import MatcherError, NotReadyError, OverloadedError
from matcher.service.boundary import internal_error
from matcher.service.status import to_item_error
from matcher.v1 import matcher_pb2 as pb

MAX_STREAMS = 8
"""Streams at one time; more are refused."""

WINDOW = 16
"""Items of one stream that are under way at one time."""

POLL_S = 0.2
"""How often an idle stream looks whether the server stops or the client has gone, seconds."""

RETRY_S = 5.0
"""When a stream that was refused may be tried again, seconds: streams are long."""


class Item(Protocol):
    """What every item has."""

    item_id: str


Q = TypeVar("Q", bound=Item)
A = TypeVar("A")


class Streams:
    """All streams of a server.

    Parameters
    ----------
    stopping : threading.Event
        Set when nothing new is to be begun.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._free = threading.Semaphore(MAX_STREAMS)
        self._pool = ThreadPoolExecutor(MAX_STREAMS * (WINDOW + 1), thread_name_prefix="stream")

    def answers(
        self,
        requests: Iterator[Q],
        context: grpc.ServicerContext,
        answer: Callable[[Q], A],
        failed: Callable[[Q, pb.ItemError], A],
    ) -> Iterator[A]:
        """Yield the answer to each request.

        Parameters
        ----------
        requests : iterator
        context : grpc.ServicerContext
        answer : callable
            Answers one; what it raises becomes its answer.
        failed : callable
            Makes an answer of an error.

        Raises
        ------
        OverloadedError
            If there are too many streams.
        NotReadyError
            At the end, if the server stopped before everything was read.
        MatcherError
            If a request was no message.
        """
        if not self._free.acquire(blocking=False):
            raise OverloadedError(
                f"The server has {MAX_STREAMS} streams already.",
                hint="Wait, or send the requests one by one.",
                retry_after_s=RETRY_S,
            )
        try:
            stream = _Stream(requests, context, answer, failed, self._stopping, self._pool)
            yield from stream.run()
        finally:
            self._free.release()

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()


class _Stream(Generic[Q, A]):
    """One stream."""

    def __init__(
        self,
        requests: Iterator[Q],
        context: grpc.ServicerContext,
        answer: Callable[[Q], A],
        failed: Callable[[Q, pb.ItemError], A],
        stopping: threading.Event,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._requests, self._context = requests, context
        self._answer, self._failed = answer, failed
        self._stopping, self._pool = stopping, pool
        self._window = threading.Semaphore(WINDOW)
        self._lock = threading.Lock()
        self._under_way = 0
        self._problem: MatcherError | None = None
        self._answers: SimpleQueue[A | None] = SimpleQueue()

    def run(self) -> Iterator[A]:
        self._pool.submit(self._read)
        # To the end of all that was begun, though the client may be gone: what was done is told and logged.
        while True:
            try:
                answer = self._answers.get(timeout=POLL_S)
            except Empty:
                if self._stopping.is_set() and self._idle():
                    raise _stopped() from None
                continue
            if answer is None:
                break
            yield answer
        if self._problem is not None:
            raise self._problem

    def _read(self) -> None:
        """Read what the client sends, begin it, and wait for the end of all that was begun."""
        try:
            for request in self._requests:
                self._window.acquire()
                with self._lock:
                    if self._stopping.is_set():
                        self._window.release()
                        raise _stopped()
                    self._under_way += 1
                self._pool.submit(self._one, request)
        except MatcherError as error:
            self._problem = error
        except Exception as error:
            if self._context.is_active():  # otherwise the client has gone, and nobody is to be told
                self._problem = internal_error(error)
        for _ in range(WINDOW):
            self._window.acquire()
        self._answers.put(None)

    def _one(self, request: Q) -> None:
        try:
            answer = self._answer(request)
        except MatcherError as error:
            answer = self._failed(request, to_item_error(error))
        except Exception as error:
            answer = self._failed(request, to_item_error(internal_error(error)))
        self._answers.put(answer)
        with self._lock:
            self._under_way -= 1
        self._window.release()

    def _idle(self) -> bool:
        with self._lock:
            return self._under_way == 0 and self._answers.empty()


def _stopped() -> NotReadyError:
    return NotReadyError(
        "The server stops: what was not answered was not begun.", hint="Send it again in a moment."
    )
