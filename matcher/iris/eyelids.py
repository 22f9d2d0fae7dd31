"""Eyelids: parabolas across the iris beyond which nothing looks like the iris."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.iris import parameters as p
from matcher.iris.contour import Circle
from matcher.iris.kernels import lids, polar
from matcher.iris.reduce import Mask, smoothed
from matcher.iris.samples import Samples, side_columns
from matcher.iris.shades import shades
from matcher.types import F32

CENTRE = (p.FRAME_SIDE - 1) / 2
"""Of the frame, px."""


@dataclass(frozen=True, slots=True)
class Eyelid:
    """The edge y = height + slope x + bend x^2; x and y in iris radii from the iris's centre, y down.

    `score` says how much of the iris it hides, by what was seen there: thousandths of the sheet; `seen`
    whether that is anything.
    """

    score: float
    height: float
    slope: float
    bend: float

    @property
    def seen(self) -> bool:
        """Whether there is a lid on the iris."""
        return self.score >= p.LID_LEAST

    def at(self, x: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the height of the edge at each x."""
        return self.height + self.slope * x + self.bend * x * x


def between_lids(samples: Samples, upper: Eyelid, lower: Eyelid) -> Mask:
    """Return what lies inside the image and between the lids, bool (64, 256)."""
    shown = samples.inside.copy()
    if upper.seen:
        shown &= samples.y >= upper.at(samples.x) + p.LID_MARGIN
    if lower.seen:
        shown &= samples.y <= lower.at(samples.x) - p.LID_MARGIN
    return shown


def find_eyelids(smooth: F32, samples: Samples, pupil: Circle, limbus: Circle) -> tuple[Eyelid, Eyelid]:
    """Return the upper and the lower eyelid.

    Parameters
    ----------
    smooth : float32 (H, W)
    samples : Samples
        Of the iris in that image.
    pupil, limbus : Circle
        In that image.

    Notes
    -----
    A lid is the parabola that leaves most beyond itself that looks like no iris, and least that does; an edge
    along it, from the iris to brighter skin, counts too. What an iris looks like is first read off its
    sides, then off all that the lids found so far leave open.
    """
    height = (pupil.y - limbus.y) / limbus.radius
    radius = pupil.radius / limbus.radius
    edges = _edges(smooth, pupil, limbus)
    upper = lower = Eyelid(0.0, 0.0, 0.0, 0.0)
    for arc in p.LID_ARCS:
        cumulative = _cumulative(samples, _strangeness(samples, between_lids(samples, upper, lower), arc))
        corner = np.float32(p.LID_CORNER)
        heights = np.arange(-1.0, height - p.LID_OVER_PUPIL * radius, p.LID_STEP)
        found = _best(cumulative, edges, heights, 1, np.array([-9, height + corner], np.float32))
        heights = np.arange(height + p.LID_UNDER_PUPIL * radius, 1.0, p.LID_STEP)
        # Below the lower lid is what is not above it.
        below = cumulative[:, -1:] - cumulative
        lower = _best(below, -edges, heights, -1, np.array([height - corner, 9], np.float32))
        upper = found
    return upper, lower


def _strangeness(samples: Samples, between: Mask, arc: tuple[float, float]) -> F32:
    """Return how little each sample looks like the iris: above 0 where it is rather something else."""
    shade = shades(samples, between, side_columns(*arc))
    # Skin is as bright as the sclera, or nearly; an iris in uneven light is not.
    step = p.SKIN_STEP * max(samples.around - shade.level, 0.0)
    strange = np.full_like(shade.away, -np.inf)
    for away, usual in ((shade.even, p.SKIN_EVEN * shade.broad), (shade.away, p.SKIN_FINE * shade.fine)):
        ratio = np.where(away > 0, away / max(usual, step), away / usual)
        worth = np.clip(ratio**2 - 1, *p.LID_LIMITS)
        strange = np.maximum(strange, np.where(away > 0, worth, np.minimum(worth, p.LID_LASHES)))
    strange[samples.glints | ~samples.inside] = 0
    return np.asarray(strange, np.float32)


def _cumulative(samples: Samples, strange: F32) -> F32:
    """Return how much strangeness lies above each place: float32 (columns, rows + 1) of LID_CELLS."""
    columns, rows = p.LID_CELLS
    across = ((samples.x / p.LID_SPAN + 1) / 2 * columns).astype(np.int64)
    down = ((samples.y / p.LID_SPAN + 1) / 2 * rows).astype(np.int64)
    cell = np.clip(across, 0, columns - 1) * rows + np.clip(down, 0, rows - 1)
    # The sheet's samples lie closer together near the pupil.
    worth = strange * np.hypot(samples.x, samples.y) / strange.size
    cells = np.bincount(cell.ravel(), worth.ravel(), columns * rows).reshape(columns, rows)
    return np.pad(np.cumsum(cells, axis=1), ((0, 0), (1, 0))).astype(np.float32)


def _edges(smooth: F32, pupil: Circle, limbus: Circle) -> F32:
    """Return how much brighter it gets upwards on the iris: what an edge there adds to a lid's score."""
    shown = framed(smooth, limbus)
    missing = np.isnan(shown)
    shown[missing] = shown[~missing].mean() if not missing.all() else 0
    y, x = (np.mgrid[: p.FRAME_SIDE, : p.FRAME_SIDE] - CENTRE) / p.FRAME_RADIUS
    away_x, away_y = (pupil.x - limbus.x) / limbus.radius, (pupil.y - limbus.y) / limbus.radius
    radius = pupil.radius / limbus.radius
    iris = (np.hypot(x, y) < p.LID_RIM) & (np.hypot(x - away_x, y - away_y) > p.LID_PUPIL * radius)
    sides = iris & (np.abs(y - away_y) < max(0.25, 0.6 * radius)) & ~missing
    if sides.any():
        # Lashes are darker than the iris: lifted to its level, they have no edges.
        shown = np.maximum(shown, np.percentile(shown[sides], p.LID_LEVEL)).astype(np.float32)
    even = smoothed(shown, *p.LID_SIGMA)
    even[missing] = np.nan
    rises = np.empty_like(even)
    lids.vertical_rises(even, p.LID_HALF, np.float32(p.LID_LIMIT), rises)
    rises[~iris] = 0
    return np.asarray(rises * (p.LID_EDGE / (p.LID_LIMIT * p.LID_CELLS[0])), np.float32)


def framed(image: F32, limbus: Circle) -> F32:
    """Return the surroundings of the iris at a radius of FRAME_RADIUS px; NaN outside the image."""
    steps = ((np.arange(p.FRAME_SIDE) - CENTRE) / p.FRAME_RADIUS * limbus.radius).astype(np.float32)
    out = np.empty((p.FRAME_SIDE, p.FRAME_SIDE), np.float32)
    polar.sample_grid(image, np.float32(limbus.x) + steps, np.float32(limbus.y) + steps, out)
    return out


def _best(beyond: F32, edges: F32, heights: npt.NDArray[np.floating], sign: int, corners: F32) -> Eyelid:
    found = np.zeros(4, np.float32)
    lids.best_parabola(
        beyond,
        edges,
        heights.astype(np.float32),
        np.array(p.LID_SLOPES, np.float32),
        np.array(p.LID_BENDS, np.float32) * np.float32(sign),
        corners,
        np.float32(p.LID_SPAN),
        np.float32(p.FRAME_RADIUS),
        found,
    )
    score, height, slope, bend = (float(value) for value in found)
    return Eyelid(1000 * score, height, slope, bend)
