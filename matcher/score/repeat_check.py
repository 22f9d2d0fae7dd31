"""Whether samples of one person repeat each other: the question of every enrolment, to which the answer is
nearly always no. That much is told from raw scores alone; only where it may be yes is the whole person
prepared (`matcher.score.fusion_probe`), which says what repeats what.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeGuard

import numpy as np

from matcher.gallery.search import InvertibleCalibration, Scorer
from matcher.person import MatchWarning, Side
from matcher.score.fusion_probe import ModalityProbe, Scorers
from matcher.score.fusion_repeats import RULES
from matcher.score.person import PersonCalibration
from matcher.template.modality import Template, extractor_of, modality_of
from matcher.types import F32, U64, Modality

SLACK = 0.999
"""Part of a limit from which on the whole person is prepared: roundings must not decide here."""

MOST_KEPT = 1024
"""Raw scores of limits that are kept: one for each calibration and number of samples."""


class AmongScorer(Scorer, Protocol):
    """A scorer that compares the samples of one person in one call."""

    def among(self, forms: Sequence[U64], share: float, least: float) -> F32:
        """Return the raw scores of samples with each other and themselves, float32 (p, p), symmetric.

        Parameters
        ----------
        forms : sequence of uint64 arrays
            What `score` reads, in the larger form where there are two.
        share, least : float
            A score below `share` of both self-scores and below `least` need be of one direction only.
        """

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> InvertibleCalibration:
        """As `Scorer.calibration`."""


def has_among(scorer: Scorer) -> TypeGuard[AmongScorer]:
    """Return whether a scorer is an `AmongScorer`."""
    return hasattr(scorer, "among")


def repeat_warnings(
    scorers: Scorers,
    fingers: PersonCalibration,
    templates: Sequence[Template],
    forms: Sequence[U64],
) -> tuple[MatchWarning, ...]:
    """Return the warnings of `PersonProbe(..., Side.CANDIDATE)`.

    Parameters
    ----------
    scorers : mapping of Modality to Scorer
    fingers : PersonCalibration
        How fingers become one score.
    templates : sequence of Template
        Of one person.
    forms : sequence of uint64 arrays
        The form of each that its scorer compares, in full.

    Raises
    ------
    CalibrationMissingError
        If two of one modality cannot be compared.
    """
    of = [modality_of(template) for template in templates]
    found: tuple[MatchWarning, ...] = ()
    for modality in Modality:
        its = [number for number, other in enumerate(of) if other is modality]
        if len(its) < 2:
            continue
        scorer, own, own_forms = scorers[modality], [templates[n] for n in its], [forms[n] for n in its]
        if may_repeat(modality, scorer, [extractor_of(t) for t in own], own_forms):
            probe = ModalityProbe(modality, scorer, fingers, own, Side.CANDIDATE, own_forms)
            found += probe.repeats.warnings
    return found


def may_repeat(modality: Modality, scorer: Scorer, extractors: Sequence[str], forms: Sequence[U64]) -> bool:
    """Return False where no two samples are one impression, or show one finger or eye."""
    if not has_among(scorer) or len(set(extractors)) > 1:
        return True
    rule, count = RULES[modality], len(forms)
    paid = 10.0 * np.log10(count * (count - 1) // 2)
    calibration: Any = scorer.calibration(extractors[0], extractors[0])
    least = SLACK * _raw_at(calibration, rule.same_characteristic + float(paid))
    share = SLACK * rule.same_impression
    raw = scorer.among(forms, share, least).tolist()
    # Lists: a dozen numbers are read one by one.
    return any(
        raw[i][j] >= least or raw[i][j] >= share * min(raw[i][i], raw[j][j])
        for j in range(count)
        for i in range(j)
    )


@lru_cache(maxsize=MOST_KEPT)
def _raw_at(calibration: Any, value: float) -> float:
    return float(calibration.raw_at(value))
