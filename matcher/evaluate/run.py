"""The spine of an evaluation: each line is a stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.lfw_pairs import FoldedPairs
from matcher.datasets.protocol import Impostors, Pairs, identity_codes, pairs
from matcher.datasets.samples import Dataset
from matcher.errors import ArgumentError, CalibrationMissingError
from matcher.evaluate.comparisons import Comparisons, comparable
from matcher.evaluate.extraction import Extractions, extract_all
from matcher.evaluate.folds import fold_report
from matcher.evaluate.modality import U64, Gallery, Modality
from matcher.evaluate.report import make_report
from matcher.evaluate.speed import measure_speed
from matcher.score.calibration import Calibration

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, all)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What an evaluation gives.

    Attributes
    ----------
    dataset : Dataset
    extractions : Extractions
    comparisons : Comparisons
    score : float64 array (p,) or None
        Calibrated scores of the comparisons, NaN for failures; None without a calibration.
    report : dict
        The figures, plain JSON values.
    """

    dataset: Dataset
    extractions: Extractions
    comparisons: Comparisons
    score: npt.NDArray[np.float64] | None
    report: dict[str, Any]


def evaluate(
    dataset: Dataset,
    modality: Modality,
    *,
    impostors: Impostors = Impostors.ALL,
    listed: FoldedPairs | None = None,
    jobs: int = 1,
    timed: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Extract, compare and state error rates and speed of one data set.

    Parameters
    ----------
    dataset : Dataset
    modality : Modality
    impostors : Impostors
        Which non-mated pairs are compared.
    listed : FoldedPairs, optional
        The pairs to compare, where a protocol lists them; then `impostors` says nothing, and the report holds
        the accuracy over its folds.
    jobs : int
        Processes for extraction, threads for comparison; no figure depends on it but for noise in times.
    timed : bool
        Whether comparisons a second are measured; some seconds.
    progress : callable, optional

    Raises
    ------
    ArgumentError
        If the set has fewer than two samples, or `jobs` is below 1.
    """
    if jobs < 1 or len(dataset.samples) < 2:
        raise ArgumentError("Evaluation: expected at least one job and two samples.")
    tell = progress or (lambda stage, done, total: None)
    extractions = extract_all(
        dataset, modality, jobs=jobs, progress=lambda done, total: tell("extract", done, total)
    )
    residents = residents_of(modality, extractions)
    named = pairs(dataset, impostors) if listed is None else listed.pairs
    wanted = comparable(named, extractions.failed)
    comparisons = compare_pairs(
        wanted,
        modality,
        extractions,
        residents,
        threads=jobs,
        progress=lambda done, total: tell("compare", done, total),
    )
    calibration = _calibration(modality)
    score = calibrated(comparisons, calibration)
    there = np.flatnonzero(~extractions.failed)
    speed = None
    if timed:
        speed = measure_speed(
            modality,
            [extractions.items[i].template for i in there],
            [residents[i] for i in there],
            identity_codes(dataset)[there].astype(np.int64),
        )
    asked = impostors if listed is None else None
    report = make_report(
        dataset, modality, asked, extractions, residents, comparisons, calibration, score, speed
    )
    if listed is not None:
        report["accuracy"] = accuracy_of(listed, comparisons)
    return Evaluation(dataset, extractions, comparisons, score, report)


def compare_pairs(
    wanted: Pairs,
    modality: Modality,
    extractions: Extractions,
    residents: list[U64],
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Comparisons:
    """Score the pairs, each probe prepared once; NaN where one side has no template."""
    gallery = Gallery.of(residents)
    raw = np.full(len(wanted.probe), np.nan, dtype=np.float32)
    absent = extractions.failed
    both = ~(absent[wanted.probe] | absent[wanted.reference])
    # pairs() orders rows by probe, so each probe's rows lie together: rows[starts[i]:starts[i + 1]].
    places = np.arange(len(residents) + 1)
    starts = np.searchsorted(wanted.probe, places)
    for place in places[:-1].tolist():
        rows = np.arange(starts[place], starts[place + 1])
        rows = rows[both[rows]]
        if len(rows):
            score = modality.scorer(extractions.items[place].template)
            raw[rows] = score(gallery, wanted.reference[rows].astype(np.int64), threads)
        if progress is not None:
            progress(place + 1, len(residents))
    return Comparisons(wanted.probe, wanted.reference, wanted.mated, raw)


def calibrated(comparisons: Comparisons, calibration: Calibration | None) -> npt.NDArray[np.float64] | None:
    """Return calibrated scores, shape (p,), NaN for failures; None without a calibration."""
    if calibration is None:
        return None
    score = np.full(len(comparisons.raw), np.nan)
    score[~comparisons.failed] = calibration.scores(comparisons.raw[~comparisons.failed])[0]
    return score


def accuracy_of(listed: FoldedPairs, comparisons: Comparisons) -> dict[str, Any]:
    """Return the accuracy over folds of listed pairs; those not compared lack a template."""
    named = listed.pairs
    compared = zip(comparisons.probe.tolist(), comparisons.reference.tolist(), strict=True)
    kept = dict(zip(compared, comparisons.raw.tolist(), strict=True))
    wanted = zip(named.probe.tolist(), named.reference.tolist(), strict=True)
    raw = np.array([kept.get(pair, np.nan) for pair in wanted])
    return fold_report(raw, named.mated, listed.fold)


def residents_of(modality: Modality, extractions: Extractions) -> list[U64]:
    """Return the form of each template that candidates have in memory, nothing for a failure."""
    nothing = np.empty(0, dtype=np.uint64)
    return [nothing if e.template is None else modality.resident(e.template) for e in extractions.items]


def _calibration(modality: Modality) -> Calibration | None:
    try:
        return modality.calibration()
    except CalibrationMissingError:
        return None
