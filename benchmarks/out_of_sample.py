"""Do calibrated scores keep their promise on people who were not in the calibration?

A calibration is fitted to the non-mated comparisons of one group of prints; every other non-mated comparison,
across sets too, is then held against it: actual over nominal FMR at a score. 1 is the promise, below 1 errs
on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.evaluate.intervals import Clusters
from matcher.evaluate.modality import Gallery, Modality
from matcher.score.fit import fit_calibration

SCORES = (20, 30, 40)
"""Scores at which the rates are held against each other."""

REPLICATES = 2000
"""Of the bootstrap over fingers."""

SEED = 19795
"""Of the bootstrap."""

PERCENTILES = (2.5, 97.5)
"""Of the 95 % interval."""

ONE_FINGER = (("FVC2002 DB3_B", "108"), ("FVC2004 DB3_B", "102"))
"""One finger in two public sets (benchmarks/LOG.md): its pairs are mated, and left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Templates of several sets in one row.

    Attributes
    ----------
    templates : list
        n templates.
    fingers : list of str
        Of each, unique across sets.
    fitted : bool array (n,)
        Whose comparisons with each other make the calibration.
    """

    templates: list[Any]
    fingers: list[str]
    fitted: npt.NDArray[np.bool_]


def finger_name(title: str, identity: str) -> str:
    """Return the name of a finger across sets; the one that is in two has one name."""
    title, identity = ONE_FINGER[0] if (title, identity) in ONE_FINGER else (title, identity)
    return f"{title} {identity}"


def non_mated_scores(
    prints: Prints, modality: Modality
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Compare every pair of different fingers once; return raw scores and both sides' places."""
    gallery = Gallery.of([modality.resident(template) for template in prints.templates])
    names = np.array(prints.fingers)
    raw, one, two = [], [], []
    for place, template in enumerate(prints.templates):
        rows = place + 1 + np.flatnonzero(names[place + 1 :] != names[place]).astype(np.int64)
        if len(rows):
            raw.append(modality.scorer(template)(gallery, rows, 1))
            one.append(np.full(len(rows), place))
            two.append(rows)
    return np.concatenate(raw), np.concatenate(one), np.concatenate(two)


def actual_over_nominal(prints: Prints, modality: Modality) -> dict[str, Any]:
    """Fit to the fitted prints, test on all other comparisons.

    Returns
    -------
    dict
        `fitted_comparisons`, `tested_comparisons`, and at each score of SCORES `ratio`, `exceedances` and
        `interval` (95 %, fingers drawn with replacement, both sides of a pair together).
    """
    raw, one, two = non_mated_scores(prints, modality)
    inside = prints.fitted[one] & prints.fitted[two]
    calibration = fit_calibration(
        raw[inside].astype(np.float64), pairing=("out-of-sample", "out-of-sample"), scorer="fingerprint/1"
    )
    scores, _ = calibration.scores(raw[~inside])
    clusters = Clusters.of(prints.fingers)
    first, second = (clusters.code[side[~inside]] for side in (one, two))
    totals = _between(first, second, np.ones(len(scores), np.bool_), clusters.count)
    found: dict[str, Any] = {
        "fitted_comparisons": int(inside.sum()),
        "tested_comparisons": int((~inside).sum()),
    }
    for score in SCORES:
        reached = scores >= score
        nominal = 10.0 ** (-score / 10.0)
        drawn = _resampled(_between(first, second, reached, clusters.count), totals) / nominal
        found[str(score)] = {
            "ratio": float(reached.mean() / nominal),
            "exceedances": int(reached.sum()),
            "interval": [float(limit) for limit in np.percentile(drawn, PERCENTILES)],
        }
    return found


def _between(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], counted: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.float64]:
    """Count comparisons between each two fingers, (count, count)."""
    table = np.zeros((count, count))
    np.add.at(table, (first[counted], second[counted]), 1.0)
    return table


def _resampled(reached: npt.NDArray[np.float64], totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rate in each replicate."""
    rng = np.random.default_rng(SEED)
    count = len(totals)
    rates = []
    for _ in range(REPLICATES):
        weight = np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
        of_all = weight @ totals @ weight
        rates.append(weight @ reached @ weight / of_all if of_all else 0.0)
    return np.array(rates)


def of_sets(titles: Sequence[str], results: Sequence[Any], fitted: str, modality: Modality) -> dict[str, Any]:
    """Return `actual_over_nominal` of evaluated sets: fitted to the one of that title, tested on the rest."""
    templates, fingers, inside = [], [], []
    for title, result in zip(titles, results, strict=True):
        for sample, item in zip(result.dataset.samples, result.extractions.items, strict=True):
            if item.template is not None:
                templates.append(item.template)
                fingers.append(finger_name(title, sample.identity))
                inside.append(title == fitted)
    return actual_over_nominal(Prints(templates, fingers, np.array(inside)), modality)
