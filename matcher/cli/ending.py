"""The wish to end a process that serves: SIGTERM, or Ctrl-C."""

from __future__ import annotations

import signal
import time

LOOK_S = 0.2
"""How often is looked, seconds: the system may hand a signal to any thread, and only the main one's sleep is
broken by its own."""


class Ending:
    """Hears SIGTERM and SIGINT from now on; made in the main thread.

    The handler sets an attribute and no `threading.Event`, whose lock the interrupted code may hold.

    Attributes
    ----------
    asked : bool
    """

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def wait(self) -> None:
        """Return once one has come."""
        while not self.asked:
            time.sleep(LOOK_S)

    def _ask(self, *_: object) -> None:
        self.asked = True
