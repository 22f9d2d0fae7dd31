"""Error rates by group of people: FTE, FNMR, FMR and FNIR with intervals, and how unequal they are.

One threshold for all (ISO/IEC 19795-10: differential performance). A non-mated comparison belongs to a group
where both of its sides do. FNIR: the first sample of each identity is the gallery, the others are probes; a
probe whose mate scores below the threshold, or that failed to extract, is a miss.

Measures of inequality over the groups that have enough data, of FNMR, FMR and FNIR: the highest rate over the
lowest, the highest over the geometric mean (ISO/IEC 19795-10), and the Gini coefficient with n / (n - 1)
(Howard et al., "Evaluating proposed fairness models for face recognition algorithms", ICPR 2022). Where a
group has no error a ratio is not stated: it is at least that with the rule of three in its place.

Intervals: bootstrap over the identities of a group, both sides of non-mated pairs resampled together; the
rule of three over identities where there is no error. Below `MIN_CLUSTERS` identities, or `MIN_ERRORS`
errors, a rate is called too uncertain to compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.intervals import MIN_CLUSTERS, PERCENTILES, SEED, Interval, rule_of_three

REPLICATES = 1000
"""Of each rate of each group."""

MIN_ERRORS = 10
"""Errors below which a rate says little about a difference (as with FMR, DESIGN)."""

MAX_GROUPS = 50
"""Most values of an attribute."""

RATES = ("fnmr", "fmr", "fnir")
"""Rates that inequality is stated of."""

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate of a group.

    Attributes
    ----------
    value : float or None
        None where there is nothing to count.
    errors, trials, identities : int
    interval : pair of float or None
        95 %.
    tells : bool
        Whether there is enough data to compare it with other groups.
    """

    value: float | None
    errors: int
    trials: int
    identities: int
    interval: Interval | None
    tells: bool


def fairness_report(
    groups: Sequence[str],
    identities: I64,
    failed: Bools,
    comparisons: Comparisons,
    threshold: float,
) -> dict[str, Any]:
    """Return rates by group and their inequality, plain JSON values.

    Parameters
    ----------
    groups : sequence of str
        Of each sample; samples with an empty one are left out.
    identities : int64 array (n,)
        Of each sample.
    failed : bool array (n,)
        Which samples gave no template.
    comparisons : Comparisons
        Raw scores; NaN where a side failed.
    threshold : float
        Raw score from which a comparison matches.

    Raises
    ------
    ArgumentError
        If there are too many groups, or none.
    """
    names = np.array(groups, dtype=object)
    values = sorted(set(groups) - {""})
    if not 1 <= len(values) <= MAX_GROUPS:
        raise ArgumentError(f"Attribute: expected 1 to {MAX_GROUPS} values, got {len(values)}.")
    own = names[comparisons.probe]
    same = own == names[comparisons.reference]
    match = np.nan_to_num(comparisons.raw, nan=-np.inf) >= threshold
    probes = _identification(identities, comparisons)
    table: dict[str, dict[str, Any]] = {}
    for value in values:
        inside = same & (own == value)
        mated, non_mated = inside & comparisons.mated, inside & ~comparisons.mated & ~comparisons.failed
        of_it = names == value
        one = identities[comparisons.probe]
        two = identities[comparisons.reference]
        table[value] = {
            "samples": int(of_it.sum()),
            "identities": len(np.unique(identities[of_it])),
            "fte": asdict(_rate(failed[of_it], identities[of_it])),
            "fnmr": asdict(_rate(~match[mated], one[mated])),
            "fmr": asdict(_rate(match[non_mated], one[non_mated], two[non_mated])),
            "fnir": asdict(_rate(~match[probes & inside], one[probes & inside])),
        }
    return {
        "threshold_raw": threshold,
        "groups": table,
        "inequality": {rate: _inequality([table[value][rate] for value in values]) for rate in RATES},
    }


def _identification(identities: I64, comparisons: Comparisons) -> Bools:
    """Return which comparisons are of a probe with its mate's first sample."""
    _, first = np.unique(identities, return_index=True)
    is_first = np.zeros(len(identities), np.bool_)
    is_first[first] = True
    one, two = is_first[comparisons.probe], is_first[comparisons.reference]
    wanted: Bools = comparisons.mated & (one | two)
    return wanted


def _rate(errors: Bools, one: I64, two: I64 | None = None) -> Rate:
    trials, count = len(errors), int(errors.sum())
    if trials == 0:
        return Rate(None, 0, 0, 0, None, False)
    both = one if two is None else np.concatenate([one, two])
    people, code = np.unique(both, return_inverse=True)
    tells = len(people) >= MIN_CLUSTERS and count >= MIN_ERRORS
    if count == 0:
        return Rate(0.0, 0, trials, len(people), (0.0, rule_of_three(len(people))), False)
    drawn = _bootstrap(errors, code[: len(one)], None if two is None else code[len(one) :], len(people))
    return Rate(count / trials, count, trials, len(people), drawn, tells)


def _bootstrap(errors: Bools, one: I64, two: I64 | None, people: int) -> Interval:
    """Return the percentile interval of a rate whose identities are drawn again and again."""
    rng = np.random.default_rng(SEED)
    rates = []
    for _ in range(REPLICATES):
        weight = np.bincount(rng.integers(people, size=people), minlength=people)
        own = weight[one] if two is None else weight[one] * weight[two]
        total = int(own.sum())
        if total:
            rates.append(float(own[errors].sum()) / total)
    low, high = np.percentile(np.array(rates), PERCENTILES)
    return float(low), float(high)


def _inequality(rates: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the measures over the groups that tell; None where fewer than two do."""
    told = [rate["value"] for rate in rates if rate["tells"]]
    left_out = len(rates) - len(told)
    if len(told) < 2:
        return {"max_over_min": None, "max_over_geometric_mean": None, "gini": None, "left_out": left_out}
    mean = sum(told) / len(told)
    spread = sum(abs(x - y) for x in told for y in told) / (2 * len(told) ** 2 * mean)
    return {
        "max_over_min": max(told) / min(told),
        "max_over_geometric_mean": max(told) / math.exp(sum(map(math.log, told)) / len(told)),
        "gini": spread * len(told) / (len(told) - 1),
        "left_out": left_out,
    }
