"""The memory of the next generation, made beside the one that is searched and kept in step with it.

    store as it is after the switch -> memory -> changes that came meanwhile -> in step -> the switch takes it

While it is there, the gallery takes about twice the room. Only the store's writer thread applies changes.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from matcher.errors import NotReadyError
from matcher.gallery.memory import Memory
from matcher.gallery.records import Change, ChangeKind
from matcher.safe_log import log_defect

logger = logging.getLogger(__name__)


class NextMemory:
    """What the switch takes into use, once it is made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory: Memory | None = None
        self._waiting: list[Change] | None = None

    @property
    def memory(self) -> Memory | None:
        """The memory, in step with the store; None while there is none."""
        return self._memory

    def make(self, build: Callable[[], Memory]) -> None:
        """Make it, on the caller's thread; what was made before is dropped.

        Parameters
        ----------
        build : callable
            Reads the store as it stands when it is called, or later.
        """
        with self._lock:
            self._memory, self._waiting = None, []
        try:
            memory = build()
            while batch := self._batch():
                memory.apply(batch)
            with self._lock:
                if self._waiting is not None:  # else it was dropped meanwhile
                    memory.apply(self._waiting)
                    self._memory, self._waiting = memory, None
        except BaseException:
            self.drop()
            raise

    def _batch(self) -> list[Change]:
        """Return the changes that came meanwhile."""
        with self._lock:
            if not self._waiting:
                return []
            batch, self._waiting = self._waiting, []
            return batch

    def drop(self) -> None:
        """Forget it."""
        with self._lock:
            self._memory = self._waiting = None

    def take_over(self, changes: Sequence[Change]) -> None:
        """Keep in step; called for every change. Whatever goes wrong here costs only this memory."""
        with self._lock:
            if self._memory is None and self._waiting is None:
                return
            own = [followed(change) for change in changes]
            if self._waiting is not None:
                self._waiting += own
            elif self._memory is not None:
                try:
                    self._memory.apply(own)
                except Exception as error:
                    log_defect(logger, "The next generation is out of step: it is made anew", error)
                    self._memory = None

    def taken(self) -> Memory:
        """Return it for use; it is no longer here then.

        Raises
        ------
        NotReadyError
            If there is none.
        """
        with self._lock:
            memory, self._memory, self._waiting = self._memory, None, None
        if memory is None:
            raise NotReadyError("The next generation is not in memory.", hint="It is read from the store.")
        return memory


def followed(change: Change) -> Change:
    """Return a change with what the next generation's memory shall hold."""
    return change if change.following is None else replace(change, resident=change.following, following=None)


class FormerMemory:
    """The memory that was in use before a switch, for the searches that go on in it.

    It learns of deletions as long as somebody holds it, so no search names somebody who was deleted before
    its reply; who is enrolled meanwhile is not in it.
    """

    def __init__(self) -> None:
        self._memory: weakref.ref[Memory] | None = None

    def hold(self, memory: Memory) -> None:
        """Follow this one, as long as there is another reference to it."""
        self._memory = weakref.ref(memory)

    def take_over(self, changes: Sequence[Change]) -> None:
        """Pass changes on."""
        memory = None if self._memory is None else self._memory()
        if memory is None:
            self._memory = None
            return
        try:
            memory.apply([replace(c, resident=()) if c.kind is ChangeKind.ENROLL else c for c in changes])
        except Exception as error:
            log_defect(logger, "Searches that began before the switch go on without later changes", error)
            self._memory = None


def runs(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield changes in order, cut behind every switch."""
    run: list[Change] = []
    for change in changes:
        run.append(change)
        if change.kind is ChangeKind.SWITCH:
            yield run
            run = []
    if run:
        yield run
