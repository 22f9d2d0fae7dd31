"""The one thread that writes: it takes whatever is waiting and commits it together (group commit)."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from matcher.errors import NotReadyError
from matcher.gallery.crowd import Crowd
from matcher.gallery.operations import Enrolment, Operation
from matcher.gallery.records import Receipt
from matcher.gallery.transaction import Outcome

GROUP_LIMIT = 256
"""Most operations in one transaction; bounds how long a lone caller waits behind a crowd."""

IDLE_S = 0.5
"""How often `idle` is called while nothing waits, seconds."""

GATHER_SHARE = 0.2
"""Part of the last commit's time that the next group waits to become as large as the last was."""

GATHER_MOST_S = 0.003
"""Longest such wait, seconds."""

PERIOD_S = 0.02
"""Least time from one group's commit to the next, as long as more enrolments are expected, seconds."""

Waiting = tuple[Operation, "Future[Receipt]"]


class Writer:
    """Runs groups of operations one after the other on a thread of its own.

    Parameters
    ----------
    commit : callable
        Takes the operations of a group and returns one outcome for each, after a durable commit. What it
        raises is every waiting caller's answer.
    idle : callable
        Called now and then while nothing waits; mends what a failure left behind. Must not raise.
    """

    def __init__(
        self, commit: Callable[[Sequence[Operation]], Sequence[Outcome]], idle: Callable[[], None]
    ) -> None:
        self._commit = commit
        self._idle = idle
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._last_size = 0
        self._last_s = 0.0
        self._last_begun = -PERIOD_S
        self._crowd = Crowd()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation) -> Future[Receipt]:
        """Queue an operation; the future is done once it is committed and applied, or refused.

        A future that is cancelled while it waits is never begun.
        """
        future: Future[Receipt] = Future()
        with self._gate:
            if self._closed:
                raise NotReadyError("The store is closing.", hint="Send the request again in a moment.")
            self._queue.put((operation, future))
        return future

    @property
    def queued(self) -> int:
        """About how many operations wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._next()) is not None:
            group, last = self._gather(first)
            begun = [waiting for waiting in group if waiting[1].set_running_or_notify_cancel()]
            if begun:
                self._serve(begun)
            if last:
                return

    def _next(self) -> Waiting | None:
        while True:
            try:
                return self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                self._idle()

    def _gather(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """Return everything that waits now, and whether the end was among it.

        Those whom the last commit answered together come back one by one: they are given a moment, or the
        first of them would have a commit of its own and all others wait through it. Enrolments are given
        longer, for as many as came lately (`Crowd`); whoever changes or deletes something waits for nobody.
        """
        group = [first]
        now = time.monotonic()
        soon, late = now + min(GATHER_SHARE * self._last_s, GATHER_MOST_S), self._last_begun + PERIOD_S
        wanted, patient = self._crowd.wanted(), isinstance(first[0], Enrolment)
        last = False
        while len(group) < GROUP_LIMIT:
            end = soon if len(group) < self._last_size else 0.0
            if patient and len(group) < wanted:
                end = max(end, late)
            left = end - time.monotonic()
            try:
                waiting = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                last = True
                break
            patient = patient and isinstance(waiting[0], Enrolment)
            group.append(waiting)
        if patient:
            self._crowd.came(len(group))
        return group, last

    def _serve(self, group: list[Waiting]) -> None:
        begin = self._last_begun = time.monotonic()
        try:
            outcomes = self._commit([operation for operation, _ in group])
        except BaseException as error:  # whatever it is, nobody may wait for ever
            for _, future in group:
                future.set_exception(error)
            return
        self._last_size, self._last_s = len(group), time.monotonic() - begin
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
