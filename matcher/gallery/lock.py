"""One engine process owns a store: an operating system lock on a file beside it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from matcher.errors import StoreLockedError, StoreUnavailableError


class FileLock:
    """An exclusive lock that the kernel releases when its holder dies, however it dies.

    Parameters
    ----------
    path : Path
        The lock file; made if missing, never removed (removing it would let two holders in).
    what, hint : str
        What is owned, and what to do where another process owns it.

    Raises
    ------
    StoreLockedError
        If another process holds it.
    StoreUnavailableError
        If the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        what: str = "store",
        hint: str = "Send writes to that server, or stop it first.",
    ) -> None:
        try:
            self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(
                f"The lock file {path} cannot be opened: {error.strerror}.",
                hint="Check that the folder exists and can be written to.",
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise StoreLockedError(
                f"Another process{f' (id {holder})' if holder else ''} owns this {what}.",
                hint=hint,
            ) from error
        try:
            # Only for the message above; the lock does not need it, so a full disk is no matter.
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass

    def release(self) -> None:
        """Give the lock back; harmless when repeated."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
