"""The limbus, where the iris ends: a circle by the integro-differential operator, then its contour."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from matcher.iris import parameters as p
from matcher.iris.contour import Circle, Contour, Edge, fit_contour
from matcher.iris.kernels import circles
from matcher.types import F32, I64

EDGE = Edge(
    reach=(0.8, 1.2),
    samples=48,
    half=0.8 * p.LIMBUS_HALF,
    bend=0.2,
    prior=0.3,
    limit=p.LIMBUS_LIMIT,
    harmonics=2,
    lids=(0.03, 0.1),
    pull=0.15,
    tolerance=0.02,
)
"""How the limbus is looked for: lids hide much of it above and below."""

COARSE_SHIFT = 0.12
"""Step of the centres of the first search, pupil radii."""
COARSE_SHIFTS = 3
"""Steps on each side."""
COARSE_STEPS = 25.0
"""Steps of the radius in the smallest radius looked for; at least 1 px each."""
FINE_SHIFTS = (0.05, 0.02)
"""Steps of the centres of the further searches, iris radii."""
FINE_SPAN, FINE_KEPT = 0.25, 0.12
"""What they look at and what they may choose, departures from the radius so far, shares of it."""
FINE_STEPS = 60.0
"""Steps of the radius in the radius; at least half a px each."""
VISIBLE = (0.6, 0.5)
"""Least share of a side's rays that must lie in the image, in the first and in the further searches."""
PUPIL_EDGE = 1.12
"""Where the pupil's edge has surely ended, pupil radii."""


def find_limbus(smooth: F32, pupil: Circle, usual: float = 0.0) -> tuple[Circle, float] | None:
    """Return the circle around a pupil that looks most like the limbus, and its score in grey levels.

    Radii below `usual`, px, are chosen only where no larger circle is nearly as good.
    """
    least = max(pupil.radius * p.LIMBUS_RATIO[0], p.LIMBUS_RADII[0])
    most = min(pupil.radius * p.LIMBUS_RATIO[1], p.LIMBUS_RADII[1])
    if most < 1.2 * least:
        return None
    step = max(1.0, least / COARSE_STEPS)
    radii = np.arange(pupil.radius * PUPIL_EDGE, most * PUPIL_EDGE, step, dtype=np.float32)
    centres = _grid(pupil, COARSE_SHIFT * pupil.radius, COARSE_SHIFTS)
    scores, even = _scores(smooth, centres, radii, pupil, VISIBLE[0])
    scores[:, (radii < least) | (radii > most)] = 0
    if not scores.any():
        return None
    circle = _choose(scores, even, centres, radii, pupil, usual)
    score = 0.0
    for shift in FINE_SHIFTS:
        step = max(0.5, circle.radius / FINE_STEPS)
        nearest = max(circle.radius * (1 - FINE_SPAN), pupil.radius * PUPIL_EDGE)
        radii = np.arange(nearest, circle.radius * (1 + FINE_SPAN), step, dtype=np.float32)
        centres = _grid(circle, shift * circle.radius, 2)
        scores, _ = _scores(smooth, centres, radii, pupil, VISIBLE[1])
        scores[:, np.abs(radii / circle.radius - 1) > FINE_KEPT] = 0
        if not scores.any():
            return None
        centre, place = np.unravel_index(int(scores.argmax()), scores.shape)
        score = float(scores[centre, place])
        circle = Circle(float(centres[centre, 0]), float(centres[centre, 1]), float(radii[place]) - step / 2)
    return circle, score


def fit_limbus(smooth: F32, circle: Circle, rounds: int = 2) -> Contour | None:
    """Return the contour of the limbus near a circle, or None where there is none."""
    return fit_contour(smooth, circle, EDGE, p.LIMBUS_LIMIT[1], rounds)


def held(limbus: Contour, pupil: Circle) -> Contour:
    """Return the limbus with its centre nearer to the pupil's height.

    Its sides say little of its height, and what they say is mostly about lids: two pictures of one eye would
    be unwrapped a tenth of the radius apart. The pupil is seen whole.
    """
    circle = limbus.circle
    height = pupil.y + p.LIMBUS_OWN_HEIGHT * (circle.y - pupil.y)
    return replace(limbus, circle=replace(circle, y=height))


def _choose(scores: F32, even: F32, centres: F32, radii: F32, pupil: Circle, usual: float) -> Circle:
    """Return the smallest circle that is nearly the best: edges of lids lie outside the limbus.

    It must also rise nearly as evenly as the others that are nearly the best: where an iris is little darker
    than the white, circles on its own texture rise nearly as much as the limbus, but on few rays.
    """
    best = scores.max(axis=0)
    top = np.zeros(len(best), np.bool_)
    top[1:-1] = (best[1:-1] >= best[:-2]) & (best[1:-1] >= best[2:])
    top &= (best >= p.LIMBUS_FIRST * best.max()) & (radii > p.LIMBUS_FIRST_RATIO * pupil.radius)
    if (top & (radii >= usual)).any():
        top &= radii >= usual
    place = int(best.argmax())
    if top.any():
        evenest = even.max(axis=0)
        places = np.flatnonzero(top)
        worth = np.array([evenest[_near(radii, int(place))].max() for place in places])
        place = int(places[worth >= p.LIMBUS_FIRST_EVEN * worth.max()][0])
    near = _near(radii, place)
    place = int(near[best[near].argmax()])
    centre = int(scores[:, place].argmax())
    half = float(radii[1] - radii[0]) / 2
    return Circle(float(centres[centre, 0]), float(centres[centre, 1]), float(radii[place]) - half)


def _near(radii: F32, place: int) -> I64:
    """Return the places of radii that are the same edge's as the one at a place."""
    return np.flatnonzero(np.abs(radii / radii[place] - 1) < p.LIMBUS_SAME)


def _scores(smooth: F32, centres: F32, radii: F32, pupil: Circle, least: float) -> tuple[F32, F32]:
    """Return the scores of circles, and those weighed by how alike their rays are: float32 (C, R) each."""
    cosines, sines = _arcs()
    pitch = float(radii[1] - radii[0])
    reach = np.maximum(2, np.rint(p.LIMBUS_HALF * radii / pitch)).astype(np.int64)
    scores, even = (np.empty((len(centres), len(radii)), np.float32) for _ in range(2))
    limit = np.float32(p.LIMBUS_LIMIT[1])
    circles.score_circles(
        smooth, centres, cosines, sines, p.LIMBUS_RAYS, radii, reach, limit, np.float32(least), scores, even
    )
    away = np.hypot(centres[:, 0] - pupil.x, centres[:, 1] - pupil.y)[:, None] / radii[None, :]
    centred = np.where(away > p.LIMBUS_SHIFT, 0, np.maximum(1 - p.LIMBUS_OFF_CENTRE * away**2, 0))
    return scores * centred, even * centred


def _grid(circle: Circle, step: float, count: int) -> F32:
    shifts = np.arange(-count, count + 1) * step
    dy, dx = np.meshgrid(shifts, shifts, indexing="ij")
    return np.stack([circle.x + dx.ravel(), circle.y + dy.ravel()], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _arcs() -> tuple[F32, F32]:
    """Return cosines and sines of the rays of the right arc, then of the left one, y down."""
    below = np.radians(np.linspace(*p.LIMBUS_ARC, p.LIMBUS_RAYS))
    angle = np.concatenate([below, np.pi - below])
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
