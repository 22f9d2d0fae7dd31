"""The generalised Pareto tail above the scores that non-mated data support.

Exceedances over a high threshold follow a generalised Pareto distribution in the limit (Pickands, Annals of
Statistics 1975; Balkema & de Haan 1974): survival(z) = (1 + shape * z / scale) ** (-1 / shape), and
exp(-z / scale) for shape 0. Fitted by maximum likelihood, profiled to one variable (Grimshaw, Technometrics
1993), here with the observations above a given point known by their number only (type I censoring), so that
the same estimator serves the calibration and the check that holds the last decade back.

LIMITATIONS: a shape below 0 would give the tail a finite end point, and every score beyond it an FMR of
nothing. Such a claim needs more than these data: the shape is fitted within [0, inf), so a bounded-looking
tail is taken as exponential, which claims less, has no end and stays strictly monotone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

F64 = npt.NDArray[np.float64]

LOG10 = math.log(10.0)
"""Natural logarithm of 10."""

MIN_EXCESSES = 20
"""Fewest uncensored exceedances that two parameters are fitted to."""

_THETA_RANGE = (1e-6, 1e3)
"""Range of shape / scale searched, in units of 1 / mean excess: from nearly exponential to absurdly heavy."""

_THETA_STEPS = 181
"""Grid points over that range (20 a decade); the best one is refined between its neighbours."""


class Tail(Protocol):
    """Model of scores above `threshold`, whatever its kind."""

    model: ClassVar[str]
    """How a calibration's file names it."""

    @property
    def threshold(self) -> float:
        """Raw score above which it is used."""

    def log10_survival(self, raw: F64) -> F64:
        """Return log10 of the probability that an exceedance is at least `raw` (shape (n,), >= threshold)."""

    def raw_at(self, log10_survival: float) -> float:
        """Return the raw score whose `log10_survival` is this."""

    def parameters(self) -> dict[str, float]:
        """Return what was fitted, by name."""

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""


class TailFit(Protocol):
    """How a tail is fitted: `fit_generalised_pareto`, `matcher.score.tail_binomial.fit_binomial_maximum`."""

    def __call__(
        self, scores: F64, threshold: float, *, censored_above: float = math.inf, censored_count: int = 0
    ) -> Tail:
        """Return the tail above `threshold`."""


@dataclass(frozen=True, slots=True)
class GeneralisedPareto:
    """Distribution of the excess of a score over `threshold`.

    Attributes
    ----------
    threshold : float
        Raw score above which the excess is counted.
    scale : float
        In raw score units, positive.
    shape : float
        0 (exponential) or above (heavier than exponential).
    """

    threshold: float
    scale: float
    shape: float

    model: ClassVar[str] = "generalised Pareto, maximum likelihood, shape >= 0"

    def __post_init__(self) -> None:
        finite = all(math.isfinite(v) for v in (self.threshold, self.scale, self.shape))
        if not finite or self.scale <= 0 or self.shape < 0:
            raise ArgumentError(
                "GeneralisedPareto: expected a finite threshold, a positive scale and a shape of 0 or above, "
                f"got {self.threshold}, {self.scale}, {self.shape}."
            )

    def log10_survival(self, raw: F64) -> F64:
        """Return log10 of the probability that an exceedance is at least `raw` (shape (n,), >= threshold)."""
        z = (raw - self.threshold) / self.scale
        natural: F64 = z if self.shape == 0.0 else np.log1p(self.shape * z) / self.shape
        return -natural / LOG10

    def raw_at(self, log10_survival: float) -> float:
        """Return the raw score whose `log10_survival` is this."""
        natural = -log10_survival * LOG10
        excess = natural if self.shape == 0.0 else math.expm1(self.shape * natural) / self.shape
        return self.threshold + self.scale * excess

    def parameters(self) -> dict[str, float]:
        """Return what was fitted, by name."""
        return {"shape": self.shape, "scale": self.scale}

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""
        return {"threshold_raw": self.threshold, "scale": self.scale, "shape": self.shape}


def fit_generalised_pareto(
    scores: F64, threshold: float, *, censored_above: float = math.inf, censored_count: int = 0
) -> GeneralisedPareto:
    """Fit the tail above `threshold`.

    Parameters
    ----------
    scores : float64 array (n,)
        Scores from `threshold` to `censored_above`; any others are left out.
    threshold : float
        Raw score from which the excess is counted.
    censored_above : float
        Scores above this are not looked at; only that there are `censored_count` of them.
    censored_count : int
        Number of scores above `censored_above`.

    Raises
    ------
    ArgumentError
        If fewer than 20 scores lie in the range, or all of them are equal.
    """
    excess = scores[(scores > threshold) & (scores <= censored_above)] - threshold
    n = len(excess)
    if n < MIN_EXCESSES:
        raise ArgumentError(
            f"Tail fit: expected at least {MIN_EXCESSES} exceedances, got {n}.",
            hint="Use more non-mated comparisons or a lower threshold.",
        )
    limit = censored_above - threshold if censored_count else 0.0
    # Exponential: the total time on test over the number of events.
    mean = float((excess.sum() + censored_count * limit) / n)
    exponential = -n * math.log(mean) - n

    def shape_of(theta: float) -> tuple[float, float]:
        inside = float(np.log1p(theta * excess).sum())
        beyond = censored_count * math.log1p(theta * limit)
        shape = (inside + beyond) / n
        return shape, -n * math.log(shape / theta) - inside - n

    grid = np.geomspace(*_THETA_RANGE, _THETA_STEPS) / mean
    likelihoods = [shape_of(float(theta))[1] for theta in grid]
    best = int(np.argmax(likelihoods))
    if likelihoods[best] <= exponential or best == 0:
        return GeneralisedPareto(threshold, mean, 0.0)

    from scipy.optimize import minimize_scalar

    low, high = math.log(grid[best - 1]), math.log(grid[min(best + 1, _THETA_STEPS - 1)])
    found = minimize_scalar(lambda v: -shape_of(math.exp(v))[1], bounds=(low, high), method="bounded")
    theta = math.exp(float(found.x))
    shape = shape_of(theta)[0]
    return GeneralisedPareto(threshold, shape / theta, shape)
