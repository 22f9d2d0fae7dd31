"""Two pictures of an evaluation: error rates against each other, and the scores of both kinds. No samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.evaluate.report import error_counts
from matcher.evaluate.run import Evaluation

DET_NAME = "det.png"
SCORES_NAME = "scores.png"

_BINS = 80
"""Bars of the histogram of scores."""

_DPI = 120
"""Resolution of the pictures."""


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write the pictures into `folder` (made where missing) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _det(folder / DET_NAME, evaluation),
        _scores(folder / SCORES_NAME, evaluation),
    ]


def _title(evaluation: Evaluation) -> str:
    report = evaluation.report
    return (
        f"{report['modality']}, {report['dataset']} {report['folder']}, extractor {report['extractor_id']}: "
        f"{report['mated']} mated, {report['non_mated']} non-mated"
    )


def _det(path: Path, evaluation: Evaluation) -> Path:
    from matplotlib.figure import Figure

    counts = error_counts(evaluation.comparisons)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    # A rate of nothing has no place on a logarithmic axis: it is drawn at half a comparison.
    fmr = np.maximum(counts.false_matches, 0.5) / max(counts.non_mated, 1)
    fnmr = np.maximum(counts.misses, 0.5) / max(counts.mated, 1)
    axes.loglog(fmr, fnmr, drawstyle="steps-post")
    axes.loglog([1e-5, 1], [1e-5, 1], color="0.8", linewidth=1)
    axes.set(xlabel="FMR", ylabel="FNMR", xlim=(fmr.min(), 1), ylim=(min(fnmr.min(), 0.01), 1))
    axes.set_title(_title(evaluation), fontsize=9)
    axes.grid(which="both", color="0.92")
    figure.savefig(path, dpi=_DPI)
    return path


def _scores(path: Path, evaluation: Evaluation) -> Path:
    from matplotlib.figure import Figure

    comparisons = evaluation.comparisons
    shown, label = comparisons.raw.astype(np.float64), "raw score"
    if evaluation.score is not None:
        shown, label = evaluation.score, "score, -10 log10(FMR)"
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    there = ~comparisons.failed
    edges = np.linspace(0.0, float(shown[there].max(initial=1.0)), _BINS + 1).tolist()
    for kind, name in ((~comparisons.mated, "non-mated"), (comparisons.mated, "mated")):
        axes.hist(shown[kind & there], edges, density=True, alpha=0.6, label=name)
    axes.set(xlabel=label, ylabel="density", yscale="log")
    axes.set_title(_title(evaluation), fontsize=9)
    axes.legend()
    figure.savefig(path, dpi=_DPI)
    return path
