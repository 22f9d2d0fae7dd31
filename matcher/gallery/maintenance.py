"""Work on an index beside searches and changes: one thread that runs it again and again, and stops cleanly.

    with Maintenance(index.maintain) as upkeep:
        ...  # add, remove, search
        upkeep.wake()  # much has changed: look at once

`work` says whether there was anything to do; it is called until there is nothing, then after every pause or
`wake`. An error of it is logged without its text and tried again after the next pause: searches go on with
what there was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from matcher.errors import ArgumentError
from matcher.safe_log import log_defect

PAUSE_S = 5.0
"""Seconds between two looks where nobody wakes the thread."""

logger = logging.getLogger(__name__)


class Maintenance:
    """A thread that keeps something in order.

    Parameters
    ----------
    work : callable
        Returns whether there was anything to do. Never called by two threads at once by one Maintenance.
    pause_s : float
        Seconds from one look that found nothing, or failed, to the next; above 0.

    Raises
    ------
    ArgumentError
        If `pause_s` is not above 0.
    """

    def __init__(self, work: Callable[[], bool], *, pause_s: float = PAUSE_S) -> None:
        if not pause_s > 0:
            raise ArgumentError(f"Maintenance: expected a pause above 0 seconds, got {pause_s}.")
        self._work, self._pause_s = work, pause_s
        self._changed = threading.Condition()
        self._wanted = 0
        self._idle_since = -1
        self._failures = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    @property
    def failures(self) -> int:
        """Runs that ended in an error."""
        return self._failures

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def start(self) -> Maintenance:
        """Begin; the first look is at once. A Maintenance starts once."""
        self._thread.start()
        return self

    def wake(self) -> None:
        """Look at once, or once more after the run that is going on."""
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wake the thread, and return whether within that time a look that began afterwards found nothing."""
        with self._changed:
            self._wanted += 1
            asked = self._wanted
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._idle_since >= asked, timeout_s)

    def close(self) -> None:
        """End after the run that is going on, and wait for that. May be called again, and without `start`."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Maintenance:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stopping:
            seen = self._wanted
            try:
                busy = self._work()
            except Exception as error:
                log_defect(logger, "maintenance failed", error)
                busy = False
                self._failures += 1
            else:
                if not busy:
                    self._idle_since = seen
            with self._changed:
                self._changed.notify_all()
                if not busy and self._wanted == seen and not self._stopping:
                    # Whatever notifies wants a look, or the end.
                    self._changed.wait(self._pause_s)
