"""What memory needs now and then, in the background: small segments of the shortlist become large ones."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from matcher.gallery.memory import Memory
from matcher.safe_log import log_defect

logger = logging.getLogger(__name__)

EVERY_CHANGES = 4_096
"""Changes between two rounds: by then a few blocks are full."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What a gallery has still to do.

    Attributes
    ----------
    queued_writes : int
        Requests that wait for a commit.
    changes_since_upkeep : int
        Changes since the index was last put in order.
    upkeep_age_s : float
        Seconds since then, or since the gallery was read.
    changes_since_snapshot : int
        Changes that a restart would replay; 0 where no snapshot is kept.
    """

    queued_writes: int
    changes_since_upkeep: int
    upkeep_age_s: float
    changes_since_snapshot: int


class Upkeep:
    """Starts a round when one is due; called on the writer's thread."""

    def __init__(self) -> None:
        self._done = 0
        self._running: threading.Thread | None = None
        self._began = time.monotonic()

    def behind(self, sequence: int) -> int:
        """Return how many changes up to `sequence` came since the last round began."""
        return max(sequence - self._done, 0)

    @property
    def age_s(self) -> float:
        """Seconds since the last round began, or since the start."""
        return time.monotonic() - self._began

    def consider(self, memory: Memory) -> None:
        """Begin a round if enough was written since the last and none is running."""
        if memory.sequence - self._done < EVERY_CHANGES:
            return
        if self._running is not None and self._running.is_alive():
            return
        self._done, self._began = memory.sequence, time.monotonic()
        self._running = threading.Thread(target=_round, args=(memory,), name="upkeep", daemon=True)
        self._running.start()

    def finish(self) -> None:
        """Wait for the round that is running."""
        if self._running is not None:
            self._running.join()


def _round(memory: Memory) -> None:
    try:
        memory.shortlist.maintain()
    except Exception as error:
        log_defect(logger, "Upkeep of the shortlist failed; searches go on without it", error)
