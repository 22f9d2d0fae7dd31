"""The pupil: dark discs voted for by gradients, and its contour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.iris import parameters as p
from matcher.iris.contour import Circle, Contour, Edge, fit_contour
from matcher.iris.kernels import discs, polar
from matcher.iris.reduce import smoothed
from matcher.types import F32

EDGE = Edge(
    reach=(0.7, 1.35),
    samples=48,
    half=p.PUPIL_HALF,
    bend=0.15,
    prior=0.5,
    limit=p.PUPIL_LIMIT,
    harmonics=3,
    lids=(0.15, 0.6),
    pull=0.05,
    tolerance=0.04,
)
"""How the pupil's edge is looked for: near a circle that is known to some 15 %."""

CELL = 2
"""Side of a cell of votes, px."""

RING_RAYS = 48
INNER = (0.15, 0.3, 0.5, 0.7, 0.85)
"""Where a disc must be dark, shares of its radius."""
INNER_PERCENTILE = 80.0
"""Percentile of what is found there: a reflection may hide the rest."""
INNER_DARKEST = 5.0
"""Percentile that stands for the darkest of it."""
INNER_DISCS = 3
"""How many of the most promising discs are looked into for a darker disc."""
INNER_EVENNESS = 0.9
"""Evenness below which that is done."""
EDGE_SPAN = (0.6, 1.5, 19)
"""Where a disc's edge is looked for at first: shares of the radius, samples."""
EDGE_SAMPLES = (4, 16)
"""Which of them it may lie on."""
STEP_INSIDE, STEP_OUTSIDE = (0.4, 0.6, 0.8), (1.2, 1.3, 1.4)
"""Where the brightness on both sides of a pupil's edge is measured, shares of its radius."""


def find_discs(filled: F32, smooth: F32) -> list[Circle]:
    """Return circles that may be the pupil, the most promising first.

    Parameters
    ----------
    filled, smooth : float32 (H, W)
        The coarse image without reflections, and the same smoothed.
    """
    radii = _radii()
    votes = np.empty((len(radii), filled.shape[0] // CELL, filled.shape[1] // CELL), np.float32)
    discs.vote(smoothed(filled, p.VOTE_SIGMA), np.float32(p.VOTE_GRADIENT), radii, votes)
    dark = darkness(smooth, smooth[: votes.shape[1] * CELL : CELL, : votes.shape[2] * CELL : CELL])
    for number, radius in enumerate(radii):
        votes[number] = (
            smoothed(votes[number], max(p.VOTE_SPREAD_LEAST, p.VOTE_SPREAD * float(radius))) * dark
        )
    found = np.zeros((p.PUPIL_CANDIDATES, 4), np.float32)
    count = discs.peaks(votes, np.maximum(2, p.VOTE_APART * radii).astype(np.float32), found)
    circles = [
        Circle(CELL * float(c) + 0.5, CELL * float(r) + 0.5, float(radii[int(b)]))
        for _, b, r, c in found[:count]
    ]
    promising = sorted(circles, key=lambda circle: -_promise(smooth, circle))
    inner = [_darkest_inside(smooth, disc) for disc in promising[:INNER_DISCS] if _uneven(smooth, disc)]
    return promising[: p.EYE_CANDIDATES] + [disc for disc in inner if disc is not None]


def _uneven(smooth: F32, circle: Circle) -> bool:
    return circle.radius > 2 * p.PUPIL_RADII[0] and evenness(smooth, circle) < INNER_EVENNESS


def _darkest_inside(smooth: F32, disc: Circle) -> Circle | None:
    """Return the dark disc inside a disc that may be an iris whose pupil is too faint to be voted for."""
    reach = 0.85 * disc.radius
    left, upper = max(int(disc.x - reach), 0), max(int(disc.y - reach), 0)
    window = smooth[upper : int(disc.y + reach) + 1, left : int(disc.x + reach) + 1]
    if not window.size:
        return None
    y, x = np.mgrid[: window.shape[0], : window.shape[1]]
    inside = np.hypot(x + left - disc.x, y + upper - disc.y) < reach
    low, high = np.percentile(window[inside], [2.0, 80.0])
    dark = inside & (window < (low + high) / 2)
    radius = float(np.sqrt(dark.sum() / np.pi))
    if radius < p.PUPIL_RADII[0]:
        return None
    return Circle(float(np.median(x[dark])) + left, float(np.median(y[dark])) + upper, radius)


def fit_pupil(smooth: F32, circle: Circle, rounds: int = 4) -> Contour | None:
    """Return the contour of the pupil near a circle, or None where there is none."""
    inside = _rays(smooth, circle, STEP_INSIDE)
    outside = _rays(smooth, circle, STEP_OUTSIDE)
    if np.isnan(inside).all() or np.isnan(outside).all():
        return None
    step = float(np.nanmedian(outside) - np.nanmedian(inside))
    return fit_contour(smooth, circle, EDGE, float(np.clip(step, *p.PUPIL_LIMIT)), rounds)


def darkness(smooth: F32, level: npt.NDArray[np.floating] | float) -> F32:
    """Return how much like the darkest part of the image a grey level is, 0 to 1."""
    dark = np.percentile(smooth[::CELL, ::CELL], p.DARK_PERCENTILE)
    return np.asarray(1 / (1 + (np.maximum(level - dark, 0) / p.DARK_RANGE) ** 2), np.float32)


def inner_level(smooth: F32, circle: Circle) -> float:
    """Return how bright the inside of a disc is where it is not darkest, grey levels."""
    rays = _rays(smooth, circle, INNER)
    return 255.0 if np.isnan(rays).all() else float(np.nanpercentile(rays, INNER_PERCENTILE))


def evenness(smooth: F32, circle: Circle) -> float:
    """Return how even a disc is inside, against the step at its edge: 0 to 1, low where it holds another."""
    inside = _rays(smooth, circle, INNER)
    outside = _rays(smooth, circle, STEP_OUTSIDE)
    if np.isnan(inside).all() or np.isnan(outside).all():
        return 0.0
    low, high = np.nanpercentile(inside, [INNER_DARKEST, INNER_PERCENTILE])
    step = max(float(np.nanmedian(outside) - np.nanmedian(inside)), p.PUPIL_LIMIT[0])
    return float(np.exp(-(((high - low) / (p.PUPIL_UNEVEN * step)) ** 2)))


def _promise(smooth: F32, circle: Circle) -> float:
    span = np.linspace(*EDGE_SPAN)
    gain = np.empty((RING_RAYS, len(span)), np.float32)
    polar.rises(_rays(smooth, circle, tuple(span)), 3, np.float32(p.PUPIL_LIMIT[1]), gain)
    edge = float(gain[:, slice(*EDGE_SAMPLES)].mean(axis=0).max())
    # Chance finds small discs first, as among votes.
    return edge * float(darkness(smooth, inner_level(smooth, circle)) * np.sqrt(circle.radius))


def _rays(image: F32, circle: Circle, shares: tuple[float, ...]) -> F32:
    cosines, sines = _ring()
    out = np.empty((RING_RAYS, len(shares)), np.float32)
    radii = (circle.radius * np.array(shares)).astype(np.float32)
    polar.sample_rays(image, np.float32(circle.x), np.float32(circle.y), cosines, sines, radii, out)
    return out


@lru_cache(maxsize=1)
def _ring() -> tuple[F32, F32]:
    angle = np.arange(RING_RAYS) * (2 * np.pi / RING_RAYS)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


@lru_cache(maxsize=1)
def _radii() -> F32:
    """Return the radii that are voted for, px."""
    first, last = p.PUPIL_RADII
    count = int(np.log(last / first) / np.log(p.PUPIL_RATIO)) + 1
    return np.unique(np.rint(first * p.PUPIL_RATIO ** np.arange(count))).astype(np.float32)
