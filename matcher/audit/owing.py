"""A log that owes nothing for long: what was done and could not be entered is entered before anything else.

A change is committed before its entry is written. Where the entry then fails, the caller is told so, and the
entry is owed: until it is in the log nothing else is begun. What a crash takes of it the next start enters
(`service.recover`).
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from matcher.audit.entry import Entry, change_in
from matcher.audit.log import AuditLog
from matcher.errors import AuditUnavailableError


class OwingLog:
    """An `AuditLog` that keeps what it could not write of changes; safe to use from many threads.

    Parameters
    ----------
    log : AuditLog
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._owed: deque[Entry] = deque()
        self._turn = threading.Lock()

    def submit(self, entry: Entry) -> Future[int]:
        """Queue an entry; see `AuditLog.submit`. Where it is of a change and fails, it is owed."""
        try:
            done = self._log.submit(entry)
        except AuditUnavailableError:
            self._owe(entry)
            raise
        if change_in(entry) is not None:

            def look(ended: Future[int]) -> None:
                if ended.exception() is not None:
                    self._owe(entry)

            done.add_done_callback(look)
        return done

    def append(self, entry: Entry) -> int:
        """Write an entry; see `AuditLog.append`. Where it is of a change and fails, it is owed."""
        try:
            return self._log.append(entry)
        except AuditUnavailableError:
            self._owe(entry)
            raise

    def settle(self) -> None:
        """Write what is owed; called before anything is begun.

        Raises
        ------
        AuditUnavailableError
            If it cannot be written yet: nothing may be begun.
        """
        if not self._owed:
            return
        with self._turn:
            while self._owed:
                self._log.append(self._owed[0])
                self._owed.popleft()

    def _owe(self, entry: Entry) -> None:
        if change_in(entry) is not None:
            self._owed.append(entry)
