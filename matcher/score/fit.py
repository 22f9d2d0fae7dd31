"""Makes a calibration from non-mated scores, and checks its tail on a decade that the fit did not see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from matcher.errors import ArgumentError
from matcher.score.calibration import SUPPORT_EXCEEDANCES, Calibration
from matcher.score.tail import F64, Tail, TailFit, fit_generalised_pareto

MIN_NON_MATED = 1000
"""Fewest non-mated scores that a calibration is made from: two decades of supported FMR."""

KNOT_STEP = 0.5
"""Distance of knots on the calibrated scale, -10 log10(FMR)."""

TAIL_RATE = 0.01
"""Share of the non-mated scores that the tail is fitted to: those above the 99 % quantile."""

TAIL_MIN_EXCEEDANCES = 100
"""At least this many, where 1 % is fewer."""

SCORE_FLOOR = 0.0
"""Lowest raw score there can be: no scorer of this package goes below 0."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What a tail fitted below the last decade says about that decade.

    Attributes
    ----------
    fitted_to, predicted_at : int
        Exceedances at the end of the part that was fitted, and at the score whose FMR was predicted.
    predicted, observed : float
        -10 log10(FMR) at that score, by the tail and by the data.
    parameters : dict
        Of the tail that was fitted, by name.
    """

    fitted_to: int
    predicted_at: int
    predicted: float
    observed: float
    parameters: dict[str, float]

    @property
    def error(self) -> float:
        """Predicted less observed; above 0 the tail claims too much."""
        return self.predicted - self.observed

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""
        counts = {"fitted_to": self.fitted_to, "predicted_at": self.predicted_at}
        return {**counts, "predicted": self.predicted, "observed": self.observed, **self.parameters}


def _descending(non_mated: F64) -> F64:
    scores = np.sort(np.asarray(non_mated, dtype=np.float64))[::-1]
    if len(scores) < MIN_NON_MATED:
        raise ArgumentError(
            f"Calibration: expected at least {MIN_NON_MATED} non-mated scores, got {len(scores)}.",
            hint="Pool several data sets.",
        )
    if not np.isfinite(scores).all() or scores[-1] < SCORE_FLOOR:
        raise ArgumentError(f"Calibration: expected finite scores of {SCORE_FLOOR} or above.")
    return scores


def _tail_threshold(descending: F64, rate: float) -> float:
    """Return the score that the tail is counted from: the highest one outside the exceedances."""
    wanted = max(math.ceil(rate * len(descending)), TAIL_MIN_EXCEEDANCES)
    return float(descending[wanted])


def empirical_knots(descending: F64) -> tuple[F64, F64]:
    """Return knots (raw, -10 log10(FMR)) up to the support limit, both strictly increasing.

    Each knot is the lowest score that reaches the next level, with its rate count(non-mated >= raw) / N.
    """
    n = len(descending)
    ascending = descending[::-1]
    support = float(descending[SUPPORT_EXCEEDANCES - 1])
    levels = np.arange(KNOT_STEP, -10.0 * math.log10(SUPPORT_EXCEEDANCES / n), KNOT_STEP)
    raw, score = [SCORE_FLOOR], [0.0]
    for wanted in [*np.floor(n * 10.0 ** (-levels / 10.0)).astype(int).tolist(), SUPPORT_EXCEEDANCES]:
        # More than `wanted` reach descending[wanted]; the next distinct score above it is the knot.
        place = int(np.searchsorted(ascending, descending[wanted], side="right"))
        knot = min(float(ascending[min(place, n - 1)]), support)
        exceedances = n - int(np.searchsorted(ascending, knot, side="left"))
        value = -10.0 * math.log10(exceedances / n)
        if knot > raw[-1] and value > score[-1]:
            raw.append(knot)
            score.append(value)
    return np.array(raw), np.array(score)


def fit_calibration(
    non_mated: F64,
    *,
    pairing: tuple[str, str],
    scorer: str,
    provenance: dict[str, Any] | None = None,
    fit_tail: TailFit = fit_generalised_pareto,
    tail_rate: float = TAIL_RATE,
) -> Calibration:
    """Make a calibration.

    Parameters
    ----------
    non_mated : float array (n,)
        Raw scores of comparisons across fingers, at least 1,000, all of 0 or above.
    pairing : tuple of str
        The two extractors.
    scorer : str
        Id of the scorer that gave the scores.
    provenance : dict, optional
        What the data are; plain JSON values.
    fit_tail : TailFit
        Model of the tail.
    tail_rate : float
        Share of the scores that it is fitted to.

    Raises
    ------
    ArgumentError
        If there are too few scores or they cannot carry a tail.
    """
    descending = _descending(non_mated)
    raw, score = empirical_knots(descending)
    threshold = _tail_threshold(descending, tail_rate)
    tail = fit_tail(descending, threshold)
    checks = hold_back_decade(descending, fit_tail=fit_tail, tail_rate=tail_rate)
    stated = {
        **(provenance or {}),
        "tail_model": tail.model,
        "tail_exceedances": int((descending > threshold).sum()),
        "support_exceedances": SUPPORT_EXCEEDANCES,
        "held_back_decade": [check.to_json() for check in checks],
    }
    return Calibration(pairing, scorer, raw, score, tail, len(descending), stated)


def hold_back_decade(
    non_mated: F64, *, fit_tail: TailFit = fit_generalised_pareto, tail_rate: float = TAIL_RATE
) -> list[HeldBack]:
    """Fit the tail with the last supported decade of FMR held back, and predict that decade.

    The scores above the one that 10 * 10 comparisons reach are known to the fit by their number only. The
    prediction is made where 50, 30, 20 and 10 comparisons are left.
    """
    descending = _descending(non_mated)
    n = len(descending)
    seen = SUPPORT_EXCEEDANCES * 10
    limit = float(descending[seen - 1])
    threshold = _tail_threshold(descending, tail_rate)
    if n * tail_rate < 2 * seen:
        # Small sets: one decade of exceedances below the part that is held back.
        threshold = float(descending[min(10 * seen, n) - 1])
    above = int((descending > limit).sum())
    tail = fit_tail(descending, threshold, censored_above=limit, censored_count=above)
    return [_predict(descending, tail, limit, count) for count in (50, 30, 20, SUPPORT_EXCEEDANCES)]


def _predict(descending: F64, tail: Tail, limit: float, count: int) -> HeldBack:
    n = len(descending)
    reached = int((descending >= limit).sum())
    at = descending[count - 1 : count]
    drop = float((tail.log10_survival(np.array([limit])) - tail.log10_survival(at))[0])
    return HeldBack(
        fitted_to=reached,
        predicted_at=count,
        predicted=-10.0 * math.log10(reached / n) + 10.0 * drop,
        observed=-10.0 * math.log10(int((descending >= at[0]).sum()) / n),
        parameters=tail.parameters(),
    )
