"""The tail of iris scores: the highest of several rotations, each of a binomial distribution.

At one rotation the fractional Hamming distance of different eyes is binomial, with as many trials as a code
has degrees of freedom: fewer than bits, as neighbours agree (Daugman, "High confidence visual recognition of
persons by a test of statistical independence", TPAMI 1993). The best of r independent rotations has survival
1 - (1 - survival of one) ** r; rotations by neighbouring steps are alike, so r is fitted too (Daugman, "The
importance of being random", Pattern Recognition 36, 2003).

The raw score is 1 - 2 HD, normalised by the number of valid bits, so that one number of degrees of freedom
holds for all comparisons. A binomial of a whole number of trials is a step function; the regularised
incomplete beta function continues it.

LIMITATIONS: pairs differ in masks and texture; the fitted numbers are those that describe the tail of their
mixture best. The fit looks at the exceedances only; how well it holds beyond is checked by the decade that is
held back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from matcher.errors import ArgumentError
from matcher.score.tail import F64, LOG10, MIN_EXCESSES

_DEGREES = (10.0, 20000.0)
"""Degrees of freedom looked for."""

_ROTATIONS = (1.0, 31.0)
"""Independent rotations looked for: no more than are compared."""

MOST_KEPT = 64
"""Starts of tails that are kept: one for each calibration."""

_STEP = 1e-5
"""Raw scores over which the density is taken: far below the spread of any tail."""


@dataclass(frozen=True, slots=True)
class BinomialMaximum:
    """Distribution of the highest of several binomial scores, given that it exceeds `threshold`.

    Attributes
    ----------
    threshold : float
        Raw score above which it is used, 0 to 1.
    degrees : float
        Trials of the binomial: degrees of freedom of the Hamming distance of two eyes at one rotation.
    rotations : float
        Independent rotations that the highest is taken of.
    """

    threshold: float
    degrees: float
    rotations: float

    model: ClassVar[str] = "extreme value of a fitted binomial, maximum likelihood"
    kind: ClassVar[str] = "binomial maximum"

    def __post_init__(self) -> None:
        finite = all(math.isfinite(v) for v in (self.threshold, self.degrees, self.rotations))
        if not finite or not 0.0 <= self.threshold < 1.0 or self.degrees <= 0 or self.rotations < 1:
            raise ArgumentError(
                "BinomialMaximum: expected a threshold from 0 below 1, degrees above 0 and at least one "
                f"rotation, got {self.threshold}, {self.degrees}, {self.rotations}."
            )

    def log10_survival(self, raw: F64) -> F64:
        """Return log10 of the probability that an exceedance is at least `raw` (shape (n,), >= threshold)."""
        natural = _log_survival(raw, self.degrees, self.rotations)
        return (natural - _log_survival_at(self.threshold, self.degrees, self.rotations)) / LOG10

    def raw_at(self, log10_survival: float) -> float:
        """Return the raw score whose `log10_survival` is this; 1 where no score is so rare."""
        from scipy.optimize import brentq

        def over(raw: float) -> float:
            return float(self.log10_survival(np.array([raw]))[0]) - log10_survival

        if over(1.0) >= 0.0:
            return 1.0
        return float(brentq(over, self.threshold, 1.0, xtol=1e-14, rtol=1e-14))

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""
        return {
            "model": self.kind,
            "threshold_raw": self.threshold,
            "degrees": self.degrees,
            "rotations": self.rotations,
        }

    def parameters(self) -> dict[str, float]:
        """Return what was fitted."""
        return {"degrees": self.degrees, "rotations": self.rotations}


def _log_survival(raw: F64, degrees: float, rotations: float) -> F64:
    """Return ln of the probability that the highest of `rotations` binomial scores is at least `raw`."""
    from scipy.special import betainc

    distance = degrees * (1.0 - np.clip(raw, -1.0, 1.0)) / 2.0
    # P(X <= x) for X binomial of `degrees` fair trials, continued between whole numbers.
    one = betainc(np.maximum(degrees - distance, 1e-9), distance + 1.0, 0.5)
    one = np.maximum(one, np.finfo(np.float64).tiny)
    survival: F64 = np.log(-np.expm1(rotations * np.log1p(-np.minimum(one, 1.0 - 1e-16))))
    return survival


@lru_cache(maxsize=MOST_KEPT)
def _log_survival_at(raw: float, degrees: float, rotations: float) -> F64:
    """Return `_log_survival` of one score, shape (1,): every search asks for it a hundred times."""
    return _log_survival(np.array([raw]), degrees, rotations)


def fit_binomial_maximum(
    scores: F64, threshold: float, *, censored_above: float = math.inf, censored_count: int = 0
) -> BinomialMaximum:
    """Fit the tail above `threshold`: parameters as in `matcher.score.tail.fit_generalised_pareto`.

    Raises
    ------
    ArgumentError
        If fewer than 20 scores lie in the range, or one is above 1.
    """
    from scipy.optimize import minimize

    inside = np.asarray(scores[(scores > threshold) & (scores <= censored_above)], dtype=np.float64)
    if len(inside) < MIN_EXCESSES:
        raise ArgumentError(
            f"Tail fit: expected at least {MIN_EXCESSES} exceedances, got {len(inside)}.",
            hint="Use more non-mated comparisons or a lower threshold.",
        )
    if not 0.0 <= threshold < 1.0 or inside.max() > 1.0:
        raise ArgumentError("Tail fit: expected scores from 0 to 1.")
    # Thousands of exceedances say no more than a thousand quantiles of them.
    shown = np.quantile(inside, (np.arange(1000) + 0.5) / 1000) if len(inside) > 1000 else inside
    weight = len(inside) / len(shown)
    limit = np.array([min(censored_above, 1.0)])

    def unlikelihood(parameters: F64) -> float:
        degrees, rotations = math.exp(parameters[0]), math.exp(parameters[1])
        start = _log_survival(np.array([threshold]), degrees, rotations)[0]
        low = _log_survival(shown - _STEP, degrees, rotations)
        high = _log_survival(shown + _STEP, degrees, rotations)
        density = np.maximum(np.exp(low) - np.exp(high), np.finfo(np.float64).tiny)
        total = weight * float((np.log(density) - start).sum())
        if censored_count:
            total += censored_count * float(_log_survival(limit, degrees, rotations)[0] - start)
        return -total

    bounds = [tuple(math.log(v) for v in ends) for ends in (_DEGREES, _ROTATIONS)]
    # From several starts: the likelihood is flat where rotations and degrees make up for each other.
    starts = [[math.log(degrees), math.log(6.0)] for degrees in (80.0, 300.0, 1200.0)]
    found = [minimize(unlikelihood, start, method="Nelder-Mead", bounds=bounds) for start in starts]
    best = min(found, key=lambda one: float(one.fun))
    return BinomialMaximum(threshold, math.exp(float(best.x[0])), math.exp(float(best.x[1])))
