"""Intervals by a bootstrap over the independent units: persons where known, else fingers or eyes.

One replicate draws as many clusters as there are, with replacement; a cluster drawn w times counts w times. A
mated comparison counts w times for its cluster; a non-mated one w1 * w2 times, for the clusters of both its
sides (Schuckers, Computational Methods in Biometric Authentication, 2010, two-sided subsets); within
one cluster (two fingers of one person) it counts w times. No scores are made again: each replicate is a
weighting of the same sorted scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.rates import FMR_POINTS, ErrorCounts, ScoreOrder, eer, fnmr_at_fmr, zero_fmr

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

REPLICATES = 1000
"""Bootstrap replicates (Efron & Tibshirani 1993: 1,000 for 95 % percentile limits)."""

MAX_WEIGHTED = 200_000_000
"""Comparisons weighted over all replicates: beyond it there are fewer replicates, about 20 s of CPU time."""

MIN_REPLICATES = 100
"""But never fewer than this."""

PERCENTILES = (2.5, 97.5)
"""Limits of a 95 % interval."""

MIN_CLUSTERS = 30
"""Below this many clusters an interval is labelled indicative (DESIGN, "Commands")."""

SEED = 19795
"""Of the replicates: the number of the standard."""

FIGURES: dict[str, Callable[[ErrorCounts], float | None]] = {
    "eer": eer,
    **{f"fnmr_at_fmr.{f}": partial(fnmr_at_fmr, fmr=f) for f in FMR_POINTS},
    "zero_fmr": zero_fmr,
}
"""Error rates that have an interval, by the key it is reported under."""

RANK1 = "rank1"
"""Key of the identification rate, whose interval is over the clusters of the probes."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The independent unit of each sample: `code` (n,) int64 from 0 to `count` - 1."""

    code: I64
    count: int

    @classmethod
    def of(cls, names: list[str]) -> Clusters:
        """Number the clusters that the samples belong to."""
        values, code = np.unique(np.array(names, dtype=object), return_inverse=True)
        return cls(code.astype(np.int64), len(values))


def replicate_count(comparisons: int) -> int:
    """Return how many replicates are made for so many comparisons."""
    return int(np.clip(MAX_WEIGHTED // max(comparisons, 1), MIN_REPLICATES, REPLICATES))


def bootstrap(
    comparisons: Comparisons,
    clusters: Clusters,
    *,
    rank_one: tuple[npt.NDArray[np.int32], Bools] | None = None,
    replicates: int | None = None,
    seed: int = SEED,
) -> dict[str, Interval | None]:
    """Return the 95 % interval of every figure; None where a figure cannot be stated.

    Parameters
    ----------
    comparisons : Comparisons
    clusters : Clusters
        Of the data set's samples.
    rank_one : tuple, optional
        Probes and hits of `rank_one_hits`.
    replicates, seed : int
        Same seed, same interval.
    """
    made: dict[str, list[float]] = {key: [] for key in (*FIGURES, RANK1)}
    for weight, counts in resamplings(comparisons, clusters, replicates=replicates, seed=seed):
        for key, figure in FIGURES.items():
            value = figure(counts)
            if value is not None:
                made[key].append(value)
        if rank_one is not None and (probe_weight := weight[clusters.code[rank_one[0]]]).any():
            made[RANK1].append(float(probe_weight[rank_one[1]].sum() / probe_weight.sum()))
    return {key: _limits(values) for key, values in made.items()}


def resamplings(
    comparisons: Comparisons, clusters: Clusters, *, replicates: int | None = None, seed: int = SEED
) -> Iterator[tuple[I64, ErrorCounts]]:
    """Draw clusters again and again: how often each was drawn, int64 (clusters,), and the errors then."""
    failed = comparisons.failed
    non_mated, mated = ~comparisons.mated, comparisons.mated & ~failed
    order = ScoreOrder.of(comparisons.raw[non_mated], comparisons.raw[mated])
    one, two = (clusters.code[side[non_mated]] for side in (comparisons.probe, comparisons.reference))
    own = clusters.code[comparisons.probe[mated]]
    own_failed = clusters.code[comparisons.probe[failed]]
    across = one != two
    rng = np.random.default_rng(seed)
    for _ in range(replicates or replicate_count(len(comparisons.raw))):
        drawn = rng.integers(clusters.count, size=clusters.count)
        weight = np.bincount(drawn, minlength=clusters.count)
        pair_weight = weight[one] * np.where(across, weight[two], 1)
        yield weight, order.count(pair_weight, weight[own], failed=int(weight[own_failed].sum()))


def _limits(values: list[float]) -> Interval | None:
    if not values:
        return None
    low, high = np.percentile(np.array(values), PERCENTILES)
    return float(low), float(high)


def rule_of_three(comparisons: int) -> float:
    """Return the 95 % upper limit of a rate with no error in so many comparisons: 3 / n (ISO/IEC 19795-1)."""
    return min(1.0, 3.0 / max(comparisons, 1))


def interval(value: float | None, drawn: Interval | None, trials: int) -> Interval | None:
    """Return the interval of an error rate: the rule of three where there is no error at all."""
    if value is None:
        return None
    return (0.0, rule_of_three(trials)) if value == 0.0 else drawn
