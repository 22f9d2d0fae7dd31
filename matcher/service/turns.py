"""Whose turn it is: work of each kind waits in a bounded queue of its own, the most urgent first.

A call takes a turn for the work that it is, and does it on its own thread:

    kind of work -> free turn: begins | queue: waits by priority | queue full, or hopeless: refused at once

- Kinds do not wait for each other: verifications never stand behind searches.
- Of those who wait the highest priority is next; of one priority calls go before items of streams, and each
  of these in order of arrival. Every `AGED`th turn goes to who has waited longest: nobody waits for ever.
- A call whose deadline will have passed before its turn is refused at once, by the mean time of a turn.
- Who gives up or goes away while waiting leaves the queue at once.
- Who has a turn may take along others that wait with the same kind of question, and answer them too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from matcher.deadline import Deadline
from matcher.errors import OverloadedError
from matcher.service.home import Home
from matcher.service.turn import DEFAULT_PRIORITY, Ticket, Turn

PRIORITIES = range(10)
"""0 is last, 9 first."""

AGED = 4
"""Every so many turns the longest waiting is next, whatever its priority."""

MEMORY = 0.1
"""Weight of the last turn in the mean time of a turn."""

LEAST_RETRY_S = 0.05
"""Shortest wait that a refused caller is told, seconds."""


class Work(StrEnum):
    """Kinds of work, by what they wait for."""

    VERIFY = "verify"
    """Comparisons of a few templates: about a millisecond of one core."""

    EXTRACT = "extract"
    """Anything with images but a search: tens to hundreds of milliseconds of one core."""

    SEARCH = "search"
    """1:N: all cores for a while."""

    STORE = "store"
    """Reads and writes of the store: waits for the disk."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one kind there may be at a time.

    Attributes
    ----------
    running : int
        Turns.
    waiting : int
        Calls that wait; more are refused. Items of streams do not count: each stream has few.
    """

    running: int
    waiting: int


def default_limits(cores: int | None = None) -> Mapping[Work, Limits]:
    """Return limits for this many cores, by default those that this process may use."""
    cores = cores or len(os.sched_getaffinity(0))
    return {
        # Python runs one thread at a time; a second one runs while the first is inside a kernel.
        Work.VERIFY: Limits(cores, 64),
        Work.EXTRACT: Limits(cores, 32),
        # A search uses all cores by itself; the second prepares its probe meanwhile.
        Work.SEARCH: Limits(2, 32),
        # Writers wait for one disk together: the more there are, the larger the groups that are committed.
        Work.STORE: Limits(32, 64),
    }


class Queue:
    """The turns of one kind of work.

    Parameters
    ----------
    work : Work
    limits : Limits
    clock : callable
        Seconds.
    home : Home, optional
        Which threads leave for a turn, where they live at one.
    """

    def __init__(
        self,
        work: Work,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        home: Home | None = None,
    ) -> None:
        self.work, self.limits, self.home = work, limits, home
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: list[Ticket] = []
        self._running = 0
        self._turns = 0
        self._arrivals = 0
        self._mean_s = 0.0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._tickets)

    @property
    def running(self) -> int:
        """How many turns are taken."""
        return self._running

    @property
    def mean_s(self) -> float:
        """Mean time of a turn, late ones counting more, seconds."""
        return self._mean_s

    def turn(
        self,
        deadline: Deadline,
        priority: int = DEFAULT_PRIORITY,
        *,
        streamed: bool = False,
        wake: Callable[[Callable[[], None]], object] | None = None,
        asked: Any = None,
    ) -> Turn:
        """Return what holds a turn from its `with` to its end; waits for it there where none is free.

        Parameters
        ----------
        deadline : Deadline
            Of who waits.
        priority : int
            0 (last) to 9 (first).
        streamed : bool
            Whether it is an item of a stream: it gives way to calls of its priority, and is never refused.
        wake : callable, optional
            Registers what is to be called when the caller goes away.
        asked : object, optional
            What others may answer in their turn, see `Turn.take_along`.

        Raises
        ------
        OverloadedError
            At the `with`, if too many wait, or the deadline would pass first.
        DeadlineError
            There, if the caller's deadline passed, or the caller went away, while it waited.
        """
        return Turn(self, deadline, priority, streamed, wake, asked)

    def _enter(self, deadline: Deadline, priority: int, streamed: bool, asked: Any) -> Ticket | None:
        """Take a free turn and return None, or return a place in the queue."""
        with self._lock:
            if self._running < self.limits.running and not self._tickets:
                self._running += 1
                return None
            if not streamed:
                self._refuse_hopeless(deadline, priority)
            self._arrivals += 1
            ticket = Ticket(priority, streamed, self._arrivals, asked)
            self._tickets.append(ticket)
            return ticket

    def _refuse_hopeless(self, deadline: Deadline, priority: int) -> None:
        calls = [ticket for ticket in self._tickets if not ticket.streamed]
        before = sum(ticket.priority >= priority for ticket in calls)
        expected = self._mean_s * (before + 1) / self.limits.running
        left = deadline.remaining()
        if len(calls) >= self.limits.waiting or (left is not None and 0 < left < expected):
            raise OverloadedError(
                f"Too many calls wait for {self.work} already.",
                hint="Send the call again after the time that the reply says.",
                retry_after_s=max(expected, LEAST_RETRY_S),
            )

    def _wait(
        self, ticket: Ticket, deadline: Deadline, wake: Callable[[Callable[[], None]], object] | None
    ) -> None:
        if wake is not None:
            wake(ticket.called.set)
        try:
            while not ticket.given and ticket.answer is None:
                deadline.check()
                ticket.called.wait(deadline.remaining())
                ticket.called.clear()
        except BaseException:
            with self._lock:
                if ticket.given:  # in the very moment in which it was given up
                    self._running -= 1
                    self._call_next()
                elif not ticket.taken_along:
                    self._tickets.remove(ticket)
            raise

    def _take_along(self, alike: Callable[[Any], bool], most: int) -> list[Ticket]:
        """Take those who asked alike out of the queue, the most urgent first, at most so many."""
        with self._lock:
            found = [ticket for ticket in self._tickets if ticket.asked is not None and alike(ticket.asked)]
            found = sorted(found, key=lambda ticket: ticket.order)[:most]
            for ticket in found:
                ticket.taken_along = True
                self._tickets.remove(ticket)
        return found

    def _leave(self, taken_s: float) -> None:
        with self._lock:
            self._running -= 1
            self._mean_s += MEMORY * (taken_s - self._mean_s) if self._mean_s else taken_s
            self._call_next()

    def _call_next(self) -> None:
        while self._tickets and self._running < self.limits.running:
            self._turns += 1
            aged = self._turns % AGED == 0
            chosen = min(self._tickets, key=(lambda t: t.number) if aged else (lambda t: t.order))
            self._tickets.remove(chosen)
            self._running += 1
            chosen.given = True
            chosen.called.set()


class Turns:
    """The queues of all kinds of work.

    Parameters
    ----------
    limits : mapping of Work to Limits, optional
        By default as this machine can bear.
    home : Home, optional
        Of the threads that take turns; they stay there for verifications, which are short.
    """

    def __init__(self, limits: Mapping[Work, Limits] | None = None, home: Home | None = None) -> None:
        chosen = limits if limits is not None else default_limits()
        self.home = home
        self.queues = {
            work: Queue(work, chosen[work], home=None if work is Work.VERIFY else home) for work in Work
        }

    def waiting(self) -> dict[str, int]:
        """Return how many wait for each kind of work."""
        return {work.value: queue.waiting for work, queue in self.queues.items()}
