"""The figures of fused scores: errors of two-finger persons, and whether their claims hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.samples import Sample
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.intervals import MIN_CLUSTERS, PERCENTILES, SEED
from matcher.evaluate.persons import F64, FingerScores, PersonPairs, two_fingers
from matcher.score.fusion import PersonSum
from matcher.score.person import PersonCalibration

REPLICATES = 200
"""Of the bootstrap over persons: each weighs up to a million comparisons anew."""

LEVELS = (20.0, 30.0, 40.0)
"""Scores at which the rate counted is held against the rate claimed."""

PROTOCOL = (
    "each unordered pair of fingers of a person with one impression number is a two-finger person; each "
    "unordered pair of them is compared once, lower finger number with lower; mated: the same two fingers; "
    "non-mated: neither finger the same (other persons, or other fingers of the same person); a match is a "
    "score above the highest non-mated one"
)
"""How two fingers are judged (`matcher.evaluate.persons`)."""


def finger_scores(
    title: str, samples: Sequence[Sample], comparisons: Comparisons, score: F64
) -> FingerScores:
    """Return the comparisons of an evaluation as a symmetric table of fingers of persons."""
    table = np.full((len(samples), len(samples)), np.nan)
    table[comparisons.probe, comparisons.reference] = score
    table[comparisons.reference, comparisons.probe] = score
    return FingerScores.of(title, samples, table)


def fused(pairs: PersonPairs, calibration: PersonCalibration) -> F64:
    """Return the persons' scores as a search gives them, shape (p,)."""
    person = PersonSum(calibration, len(pairs.scores))
    once, sure = np.ones(len(pairs.scores), np.int32), np.zeros(len(pairs.scores), np.bool_)
    for finger in pairs.scores.T:
        person.add(finger, finger**3, once, sure)
    return person.scores()


def two_finger_report(fingers: FingerScores, calibration: PersonCalibration) -> dict[str, Any]:
    """Return error rates of two fused fingers, plain JSON values.

    Returns
    -------
    dict
        "zero_fmr": FNMR at the lowest threshold without a false match; its 95 % interval is a bootstrap over
        persons (where there is no error, the rule of three), "indicative" below 30 of them.
        "actual_over_nominal": how many times as often as claimed non-mated persons reach 20, 30 and 40, over
        all of them and where the positions are the same; null where fewer than one is expected.
    """
    pairs = two_fingers(fingers)
    score = fused(pairs, calibration)
    mated, other = pairs.mated, ~pairs.mated
    persons = int(max(pairs.one.max(), pairs.two.max())) + 1
    zero = float((score[mated] <= score[other].max()).mean())
    interval = None
    if fingers.persons_known:
        low, high = _interval(pairs, score, persons)
        interval = [low, high if zero else max(high, 3.0 / int(mated.sum()))]
    return {
        "set": fingers.title,
        "protocol": PROTOCOL,
        "calibration": calibration.id,
        "mated": int(mated.sum()),
        "non_mated": int(other.sum()),
        "persons": persons if fingers.persons_known else None,
        "zero_fmr": zero,
        "zero_fmr_threshold": float(score[other].max()),
        "zero_fmr_interval_95": interval,
        "interval": "bootstrap over persons" + (", indicative" if persons < MIN_CLUSTERS else ""),
        "actual_over_nominal": {
            "all": _claims(score[other]),
            "same_positions": _claims(score[other & pairs.same_positions & (pairs.one != pairs.two)]),
        },
    }


def _claims(score: F64) -> dict[str, float | None]:
    return {
        f"{level:g}": float((score >= level).mean() * 10 ** (level / 10))
        if len(score) * 10 ** (-level / 10) >= 1.0
        else None
        for level in LEVELS
    }


def _interval(pairs: PersonPairs, score: F64, persons: int) -> tuple[float, float]:
    """Return a 95 % interval of FNMR at zero FMR; a drawn person counts as often as it was drawn."""
    rng = np.random.default_rng(SEED)
    mated = np.flatnonzero(pairs.mated)
    others = np.flatnonzero(~pairs.mated)
    others = others[np.argsort(-score[others], kind="stable")]
    rates = []
    for _ in range(REPLICATES):
        weight = np.bincount(rng.integers(persons, size=persons), minlength=persons)
        there: npt.NDArray[np.bool_] = (weight[pairs.one[others]] > 0) & (weight[pairs.two[others]] > 0)
        counted = weight[pairs.one[mated]]
        if there.any() and counted.sum():
            limit = score[others[int(there.argmax())]]
            rates.append(float(counted[score[mated] <= limit].sum() / counted.sum()))
    low, high = np.percentile(rates, PERCENTILES)
    return float(low), float(high)
