"""Generations of templates: an upgrade makes those of a new extractor beside the old ones, then switches.

    start -> stage ... stage -> switch -> settle ... settle      (or cancel, before the switch)

Until the switch every sample's template is the old one, and new ones lie beside. The switch is one entry of
the change log: from it on a sample's template is the new one, where it has one. Settling moves the new ones
to where the old ones are, a few in each transaction; it changes nothing that anybody reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from matcher.types import Modality


class UpgradeState(IntEnum):
    """How far an upgrade is. Codes are part of the stored form."""

    RUNNING = 1
    """New templates are being made; searches use the old ones."""

    SWITCHED = 2
    """The new templates are in use, and are being moved to where the old ones are."""

    DONE = 3
    CANCELLED = 4
    """It was given up before the switch; its templates are gone."""


LIVE = (UpgradeState.RUNNING, UpgradeState.SWITCHED)
"""There is at most one upgrade in one of these."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the samples that an upgrade has looked at.

    Attributes
    ----------
    staged : int
        They have a new template.
    kept : int
        They were of the new extractor already.
    without_image : int
        No image was kept: they stay in their generation.
    failed : int
        No template came of their image: they stay in their generation.
    """

    staged: int = 0
    kept: int = 0
    without_image: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        """Samples looked at."""
        return self.staged + self.kept + self.without_image + self.failed


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade as the store knows it.

    Attributes
    ----------
    key : int
        From 1.
    state : UpgradeState
    modality : Modality
    extractor : str
        As the new templates name it: extractor, or model id of a face.
    setting : str
        By which a reader finds it: name of an extractor, or of a face model's manifest.
    former_extractor, former_setting : str
        Of what new samples got before.
    per_minute : int
        Most samples extracted a minute; 0 for no limit.
    cursor : int
        Key up to which samples were looked at.
    counts : Counts
    started_at_us : int
        Microseconds since 1970-01-01 UTC.
    ended_at_us : int or None
        Of the switch, or of its end.
    """

    key: int
    state: UpgradeState
    modality: Modality
    extractor: str
    setting: str
    former_extractor: str
    former_setting: str
    per_minute: int
    cursor: int
    counts: Counts
    started_at_us: int
    ended_at_us: int | None


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
        Whether the next generation can be searched (`Engine.identify(next_generation=True)`), and the switch
        is a matter of a moment.
    problem : str
        Reason code of what keeps the work from going on, "" while it does; it is tried again and again.
    """

    upgrade: Upgrade
    samples: int
    remaining: tuple[tuple[str, int], ...]
    searchable: bool
    problem: str


@dataclass(frozen=True, slots=True)
class NextTemplate:
    """A sample's template of the next generation."""

    extractor: str
    quality: int
    template: bytes


@dataclass(frozen=True, slots=True)
class StartUpgrade:
    """A request to begin an upgrade; refused while another one is on its way. See `Upgrade`."""

    modality: Modality
    extractor: str
    setting: str
    former_extractor: str
    former_setting: str
    per_minute: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StageSamples:
    """A request to keep new templates, and to note how far the work is; both or neither.

    Attributes
    ----------
    upgrade : int
    after, cursor : int
        The samples looked at have keys above `after`, where the work stood, up to `cursor`.
    templates : tuple of (int, NextTemplate)
        By sample; those of samples deleted meanwhile are passed by.
    counts : Counts
        Of these samples.
    key : str or None
    """

    upgrade: int
    after: int
    cursor: int
    templates: tuple[tuple[int, NextTemplate], ...]
    counts: Counts
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SwitchUpgrade:
    """A request to take the new templates into use.

    Attributes
    ----------
    upgrade : int
    cursor : int
        How far the work was when what is taken into use was made; refused where it went on since.
    key : str or None
    """

    upgrade: int
    cursor: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SettleUpgrade:
    """A request to move at most `limit` new templates to where the old ones are; the last one ends it."""

    upgrade: int
    limit: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CancelUpgrade:
    """A request to give an upgrade up; refused once it was switched."""

    upgrade: int
    key: str | None = None
