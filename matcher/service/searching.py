"""How a server searches: on threads that give way to short calls, those of one shape that wait together.

    whose turn it is -> takes along who waits with a question of the same shape -> all answered at once

Nobody waits for others to come: a search that finds nobody waiting runs alone, on all cores.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from matcher.answers import Identification
from matcher.batches import Question
from matcher.deadline import Deadline
from matcher.errors import InternalError
from matcher.gallery.together import helpers_begin_with
from matcher.service.turns import Queue

T = TypeVar("T")

MOST_TOGETHER = 8
"""Most questions that are answered at once."""

LATENCY_BUDGET_S = 0.5
"""How long answering several at once may take: who is first among them waits for the last, seconds."""

NICE = 10
"""Of the threads that search: where cores are short a verification has nine parts of one, a search one part
(Linux gives a nice level a tenth of the time more or less)."""

Answers = Callable[[Sequence[Question]], Sequence[Identification | Exception]]
"""Answers questions together."""


class Searching:
    """The searches of a server; safe to use from many threads.

    Parameters
    ----------
    queue : Queue
        Of searches.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        helpers_begin_with(self._begin)
        self._pool = ThreadPoolExecutor(
            queue.limits.running, thread_name_prefix="searches", initializer=self._begin
        )

    def run(self, work: Callable[[], T]) -> T:
        """Do the work of a turn on a thread that gives way to others, and return what it gave."""
        return self._pool.submit(contextvars.copy_context().run, work).result()

    def answer(
        self,
        question: Question,
        answers: Answers,
        priority: int,
        *,
        streamed: bool,
        wake: Callable[[Callable[[], None]], object],
    ) -> Identification:
        """Wait for a turn and answer a question, together with others of its shape that wait.

        Parameters
        ----------
        question : Question
            Its deadline is that of who waits.
        answers : callable
        priority, streamed, wake
            As `Queue.turn` takes them.

        Raises
        ------
        OverloadedError, DeadlineError
            As `Queue.turn`.
        Exception
            What answering this question raised.
        """
        deadline: Deadline = question.deadline
        with self._queue.turn(deadline, priority, streamed=streamed, wake=wake, asked=question) as turn:
            answer: Identification | Exception | None = turn.answer
            if answer is None:
                others = turn.take_along(question.alike, self._most() - 1)
                asked = [question, *(ticket.asked for ticket in others)]
                found: Sequence[Identification | Exception] = ()
                try:
                    found = self.run(lambda: answers(asked))
                finally:
                    # Whatever happened, nobody who was taken along may wait for ever.
                    lost = [InternalError("A search that others waited for failed.")] * len(asked)
                    told = [*found, *lost[len(found) :]]
                    turn.tell(others, told[1:])
                answer = told[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _begin(self) -> None:
        give_way()
        if self._queue.home is not None:
            self._queue.home.leave()

    def _most(self) -> int:
        """Return how many questions may be answered at once, by the mean time of one."""
        mean = self._queue.mean_s
        return MOST_TOGETHER if mean <= 0 else min(max(int(LATENCY_BUDGET_S / mean), 1), MOST_TOGETHER)


def give_way() -> None:
    """Have the calling thread, and those that it starts, give way to others, where a thread can."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
