"""The samples of a person in several modalities, ready to be compared with one person or with everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.gallery.compare import PairTable, compare_pairs, probes_of
from matcher.gallery.gather import Person, Samples, samples_in_full, widened
from matcher.gallery.search import (
    CharacteristicTally,
    Probe,
    Scorer,
    has_shortlist,
    has_two_forms,
    prepare,
    search,
)
from matcher.person import MatchWarning, Side
from matcher.score.fusion import PersonSum, joint_score
from matcher.score.fusion_person import (
    ModalityScore,
    PersonScore,
    fuse,
    fuse_fingers,
    fuse_units,
    misplaced,
)
from matcher.score.fusion_repeats import RULES, Repeats, compare_samples, find_repeats
from matcher.score.known_repeats import Remember, not_remembered
from matcher.score.person import F64, Bools, Counts, PersonCalibration
from matcher.score.units import unit_calibration
from matcher.template.modality import Template, extractor_of, modality_of, position_of
from matcher.types import U64, Modality

Scorers = Mapping[Modality, Scorer]
"""How each modality is compared."""

Check = Callable[[], None]
"""Called now and then by long work; what it raises ends it."""


class ModalityProbe:
    """The samples of one person in one modality, prepared, and which of them show one finger, eye or face.

    Parameters
    ----------
    modality : Modality
    scorer : Scorer
        Of the modality.
    fingers : PersonCalibration
        How fingers become one score.
    templates : sequence of Template
        At least one.
    side : Side
        Whose samples these are, for warnings.
    forms : sequence of uint64 arrays, optional
        What lies in memory of each template, where it was made already.
    others : sequence of sequence of Template, optional
        Of each template, the same sample by other extractors.

    Raises
    ------
    CalibrationMissingError
        If two of them cannot be compared.
    """

    def __init__(
        self,
        modality: Modality,
        scorer: Scorer,
        fingers: PersonCalibration,
        templates: Sequence[Template],
        side: Side,
        forms: Sequence[U64] | None = None,
        others: Sequence[Sequence[Template]] | None = None,
    ) -> None:
        self.modality = modality
        self.scorer = scorer
        self._fingers = fingers
        self._units = unit_calibration()
        if forms is None or has_two_forms(scorer):
            forms = [scorer.resident(t) for t in templates]
        # Made large once: what follows reads each several times.
        self._forms = [scorer.widened(form) for form in forms] if has_shortlist(scorer) else list(forms)
        self.probes: list[Probe] = prepare(scorer, templates, self._forms, others)
        self.repeats = self._repeats(self.probes, self._forms, side)

    def score(
        self, samples: Samples, owners: int, units: PersonSum, quick: bool, threads: int, check: Check
    ) -> Counts:
        """Compare with many; add the units to `units` and return the comparisons of each owner.

        Parameters
        ----------
        samples : Samples
        owners : int
            Every sample's owner is below.
        units : PersonSum
        quick : bool
            Whether the samples are in the smaller form that lies in memory.
        threads : int
        check : callable

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that the probe has no calibration with.
        """
        fingers = PersonSum(self._fingers, owners)

        def take_finger(own: CharacteristicTally) -> None:
            fingers.add(own.best, own.cubes, own.comparisons, own.hypotheses)

        def take_unit(own: CharacteristicTally) -> None:
            choice = np.ones_like(own.hypotheses)
            score = joint_score(own.best, own.cubes, own.comparisons, choice, 1.0)
            units.take(score, own.comparisons > 0)

        one_unit = self.modality is Modality.FINGERPRINT
        scorer = self.scorer
        comparisons = search(
            scorer.quick if quick and has_two_forms(scorer) else scorer,
            samples,
            owners,
            self.probes,
            self.repeats.characteristics,
            take_finger if one_unit else take_unit,
            threads=threads,
            check=check,
        )
        if one_unit:
            units.take(fingers.scores(), fingers.compared > 0)
        return comparisons

    def against(
        self, own: Samples, *, across: bool, remember: Remember
    ) -> tuple[ModalityScore, tuple[MatchWarning, ...]]:
        """Compare with one subject's samples; see `PersonProbe.against`."""
        if across and has_shortlist(self.scorer):
            own = widened(own, self.scorer.widened)  # once: each is compared several times
        table = compare_pairs(self.scorer, own, self.probes, across=across)
        score = self._fused(table)
        if not (across and len(own)):
            return score, ()
        return score, misplaced(self.modality, table) + remember(self.modality, lambda: self._repeated(own))

    def _repeated(self, own: Samples) -> tuple[MatchWarning, ...]:
        """Return which of a subject's samples repeat each other."""
        return self._repeats(probes_of(self.scorer, own), list(own.forms()), Side.CANDIDATE).warnings

    def reachable(self, units: PersonSum) -> None:
        """Add to `units` what the best impression of the same fingers, eyes or face could score."""
        fingers = PersonSum(self._fingers, 1)
        for characteristic in self.repeats.characteristics:
            members = characteristic.members
            best = np.array([max(self._highest(m) for m in members)])
            (fingers if self.modality is Modality.FINGERPRINT else units).take(best, np.ones(1, np.bool_))
        if self.modality is Modality.FINGERPRINT:
            units.take(fingers.scores(), fingers.compared > 0)

    def _highest(self, member: int) -> float:
        """Return the score of an impression that is as like a sample as another one ever is."""
        probe, form = self.probes[member], self._forms[member]
        offsets, row = np.array([0, len(form)], np.int64), np.zeros(1, np.int64)
        own = float(self.scorer.score(probe.prepared, form, offsets, row, 1)[0])
        raw = np.array([own * RULES[self.modality].same_impression], np.float32)
        return float(self.scorer.calibration(probe.extractor, probe.extractor).scores(raw)[0][0])

    def _fused(self, table: PairTable) -> ModalityScore:
        if self.modality is Modality.FINGERPRINT:
            return fuse_fingers(table, self.repeats, self._fingers)
        return fuse_units(self.modality, table, self.repeats, self._units)

    def _repeats(self, probes: Sequence[Probe], residents: Sequence[U64], side: Side) -> Repeats:
        """Return which samples repeat each other."""
        value, share = compare_samples(self.scorer, probes, residents)
        positions = [probe.position for probe in probes]
        return find_repeats(self.modality, positions, value, share, side)


@dataclass(frozen=True, slots=True)
class Scores:
    """A probe against many.

    Attributes
    ----------
    values : float64 array (S,)
        Of each owner.
    comparisons : int32 array (S,)
        Pairs of samples that were compared.
    """

    values: F64
    comparisons: Counts


class PersonProbe:
    """The samples of one person in all modalities, prepared.

    Parameters
    ----------
    scorers : mapping of Modality to Scorer
    fingers : PersonCalibration
        How fingers become one score.
    templates : sequence of Template
        At least one.
    side : Side
        Whose samples these are, for warnings.
    forms : sequence of uint64 arrays, optional
        What lies in memory of each template (`ResidentSample.words`), where it was made already.
    others : sequence of sequence of Template, optional
        Of each template, the same sample by other extractors: see `matcher.gallery.pairing`.

    Raises
    ------
    CalibrationMissingError
        If two of one modality cannot be compared.
    """

    def __init__(
        self,
        scorers: Scorers,
        fingers: PersonCalibration,
        templates: Sequence[Template],
        side: Side = Side.PROBE,
        forms: Sequence[U64] | None = None,
        others: Sequence[Sequence[Template]] | None = None,
    ) -> None:
        of = [modality_of(template) for template in templates]
        made: list[ModalityProbe] = []
        for modality in Modality:
            its = [number for number, other in enumerate(of) if other is modality]
            if its:
                own = [templates[number] for number in its]
                given = None if forms is None else [forms[number] for number in its]
                more = None if others is None else [others[number] for number in its]
                made.append(ModalityProbe(modality, scorers[modality], fingers, own, side, given, more))
        self.modalities = tuple(made)

    @property
    def warnings(self) -> tuple[MatchWarning, ...]:
        """Samples that repeat each other."""
        return tuple(w for modality in self.modalities for w in modality.repeats.warnings)

    def score(
        self,
        people: Person,
        owners: int,
        *,
        quick: bool = False,
        threads: int,
        check: Check,
        spare: Callable[[PersonSum], Bools] | None = None,
    ) -> Scores:
        """Compare with many.

        Parameters
        ----------
        people : mapping of Modality to Samples
            Of every modality that the probe has.
        owners : int
            Every sample's owner is below.
        quick : bool
            Whether the samples are in the smaller forms that lie in memory, where there are such.
        threads : int
            For the scorers.
        check : callable
            Called every some thousand rows; what it raises ends the search.
        spare : callable, optional
            Told what the modalities without a shortlist say, which are compared first then, returns the
            owners whose samples of the others are not compared; asked where the probe has both.

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that the probe has no calibration with.
        """
        units = PersonSum(unit_calibration(), owners)
        comparisons = np.zeros(owners, np.int32)
        cheap = [m for m in self.modalities if not has_shortlist(m.scorer)]
        dear = [m for m in self.modalities if has_shortlist(m.scorer)]
        staged = spare is not None and bool(cheap) and bool(dear)
        for modality in cheap if staged else self.modalities:
            comparisons += modality.score(people[modality.modality], owners, units, quick, threads, check)
        if spare is not None and staged:
            spared = spare(units)
            for modality in dear:
                samples = people[modality.modality]
                if spared.any():
                    samples = samples.without(spared)
                comparisons += modality.score(samples, owners, units, quick, threads, check)
        return Scores(units.scores(), comparisons)

    def person(self, templates: Sequence[Template]) -> Person:
        """Return the samples of somebody who need not be enrolled, of every modality that the probe has."""
        return {
            m.modality: samples_in_full(
                [
                    (m.scorer.resident(t), int(position_of(t)), extractor_of(t))
                    for t in templates
                    if modality_of(t) is m.modality
                ]
            )
            for m in self.modalities
        }

    def reachable(self) -> float:
        """Return the score that the best other impressions of the same person could reach."""
        units = PersonSum(unit_calibration(), 1)
        for modality in self.modalities:
            modality.reachable(units)
        return float(units.scores()[0])

    def against(
        self, person: Person, *, across: bool, remember: Remember = not_remembered
    ) -> tuple[PersonScore, tuple[MatchWarning, ...]]:
        """Compare with one subject.

        Parameters
        ----------
        person : mapping of Modality to Samples
            The subject's samples, of every modality that the probe has.
        across : bool
            Whether to look for wrong positions and repeated samples of the subject too.
        remember : callable
            Knows which samples of the subject repeat each other, or has it found out.

        Raises
        ------
        CalibrationMissingError
            If the subject has templates that the probe has no calibration with.
        """
        found = [m.against(person[m.modality], across=across, remember=remember) for m in self.modalities]
        warnings = tuple(w for _, its in found for w in its)
        return fuse([score for score, _ in found], unit_calibration()), warnings
