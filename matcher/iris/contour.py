"""Closed contours around a centre, and how one is fitted to an edge.

Rays leave the centre of a first circle; along them it gets brighter across the edge that is looked for. The
closed path of the largest gain (Viterbi) is fitted by a curve of few harmonics with reweighted least squares:
where a lid, lashes or a reflection hide the edge, the path strays and loses its weight, and the circle holds
the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.iris.kernels import polar
from matcher.iris.types import ANGLES
from matcher.types import F32

F64 = npt.NDArray[np.float64]

SIDE_ARC = (-35.0, 50.0)
"""Where lids seldom hide an edge, degrees below the horizontal on both sides."""

STRICTER = 3.0
"""How much more the departure from the curve so far costs in the last round."""

NARROWER = 0.7
"""And by what the searched range shrinks."""

PRIOR_RANGE = 0.2
"""Departure from the circle that costs `Edge.prior`, shares of its radius."""

LOOSER = 2.0
"""How much more departure is tolerated before the last round."""

PATH_REACH = 2
"""Samples that the path may move from ray to ray."""

FIT_ROUNDS = 4
"""Rounds of reweighting."""

RADIUS_RANGE = (2.0, 600.0)
"""Radii beyond which a fit has failed, px."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle, px of the image it was found in."""

    x: float
    y: float
    radius: float

    def moved(self, factor: float, x: float = 0.0, y: float = 0.0) -> Circle:
        """Return the circle in an image of `factor` times the resolution that starts at (x, y) of it."""
        return Circle(
            (self.x + 0.5) * factor - 0.5 - x, (self.y + 0.5) * factor - 0.5 - y, self.radius * factor
        )


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed contour: one radius an angle around the centre of the circle that fits it.

    Attributes
    ----------
    circle : Circle
    radii : float32 (256,)
        Px, at the angles of `directions`.
    gain : float32 (256,)
        How much brighter it gets across the contour, grey levels, cut to what is usual around it.
    roughness : float
        Root mean square departure of the edge that was seen from the circle, shares of its radius.
    """

    circle: Circle
    radii: F32
    gain: F32
    roughness: float

    def points(self) -> F32:
        """Return x, y of the contour at each angle, float32 (256, 2)."""
        cosines, sines = directions()
        x = np.float32(self.circle.x) + self.radii * cosines
        y = np.float32(self.circle.y) + self.radii * sines
        return np.stack([x, y], axis=1)

    def moved(self, factor: float, x: float = 0.0, y: float = 0.0) -> Contour:
        """Return the contour in another image, see `Circle.moved`."""
        radii = self.radii * np.float32(factor)
        return Contour(self.circle.moved(factor, x, y), radii, self.gain, self.roughness)


@dataclass(frozen=True, slots=True)
class Edge:
    """How an edge is looked for.

    Attributes
    ----------
    reach : tuple of float
        Nearest and farthest place, shares of the circle's radius.
    samples : int
        Samples of a ray.
    half : float
        Length over which brightness is averaged on each side, shares of the radius.
    bend, prior : float
        What a step of one sample between rays, and a departure of 20 % from the curve so far, cost: shares
        of the largest gain.
    limit : tuple of float
        Least and largest value of the largest gain, grey levels.
    harmonics : int
        Of the curve.
    lids : tuple of float
        Weights of rays towards the upper and the lower lid, 0 to 1.
    pull : float
        Weight of the curve so far in the fit.
    tolerance : float
        Departure from the curve at which a ray's weight halves, shares of the radius.
    """

    reach: tuple[float, float]
    samples: int
    half: float
    bend: float
    prior: float
    limit: tuple[float, float]
    harmonics: int
    lids: tuple[float, float]
    pull: float
    tolerance: float


@lru_cache(maxsize=1)
def directions() -> tuple[F32, F32]:
    """Return cosines and sines of the rays, counter-clockwise as seen on the image: y falls first."""
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    return np.cos(angle).astype(np.float32), (-np.sin(angle)).astype(np.float32)


@lru_cache(maxsize=8)
def harmonics(count: int) -> F64:
    """Return closed curves of up to `count` harmonics, float64 (256, 2 * count + 1)."""
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    waves = [np.ones_like(angle)]
    for k in range(1, count + 1):
        waves += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(waves, axis=1)


@lru_cache(maxsize=8)
def side_weights(upper: float, lower: float) -> F64:
    """Return the weight of each ray: 1 on the sides, less towards the lids."""
    below = np.degrees(np.arcsin(directions()[1].astype(np.float64)))
    return np.where(below < SIDE_ARC[0], upper, np.where(below > SIDE_ARC[1], lower, 1.0))


def fit_contour(image: F32, circle: Circle, edge: Edge, limit: float, rounds: int) -> Contour | None:
    """Fit a closed curve to the edge near a circle.

    Parameters
    ----------
    image : float32 (H, W)
    circle : Circle
        Where to start.
    edge : Edge
    limit : float
        The largest gain to begin with, grey levels.
    rounds : int
        Each starts from the curve of the last.

    Returns
    -------
    Contour or None
        None where the fit has run away.
    """
    side = side_weights(*edge.lids)
    curve = np.full(ANGLES, circle.radius)
    for turn in range(rounds):
        last = turn == rounds - 1
        path, gain = _follow(image, circle, curve, edge, limit, turn > 0)
        limit = float(np.clip(np.median(gain[side == 1]), *edge.limit))
        weights = np.clip(gain, 0, limit) / limit * side
        parts, curve = _fit(path, weights, edge.harmonics if last else 2, curve, edge, last)
        if not last:
            # The first harmonic of a curve is a shift of its centre.
            circle = Circle(circle.x + float(parts[1]), circle.y - float(parts[2]), float(parts[0]))
            curve = np.asarray(harmonics(2)[:, [0, 3, 4]] @ parts[[0, 3, 4]], np.float64)
        inside = -circle.radius < circle.x < image.shape[1] + circle.radius
        inside &= -circle.radius < circle.y < image.shape[0] + circle.radius
        if not (inside and RADIUS_RANGE[0] < circle.radius < RADIUS_RANGE[1] and curve.min() > 0):
            return None
    radius = float(parts[0])
    rough = float(np.sqrt(np.mean(np.clip(path / radius - 1, -1, 1) ** 2)))
    return Contour(
        Circle(circle.x, circle.y, radius), curve.astype(np.float32), np.clip(gain, 0, limit), rough
    )


def _follow(
    image: F32, circle: Circle, curve: F64, edge: Edge, limit: float, strict: bool
) -> tuple[F64, F32]:
    """Return the radius of the path of the largest gain on each ray, and its gain there."""
    shrink = NARROWER if strict else 1.0
    nearest, farthest = (1 + shrink * (share - 1) for share in edge.reach)
    shares = np.linspace(nearest, farthest, edge.samples, dtype=np.float32)
    pitch = (farthest - nearest) / (edge.samples - 1)
    cosines, sines = directions()
    centre = np.array([circle.x, circle.y], np.float32)
    along = np.stack([cosines, sines], axis=1) * curve[:, None].astype(np.float32)
    rays = np.empty((edge.samples, ANGLES), np.float32)
    polar.sample_between(image, np.broadcast_to(centre, along.shape), centre + along, shares, rays)
    gain = np.empty((ANGLES, edge.samples), np.float32)
    half = max(round(edge.half / pitch), 1)
    polar.rises(np.ascontiguousarray(rays.T), half, np.float32(limit), gain)
    # A rise at sample r lies between the samples r - 1 and r.
    away = (shares - pitch / 2 - 1) / PRIOR_RANGE
    prior = edge.prior * limit * (STRICTER if strict else 1.0)
    worth = gain - (prior * away**2).astype(np.float32)
    total = np.empty((2 * ANGLES, edge.samples), np.float32)
    step = np.zeros((2 * ANGLES, edge.samples), np.int8)
    path = np.empty(ANGLES, np.int64)
    polar.closed_path(worth, np.float32(edge.bend * limit), PATH_REACH, total, step, path)
    return (shares[path] - pitch / 2) * curve, gain[np.arange(ANGLES), path]


def _fit(path: F64, weights: F64, count: int, start: F64, edge: Edge, strict: bool) -> tuple[F64, F64]:
    """Return the parts of the curve, constant first, and the curve."""
    basis = harmonics(count)
    held = edge.pull * basis.T @ basis
    robust, curve = weights, start
    tolerance = edge.tolerance * float(start.mean()) * (1.0 if strict else LOOSER)
    for _ in range(FIT_ROUNDS):
        weighted = basis * robust[:, None]
        target = weighted.T @ path + edge.pull * basis.T @ curve
        parts = np.asarray(np.linalg.solve(weighted.T @ basis + held, target), np.float64)
        curve = np.asarray(basis @ parts, np.float64)
        robust = weights / (1 + ((path - curve) / tolerance) ** 2)
    return parts, curve
