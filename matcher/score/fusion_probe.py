"""The samples of a person in several modalities, ready to be compared with one person or with everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.gallery.compare import PairTable, compare_pairs, probes_of
from matcher.gallery.memory import View
from matcher.gallery.rows import Place
from matcher.gallery.search import CharacteristicTally, Probe, Scorer, prepare, search
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
from matcher.score.fusion_repeats import Repeats, compare_samples, find_repeats
from matcher.score.person import F64, Counts, PersonCalibration
from matcher.score.units import unit_calibration
from matcher.template.modality import Template, modality_of
from matcher.types import U64, Modality

Scorers = Mapping[Modality, Scorer]
"""How each modality is compared."""


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
    ) -> None:
        self.modality = modality
        self._scorer = scorer
        self._fingers = fingers
        self._units = unit_calibration()
        self.probes: list[Probe] = prepare(scorer, templates)
        self.repeats: Repeats = self._repeats(self.probes, [scorer.resident(t) for t in templates], side)

    def search(self, view: View, units: PersonSum, threads: int, check: Callable[[], None]) -> Counts:
        """Compare with everybody; add the units to `units` and return the comparisons of each subject.

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that the probe has no calibration with.
        """
        fingers = PersonSum(self._fingers, view.numbers)

        def take_finger(own: CharacteristicTally) -> None:
            fingers.add(own.best, own.cubes, own.comparisons, own.hypotheses)

        def take_unit(own: CharacteristicTally) -> None:
            choice = np.ones_like(own.hypotheses)
            score = joint_score(own.best, own.cubes, own.comparisons, choice, 1.0)
            units.take(score, own.comparisons > 0)

        one_unit = self.modality is Modality.FINGERPRINT
        comparisons = search(
            self._scorer,
            view.rows[self.modality],
            view.numbers,
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
        self, places: Sequence[Place], *, across: bool
    ) -> tuple[ModalityScore, tuple[MatchWarning, ...]]:
        """Compare with one subject's samples, of whichever modality; see `PersonProbe.against`."""
        own = [place for place in places if place.modality is self.modality]
        table = compare_pairs(self._scorer, own, self.probes, across=across)
        score = self._fused(table)
        if not (across and own):
            return score, ()
        words: list[U64] = [np.asarray(place.block.row(place.row)) for place in own]
        its = self._repeats(probes_of(self._scorer, own), words, Side.CANDIDATE)
        return score, misplaced(self.modality, table) + its.warnings

    def _fused(self, table: PairTable) -> ModalityScore:
        if self.modality is Modality.FINGERPRINT:
            return fuse_fingers(table, self.repeats, self._fingers)
        return fuse_units(self.modality, table, self.repeats, self._units)

    def _repeats(self, probes: Sequence[Probe], residents: Sequence[U64], side: Side) -> Repeats:
        value, share = compare_samples(self._scorer, probes, residents)
        return find_repeats(self.modality, [probe.position for probe in probes], value, share, side)


@dataclass(frozen=True, slots=True)
class Scores:
    """A probe against everybody.

    Attributes
    ----------
    values : float64 array (S,)
        Of each subject by number.
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
    ) -> None:
        self.modalities = tuple(
            ModalityProbe(modality, scorers[modality], fingers, own, side)
            for modality in Modality
            if (own := [t for t in templates if modality_of(t) is modality])
        )

    @property
    def warnings(self) -> tuple[MatchWarning, ...]:
        """Samples that repeat each other."""
        return tuple(w for modality in self.modalities for w in modality.repeats.warnings)

    def search(self, view: View, *, threads: int, check: Callable[[], None]) -> Scores:
        """Compare with everybody.

        Parameters
        ----------
        view : View
        threads : int
            For the scorers.
        check : callable
            Called every some thousand rows; what it raises ends the search.

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that the probe has no calibration with.
        """
        units = PersonSum(unit_calibration(), view.numbers)
        comparisons = np.zeros(view.numbers, np.int32)
        for modality in self.modalities:
            comparisons += modality.search(view, units, threads, check)
        return Scores(units.scores(), comparisons)

    def against(
        self, places: Sequence[Place], *, across: bool
    ) -> tuple[PersonScore, tuple[MatchWarning, ...]]:
        """Compare with one subject.

        Parameters
        ----------
        places : sequence of Place
            Where the subject's samples are.
        across : bool
            Whether to look for wrong positions and repeated samples of the subject too.

        Raises
        ------
        CalibrationMissingError
            If the subject has templates that the probe has no calibration with.
        """
        found = [modality.against(places, across=across) for modality in self.modalities]
        warnings = tuple(w for _, its in found for w in its)
        return fuse([score for score, _ in found], unit_calibration()), warnings
