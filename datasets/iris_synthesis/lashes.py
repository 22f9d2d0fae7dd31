"""Lashes: tapering curves that root in the lids' edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..fingerprint_synthesis.kernels.stamp import stamp
from ..fingerprint_synthesis.randomness import F32
from .eye import Eye
from .lids import MARGIN, Opening
from .settings import EyeSettings

UPPER_COUNT, LOWER_COUNT = 160, 75
"""Lashes of the mean eye (Na et al., "Natural characteristics in the Korean eyelash": 90 to 160 and 70
to 80)."""

THICKNESS = 0.010
"""Standard deviation across a lash at its root, limbus radii: 0.12 mm where it is widest."""

SEGMENTS = 9
"""Straight pieces that a lash is drawn with."""


def lash_cover(
    rng: np.random.Generator, eye: Eye, settings: EyeSettings, opening: Opening, turn: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """Return how much of each pixel lashes hide, 0 to 255, uint8 (H, W).

    Parameters
    ----------
    turn : float64 array (2, 2)
        From (v, u) in limbus radii to (y, x) in pixels, without the centre.
    """
    curves = np.concatenate([_upper(rng, eye, settings, opening), _lower(rng, eye, opening)])
    points = curves @ turn.T + np.array(settings.center)
    count = len(points)
    strokes = np.empty((count, SEGMENTS, 6), np.float32)
    strokes[:, :, 0:2] = points[:, :-1]
    strokes[:, :, 2:4] = points[:, 1:]
    taper = np.linspace(1.0, 0.2, SEGMENTS)
    width = settings.radius * THICKNESS * rng.uniform(0.5, 1.3, (count, 1)) * taper
    # What is thinner than a pixel hides only a part of it.
    strokes[:, :, 4] = np.maximum(width, 0.45)
    strokes[:, :, 5] = rng.uniform(170.0, 250.0, (count, 1)) * np.minimum(width / 0.45, 1.0)
    cover = np.zeros((settings.height, settings.width), np.uint8)
    stamp(cover, strokes.reshape(-1, 6))
    return cover


def _upper(
    rng: np.random.Generator, eye: Eye, settings: EyeSettings, opening: Opening
) -> npt.NDArray[np.float64]:
    """Return the upper lashes as points (n, SEGMENTS + 1, 2) of (v, u), in tufts."""
    count = max(int(UPPER_COUNT * eye.lashes), 1)
    low, high = opening.corners
    root = _roots(rng, count, low + 0.35, high - 0.08 if eye.nose < 0 else high - 0.45)
    start_v = opening.upper_at(root).astype(np.float64) - MARGIN * rng.uniform(0.0, 0.9, count)
    fan = 0.5 * (root - 0.5 * (low + high))
    hanging = rng.random(count) < settings.lashes
    length = rng.uniform(0.3, 0.95, count)
    # Most go down a little, then up before the lid; some hang down before the eye.
    dip = np.where(hanging, rng.uniform(0.45, 0.9, count), rng.uniform(0.02, 0.14, count)) * length
    rise = np.where(hanging, rng.uniform(0.2, 0.8, count), rng.uniform(-0.75, -0.3, count)) * length
    side = (fan + rng.normal(0.0, 0.22, count)) * length
    return _curves(start_v, root.astype(np.float64), dip, 0.45 * side, rise, side)


def _lower(rng: np.random.Generator, eye: Eye, opening: Opening) -> npt.NDArray[np.float64]:
    """Return the lower lashes, shorter and all downwards."""
    count = max(int(LOWER_COUNT * eye.lashes), 1)
    low, high = opening.corners
    root = _roots(rng, count, low + 0.5, high - 0.5)
    start_v = opening.lower_at(root).astype(np.float64) + MARGIN * rng.uniform(0.6, 1.3, count)
    length = rng.uniform(0.12, 0.45, count)
    side = (0.4 * (root - 0.5 * (low + high)) + rng.normal(0.0, 0.2, count)) * length
    fall = rng.uniform(0.5, 1.0, count) * length
    return _curves(start_v, root.astype(np.float64), 0.5 * fall, 0.2 * side, fall, side)


def _roots(rng: np.random.Generator, count: int, low: float, high: float) -> F32:
    """Return where lashes root along the lid: evenly, but drawn together into tufts."""
    even = np.sort(rng.uniform(low, high, count))
    tufts = rng.uniform(low, high, max(count // 5, 1))
    nearest = tufts[np.argmin(np.abs(even[:, None] - tufts[None, :]), axis=1)]
    return np.asarray(even + 0.25 * (nearest - even), np.float32)


def _curves(
    start_v: npt.NDArray[np.float64],
    start_u: npt.NDArray[np.float64],
    bend_v: npt.NDArray[np.float64],
    bend_u: npt.NDArray[np.float64],
    end_v: npt.NDArray[np.float64],
    end_u: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return quadratic Bezier curves from start over bend to end, both relative to start."""
    t = np.linspace(0.0, 1.0, SEGMENTS + 1)[None, :]
    across, down = 2.0 * t * (1.0 - t), t * t
    v = start_v[:, None] + across * bend_v[:, None] + down * end_v[:, None]
    u = start_u[:, None] + across * bend_u[:, None] + down * end_u[:, None]
    return np.stack([v, u], axis=2)
