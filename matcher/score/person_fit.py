"""Makes the calibration of persons: the mated side of the evidence, and how much fingers go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.score.calibration import SUPPORT_EXCEEDANCES
from matcher.score.person import MAX_FINGERS_FUSED, Evidence, PersonCalibration, claim

F64 = npt.NDArray[np.float64]

POOR_SCORE = 10.0
"""A mated finger below this score is one that gives nothing."""

HIGH_QUANTILE = 0.99
"""Of the mated scores: they are taken as evenly spread up to there."""

CONFIDENCE_Z = 1.96
"""Upper end of a 95 % Wilson interval (Wilson 1927), for the share of fingers that give nothing."""

LEVELS = (20.0, 30.0, 40.0)
"""Scores at which claimed and counted rates of non-mated persons are held together."""

MIN_COUNTED = 10
"""Non-mated persons that must reach a level for it to enter the fit."""

CORRELATIONS = tuple(round(0.025 * i, 3) for i in range(33))
"""Correlations tried, 0 to 0.8."""

GRID_STEP = 0.25
"""Of the sums of log-likelihood ratios in the numerical convolution, dB."""

GRID_SCORE = 150.0
"""Highest finger score in the convolution, dB; the weights above are below 1e-15."""

FACTOR_NODES = np.linspace(-8.5, 11.0, 196)
"""Values of the common factor that the convolution is integrated over (trapezoid, step 0.1)."""

TABLE_TOP = 130.0
"""Score at which a table ends: 1e-13, what the sums in double precision still resolve."""

NOUGHT = 1e-9
"""Scores up to this are 0 but for rounding."""

TABLE_STEP = 2.0
"""Distance of knots, dB of score."""


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """Non-mated comparisons of persons from one source.

    Attributes
    ----------
    name : str
        As the calibration is to call it.
    scores : float64 array (p, n)
        Calibrated scores of n fingers of p pairs of persons.
    weight : float
        Of the source in the fit.
    """

    name: str
    scores: F64
    weight: float = 1.0


def fit_evidence(mated: Sequence[F64], support: float, impression_cost: float) -> Evidence:
    """Fit the mated side, conservatively: the poorest set's floor, the widest spread.

    Parameters
    ----------
    mated : sequence of float64 arrays
        Calibrated mated scores of single fingers, one array a set.
    support : float
        What the finger calibration supports.
    impression_cost : float
        From `fit_impression_cost`.
    """
    floor = max(_wilson_upper(int((m < POOR_SCORE).sum()), len(m)) for m in mated)
    spread = max(float(np.quantile(m, HIGH_QUANTILE)) for m in mated) * math.log(10.0) / 10.0
    return Evidence(floor, (1.0 - floor) / spread, support, impression_cost)


def _wilson_upper(hits: int, n: int) -> float:
    z, p = CONFIDENCE_Z, hits / n
    centre = p + z * z / (2 * n)
    return (centre + z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


def fit_impression_cost(several: Sequence[F64], levels: Sequence[float] = LEVELS) -> float:
    """Return what several comparisons of one finger cost, in units of 10 log10(their number).

    At each level the joint evidence of non-mated comparisons (`power_sum`) is held against the score of one
    of them that as many reach; the dearest of all sets and levels is taken.

    Parameters
    ----------
    several : sequence of float64 arrays (p, n)
        Non-mated scores of p pairs of fingers, n comparisons each; one array a set and number.
    """
    cost = 1.0
    for scores in several:
        joint, single = np.sort(power_sum(scores))[::-1], np.sort(scores[:, 0])[::-1]
        for level in levels:
            count = int(len(scores) * 10.0 ** (-level / 10.0))
            if count >= MIN_COUNTED:
                paid = float(joint[count - 1] - single[count - 1]) / (10.0 * math.log10(scores.shape[1]))
                cost = max(cost, paid)
    return cost


def power_sum(scores: F64) -> F64:
    """Return the joint evidence of several comparisons of one finger before its cost, over the last axis."""
    from matcher.score.fusion import POWER

    total: F64 = (scores**POWER).sum(axis=-1) ** (1.0 / POWER)
    return total


def normal_quantile_of(score: F64) -> F64:
    """Return z with P(Z >= z) = 10^(-score/10) for a standard normal Z."""
    from scipy.special import ndtri_exp

    return -np.asarray(ndtri_exp(-score * math.log(10.0) / 10.0))


def tables(
    evidence: Evidence, correlation: float, most: int = MAX_FINGERS_FUSED, *, nodes: F64 = FACTOR_NODES
) -> list[tuple[F64, F64]]:
    """Return the knots (sum, score) for 2 ... `most` fingers: the non-mated sums of the one-factor model.

    `nodes` are the values of the common factor; without correlation one of them is enough.

    Given the common factor, fingers are independent: the distribution of a finger's log-likelihood ratio on a
    grid is convolved with itself, and integrated over the factor. No transform is used: sums of positive
    numbers keep their relative precision down to the smallest rates.
    """
    from scipy.special import ndtr

    first, last = evidence.log_likelihood_ratio(np.array([0.0, GRID_SCORE])).tolist()
    z = normal_quantile_of(_score_at(evidence, np.arange(first, last, GRID_STEP)))
    z[0] = -np.inf
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    own, common = math.sqrt(1.0 - correlation), math.sqrt(correlation)
    reach = ndtr((common * nodes[:, None] - z) / own)  # P(a finger reaches the cell | factor)
    mass = reach.copy()
    mass[:, :-1] -= reach[:, 1:]
    found = []
    total = mass
    for n in range(2, most + 1):
        total = np.stack([np.convolve(t, m) for t, m in zip(total, mass, strict=True)])
        survival = np.cumsum((weights @ total)[::-1])[::-1]
        # Each finger stands in the middle of its cell.
        sums = n * first + GRID_STEP * (np.arange(len(survival)) + n / 2)
        found.append(_knots(sums, -10.0 * np.log10(np.minimum(survival, 1.0))))
    return found


def _score_at(evidence: Evidence, ratios: F64) -> F64:
    """Return the finger scores of log-likelihood ratios, by interpolation on a fine grid."""
    score = np.arange(0.0, GRID_SCORE + 1.0, 0.01)
    found: F64 = np.interp(ratios, evidence.log_likelihood_ratio(score), score)
    return found


def _knots(sums: F64, scores: F64) -> tuple[F64, F64]:
    """Thin out to steps of `TABLE_STEP` in the score, from the last sum of score 0 to `TABLE_TOP`."""
    kept = [int(np.flatnonzero(scores <= NOUGHT)[-1])]
    for i in range(kept[0] + 1, len(scores)):
        if scores[i] > TABLE_TOP:
            break
        if scores[i] >= scores[kept[-1]] + TABLE_STEP:
            kept.append(i)
    thin = scores[kept]
    thin[0] = 0.0
    return np.round(sums[kept], 3), np.round(thin, 3)


def claims(evidence: Evidence, scores: F64, knots: tuple[F64, F64]) -> F64:
    """Return the person-level scores of comparisons (p, n) of n fingers, by the table for n fingers."""
    sums = evidence.log_likelihood_ratio(scores).sum(axis=1)
    return claim(sums, scores.sum(axis=1), scores.max(axis=1), scores.shape[1], *knots)


def actual_over_nominal(claimed: F64, level: float) -> float:
    """Return how many times as often non-mated persons reach a score as it says."""
    return float((claimed >= level).mean() * 10.0 ** (level / 10.0))


def fit_correlation(sources: Sequence[Strangers], evidence: Evidence) -> float:
    """Return the smallest correlation whose claims hold on the weighted mean of the sources.

    They hold where actual / nominal rate, its geometric mean taken over the levels, is 1 at most. Only pairs
    of fingers are used: n = 2. A level counts where some source
    lets expect at least 10 exceedances.
    """
    weights = np.array([s.weight for s in sources])
    used = [
        level for level in LEVELS if max(len(s.scores) for s in sources) * 10 ** (-level / 10) >= MIN_COUNTED
    ]
    if not used:
        raise ArgumentError("Person calibration: expected more non-mated comparisons of two fingers.")
    for correlation in CORRELATIONS:
        knots = tables(evidence, correlation, 2)[0]
        ratio = np.array(
            [
                [actual_over_nominal(claimed, level) for level in used]
                for claimed in (claims(evidence, s.scores, knots) for s in sources)
            ]
        )
        pooled = np.average(ratio, axis=0, weights=weights)
        if np.prod(pooled) <= 1.0:
            return correlation
    return CORRELATIONS[-1]


def make_person_calibration(
    correlation: float, evidence: Evidence, counted: dict[int, int], provenance: dict[str, Any]
) -> PersonCalibration:
    """Make the calibration.

    Parameters
    ----------
    correlation : float
        From `fit_correlation`.
    evidence : Evidence
    counted : dict
        Non-mated comparisons of persons at hand, by number of fingers.
    provenance : dict
        What the data were; plain JSON values.
    """
    knots = tables(evidence, correlation)
    supported = [
        max(10.0 * math.log10(max(counted.get(n, 0), 1) / SUPPORT_EXCEEDANCES), 0.0)
        for n in range(2, MAX_FINGERS_FUSED + 1)
    ]
    return PersonCalibration(
        evidence,
        correlation,
        tuple(k[0] for k in knots),
        tuple(k[1] for k in knots),
        tuple(round(s, 2) for s in supported),
        provenance,
    )
