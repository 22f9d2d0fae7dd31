"""Error versus discard: what FNMR would be if the images of the lowest quality were not used.

A good measure of quality knows beforehand which images will fail: discarding the worst few takes away most
of the false non-matches (Grother & Tabassi, "Performance of biometric quality measures", TPAMI 2007; ISO/IEC
29794-1, error versus discard characteristic). The threshold is the one that gives the asked FMR on the whole
set and stays where it is; a comparison is dropped if either of its images is discarded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.extraction import Extractions
from matcher.evaluate.rates import allowed_false_matches
from matcher.types import MAX_QUALITY

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Shares of the images, worst first, at which the rate left over is stated."""

STATED_SHARE = 0.2
"""The share whose effect is stated as one figure: the worst fifth."""

FMR = "1e-3"
"""False match rate of the threshold."""

LOW_QUALITY = 30
"""Quality below which an image is counted as poor."""


@dataclass(frozen=True, slots=True, eq=False)
class Graded:
    """Comparisons of one set, or of several together, and the quality of every image.

    Attributes
    ----------
    comparisons : Comparisons
    quality : int64 array (n,)
        0 to 100 of each sample; -1 where it failed to extract, which is worse than any.
    """

    comparisons: Comparisons
    quality: I64

    @classmethod
    def of(cls, extractions: Extractions, comparisons: Comparisons) -> Graded | None:
        """Take the qualities out of the templates; None where templates have none."""
        found = [
            None if e.template is None else getattr(e.template, "quality", None) for e in extractions.items
        ]
        pairs = zip(found, extractions.items, strict=True)
        if any(quality is None and item.template is not None for quality, item in pairs):
            return None
        return cls(comparisons, np.array([-1 if q is None else q for q in found], np.int64))

    @classmethod
    def pooled(cls, sets: Sequence[Graded]) -> Graded:
        """Put several sets together, as if one system had taken all images; raw scores are on one scale.

        Raises
        ------
        ArgumentError
            Without a set.
        """
        if not sets:
            raise ArgumentError("Graded.pooled: expected at least one set.")
        starts = np.cumsum([0, *(len(s.quality) for s in sets)]).astype(np.int32)
        every = [s.comparisons for s in sets]
        comparisons = Comparisons(
            np.concatenate([c.probe + start for c, start in zip(every, starts[:-1], strict=True)]),
            np.concatenate([c.reference + start for c, start in zip(every, starts[:-1], strict=True)]),
            np.concatenate([c.mated for c in every]),
            np.concatenate([c.raw for c in every]),
        )
        return cls(comparisons, np.concatenate([s.quality for s in sets]))


@dataclass(frozen=True, slots=True, eq=False)
class DiscardCurve:
    """FNMR at a fixed threshold against the share of images discarded.

    Attributes
    ----------
    share : float64 array (k,)
        Asked for.
    fnmr : float64 array (k,)
        Of the mated comparisons that are left; NaN where none is.
    mated : float64 array (k,)
        How many are left. Images of equal quality are discarded in no order: it is the mean over all.
    """

    share: F64
    fnmr: F64
    mated: F64


def discard_curve(graded: Graded, shares: Sequence[float] = SHARES, fmr: str = FMR) -> DiscardCurve | None:
    """Return FNMR while the worst `floor(share * n)` images are discarded; failures to extract go first.

    None where the set has too few non-mated comparisons for the threshold, or no mated one.

    Parameters
    ----------
    graded : Graded
    shares : sequence of float
        0 to 1.
    fmr : str
        As text, see `rates.FMR_POINTS`.
    """
    comparisons, quality = graded.comparisons, graded.quality
    non_mated = np.sort(comparisons.raw[~comparisons.mated])
    allowed = allowed_false_matches(fmr, len(non_mated))
    rows = np.flatnonzero(comparisons.mated)
    if allowed < 1 or not len(rows):
        return None
    # The smallest t with at most `allowed` non-mated scores >= t: just above the first one not allowed.
    first_refused = non_mated[-allowed - 1] if allowed < len(non_mated) else -np.inf
    # NaN (a failure to extract) is never above it, and so a miss.
    missed = ~(comparisons.raw[rows] > first_refused)
    one, two = comparisons.probe[rows], comparisons.reference[rows]
    fnmr, mated = np.full(len(shares), np.nan), np.zeros(len(shares))
    for place, share in enumerate(shares):
        kept = _chance_both_kept(quality, one, two, int(share * len(quality) + 1e-9))
        mated[place] = kept.sum()
        if mated[place] > 0:
            fnmr[place] = kept[missed].sum() / mated[place]
    return DiscardCurve(np.array(shares, np.float64), fnmr, mated)


def _chance_both_kept(
    quality: I64, one: npt.NDArray[np.int32], two: npt.NDArray[np.int32], discarded: int
) -> F64:
    """Return the chance of each pair that neither image is among the `discarded` worst, ties in any order."""
    if discarded == 0:
        return np.ones(len(one))
    last = np.sort(quality)[discarded - 1]
    tied = int((quality == last).sum())
    left = tied - (discarded - int((quality < last).sum()))
    state = np.sign(quality - last)  # -1 discarded, 0 among the tied, 1 kept
    first, second = state[one], state[two]
    both_tied = left * (left - 1) / max(tied * (tied - 1), 1)
    chance = np.where((first > 0) & (second > 0), 1.0, left / tied)
    chance = np.where((first == 0) & (second == 0), both_tied, chance)
    return np.where((first < 0) | (second < 0), 0.0, chance)


def discard_figures(graded: Graded | None) -> dict[str, Any]:
    """Return `quality` and `discard` of a report, null without qualities; plain JSON values."""
    if graded is None:
        return {"quality": None, "discard": None}
    there = graded.quality[graded.quality >= 0]
    curve = discard_curve(graded)
    quality = {
        "median": float(np.median(there)) if len(there) else None,
        "share_below_30": float((there < LOW_QUALITY).mean()) if len(there) else None,
        "range": [0, MAX_QUALITY],
    }
    return {"quality": quality, "discard": None if curve is None else curve_figures(curve)}


def curve_figures(curve: DiscardCurve) -> dict[str, Any]:
    """Return a curve as plain JSON values, and by how much the worst fifth's going lowers FNMR."""
    fnmr = [None if np.isnan(value) else float(value) for value in curve.fnmr]
    at = int(np.argmin(np.abs(curve.share - STATED_SHARE)))
    before, after = fnmr[0], fnmr[at]
    return {
        "fmr": FMR,
        "share": curve.share.tolist(),
        "fnmr": fnmr,
        "mated": [round(float(value), 3) for value in curve.mated],
        # Without a miss at first there is nothing to lower.
        "fnmr_fall_at_0.2": None if not before or after is None else 1 - after / before,
    }
