"""Eyelids: parabolas across the iris, the upper one brighter above, the lower one brighter below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.iris import parameters as p
from matcher.iris.contour import Circle
from matcher.iris.kernels import lids, polar
from matcher.iris.reduce import smoothed
from matcher.types import F32

CENTRE = (p.FRAME_SIDE - 1) / 2
"""Of the frame, px."""


@dataclass(frozen=True, slots=True)
class Eyelid:
    """The edge y = height + slope x + bend x^2; x and y in iris radii from the iris's centre, y down.

    `score` is the mean rise across it, grey levels; `seen` whether that is enough.
    """

    score: float
    height: float
    slope: float
    bend: float

    @property
    def seen(self) -> bool:
        """Whether there is a lid's edge on the iris."""
        return self.score >= p.LID_LEAST

    def at(self, x: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the height of the edge at each x."""
        return self.height + self.slope * x + self.bend * x * x


def find_eyelids(smooth: F32, pupil: Circle, limbus: Circle) -> tuple[Eyelid, Eyelid]:
    """Return the upper and the lower eyelid.

    Parameters
    ----------
    smooth : float32 (H, W)
    pupil, limbus : Circle
        In that image.
    """
    shown = framed(smooth, limbus)
    missing = np.isnan(shown)
    shown[missing] = shown[~missing].mean() if not missing.all() else 0
    y, x = (np.mgrid[: p.FRAME_SIDE, : p.FRAME_SIDE] - CENTRE) / p.FRAME_RADIUS
    pupil_x, pupil_y = (pupil.x - limbus.x) / limbus.radius, (pupil.y - limbus.y) / limbus.radius
    radius = pupil.radius / limbus.radius
    iris = (np.hypot(x, y) < p.LID_RIM) & (np.hypot(x - pupil_x, y - pupil_y) > p.LID_PUPIL * radius)
    sides = iris & (np.abs(y - pupil_y) < max(0.25, 0.6 * radius)) & ~missing
    if sides.any():
        # Lashes are darker than the iris: lifted to its level, they have no edges.
        shown = np.maximum(shown, np.percentile(shown[sides], p.LID_LEVEL)).astype(np.float32)
    even = smoothed(shown, *p.LID_SIGMA)
    even[missing] = np.nan
    rises = np.empty_like(even)
    lids.vertical_rises(even, p.LID_HALF, np.float32(p.LID_LIMIT), rises)
    corner = np.float32(p.LID_CORNER)
    heights = np.arange(-1.0, pupil_y - p.LID_OVER_PUPIL * radius, p.LID_STEP)
    upper = _best(rises, iris, heights, 1, np.array([-9, pupil_y + corner], np.float32))
    heights = np.arange(pupil_y + p.LID_UNDER_PUPIL * radius, 1.0, p.LID_STEP)
    lower = _best(-rises, iris, heights, -1, np.array([pupil_y - corner, 9], np.float32))
    return upper, lower


def framed(image: F32, limbus: Circle) -> F32:
    """Return the surroundings of the iris at a radius of FRAME_RADIUS px; NaN outside the image."""
    steps = ((np.arange(p.FRAME_SIDE) - CENTRE) / p.FRAME_RADIUS * limbus.radius).astype(np.float32)
    out = np.empty((p.FRAME_SIDE, p.FRAME_SIDE), np.float32)
    polar.sample_grid(image, np.float32(limbus.x) + steps, np.float32(limbus.y) + steps, out)
    return out


def _best(
    gains: F32,
    inside: npt.NDArray[np.bool_],
    heights: npt.NDArray[np.floating],
    sign: int,
    corners: F32,
) -> Eyelid:
    slopes = np.array(p.LID_SLOPES, np.float32)
    bends = np.array(p.LID_BENDS, np.float32) * np.float32(sign)
    found = np.zeros(4, np.float32)
    spare = np.float32(p.LID_SPARE * p.FRAME_RADIUS)
    lids.best_parabola(
        gains,
        inside,
        heights.astype(np.float32),
        slopes,
        bends,
        corners,
        np.float32(CENTRE),
        np.float32(p.FRAME_RADIUS),
        spare,
        found,
    )
    return Eyelid(*(float(value) for value in found))
