"""Upgrades of a gallery to another extractor or model, while it is served: the engine's operations.

    start -> status ... status -> switch        (or cancel, before the switch)

`start` returns at once; images that were kept are extracted anew in the background, also after a restart, and
whoever is enrolled meanwhile from an image gets both templates. Everybody is found by the templates that they
have, until the switch takes all new ones into use in one change. What has no image, or gives no template of
the new extractor, keeps the one that it has: images that are searched for are read by both extractors then.
"""

from __future__ import annotations

from matcher.deadline import FOREVER, Deadline
from matcher.encounters import check_name
from matcher.errors import MatcherError, ModelError, UpgradeConflictError, UpgradeNotFoundError
from matcher.gallery.gallery import Gallery
from matcher.gallery.generations import (
    LIVE,
    CancelUpgrade,
    StartUpgrade,
    Upgrade,
    UpgradeState,
    UpgradeStatus,
)
from matcher.gallery.rows import living_extractors
from matcher.generations import Generations
from matcher.reader import FindReader
from matcher.samples import SampleReader
from matcher.score.fusion_probe import Scorers
from matcher.types import Modality
from matcher.upgrading import Upgrading

DEFAULT_PER_MINUTE = 600
"""Samples extracted a minute where nobody says a rate: about one core of a fingerprint extractor."""


class UpgradeOperations:
    """The operations; the engine is one of these."""

    _gallery: Gallery
    _scorers: Scorers
    _generations: Generations
    _upgrading: Upgrading
    _plain_read: SampleReader
    _find: FindReader
    _settings: dict[Modality, str]

    def start_upgrade(
        self,
        modality: Modality,
        setting: str,
        *,
        per_minute: int = DEFAULT_PER_MINUTE,
        key: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> UpgradeStatus:
        """Begin to make templates of another extractor of all images that were kept.

        The same upgrade again, while it is running, is what is on its way already.

        Parameters
        ----------
        modality : Modality
        setting : str
            See `matcher.reader.find_reader`.
        per_minute : int
            Most samples a minute, 0 for no limit.
        key : str, optional
            Idempotency key: a repeated request with it begins nothing, whatever became of what it began.
        deadline : Deadline, optional

        Raises
        ------
        UpgradeConflictError
            If another upgrade is on its way.
        IdempotencyMismatchError
            If the key was used for another request.
        ArgumentError, ModelError, CalibrationMissingError
            If the extractor is unknown, not at hand, or its templates cannot be compared.
        StoreError, NotReadyError, DeadlineError
        """
        modality = Modality(modality)
        check_name("Idempotency key", key)
        found = self._find(modality, setting)
        self._scorers[modality].calibration(found.extractor, found.extractor)
        former, former_setting = self._former(modality, found.extractor)
        request = StartUpgrade(modality, found.extractor, setting, former, former_setting, per_minute, key)
        try:
            begun = int(deadline.wait(self._gallery.submit(request)).subject_id)
        except UpgradeConflictError:
            same = [one for one in self._gallery.upgrades() if one.state is UpgradeState.RUNNING]
            if not same or (same[0].modality, same[0].setting) != (modality, setting):
                raise
            begun = same[0].key
        self._upgrades_changed()
        self._upgrading.begin()
        return self.upgrade_status(begun)

    def upgrade_status(self, upgrade: int | None = None) -> UpgradeStatus:
        """Return how far an upgrade is.

        Parameters
        ----------
        upgrade : int, optional
            Its key; by default that of the last one that began.

        Raises
        ------
        UpgradeNotFoundError
            If there is none.
        """
        own = self._upgrade_of(upgrade)
        rows = self._gallery.memory().view().rows[own.modality]
        remaining = tuple((name, count) for name, count in living_extractors(rows).items() if count)
        ready = own.state is UpgradeState.RUNNING and self._gallery.next_memory() is not None
        problem = self._upgrading.problem if own.state in LIVE else ""
        return UpgradeStatus(own, rows.samples, remaining, ready, problem)

    def switch_upgrade(self, upgrade: int | None = None, *, deadline: Deadline = FOREVER) -> UpgradeStatus:
        """Take the new templates into use, in one change; what is missing for that is made first.

        May take long where the work is not done, and then pays no heed to its rate. What was made is kept
        where the deadline passes before. One that was switched already stays so.

        Parameters
        ----------
        upgrade : int, optional
            Its key; by default that of the one that is running.
        deadline : Deadline, optional

        Raises
        ------
        UpgradeNotFoundError, UpgradeConflictError
            If there is none, or it was cancelled.
        StoreError, NotReadyError, DeadlineError
        """
        own = self._running() if upgrade is None else self._upgrade_of(upgrade)
        self._upgrading.switch(own.key, deadline)
        self._upgrades_changed()
        self._upgrading.begin()
        return self.upgrade_status(own.key)

    def cancel_upgrade(self, upgrade: int | None = None, *, deadline: Deadline = FOREVER) -> UpgradeStatus:
        """Give an upgrade up; its templates are removed. One that was cancelled already stays so.

        Parameters
        ----------
        upgrade : int, optional
            Its key; by default that of the one that is running.
        deadline : Deadline, optional

        Raises
        ------
        UpgradeNotFoundError, UpgradeConflictError
            If there is none, or it was switched.
        StoreError, NotReadyError, DeadlineError
        """
        own = self._running() if upgrade is None else self._upgrade_of(upgrade)
        if own.state is not UpgradeState.CANCELLED:
            deadline.wait(self._gallery.submit(CancelUpgrade(own.key)))
            self._upgrades_changed()
            self._upgrading.cancelled()
        return self.upgrade_status(own.key)

    def _upgrade_of(self, upgrade: int | None) -> Upgrade:
        known = self._gallery.upgrades()
        found = [one for one in known if one.key == upgrade] if upgrade is not None else known[-1:]
        if not found:
            raise UpgradeNotFoundError(
                "There was no upgrade of this store."
                if upgrade is None
                else f"There is no upgrade {upgrade}."
            )
        return found[0]

    def _running(self) -> Upgrade:
        found = [one for one in self._gallery.upgrades() if one.state is UpgradeState.RUNNING]
        if not found:
            raise UpgradeNotFoundError("No upgrade is on its way.", hint="Start one first.")
        return found[0]

    def _former(self, modality: Modality, target: str) -> tuple[str, str]:
        """Return extractor and setting of what new samples got until now."""
        said = self._generations.setting(modality)
        setting = said if said is not None else self._settings.get(modality, "")
        try:
            return self._find(modality, setting).extractor, setting
        except (ModelError, MatcherError):
            # Templates alone were enrolled: whose most of them are.
            counts = living_extractors(self._gallery.memory().view().rows[modality])
            return max(counts, key=lambda name: counts[name], default=target), setting

    def _upgrades_changed(self) -> None:
        """Read anew what upgrades say of the extractors."""
        self._generations = Generations(self._plain_read, self._find, self._gallery.upgrades())
