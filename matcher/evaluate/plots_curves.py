"""DET and ROC: error rates at every threshold, with the interval at each false match rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from matcher.evaluate.intervals import PERCENTILES, Clusters, resamplings
from matcher.evaluate.rates import FMR_POINTS, ErrorCounts
from matcher.evaluate.report import error_counts
from matcher.evaluate.run import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

F64 = npt.NDArray[np.float64]

SIZE = (7.0, 5.0)
"""Of a picture, inches."""

LINE = "#1f5fa8"
OTHER = "#c8641b"
"""Blue and orange: told apart by the colour-blind, and in print by their lightness."""

POINTS_A_DECADE = 20
"""False match rates at which the band is computed."""

LEAST_ERROR = 0.5
"""Comparisons that a rate of nothing is drawn as: neither axis has a zero."""

_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCurve:
    """FNMR against FMR.

    Attributes
    ----------
    fmr, fnmr : float64 array (t,)
        At every threshold that makes a difference, FMR descending.
    grid, low, high : float64 array (g,)
        False match rates, ascending, and the 95 % interval of FNMR at the smallest threshold that keeps each.
    least_fmr, least_fnmr : float
        What is drawn for a rate of nothing.
    """

    fmr: F64
    fnmr: F64
    grid: F64
    low: F64
    high: F64
    least_fmr: float
    least_fnmr: float


def error_curve(evaluation: Evaluation, *, replicates: int | None = None) -> ErrorCurve:
    """Return the curve of an evaluation, and its band by the bootstrap of the stated intervals."""
    comparisons = evaluation.comparisons
    counts = error_counts(comparisons)
    non_mated, mated = max(counts.non_mated, 1), max(counts.mated, 1)
    decades = np.log10(non_mated)
    grid = np.logspace(-decades, 0, max(2, round(decades * POINTS_A_DECADE)))
    clusters = Clusters.of(evaluation.dataset.clusters)
    drawn = [
        fnmr_at(resampled, grid)
        for _, resampled in resamplings(comparisons, clusters, replicates=replicates)
        if resampled.mated and resampled.non_mated
    ]
    low, high = np.percentile(np.array(drawn), PERCENTILES, axis=0) if drawn else (grid * 0, grid * 0 + 1)
    return ErrorCurve(
        counts.false_matches / non_mated,
        counts.misses / mated,
        grid,
        low,
        high,
        LEAST_ERROR / non_mated,
        LEAST_ERROR / mated,
    )


def fnmr_at(counts: ErrorCounts, fmr: F64) -> F64:
    """Return FNMR at the smallest threshold with an FMR of at most each of `fmr`, float64 (g,)."""
    # false_matches descends: the first place that is low enough.
    place = np.searchsorted(-counts.false_matches, -np.floor(fmr * counts.non_mated * (1 + 1e-12)))
    rates: F64 = counts.misses[place] / counts.mated
    return rates


def title(evaluation: Evaluation) -> str:
    """Return the line above a picture."""
    report = evaluation.report
    # Names are the user's own: a dollar sign would start a formula.
    name = f"{report['dataset']} {report['folder']}".replace("$", r"\$")
    return (
        f"{report['modality']}, {name}, extractor {report['extractor_id']}: "
        f"{report['mated']:,} mated, {report['non_mated']:,} non-mated"
    )


def draw_det(curve: ErrorCurve, evaluation: Evaluation) -> Figure:
    """Draw FNMR against FMR by normal deviates (Martin et al., Eurospeech 1997; ISO/IEC 19795-1)."""
    figure, axes = _empty(evaluation)
    x, y = np.maximum(curve.fmr, curve.least_fmr), np.maximum(curve.fnmr, curve.least_fnmr)
    x, y = (np.minimum(side, 0.995) for side in (x, y))
    low, high = (np.clip(side, curve.least_fnmr, 0.995) for side in (curve.low, curve.high))
    grid = np.minimum(curve.grid, 0.995)
    axes.fill_between(ndtri(grid), ndtri(low), ndtri(high), color=LINE, alpha=0.18, linewidth=0, step="post")
    axes.plot(ndtri(x), ndtri(y), color=LINE, drawstyle="steps-pre", linewidth=1.6)
    least = min(curve.least_fnmr, 0.01)
    left, right = ndtri(curve.least_fmr), ndtri(0.6)
    axes.plot([-6, 6], [-6, 6], color="0.75", linewidth=0.8, linestyle=":")

    def place(fmr: float, fnmr: float) -> tuple[float, float]:
        return float(ndtri(fmr)), float(ndtri(np.clip(fnmr, least, 0.995)))

    _operating_points(axes, evaluation.report, place, _percent)
    for ticks, end in ((axes.set_xticks, curve.least_fmr), (axes.set_yticks, least)):
        shown = [tick for tick in _TICKS if end <= tick]
        ticks(ndtri(shown), [_percent(tick) for tick in shown])
    axes.set(xlabel="FMR", ylabel="FNMR", xlim=(left, right), ylim=(ndtri(least * 0.9), ndtri(0.6)))
    return figure


def draw_roc(curve: ErrorCurve, evaluation: Evaluation) -> Figure:
    """Draw the share of mated comparisons accepted against FMR."""
    figure, axes = _empty(evaluation)
    axes.fill_between(
        curve.grid, 1 - curve.high, 1 - curve.low, color=LINE, alpha=0.18, linewidth=0, step="post"
    )
    axes.plot(
        np.maximum(curve.fmr, curve.least_fmr),
        1 - curve.fnmr,
        color=LINE,
        drawstyle="steps-pre",
        linewidth=1.6,
    )
    _operating_points(
        axes,
        evaluation.report,
        lambda fmr, fnmr: (fmr, 1 - fnmr),
        lambda fnmr: _percent(1 - fnmr),
        below=True,
    )
    worst = max(float(curve.high.max()), float(curve.fnmr[curve.fmr > 0].max(initial=0.0)))
    lowest = max(0.0, min(0.9, 1 - worst))
    axes.set(xscale="log", xlabel="FMR", ylabel="1 - FNMR", xlim=(curve.least_fmr, 1))
    axes.set_ylim(lowest - 0.02, 1.005)
    axes.xaxis.set_major_formatter(lambda value, _: _percent(value))
    axes.yaxis.set_major_formatter(lambda value, _: _percent(value))
    return figure


Place = Callable[[float, float], tuple[float, float]]


def _operating_points(
    axes: Axes, report: dict[str, Any], place: Place, shown: Callable[[float], str], below: bool = False
) -> None:
    """Mark the rates that the report states, with their intervals; their text lies clear of the curve."""
    offset = (5, -12) if below else (5, 5)
    for fmr in FMR_POINTS:
        value = report["fnmr_at_fmr"][fmr]
        if value is None:
            continue
        x, y = place(float(fmr), value)
        limits = report["intervals"].get(f"fnmr_at_fmr.{fmr}")
        if limits is not None:
            ends = [place(float(fmr), limit)[1] for limit in limits]
            axes.plot([x, x], ends, color=OTHER, linewidth=1.2, zorder=4)
        axes.plot([x], [y], "o", color=OTHER, markersize=5, zorder=5)
        axes.annotate(shown(value), (x, y), offset, textcoords="offset points", fontsize=8, zorder=6)


def _empty(evaluation: Evaluation) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title(evaluation), fontsize=9)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    return figure, axes


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"
