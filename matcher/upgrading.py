"""The work of an upgrade, beside everything else: images are extracted anew, page by page.

    page of samples -> new templates -> one transaction with how far the work is -> pause -> next page
    all looked at -> the next generation's memory -> the switch, when somebody asks -> settling

Each page is one transaction, so the work goes on where it was after any end of the process. It runs on one
thread, of the lowest priority that the system gives.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

from matcher.deadline import FOREVER, Deadline
from matcher.enrolments import next_template
from matcher.errors import (
    FailureToExtractError,
    InputError,
    NotReadyError,
    UpgradeConflictError,
    UpgradeNotFoundError,
)
from matcher.gallery.gallery import Gallery
from matcher.gallery.generations import (
    LIVE,
    Counts,
    NextTemplate,
    SettleUpgrade,
    StageSamples,
    SwitchUpgrade,
    Upgrade,
    UpgradeState,
)
from matcher.gallery.maintenance import Maintenance
from matcher.gallery.upgrade_read import Work
from matcher.generations import Generations
from matcher.samples import Sample, SampleKind
from matcher.template.modality import position

logger = logging.getLogger(__name__)

PAGE = 16
"""Samples of one transaction: so many extractions at most are done twice after a kill, some seconds."""

SETTLED_AT_ONCE = 256
"""New templates that are moved in one transaction: some milliseconds that enrolments wait."""

PAUSE_S = 1.0
"""How often is looked for samples that were enrolled meanwhile, seconds."""

NICE = 19
"""Priority of the thread where the system knows one for threads (Linux): whatever is searched goes first."""


class Upgrading:
    """Works at the upgrade that is on its way, if there is one.

    Parameters
    ----------
    gallery : Gallery
    generations : callable
        Returns the engine's present `Generations`.
    ended : callable
        Called after the last step of an upgrade.
    """

    def __init__(
        self, gallery: Gallery, generations: Callable[[], Generations], ended: Callable[[], None]
    ) -> None:
        self._gallery = gallery
        self._generations = generations
        self._ended = ended
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._nice = False
        self._extracted = 0
        self.problem = ""
        self._upkeep = Maintenance(self._work, pause_s=PAUSE_S)

    def begin(self) -> None:
        """Work at it from now on, if nobody does."""
        if not self._upkeep.running and not self._stop.is_set():
            self._upkeep.start()
        self._upkeep.wake()

    def close(self) -> None:
        """End after the sample that is being extracted."""
        self._stop.set()
        self._upkeep.close()

    def wait(self, timeout_s: float) -> bool:
        """Return whether there is nothing to do, after at most so long."""
        return self._upkeep.wait(timeout_s)

    def switch(self, key: int, deadline: Deadline = FOREVER) -> None:
        """Take the new templates into use, in one change; whatever is missing for that is made first.

        Raises
        ------
        UpgradeNotFoundError, UpgradeConflictError
            If there is no such upgrade, or it was cancelled.
        DeadlineError
            If what is missing takes longer; what was made is kept.
        NotReadyError
            If the engine is closing.
        """
        while not self._stop.is_set():
            deadline.check()
            with self._turn:
                own = next((one for one in self._gallery.upgrades() if one.key == key), None)
                if own is None:
                    raise UpgradeNotFoundError(f"There is no upgrade {key}.")
                if own.state is UpgradeState.CANCELLED:
                    raise UpgradeConflictError(f"Upgrade {key} was cancelled.")
                if own.state is not UpgradeState.RUNNING:
                    return
                if not self._step(own, paced=False) and not self._stop.is_set():
                    self._gallery.submit(SwitchUpgrade(own.key, own.cursor)).result()
                    return
        raise NotReadyError("The engine is closing.", hint="Ask for the switch again.")

    def cancelled(self) -> None:
        """Forget what was made of it."""
        with self._turn:
            self._gallery.drop_next()

    def _work(self) -> bool:
        if not self._nice:
            self._nice = True
            with contextlib.suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        begun = time.monotonic()
        with self._turn:
            own = self._live()
            if own is None:
                return False
            if own.state is UpgradeState.SWITCHED:
                return self._settle(own)
            try:
                looked = self._step(own, paced=True)
            except Exception as error:
                self.problem = getattr(error, "reason", "") or type(error).__name__
                raise
        self.problem = ""
        if self._extracted and own.per_minute:
            # Outside the lock: whoever wants to switch need not wait for the pace.
            self._stop.wait(max(self._extracted * 60.0 / own.per_minute - (time.monotonic() - begun), 0.0))
        return looked > 0 and not self._stop.is_set()

    def _live(self) -> Upgrade | None:
        found = [one for one in self._gallery.upgrades() if one.state in LIVE]
        return found[0] if found else None

    def _settle(self, own: Upgrade) -> bool:
        if self._gallery.submit(SettleUpgrade(own.key, SETTLED_AT_ONCE)).result().created:
            self._ended()
            return False
        return not self._stop.is_set()

    def _step(self, own: Upgrade, *, paced: bool) -> int:
        """Look at a page of samples, or make the memory; return how many there were to look at."""
        # A page takes a second or less, where there is a pace.
        limit = max(1, min(PAGE, own.per_minute // 60)) if paced and own.per_minute else PAGE
        work = self._gallery.upgrade_work(own, limit)
        if not work:
            if self._gallery.next_memory() is None:
                self._gallery.make_next()
            return 0
        self._extracted = 0
        staged: list[tuple[int, NextTemplate]] = []
        tally = dict.fromkeys(("staged", "kept", "without_image", "failed"), 0)
        for one in work:
            if self._stop.is_set():
                return 0
            what, template = self._look(own, one)
            tally[what] += 1
            if template is not None:
                staged.append((one.sample_key, template))
        if staged:
            self._gallery.drop_next()  # it was made without them
        done = StageSamples(own.key, own.cursor, work[-1].sample_key, tuple(staged), Counts(**tally))
        self._gallery.submit(done).result()
        return len(work)

    def _look(self, own: Upgrade, work: Work) -> tuple[str, NextTemplate | None]:
        """Return what became of a sample, and its new template where one came of it."""
        if work.staged:
            return "staged", None
        if work.extractor == own.extractor:
            return "kept", None
        if work.image is None:
            return "without_image", None
        where = position(own.modality, work.position)
        try:
            self._extracted += 1
            sample = Sample(work.image, SampleKind.IMAGE, where, work.ppi)
            template = self._generations().as_next(sample, own)
        except (InputError, FailureToExtractError) as error:
            logger.info(
                "Upgrade %d: sample %d keeps its template: %s", own.key, work.sample_key, error.reason
            )
            return "failed", None
        return "staged", next_template(template)
