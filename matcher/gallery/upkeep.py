"""What memory needs now and then, in the background: small segments of the shortlist become large ones."""

from __future__ import annotations

import logging
import threading

from matcher.gallery.memory import Memory
from matcher.safe_log import log_defect

logger = logging.getLogger(__name__)

EVERY_CHANGES = 4_096
"""Changes between two rounds: by then a few blocks are full."""


class Upkeep:
    """Starts a round when one is due; called on the writer's thread."""

    def __init__(self) -> None:
        self._done = 0
        self._running: threading.Thread | None = None

    def consider(self, memory: Memory) -> None:
        """Begin a round if enough was written since the last and none is running."""
        if memory.sequence - self._done < EVERY_CHANGES:
            return
        if self._running is not None and self._running.is_alive():
            return
        self._done = memory.sequence
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
