"""What memory needs now and then, in the background: small segments of the shortlist become large ones, and
full blocks of embeddings get their inverted file. And once a day what was deleted leaves the segments.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matcher.gallery.memory import Memory
from matcher.gallery.sealed import has_embeddings, index_blocks
from matcher.gallery.search import Scorer
from matcher.safe_log import log_defect
from matcher.types import Modality

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
    """Starts a round when one is due; called on the writer's thread.

    Parameters
    ----------
    scorers : mapping of Modality to Scorer
        Asked for where memory has samples of their modality.
    """

    def __init__(self, scorers: Mapping[Modality, Scorer]) -> None:
        self._scorers = scorers
        self._done = 0
        self._due = False
        self._stopping = threading.Event()
        self._running: threading.Thread | None = None
        self._shedding: threading.Thread | None = None
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
        if self._due or memory.sequence - self._done >= EVERY_CHANGES:
            self.begin(memory)

    def begin(self, memory: Memory) -> None:
        """Begin a round of a memory that was just read, or much written to; where one is running, soon."""
        if self._stopping.is_set():
            return
        if self._running is not None and self._running.is_alive():
            self._due = True
            return
        self._due = False
        self._start(memory, memory.shortlist.maintain)

    def shed(self, memory: Memory) -> bool:
        """Begin a round that drops all that was deleted; return true once, when such a round has ended.

        Called again and again, on the writer's thread; false while a round runs.
        """
        if self._stopping.is_set() or (self._running is not None and self._running.is_alive()):
            return False
        if self._shedding is not None:
            self._shedding = None
            return True
        self._start(memory, lambda: memory.shortlist.shed(self._stopping.is_set))
        self._shedding = self._running
        return False

    def _start(self, memory: Memory, work: Callable[[], None]) -> None:
        self._done, self._began = memory.sequence, time.monotonic()
        self._running = threading.Thread(target=self._round, args=(memory, work), name="upkeep", daemon=True)
        self._running.start()

    def wait(self) -> None:
        """Wait for the round that is running; not on its own thread."""
        if self._running is not None:
            self._running.join()

    def finish(self) -> None:
        """Begin no more, and wait for the part of a round that is running."""
        self._stopping.set()
        self.wait()

    def _round(self, memory: Memory, work: Callable[[], None]) -> None:
        try:
            work()
            for modality, rows in memory.view().rows.items():
                if len(rows.blocks) > 1 and has_embeddings(scorer := self._scorers[modality]):
                    index_blocks(rows, scorer, self._stopping.is_set)
        except Exception as error:
            log_defect(logger, "Upkeep of an index failed; searches go on without it", error)
