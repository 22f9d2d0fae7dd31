"""The figures of one evaluation as plain JSON values (DESIGN, "Commands": the contract)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.protocol import Impostors
from matcher.datasets.samples import Dataset
from matcher.evaluate.comparisons import Bools, Comparisons, rank_one_hits
from matcher.evaluate.definitions import DEFINITIONS
from matcher.evaluate.discard import Graded, discard_figures
from matcher.evaluate.extraction import Extractions, median
from matcher.evaluate.intervals import (
    FIGURES,
    MIN_CLUSTERS,
    RANK1,
    SEED,
    Clusters,
    Interval,
    bootstrap,
    interval,
    replicate_count,
    rule_of_three,
)
from matcher.evaluate.modality import U64, Modality
from matcher.evaluate.rates import (
    FEW_FALSE_MATCHES,
    FMR_POINTS,
    ErrorCounts,
    ScoreOrder,
    allowed_false_matches,
    eer,
    fnmr_at_fmr,
    zero_fmr,
)
from matcher.evaluate.speed import Speed
from matcher.score.calibration import Calibration

SCORE_POINTS = (20, 30, 40)
"""Calibrated thresholds at which the observed rates are stated: promised FMR 1e-2, 1e-3, 1e-4."""

RankOne = tuple[npt.NDArray[np.int32], Bools]


def make_report(
    dataset: Dataset,
    modality: Modality,
    impostors: Impostors | None,
    extractions: Extractions,
    residents: list[U64],
    comparisons: Comparisons,
    calibration: Calibration | None,
    score: npt.NDArray[np.float64] | None,
    speed: Speed | None,
) -> dict[str, Any]:
    """Return the report; every value is a number, a text, null, or a list or dict of these."""
    rank_one = rank_one_hits(dataset, comparisons) if impostors is Impostors.ALL else None
    return {
        "dataset": dataset.name,
        "folder": dataset.root.resolve().name,
        "modality": modality.name,
        "extractor": modality.extractor,
        "extractor_id": modality.extractor_id,
        "impostors": "listed" if impostors is None else impostors.value,
        "images": len(dataset.samples),
        "identities": len(dataset.identities),
        "failures_to_extract": int(extractions.failed.sum()),
        "failure_reasons": extractions.reasons,
        **error_figures(dataset, comparisons, rank_one),
        **_true_accepts(modality, comparisons),
        "calibration": None if calibration is None else calibration.id,
        "at_score": _at_score(comparisons, score),
        **discard_figures(Graded.of(extractions, comparisons)),
        "extract_ms_median": extractions.median_milliseconds,
        "comparisons_per_second_core": None if speed is None else speed.comparisons_per_second,
        "template_bytes_median": extractions.median_stored_bytes,
        "resident_bytes_median": median(words.nbytes for words in residents if len(words)),
        "definitions": DEFINITIONS,
    }


def _true_accepts(modality: Modality, comparisons: Comparisons) -> dict[str, Any]:
    """Return what the literature of faces states instead of FNMR: the share of mates accepted."""
    if modality.name != "face":
        return {}
    counts = error_counts(comparisons)
    rates = {fmr: fnmr_at_fmr(counts, fmr) for fmr in FMR_POINTS}
    return {"tar_at_far": {fmr: None if rate is None else 1 - rate for fmr, rate in rates.items()}}


def error_figures(
    dataset: Dataset, comparisons: Comparisons, rank_one: RankOne | None = None
) -> dict[str, Any]:
    """Return counts, error rates, their intervals and flags."""
    counts = error_counts(comparisons)
    clusters = Clusters.of(dataset.clusters)
    drawn = bootstrap(comparisons, clusters, rank_one=rank_one)
    rates = {key: figure(counts) for key, figure in FIGURES.items()}
    fewest = min(counts.mated, counts.non_mated)
    intervals = {
        key: interval(value, drawn[key], fewest if key == "eer" else counts.mated)
        for key, value in rates.items()
    }
    rank1, intervals[RANK1] = _rank_one(rank_one, drawn[RANK1])
    return {
        "mated": counts.mated,
        "non_mated": counts.non_mated,
        "eer": eer(counts),
        "fnmr_at_fmr": {fmr: fnmr_at_fmr(counts, fmr) for fmr in FMR_POINTS},
        "zero_fmr": zero_fmr(counts),
        "rank1": rank1,
        "intervals": {key: None if value is None else list(value) for key, value in intervals.items()},
        "interval_method": {
            "unit": "person" if dataset.persons_known else "identity",
            "clusters": clusters.count,
            "indicative": clusters.count < MIN_CLUSTERS,
            "replicates": replicate_count(len(comparisons.raw)),
            "seed": SEED,
        },
        "flags": _flags(counts, clusters),
    }


def error_counts(comparisons: Comparisons) -> ErrorCounts:
    """Return the counts of errors at every threshold, each comparison once."""
    present = comparisons.mated & ~comparisons.failed
    order = ScoreOrder.of(comparisons.raw[~comparisons.mated], comparisons.raw[present])
    return order.count(failed=int(comparisons.failed.sum()))


def _rank_one(rank_one: RankOne | None, drawn: Interval | None) -> tuple[float | None, Interval | None]:
    if rank_one is None or len(rank_one[0]) == 0:
        return None, None
    rate = int(rank_one[1].sum()) / len(rank_one[1])
    return rate, (1.0 - rule_of_three(len(rank_one[1])), 1.0) if rate == 1.0 else drawn


def _flags(counts: ErrorCounts, clusters: Clusters) -> dict[str, str]:
    flags = {}
    for fmr in FMR_POINTS:
        allowed = allowed_false_matches(fmr, counts.non_mated)
        if allowed < 1:
            flags[f"fnmr_at_fmr.{fmr}"] = "not stated: fewer than one false match allowed"
        elif allowed < FEW_FALSE_MATCHES:
            flags[f"fnmr_at_fmr.{fmr}"] = f"only {allowed} false matches allowed, below {FEW_FALSE_MATCHES}"
    if clusters.count < MIN_CLUSTERS:
        flags["intervals"] = f"indicative: {clusters.count} clusters, below {MIN_CLUSTERS}"
    return flags


def _at_score(
    comparisons: Comparisons, score: npt.NDArray[np.float64] | None
) -> dict[str, dict[str, float | None]] | None:
    if score is None:
        return None
    non_mated, mated = score[~comparisons.mated], score[comparisons.mated]
    return {
        str(point): {
            "fmr": int((non_mated >= point).sum()) / len(non_mated) if len(non_mated) else None,
            # NaN (a failure) is never >= and so counts as a miss.
            "fnmr": int((~(mated >= point)).sum()) / len(mated) if len(mated) else None,
        }
        for point in SCORE_POINTS
    }
