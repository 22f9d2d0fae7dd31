"""What errors a country may expect, from the scores of mated persons and the size of its register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matcher.plan.assumptions import Assumption
from matcher.plan.capacity import Demand
from matcher.plan.rates import Rates
from matcher.score.decision import threshold_for_fpir

RULE_OF_THREE = 3.0
"""Expected events of which none is seen once in twenty times (Jovanovic & Levy 1997)."""


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """Rates of a search (ISO/IEC 19795-1) and what they come to in a day.

    Attributes
    ----------
    threshold : float
        Fused score asked for, -10 log10(FPIR / N).
    fpir, fnir : float
    lost : float
        The part of `fnir` that the approximate stages of the search add.
    extrapolated : bool
        Whether the threshold lies above what non-mated data support.
    beyond_mated : bool
        Whether it lies above the last score at which mated persons were counted: `fnir` is a lower bound.
    least_seen : float
        A `fnir` below cannot be told from none: 3 over the mated persons counted (the rule of three).
    false_alarms, duplicates, missed : float
        A day.
    """

    threshold: float
    fpir: float
    fnir: float
    lost: float
    extrapolated: bool
    beyond_mated: bool
    least_seen: float
    false_alarms: float
    duplicates: float
    missed: float


def expected_errors(demand: Demand, rates: Rates, assumed: Mapping[str, Assumption]) -> ExpectedErrors:
    """Return what errors to expect of a demand's searches."""
    fpir = assumed["fpir"].value
    threshold = threshold_for_fpir(fpir, demand.subjects)
    fnmr = float(np.interp(threshold, rates.scores, rates.fnmr))
    lost = (1.0 - fnmr) * rates.lost
    fnir = fnmr + lost
    share = assumed["duplicate_share"].value
    searches = demand.enrolments_per_day + demand.searches_per_day
    duplicates = demand.enrolments_per_day * share
    return ExpectedErrors(
        threshold=threshold,
        fpir=fpir,
        fnir=fnir,
        lost=lost,
        extrapolated=threshold > rates.supported,
        beyond_mated=threshold > float(rates.scores[-1]),
        least_seen=min(RULE_OF_THREE / rates.probes, 1.0),
        false_alarms=(searches - duplicates) * fpir,
        duplicates=duplicates,
        missed=duplicates * fnir,
    )
