"""What an iris looks like where nothing hides it: its level in each row and how far its texture departs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from matcher.iris import parameters as p
from matcher.iris.contour import directions
from matcher.iris.reduce import Mask
from matcher.iris.samples import Samples
from matcher.types import F32

AROUND = ("nearest", "wrap")
"""Rows end, angles go round."""


@dataclass(frozen=True, slots=True)
class Shades:
    """The samples against what the iris's own sides look like.

    Attributes
    ----------
    level : float
        Of the iris, grey levels.
    away, even : float32 (64, 256)
        Departure from the row's level, grey levels; the same averaged over a small box.
    fine, broad : float
        Usual deviation of `away` and `even`.
    contrast : float32 (64, 256)
        Local deviation in a small box over what is usual.
    """

    level: float
    away: F32
    even: F32
    fine: float
    broad: float
    contrast: F32


def shades(samples: Samples, seen: Mask, columns: Mask) -> Shades:
    """Measure the iris where it is seen, on the columns given, and hold all of it against that.

    Notes
    -----
    Level: a quantile of each row on the right and on the left, above the median as what hides the sides are
    mostly lashes; in between, it goes over from one to the other. Deviations: those of the calmer columns.
    """
    trusted = seen & ~samples.glints & columns[None]
    grey = samples.grey
    levels = _levels(grey, trusted)
    away = grey - levels
    even = ndimage.uniform_filter(away, p.OUTLIER_BOX, mode=AROUND)
    level = float(np.median(levels))
    least = max(p.DEVIATION_LEAST, p.DEVIATION_SHARE * level)
    return Shades(
        level=level,
        away=away,
        even=even,
        fine=max(1.4826 * calm(np.abs(away), trusted), least),
        broad=max(1.4826 * calm(np.abs(even), trusted), least),
        contrast=_contrast(grey, trusted),
    )


def calm(values: F32, trusted: Mask) -> float:
    """Return the median of the calmer columns, grey levels: lashes and lids over some others do not count."""
    columns = trusted.sum(axis=0) >= p.CALM_SAMPLES
    if not columns.any():
        return float(np.median(values[trusted])) if trusted.any() else 0.0
    medians = row_quantiles(values.T[columns], trusted.T[columns], 0.5)
    return float(np.quantile(medians, p.CALM_QUANTILE))


def row_quantiles(values: F32, trusted: Mask, share: float) -> F32:
    """Return a quantile of what is trusted in each row; NaN where nothing is."""
    count = trusted.sum(axis=1)
    ranked = np.sort(np.where(trusted, values, np.float32(np.inf)), axis=1)
    place = np.maximum(np.rint(share * (count - 1)), 0).astype(np.int64)
    found = ranked[np.arange(len(ranked)), place]
    return np.where(count > 0, found, np.float32(np.nan)).astype(np.float32)


def _levels(grey: F32, trusted: Mask) -> F32:
    """Return the level of each row at each angle, float32 (64, 256)."""
    cosines = directions()[0]
    right = cosines > 0
    sides = [row_quantiles(grey[:, half], trusted[:, half], p.LEVEL_QUANTILE) for half in (right, ~right)]
    first, second = (np.where(np.isnan(one), other, one) for one, other in (sides, sides[::-1]))
    rows = np.flatnonzero(~np.isnan(first))
    if not len(rows):
        return np.full_like(grey, np.median(grey))
    smooth = [
        ndimage.gaussian_filter1d(
            np.interp(np.arange(len(grey)), rows, side[rows]), p.LEVEL_SMOOTH, mode="nearest"
        )[:, None]
        for side in (first, second)
    ]
    share = (1 + cosines) / 2
    return np.asarray(smooth[0] * share + smooth[1] * (1 - share), np.float32)


def _contrast(grey: F32, trusted: Mask) -> F32:
    flat = np.square(grey - ndimage.uniform_filter(grey, p.OUTLIER_BOX, mode=AROUND))
    local = np.sqrt(np.maximum(ndimage.uniform_filter(flat, p.OUTLIER_BOX, mode=AROUND), np.float32(0)))
    return np.asarray(local / max(calm(local, trusted), p.CONTRAST_LEAST), np.float32)
