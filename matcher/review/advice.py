"""What the decisions so far say about the threshold: false pairs and FPIR as measured, beside the model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcher.dedup.summary import proportion_interval
from matcher.review.cases import Case
from matcher.review.ledger import Choice, Decision, outcome_of

STEP = 5.0
"""dB between two thresholds that are looked at."""

FEW = 30
"""Decided pairs below which a row is indicative only."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One threshold.

    Attributes
    ----------
    threshold : float
    pairs, decided, false : int
        Pairs at or above it; of them closed with an answer; of those decided "different".
    fpir, low, high : float or None
        Records falsely paired, as a share, if the decided pairs are like the others; 95 % interval.
    modelled : float
        The FPIR that the calibration promises there.
    indicative : bool
        Whether too few are decided to tell.
    """

    threshold: float
    pairs: int
    decided: int
    false: int
    fpir: float | None
    low: float | None
    high: float | None
    modelled: float
    indicative: bool


def threshold_advice(
    cases: Sequence[Case], decisions: Mapping[int, list[Decision]], records: int
) -> list[Advice]:
    """Return a row for each threshold from the lowest score listed up to where nothing false was seen.

    Parameters
    ----------
    cases : sequence of Case
    decisions : mapping
        By case.
    records : int
        Of the register: each record is a search.
    """
    if not cases:
        return []
    outcomes = {case.number: outcome_of(decisions.get(case.number, [])) for case in cases}
    lowest = min(case.score for case in cases)
    threshold = lowest - lowest % STEP
    highest = max(case.threshold for case in cases) + 4 * STEP
    rows = []
    while threshold <= highest:
        above = [case for case in cases if case.score >= threshold]
        told = [outcomes[case.number] for case in above]
        decided = sum(one in (Choice.DUPLICATE, Choice.DIFFERENT) for one in told)
        false = sum(one is Choice.DIFFERENT for one in told)
        interval = proportion_interval(false, decided)
        # Each false pair is seen from both of its records.
        scale = 2.0 * len(above) / max(records, 1)
        rows.append(
            Advice(
                threshold,
                len(above),
                decided,
                false,
                scale * false / decided if decided else None,
                scale * interval[0] if interval else None,
                scale * interval[1] if interval else None,
                min(records * 10.0 ** (-threshold / 10.0), 1.0),
                decided < FEW,
            )
        )
        threshold += STEP
    return rows
