"""Enrolments on their way: submitted, but perhaps not yet in memory. Uniqueness is checked against them too.

An enrolment is entered here before it is queued, and leaves once it is committed and in memory, or refused.
So whoever reads the entries first and memory's view then has seen everybody who was queued before: a person
is in one of the two, or in both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from matcher.gallery.operations import Enrolment
from matcher.gallery.records import Receipt
from matcher.template.modality import Template


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """An enrolment on its way.

    Attributes
    ----------
    subject_id : str
    templates : tuple of Template
    done : Future
        Ends when the enrolment is in memory, or refused.
    """

    subject_id: str
    templates: tuple[Template, ...]
    done: Future[Receipt]


class Reservations:
    """Enters enrolments in the order in which they are queued.

    Parameters
    ----------
    submit : callable
        Queues an enrolment.
    """

    def __init__(self, submit: Callable[[Enrolment], Future[Receipt]]) -> None:
        self._submit = submit
        self._lock = threading.RLock()
        self._entries: dict[int, Reservation] = {}
        self._last = 0

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Keep everybody else from entering: what was checked stays true until the caller has entered."""
        with self._lock:
            yield

    def entries(self) -> dict[int, Reservation]:
        """Return what is on its way, by a number that is never used again. Look at memory afterwards."""
        return self._entries.copy()

    def enter(self, enrolment: Enrolment, templates: Sequence[Template]) -> Future[Receipt]:
        """Queue an enrolment; the future is done once it is durable and in memory, or refused."""
        with self._lock:
            self._last += 1
            number = self._last
            done = self._submit(enrolment)
            self._entries[number] = Reservation(enrolment.subject_id, tuple(templates), done)
        done.add_done_callback(lambda _: self._entries.pop(number, None))
        return done
