"""How long a caller still waits, carried down to the loops that do the work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TypeVar

from matcher.errors import DeadlineError

T = TypeVar("T")


def _never() -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When to stop.

    Attributes
    ----------
    remaining : callable
        Returns the seconds left, 0 or less once the caller has gone, None without a limit.
    """

    remaining: Callable[[], float | None] = _never

    def check(self) -> None:
        """Raise DeadlineError if nobody waits any more."""
        left = self.remaining()
        if left is not None and left <= 0:
            raise _passed()

    def wait(self, future: Future[T]) -> T:
        """Return the future's result; work that has not begun when the time is up is called off.

        Work that has begun is waited for: whether a commit happened must not be guessed.

        Raises
        ------
        DeadlineError
            If the work was called off.
        """
        # Not `check` first: what is queued would go on, and the caller be told that it was called off.
        try:
            return future.result(self.remaining())
        except FutureTimeoutError:
            if future.done() and not future.cancelled():
                return future.result()
            if future.cancel():
                raise _passed() from None
            return future.result()


def _passed() -> DeadlineError:
    return DeadlineError("The caller's deadline passed.", hint="Allow more time, or send fewer samples.")


FOREVER = Deadline()
"""No limit."""
