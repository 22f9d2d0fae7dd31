"""How long each stage of the work takes, told to whoever asks: metrics, traces. Nearly free else.

The names are a contract with dashboards; each is the work of one thread from its begin to its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum


class Stage(StrEnum):
    """A part of a request's way."""

    READ = "read"
    """A sample becomes templates: decoding of an image and extraction, or decoding of a template."""

    PROPOSE = "propose"
    """The indexes name subjects who may be the probe's."""

    QUICK = "quick"
    """Those are scored by the forms that lie in memory."""

    FULL = "full"
    """The likely ones are scored in full."""

    COMMIT = "commit"
    """A group of changes is written and made durable."""

    APPLY = "apply"
    """Committed changes are taken over into memory."""


Observer = Callable[[Stage, int, int], None]
"""Gets a stage with its begin and end, nanoseconds of `time.time_ns`, on the thread that did the work.

It must neither raise nor wait.
"""

_observers: tuple[Observer, ...] = ()
_changing = threading.Lock()
_NOTHING = nullcontext()


def stage(name: Stage) -> AbstractContextManager[None]:
    """Return what measures a stage from its `with` to its end, also where that is an exception."""
    return _measured(name) if _observers else _NOTHING


@contextmanager
def _measured(name: Stage) -> Iterator[None]:
    wall, begin = time.time_ns(), time.perf_counter_ns()
    try:
        yield
    finally:
        end = wall + time.perf_counter_ns() - begin
        for observer in _observers:
            observer(name, wall, end)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Have every stage of this process told to `observer` until the block ends."""
    global _observers  # replaced whole, so readers need no lock
    with _changing:
        _observers = (*_observers, observer)
    try:
        yield
    finally:
        with _changing:
            # Taken out once: the same observer may have been given twice.
            kept = list(_observers)
            kept.remove(observer)
            _observers = tuple(kept)
