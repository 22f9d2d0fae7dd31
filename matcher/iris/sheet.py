"""The unwrapped iris: rows from the pupil to the limbus, columns counter-clockwise (a rubber sheet)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from matcher.iris import parameters as p
from matcher.iris.kernels import polar
from matcher.iris.reduce import Mask
from matcher.iris.segment import Eye
from matcher.iris.types import ANGLES
from matcher.types import F32


@dataclass(frozen=True, slots=True)
class Sheet:
    """The iris between its contours.

    Attributes
    ----------
    grey : float32 (64, 256)
        Grey levels; 0 outside the image.
    visible : bool (64, 256)
        Iris, not lids, lashes, reflections or what lies outside the image.
    open : bool (64, 256)
        Inside the image and between the lids.
    """

    grey: F32
    visible: Mask
    open: Mask


def unwrap(eye: Eye) -> Sheet:
    """Sample the iris between the contours of pupil and limbus, and mark what hides it."""
    inner, outer = eye.pupil.points(), eye.limbus.points()
    shares = ((np.arange(p.SHEET_ROWS) + 0.5) / p.SHEET_ROWS).astype(np.float32)
    grey = np.empty((p.SHEET_ROWS, ANGLES), np.float32)
    glints = np.empty_like(grey)
    polar.sample_between(eye.view.grey, inner, outer, shares, grey)
    polar.sample_between(eye.view.glints.astype(np.float32), inner, outer, shares, glints)
    between = ~np.isnan(grey) & _between_lids(eye, inner, outer, shares)
    grey = np.nan_to_num(grey)
    visible = between & ~_outliers(grey, between, np.nan_to_num(glints) > p.GLINT_SHARE)
    return Sheet(grey, visible, between)


def _between_lids(eye: Eye, inner: F32, outer: F32, shares: F32) -> Mask:
    places = inner[None] + shares[:, None, None] * (outer - inner)[None]
    x = (places[:, :, 0] - eye.limbus.circle.x) / eye.limbus.circle.radius
    y = (places[:, :, 1] - eye.limbus.circle.y) / eye.limbus.circle.radius
    shown = np.ones(x.shape, np.bool_)
    if eye.upper.seen:
        shown &= y >= eye.upper.at(x) + p.LID_MARGIN
    if eye.lower.seen:
        shown &= y <= eye.lower.at(x) - p.LID_MARGIN
    return shown


def _deviation(values: F32) -> float:
    """Return the standard deviation by the median of absolute values: outliers do not count."""
    return 1.4826 * float(np.median(np.abs(values)))


def _grown_from(dark: Mask, hidden: Mask) -> Mask:
    """Return the dark places that hang on to lids or to the limbus: lashes grow from there, crypts do not."""
    roots = ndimage.binary_dilation(hidden)
    roots[-p.LASH_ROWS :] = True
    # Three turns side by side, of which the middle one has both its neighbours.
    labels, _ = ndimage.label(np.tile(dark, 3), np.ones((3, 3)))
    rooted = np.unique(labels[np.tile(roots & dark, 3)])
    return np.asarray(np.isin(labels, rooted[rooted > 0])[:, ANGLES : 2 * ANGLES], np.bool_)


def _outliers(grey: F32, visible: Mask, glints: Mask) -> Mask:
    """Return what is much darker or brighter than its row: lashes, shadows, skin, reflections."""
    wrong = np.zeros_like(visible)
    for _ in range(p.OUTLIER_ROUNDS):
        kept = visible & ~wrong
        rows = np.flatnonzero(kept.sum(axis=1) >= ANGLES // 12)
        if not len(rows):
            break
        shown = np.where(kept, grey, np.nan)
        medians = np.interp(np.arange(p.SHEET_ROWS), rows, np.nanmedian(shown[rows], axis=1))
        away = grey - ndimage.gaussian_filter1d(medians, 2.0, mode="nearest")[:, None]
        even = ndimage.uniform_filter(away.astype(np.float32), p.OUTLIER_BOX, mode=("nearest", "wrap"))
        fine, broad = (max(_deviation(part[kept]), p.OUTLIER_LEAST) for part in (away, even))
        dark = (away < -p.OUTLIER_DARK * fine) | (even < -p.OUTLIER_EVEN * broad)
        # Bright pillars between crypts look like reflections, but for their brightness.
        bright = (away > p.OUTLIER_BRIGHT * fine) | (glints & (away > p.OUTLIER_GLINT * fine))
        wrong = _grown_from(dark, ~visible) | bright
        wrong |= _grown_from(even > p.OUTLIER_EVEN * broad, ~visible)
    wrong = ndimage.binary_dilation(wrong & visible)
    # What is left between lashes is no iris that can be read.
    kept = (visible & ~wrong).astype(np.float32)
    share = ndimage.uniform_filter(kept, (7, 11), mode=("nearest", "wrap"))
    return np.asarray(wrong | (share < 0.5), np.bool_)
