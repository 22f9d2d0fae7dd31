"""A turn while it is held, and a place in the queue while it is waited for; see `matcher.service.turns`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from matcher.deadline import Deadline

if TYPE_CHECKING:
    from matcher.service.turns import Queue

DEFAULT_PRIORITY = 5
"""Of a call that names none."""


@dataclass(slots=True)
class Ticket:
    """Somebody who waits: until a turn is given, or somebody else's turn gave the answer."""

    priority: int
    streamed: bool
    number: int
    asked: Any = None
    given: bool = False
    taken_along: bool = False
    answer: Any = None
    called: threading.Event = field(default_factory=threading.Event)

    @property
    def order(self) -> tuple[int, bool, int]:
        """Smaller is sooner."""
        return -self.priority, self.streamed, self.number


class Turn:
    """One turn, held from `with` to its end; see `Queue.turn`.

    Attributes
    ----------
    answer : object or None
        Of what was asked, where somebody else's turn gave it: then this is no turn, nothing is to be done.
    """

    __slots__ = ("_asked", "_away", "_began", "_queue", "_shared", "answer")

    def __init__(
        self,
        queue: Queue,
        deadline: Deadline,
        priority: int,
        streamed: bool,
        wake: Callable[[Callable[[], None]], object] | None,
        asked: Any,
    ) -> None:
        self._queue, self._asked = queue, (deadline, priority, streamed, wake, asked)
        self._began, self._shared, self.answer = 0.0, 1, None
        self._away: frozenset[int] | None = None

    def __enter__(self) -> Turn:
        deadline, priority, streamed, wake, asked = self._asked
        ticket = self._queue._enter(deadline, priority, streamed, asked)
        if ticket is not None:
            self._queue._wait(ticket, deadline, wake)
            if not ticket.given:
                self.answer, self._shared = ticket.answer, 0
        if self._queue.home is not None:
            self._away = self._queue.home.leave()
        self._began = self._queue._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._queue.home is not None:
            self._queue.home.back(self._away)
        if self._shared:
            self._queue._leave((self._queue._clock() - self._began) / self._shared)

    def take_along(self, alike: Callable[[Any], bool], most: int) -> list[Ticket]:
        """Take those who wait with what is alike into this turn, at most so many; each is to be told."""
        found = self._queue._take_along(alike, most) if most > 0 else []
        self._shared += len(found)
        return found

    def tell(self, tickets: Sequence[Ticket], answers: Sequence[Any]) -> None:
        """Give those who were taken along their answers, none of which is None."""
        for ticket, answer in zip(tickets, answers, strict=True):
            ticket.answer = answer
            ticket.called.set()
