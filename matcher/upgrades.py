"""Upgrades of a gallery to another extractor or model, while it is served: the engine's operations.

    start -> status ... status -> switch        (or cancel, before the switch)

`start` returns at once; images that were kept are extracted anew in the background, also after a restart, and
whoever is enrolled meanwhile from an image gets both templates. Everybody is found by the templates that they
have, until the switch takes all new ones into use in one change. What has no image, or gives no template of
the new extractor, keeps the one that it has: images that are searched for are read by both extractors then.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.deadline import FOREVER, Deadline
from matcher.errors import MatcherError, ModelError, UpgradeNotFoundError
from matcher.gallery.gallery import Gallery
from matcher.gallery.generations import LIVE, CancelUpgrade, StartUpgrade, Upgrade, UpgradeState
from matcher.gallery.rows import living_extractors
from matcher.generations import Generations
from matcher.reader import FindReader
from matcher.samples import SampleReader
from matcher.score.fusion_probe import Scorers
from matcher.types import Modality
from matcher.upgrading import Upgrading

DEFAULT_PER_MINUTE = 600
"""Samples extracted a minute where nobody says a rate: about one core of a fingerprint extractor."""


@dataclass(frozen=True, slots=True)
class UpgradeStatus:
    """How far an upgrade is.

    Attributes
    ----------
    upgrade : Upgrade
        With its counts of the samples that were looked at.
    samples : int
        Of its modality, enrolled now.
    remaining : tuple of (str, int)
        Living samples by extractor, as searches see them now: what is not of the new extractor after the
        switch stays in its generation.
    searchable : bool
        Whether the next generation can be searched (`identify(next_generation=True)`), and the switch is a
        matter of a moment.
    problem : str
        Reason code of what keeps the work from going on, "" while it does; it is tried again and again.
    """

    upgrade: Upgrade
    samples: int
    remaining: tuple[tuple[str, int], ...]
    searchable: bool
    problem: str


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
        deadline: Deadline = FOREVER,
    ) -> UpgradeStatus:
        """Begin to make templates of another extractor of all images that were kept.

        Parameters
        ----------
        modality : Modality
        setting : str
            See `matcher.reader.find_reader`.
        per_minute : int
            Most samples a minute, 0 for no limit.
        deadline : Deadline, optional

        Raises
        ------
        UpgradeConflictError
            If another upgrade is on its way.
        ArgumentError, ModelError, CalibrationMissingError
            If the extractor is unknown, not at hand, or its templates cannot be compared.
        StoreError, NotReadyError, DeadlineError
        """
        modality = Modality(modality)
        found = self._find(modality, setting)
        self._scorers[modality].calibration(found.extractor, found.extractor)
        former, former_setting = self._former(modality, found.extractor)
        request = StartUpgrade(modality, found.extractor, setting, former, former_setting, per_minute)
        deadline.wait(self._gallery.submit(request))
        self._upgrades_changed()
        self._upgrading.begin()
        return self.upgrade_status()

    def upgrade_status(self) -> UpgradeStatus:
        """Return how far the upgrade that is on its way is, or else the last one was.

        Raises
        ------
        UpgradeNotFoundError
            If there never was one.
        """
        known = self._gallery.upgrades()
        if not known:
            raise UpgradeNotFoundError("There was no upgrade of this store.")
        own = known[-1]
        rows = self._gallery.memory().view().rows[own.modality]
        remaining = tuple((name, count) for name, count in living_extractors(rows).items() if count)
        ready = own.state is UpgradeState.RUNNING and self._gallery.next_memory() is not None
        problem = self._upgrading.problem if own.state in LIVE else ""
        return UpgradeStatus(own, rows.samples, remaining, ready, problem)

    def switch_upgrade(self) -> UpgradeStatus:
        """Take the new templates into use, in one change; what is missing for that is made first.

        May take long where the work is not done, and then pays no heed to its rate.

        Raises
        ------
        UpgradeNotFoundError
            If none is on its way.
        StoreError, NotReadyError
        """
        self._upgrading.switch(self._running().key)
        self._upgrades_changed()
        self._upgrading.begin()
        return self.upgrade_status()

    def cancel_upgrade(self, *, deadline: Deadline = FOREVER) -> UpgradeStatus:
        """Give the upgrade up that is on its way; its templates are removed.

        Raises
        ------
        UpgradeNotFoundError, UpgradeConflictError
            If there is none, or it was switched.
        StoreError, NotReadyError, DeadlineError
        """
        deadline.wait(self._gallery.submit(CancelUpgrade(self._running().key)))
        self._upgrades_changed()
        self._upgrading.cancelled()
        return self.upgrade_status()

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
