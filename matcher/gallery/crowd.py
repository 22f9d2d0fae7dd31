"""How many writes are worth waiting for before a commit: learnt from how many came.

A commit takes some 0.7 ms of CPU beside what each of its writes takes, and an fsync. People who are enrolled
at a steady rate come one by one, a few milliseconds apart: a commit of their own for each would be most of
what they cost, and searches beside them pay for it. So a group waits a moment for as many as came lately; a
caller by himself is not kept waiting for others that never come, or seldom.
"""

from __future__ import annotations

ENOUGH = 8
"""Writes of a group from which on its commit is a small part of what they cost."""

FIRST_TRIAL, LAST_TRIAL = 4, 64
"""Groups that came up to what was expected before one more is waited for; doubled whenever it was in vain."""

MOST_SHORT = 2
"""Groups in a row that stay below what is expected before less is expected."""


class Crowd:
    """What the sizes of groups so far say about the next; for one thread.

    Attributes
    ----------
    expected : int
        Writes that come close together, 1 to `ENOUGH`.
    """

    def __init__(self) -> None:
        self.expected = 1
        self._trying = False
        self._trial = FIRST_TRIAL
        self._met = 0
        self._short = 0

    def wanted(self) -> int:
        """Return how many writes the next group should wait for; now and then it is one more than came."""
        self._trying = self.expected < ENOUGH and self._met >= self._trial
        return self.expected + int(self._trying)

    def came(self, size: int) -> None:
        """Take in how many the group had at the end of its wait."""
        if size > self.expected:
            self._expect(size)
        elif size == self.expected:
            self._short = 0
            self._met += 1
            if self._trying:
                self._met, self._trial = 0, min(2 * self._trial, LAST_TRIAL)
        else:
            self._short += 1
            if self._short == MOST_SHORT or 2 * size <= self.expected:
                self._expect(size)

    def _expect(self, size: int) -> None:
        if min(size, ENOUGH) != self.expected:
            self._trial = FIRST_TRIAL
        self.expected = min(size, ENOUGH)
        self._met = self._short = 0
