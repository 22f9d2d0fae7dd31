"""Where entries wait for their group: whoever brings one wakes the writer only when it has something to do.

A queue would wake it for every entry, and each waking takes the interpreter from those who verify.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """A bounded queue that one thread empties a group at a time.

    Parameters
    ----------
    most : int
        Entries that wait; more are not taken.
    linger_s : float
        How long a group waits for as many entries as are expected, seconds.
    """

    def __init__(self, most: int, linger_s: float) -> None:
        self._most, self._linger_s = most, linger_s
        self._lock = threading.Lock()
        self._waiting: list[T] = []
        self._wanted = 0
        self._call = threading.Lock()  # released once for each time that `_wanted` is set back by others
        self._call.acquire()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, entry: T) -> bool:
        """Bring an entry; False where too many wait, or nobody takes them any more."""
        with self._lock:
            if self._closed or len(self._waiting) >= self._most:
                return False
            self._waiting.append(entry)
            if not 0 < self._wanted <= len(self._waiting):
                return True
            self._wanted = 0
        self._call.release()
        return True

    def take(self, most: int, expected: int) -> list[T]:
        """Return the next group, in the order in which they came; an empty one once all is over.

        Parameters
        ----------
        most : int
            Entries of a group.
        expected : int
            Waited for a little once there is one.
        """
        self._wait(1, None)
        self._wait(min(expected, most), self._linger_s)
        with self._lock:
            group, self._waiting = self._waiting[:most], self._waiting[most:]
        return group

    def close(self) -> None:
        """Take no more; what waits is still given out."""
        with self._lock:
            self._closed = True
            called, self._wanted = self._wanted > 0, 0
        if called:
            self._call.release()

    def _wait(self, wanted: int, timeout: float | None) -> None:
        """Return once so many wait, the time is up, or nobody brings any more."""
        with self._lock:
            if self._closed or len(self._waiting) >= wanted:
                return
            self._wanted = wanted
        if self._call.acquire(timeout=-1 if timeout is None else timeout):
            return
        with self._lock:
            called, self._wanted = self._wanted == 0, 0
        if called:  # in the very moment in which it gave up
            self._call.acquire()
