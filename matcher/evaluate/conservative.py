"""A calibration that promises what holds for most draws of people: upper bounds of its rates.

A calibration fitted to few people knows high scores from a handful of them, and as often as not promises
other people too much. Here each rate is replaced by the 95 % quantile of what it is when the people are drawn
again with replacement (a bootstrap over persons, both sides of a comparison together; Bolle et al., CVIU
2004), and so is the width of the tail. It bounds the chance of which people were at hand, and nothing else:
not another camera, another age, another share of origins.

LIMITATIONS: the bootstrap knows the people there are, and says nothing of pairs whose like is not among them;
above the support limit the bound is that of an exponential tail's mean excess.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.evaluate.calibrate import ScoreSet
from matcher.evaluate.intervals import SEED
from matcher.score.calibration import Calibration
from matcher.score.tail import GeneralisedPareto

F64 = npt.NDArray[np.float64]

CONFIDENCE = 0.95
"""Share of the draws of people in which a promised rate is not exceeded."""

REPLICATES = 200
"""Draws of people: the quantile rests on ten of them."""

SMALLEST_RISE = 1e-3
"""Least that the score rises from knot to knot, dB: bounds of neighbouring rates may be equal."""

BOUND = "upper_bound"
"""Entry of a calibration's provenance that says what was done."""


def conservative(
    calibration: Calibration,
    scores: ScoreSet,
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
) -> Calibration:
    """Return a calibration whose scores are the upper bounds of its rates.

    Parameters
    ----------
    calibration : Calibration
        Fitted to `scores`, with a generalised Pareto tail.
    scores : ScoreSet
    confidence : float
        Above 0.5 and below 1.
    replicates : int

    Returns
    -------
    Calibration
        At no raw score above the given one. Its provenance says, under "upper_bound", how much it gave up.

    Raises
    ------
    ArgumentError
        If the confidence is out of its range, the tail of another kind, or there are too few people.
    """
    if not 0.5 < confidence < 1.0:
        raise ArgumentError(f"Confidence: expected above 0.5 and below 1, got {confidence}.")
    tail = calibration.tail
    if not isinstance(tail, GeneralisedPareto):
        raise ArgumentError(f"Calibration: expected a generalised Pareto tail, got {tail.model}.")
    rates, excesses = bootstrap(scores, calibration.knot_raw, tail.threshold, replicates)
    bound = -10.0 * np.log10(np.maximum(np.quantile(rates, confidence, axis=0), 1.0 / len(scores.raw)))
    bound = np.minimum(bound, calibration.knot_score)
    # Strictly rising, from the top down, so that no knot is raised.
    rise = SMALLEST_RISE * np.arange(len(bound))
    bound = np.minimum.accumulate((bound - rise)[::-1])[::-1] + rise
    bound[0] = 0.0
    if bound[1] <= 0.0:
        raise ArgumentError("Calibration: too few people for an upper bound.", hint="Pool several data sets.")
    own = scores.raw[scores.raw > tail.threshold] - tail.threshold
    widening = max(float(np.quantile(excesses, confidence)) / float(own.mean()), 1.0)
    return replace(
        calibration,
        knot_score=bound,
        tail=GeneralisedPareto(tail.threshold, tail.scale * widening, tail.shape),
        provenance=calibration.provenance
        | {BOUND: _described(calibration, bound, confidence, replicates, widening)},
    )


def bootstrap(scores: ScoreSet, knots: F64, threshold: float, replicates: int) -> tuple[F64, F64]:
    """Return what the people drawn again give.

    Parameters
    ----------
    scores : ScoreSet
    knots : float64 array (k,)
        Rising raw scores.
    threshold : float
        Raw score above which the tail begins.
    replicates : int

    Returns
    -------
    rates : float64 array (replicates, k)
        Share of the comparisons at or above each knot.
    excesses : float64 array (replicates,)
        Mean excess over `threshold` of the comparisons above it.
    """
    rng = np.random.default_rng(SEED)
    # A comparison lies at or above its first `level` knots: counted once, weighted many times.
    level = np.searchsorted(knots, scores.raw, side="right")
    above = np.flatnonzero(scores.raw > threshold)
    excess = scores.raw[above] - threshold
    same = scores.one == scores.two
    rates, excesses = np.empty((replicates, len(knots))), np.empty(replicates)
    for number in range(replicates):
        drawn = np.bincount(rng.integers(scores.clusters, size=scores.clusters), minlength=scores.clusters)
        times = drawn.astype(np.float64)
        weight = times[scores.one] * np.where(same, 1.0, times[scores.two])
        counts = np.bincount(level, weights=weight, minlength=len(knots) + 1)
        rates[number] = np.cumsum(counts[::-1])[::-1][1:] / max(float(weight.sum()), 1.0)
        excesses[number] = float(weight[above] @ excess) / max(float(weight[above].sum()), 1.0)
    return rates, excesses


def _described(
    calibration: Calibration, bound: F64, confidence: float, replicates: int, widening: float
) -> dict[str, Any]:
    """Return what is told of the bound: plain JSON values."""
    given_up = calibration.knot_score - bound
    return {
        "confidence": confidence,
        "over": f"people drawn again, {replicates} replicates, seed {SEED}",
        "given_up_db": {
            f"{score:.0f}": round(float(np.interp(score, calibration.knot_score, given_up)), 2)
            for score in np.arange(10.0, calibration.support_score, 10.0)
        },
        "tail_widened_by": round(widening, 4),
    }
