"""One core for the threads that answer calls.

Python runs one thread at a time. Where two cores are free, a thread that gives the interpreter's lock away
for a moment finds it taken by one that was woken on the other core, and a call costs half as much again
(benchmarks/LOG.md has what was measured). Threads of one core hand it over when they have nothing to do.

    thread of a call, at home -> a turn of work that lasts (images, searches, writes): every core -> at home

Whatever a thread starts runs where it does: searches and their helpers leave first.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

LOOK_S = 0.1
"""How long cores are looked at before one is chosen, seconds."""

STAT = Path("/proc/stat")
IDLE_COLUMNS = (3, 4)
"""Of a core's times in `STAT`: idle, and waiting for a disk."""


class Home:
    """A core, and the others that this process may use.

    Parameters
    ----------
    core : int, optional
        One of `cores`; by default that which others use least just now.
    cores : set of int, optional
        By default those that the calling thread may use.

    Attributes
    ----------
    core : int
    """

    def __init__(self, core: int | None = None, cores: frozenset[int] | None = None) -> None:
        self._cores = cores if cores is not None else frozenset(os.sched_getaffinity(0))
        self.core = core if core is not None else _idlest(self._cores)

    def begin(self) -> None:
        """Have the calling thread run here from now on."""
        self._move(0, frozenset({self.core}))

    def adopt(self, threads: Iterable[threading.Thread]) -> None:
        """Have other threads of this process run here from now on."""
        for thread in threads:
            if thread.native_id is not None:
                self._move(thread.native_id, frozenset({self.core}))

    def leave(self) -> frozenset[int] | None:
        """Let the calling thread run everywhere; return what `back` wants, None where it does already."""
        before = frozenset(os.sched_getaffinity(0))
        if before == self._cores:
            return None
        self._move(0, self._cores)
        return before

    def back(self, before: frozenset[int] | None) -> None:
        """Have the calling thread run where it did before it left."""
        if before is not None:
            self._move(0, before)

    def _move(self, thread: int, cores: frozenset[int]) -> None:
        # A thread that has ended, or cores that were taken away: where it runs is a matter of speed.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(thread, cores)


def home_of_calls() -> Home | None:
    """Return a home where that helps: where threads can be given cores, and there are several."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None
    return Home()


def _idlest(cores: frozenset[int]) -> int:
    """Return the core that did least in a moment; of equals not the same for every process."""
    before = _busy()
    time.sleep(LOOK_S)
    after = _busy()
    turn = os.getpid()
    return min(sorted(cores), key=lambda c: (after.get(c, 0) - before.get(c, 0), (c + turn) % len(cores)))


def _busy() -> dict[int, int]:
    """Return the ticks in which each core was not idle; empty where the system does not tell."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for line in STAT.read_text().splitlines():
            name, *times = line.split()
            if name.startswith("cpu") and name != "cpu":
                ticks = [int(value) for value in times]
                found[int(name[3:])] = sum(ticks) - sum(ticks[column] for column in IDLE_COLUMNS)
    return found
