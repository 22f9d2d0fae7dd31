"""How an engine reads samples when its templates are of several generations.

A sample that is enrolled is read by the extractor of the current generation; while an upgrade is on its way,
an image also by that of the next. An image that is searched for is read once for each extractor whose
templates the searched memory holds and whose name the store knows; a template is what it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from matcher.errors import ArgumentError, FailureToExtractError, ModelError, ModelsDifferError
from matcher.gallery.generations import Upgrade, UpgradeState
from matcher.gallery.memory import View
from matcher.gallery.rows import living_extractors
from matcher.reader import Extraction, FindReader
from matcher.samples import MAX_SAMPLES, MAX_TEMPLATES, Sample, SampleKind, SampleReader, settled
from matcher.template.modality import Template, extractor_of
from matcher.types import Modality

logger = logging.getLogger(__name__)

NO_TEMPLATES: Mapping[str, Template] = MappingProxyType({})
"""Of a sample that was read by one extractor alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """A sample, read.

    Attributes
    ----------
    template : Template
        By the extractor that was asked for first.
    sample : Sample
        That it came from.
    others : mapping of str to Template
        Of the same image, by the other extractors that were asked for, by their names.
    """

    template: Template
    sample: Sample
    others: Mapping[str, Template] = field(default_factory=lambda: NO_TEMPLATES)


class Generations:
    """What the upgrades of a store say of its extractors; made anew when one begins or ends.

    Parameters
    ----------
    read : SampleReader
        How samples are read where no upgrade says anything else.
    find : FindReader
        Finds an extractor by the name that an upgrade has kept.
    upgrades : sequence of Upgrade
        Of the store, the earliest first.
    """

    def __init__(self, read: SampleReader, find: FindReader, upgrades: Sequence[Upgrade]) -> None:
        self._read = read
        self._find = cache(find)
        self._settings: dict[Modality, dict[str, str]] = {}
        self._current: dict[Modality, str] = {}
        for one in upgrades:
            if one.state is UpgradeState.CANCELLED:
                continue
            known = self._settings.setdefault(one.modality, {})
            known |= {one.former_extractor: one.former_setting, one.extractor: one.setting}
            if one.state is not UpgradeState.RUNNING:
                self._current[one.modality] = one.extractor
        running = [one for one in upgrades if one.state is UpgradeState.RUNNING]
        self.running: Upgrade | None = running[0] if running else None

    def are_generations(self, modality: Modality, extractors: Iterable[str]) -> bool:
        """Return whether these are all known by upgrades: one store may hold templates of each."""
        known = self._settings.get(modality, {})
        return all(extractor in known for extractor in extractors)

    def setting(self, modality: Modality) -> str | None:
        """Return the setting of the current extractor, where an upgrade said it."""
        current = self._current.get(modality)
        return None if current is None else self._settings[modality][current]

    def read(self, sample: Sample) -> Sequence[Template]:
        """Read a sample by the extractor of the current generation: a `SampleReader`."""
        image = sample.kind is SampleKind.IMAGE
        current = self._current.get(sample.modality) if image else None
        return self._reader(sample.modality, current)(sample)

    def enrolled(
        self, samples: Sequence[Sample], check: Callable[[], None], view: View | None = None
    ) -> list[Capture]:
        """Read samples that are to be enrolled, and searched for first in a memory, if there is one.

        Raises
        ------
        MatcherError
            As `matcher.samples.templates_of`.
        """
        also = {} if view is None else self._used(view)
        if self.running is not None:
            also.setdefault(self.running.modality, []).append(self.running.extractor)
        return self._captures(samples, also, check)

    def searched(
        self, samples: Sequence[Sample], check: Callable[[], None], view: View | None
    ) -> list[Capture]:
        """Read samples that are to be searched for in a memory, if there is one.

        Raises
        ------
        MatcherError
            As `matcher.samples.templates_of`.
        """
        return self._captures(samples, {} if view is None else self._used(view), check, instead=True)

    def _used(self, view: View) -> dict[Modality, list[str]]:
        """Return the extractors that upgrades name and a memory holds templates of."""
        found: dict[Modality, list[str]] = {}
        for modality, known in self._settings.items():
            present = living_extractors(view.rows[modality])
            found[modality] = [name for name in known if present.get(name)]
        return found

    def as_next(self, sample: Sample, upgrade: Upgrade) -> Template:
        """Read an image as an upgrade does.

        Raises
        ------
        MatcherError
            As `matcher.reader.read_sample`.
        """
        [template] = self._extraction(upgrade.modality, upgrade.extractor).read(sample)
        return settled(template, sample.position)

    def _captures(
        self,
        samples: Sequence[Sample],
        also: Mapping[Modality, Sequence[str]],
        check: Callable[[], None],
        *,
        instead: bool = False,
    ) -> list[Capture]:
        if not 1 <= len(samples) <= MAX_SAMPLES:
            raise ArgumentError(f"Samples: expected 1 to {MAX_SAMPLES}, got {len(samples)}.")
        found: list[Capture] = []
        for sample in samples:
            check()
            found += self._capture(sample, also.get(sample.modality, ()), instead)
            if len(found) > MAX_TEMPLATES:
                raise ArgumentError(f"Templates in one request: expected at most {MAX_TEMPLATES}.")
        return found

    def _capture(self, sample: Sample, also: Sequence[str], instead: bool) -> list[Capture]:
        """Read a sample; `instead`: the others will do where the current extractor gives no template."""
        if sample.kind is not SampleKind.IMAGE or not also:
            return [Capture(settled(template, sample.position), sample) for template in self.read(sample)]
        own = self._current.get(sample.modality)
        try:
            [first] = self.read(sample)
        except FailureToExtractError:
            others = self._others(sample, [name for name in also if name != own])
            if not (instead and others):
                raise
            _, first = others.popitem()
            return [Capture(first, sample, others)]
        others = self._others(sample, [name for name in also if name != extractor_of(first)])
        return [Capture(settled(first, sample.position), sample, others)]

    def _reader(self, modality: Modality, extractor: str | None) -> SampleReader:
        if extractor is None:
            return self._read
        return self._extraction(modality, extractor).read

    def _extraction(self, modality: Modality, extractor: str) -> Extraction:
        found = self._find(modality, self._settings[modality][extractor])
        if found.extractor != extractor:
            raise ModelsDifferError(
                "The extractor of an upgrade is another one by now: its file or program was replaced.",
                hint="Bring the former one back, or upgrade to the new one.",
            )
        return found

    def _others(self, sample: Sample, extractors: Sequence[str]) -> dict[str, Template]:
        """Read an image by further extractors; one that gives no template of it contributes nothing."""
        found: dict[str, Template] = {}
        for extractor in extractors:
            try:
                [template] = self._extraction(sample.modality, extractor).read(sample)
                found[extractor] = settled(template, sample.position)
            except FailureToExtractError:
                continue
            except (ModelError, ModelsDifferError) as error:
                logger.warning("Samples of %s cannot be searched for: %s", extractor, error.reason)
        return found
