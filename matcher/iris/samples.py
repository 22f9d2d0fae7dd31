"""The iris as it was sampled between its contours, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matcher.iris import parameters as p
from matcher.iris.contour import Contour, directions
from matcher.iris.kernels import polar
from matcher.iris.reduce import Mask
from matcher.iris.types import ANGLES
from matcher.types import F32


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples on the lines that join both contours: rows from the pupil outwards, columns by angle.

    Attributes
    ----------
    grey : float32 (64, 256)
        Grey levels; 0 outside the image.
    inside : bool (64, 256)
        Inside the image.
    glints : bool (64, 256)
        Reflections.
    x, y : float32 (64, 256)
        Places, iris radii from the iris's centre, y down.
    around : float
        Level of the sclera on both sides, grey levels; 255 outside the image.
    """

    grey: F32
    inside: Mask
    glints: Mask
    x: F32
    y: F32
    around: float


def sample_iris(grey: F32, glints: Mask, pupil: Contour, limbus: Contour) -> Samples:
    """Sample an image and its reflections, both (H, W), between the contours."""
    inner, outer = pupil.points(), limbus.points()
    levels = np.empty((p.SHEET_ROWS, ANGLES), np.float32)
    spots = np.empty_like(levels)
    polar.sample_between(grey, inner, outer, row_shares(), levels)
    polar.sample_between(glints.astype(np.float32), inner, outer, row_shares(), spots)
    circle = limbus.circle
    places = inner[None] + row_shares()[:, None, None] * (outer - inner)[None]
    centre = np.array([circle.x, circle.y], np.float32)
    x, y = np.moveaxis((places - centre) / np.float32(circle.radius), 2, 0)
    return Samples(
        grey=np.nan_to_num(levels),
        inside=~np.isnan(levels),
        glints=np.nan_to_num(spots) > p.GLINT_SHARE,
        x=x.copy(),
        y=y.copy(),
        around=_around(grey, limbus),
    )


def _around(grey: F32, limbus: Contour) -> float:
    outer = limbus.points()[side_columns(*p.SCLERA_ARC)]
    centre = np.array([[limbus.circle.x, limbus.circle.y]], np.float32)
    shares = np.linspace(*p.SCLERA_RING, dtype=np.float32)
    out = np.empty((len(shares), len(outer)), np.float32)
    polar.sample_between(grey, np.repeat(centre, len(outer), axis=0), outer, shares, out)
    return 255.0 if np.isnan(out).all() else float(np.nanmedian(out))


@lru_cache(maxsize=1)
def row_shares() -> F32:
    """Return where the rows lie: 0 is the pupil's contour, 1 the limbus. float32 (64,)."""
    return ((np.arange(p.SHEET_ROWS) + 0.5) / p.SHEET_ROWS).astype(np.float32)


@lru_cache(maxsize=4)
def side_columns(first: float, last: float) -> Mask:
    """Return the columns on both sides between two angles, degrees below the horizontal. bool (256,)."""
    below = np.degrees(np.arcsin(directions()[1].astype(np.float64)))
    return np.asarray((below >= first) & (below <= last), np.bool_)
