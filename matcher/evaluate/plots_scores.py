"""How scores spread, and how quality foretells error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher.evaluate.discard import FMR, LOW_QUALITY, STATED_SHARE, Graded, discard_curve
from matcher.evaluate.plots_curves import LINE, OTHER, SIZE, title
from matcher.evaluate.report import SCORE_POINTS
from matcher.evaluate.run import Evaluation
from matcher.types import MAX_QUALITY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 50
"""Bars of the histogram of scores."""

_LARGEST_SCORE = 100.0
"""Calibrated scores beyond it share the last bar: the tail model goes on, the picture need not."""

_QUALITY_BINS = 20
"""Bars of the histogram of quality."""

_DISCARD_SHARES = tuple(i / 100 for i in range(51))
"""Shares at which the curve is drawn: up to half of the images."""


def draw_scores(evaluation: Evaluation) -> Figure:
    """Draw the histograms of mated and non-mated scores."""
    from matplotlib.figure import Figure

    comparisons, score = evaluation.comparisons, evaluation.score
    shown, label = comparisons.raw.astype(np.float64), "raw score"
    if score is not None:
        shown, label = np.minimum(score, _LARGEST_SCORE), "score, -10 log10(FMR)"
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    there = ~comparisons.failed
    edges = np.linspace(0.0, float(shown[there].max(initial=1.0)), _BINS + 1)
    kinds = ((~comparisons.mated, "non-mated", OTHER), (comparisons.mated, "mated", LINE))
    for kind, name, colour in kinds:
        chosen = shown[kind & there]
        share = np.histogram(chosen, edges)[0] / max(len(chosen), 1)
        axes.stairs(share, edges, color=colour, fill=True, alpha=0.35)
        axes.stairs(share, edges, color=colour, linewidth=1.2, label=f"{name} ({len(chosen):,})")
    axes.set(xlabel=label, ylabel="share of comparisons", yscale="log")
    if score is not None:
        for point in SCORE_POINTS:
            axes.axvline(point, color="0.3", linestyle="--", linewidth=0.9)
            axes.text(
                point,
                0.99,
                f" FMR 1e-{point // 10}",
                fontsize=8,
                va="top",
                transform=axes.get_xaxis_transform(),
            )
    axes.set_title(title(evaluation), fontsize=9)
    axes.legend(loc="upper center", bbox_to_anchor=(0.7, 0.94))
    return figure


def draw_discard(evaluation: Evaluation) -> Figure | None:
    """Draw how the images are graded, and error versus discard; None where it cannot be stated."""
    from matplotlib.figure import Figure

    graded = Graded.of(evaluation.extractions, evaluation.comparisons)
    curve = None if graded is None else discard_curve(graded, _DISCARD_SHARES)
    if graded is None or curve is None:
        return None
    figure = Figure(figsize=SIZE, layout="constrained")
    left, right = figure.subplots(1, 2)
    there = graded.quality[graded.quality >= 0]
    left.hist(there, np.linspace(0, MAX_QUALITY, _QUALITY_BINS + 1).tolist(), color=LINE, alpha=0.75)
    left.axvline(LOW_QUALITY, color="0.3", linestyle="--", linewidth=0.9)
    left.set(xlabel="quality", ylabel="images", xlim=(0, MAX_QUALITY))
    right.plot(100 * curve.share, 100 * curve.fnmr, color=LINE, linewidth=1.6)
    at = int(np.argmin(np.abs(curve.share - STATED_SHARE)))
    for place in (0, at):
        if np.isfinite(curve.fnmr[place]):
            x, y = 100 * curve.share[place], 100 * curve.fnmr[place]
            right.plot([x], [y], "o", color=OTHER, markersize=5)
            right.annotate(f"{y:.3g} %", (x, y), (5, 5), textcoords="offset points", fontsize=8)
    right.set(
        xlabel="images discarded, worst first, %",
        ylabel=f"FNMR at the threshold of FMR {FMR}, %",
        xlim=(0, 50),
    )
    right.set_ylim(bottom=0)
    right.grid(color="0.92")
    figure.suptitle(title(evaluation), fontsize=9)
    return figure
