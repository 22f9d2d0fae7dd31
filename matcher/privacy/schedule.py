"""Shares drawn anew every so often, so that thefts from two parties in two periods are worthless together.

Party 0, which orders all operations, keeps the time: it reads from its own store when its shares were drawn,
so that restarts do not move the next refresh. A refresh needs all three. Where one is away it is put off and
tried again, with the reason in the log; a party that comes back is brought in step first. All three compare
generations before every operation: a refresh that a crash cuts off has happened at all of them or at none.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable

from matcher.errors import ArgumentError, MatcherError, PrivacyError
from matcher.privacy.party import LEADER, Party
from matcher.v1 import privacy_pb2 as pb

logger = logging.getLogger(__name__)

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

MAX_RETRY_S = 60.0
"""Between attempts while a party is away, seconds, at most; a tenth of the period where that is less."""

RETRY_SHARE = 0.1


def period_of(text: str) -> float:
    """Return the seconds of a period: a number above 0 and s, m, h or d, such as 24h.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", text.strip())
    seconds = float(found[1]) * UNITS_S[found[2]] if found else 0.0
    if not seconds:
        raise ArgumentError(f"Period: expected a number and s, m, h or d, such as 24h, got {text!r}.")
    return seconds


class RefreshSchedule:
    """Refreshes the shares of all three parties whenever party 0's are older than a period.

    Parameters
    ----------
    party : Party
        Party 0.
    every_s : float
        The period, seconds, above 0.
    clock : callable, optional
        Seconds since 1970.

    Raises
    ------
    ArgumentError
        If the party is another.
    """

    def __init__(self, party: Party, every_s: float, clock: Callable[[], float] = time.time) -> None:
        if party.index != LEADER:
            raise ArgumentError(
                f"Refresh: party {LEADER} keeps the time, this is party {party.index}.",
                hint=f"Give party {LEADER} the period, and it alone.",
            )
        if every_s <= 0:
            raise ArgumentError(f"Refresh: expected a period above 0, got {every_s}.")
        self._party, self._every_s, self._clock = party, every_s, clock
        self.retry_s = min(MAX_RETRY_S, RETRY_SHARE * every_s)

    @property
    def due_in_s(self) -> float:
        """Seconds until the next refresh, 0 where it is due; a clock set back counts as one period."""
        left = self._party.store.drawn_at + self._every_s - self._clock()
        return min(max(left, 0.0), self._every_s)

    def refresh(self) -> bool:
        """Refresh now; return whether all three did. Says in the log why not."""
        try:
            self._party.lead(pb.RunOperationRequest(kind=pb.OPERATION_KIND_REFRESH))
        except PrivacyError as error:
            logger.warning("Refresh put off, tried again in %.0f s: %s", self.retry_s, error)
        except MatcherError as error:
            # Ids may stand in other messages: the log has the reason alone.
            logger.warning("Refresh put off, tried again in %.0f s: %s", self.retry_s, error.reason)
        except OSError as error:
            logger.warning("Refresh put off, tried again in %.0f s: %s", self.retry_s, error.strerror)
        else:
            logger.info("Shares refreshed: generation %d", self._party.store.generation)
            return True
        return False

    def run(self, stop: threading.Event) -> None:
        """Refresh whenever it is due, until `stop`."""
        wait = self.due_in_s
        while not stop.wait(wait):
            refreshed = self.due_in_s > 0 or self.refresh()
            wait = self.due_in_s if refreshed else self.retry_s
