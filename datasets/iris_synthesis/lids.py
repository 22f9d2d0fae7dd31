"""The opening between the lids, and the skin around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from ..fingerprint_synthesis.randomness import F32, smooth_field
from .eye import Eye
from .settings import EyeSettings

CORNER_DROP = 0.12
"""How far the middle between the corners lies below the limbus's centre, limbus radii."""

UPPER_POWER, LOWER_POWER = 0.62, 0.8
"""How full the lids' arches are: 1 is a parabola, less is nearer to a box."""

MARGIN = 0.09
"""Width of the lids' edges, that carry the lashes, limbus radii."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The lids as curves over u, in limbus radii from the limbus's centre, v downwards.

    Attributes
    ----------
    grid : float32 array (N,)
        Values of u, ascending.
    upper, lower : float32 arrays (N,)
        v of the lids' edges; equal beyond the corners.
    corners : pair of float
        u of the left and the right corner.
    """

    grid: F32
    upper: F32
    lower: F32
    corners: tuple[float, float]

    def upper_at(self, u: F32) -> F32:
        """Return v of the upper lid's edge."""
        return np.interp(u, self.grid, self.upper).astype(np.float32)

    def lower_at(self, u: F32) -> F32:
        """Return v of the lower lid's edge."""
        return np.interp(u, self.grid, self.lower).astype(np.float32)


def make_opening(eye: Eye, settings: EyeSettings) -> Opening:
    """Return the lids of one picture."""
    # The look moves the iris between the corners, not the corners.
    middle = -np.sin(np.radians(settings.gaze_x)) * 0.8
    low, high = middle - eye.half_width, middle + eye.half_width
    grid = np.linspace(middle - 12.0, middle + 12.0, 2401, dtype=np.float32)
    place = (grid - low) / (high - low)
    # The nose's corner lies lower.
    base = CORNER_DROP + eye.slant * eye.nose * np.clip(place - 0.5, -1.0, 1.0)
    at_iris = int(np.argmin(np.abs(grid)))

    def arch(skew: float, power: float, at: float) -> F32:
        inside = np.clip(place if eye.nose < 0 else 1.0 - place, 0.0, 1.0) ** skew
        bow = (4.0 * inside * (1.0 - inside)) ** power
        return np.asarray(base + (at - base[at_iris]) * bow / bow[at_iris], np.float32)

    upper = arch(eye.upper_skew, UPPER_POWER, -settings.upper)
    lower = arch(eye.lower_skew, LOWER_POWER, settings.lower)
    return Opening(grid, np.minimum(upper, lower), np.maximum(upper, lower), (float(low), float(high)))


def paint_skin(
    rng: np.random.Generator, eye: Eye, settings: EyeSettings, opening: Opening, v: F32, u: F32
) -> F32:
    """Return the skin as if it covered everything, grey levels, float32 (H, W).

    Parameters
    ----------
    v, u : float32 arrays (H, W)
        Place of each pixel in limbus radii, lids upright.
    """
    shape = v.shape
    unit = settings.radius
    above = opening.upper_at(u) - v
    below = v - opening.lower_at(u)
    # 1 on the upper lid, 0 on the lower one, in between beside the corners.
    over = 1.0 / (1.0 + np.exp(np.clip((below - above) / 0.25, -30.0, 30.0)))
    from_middle = u - np.float32(0.5 * (opening.corners[0] + opening.corners[1]))
    reach = np.exp(-((from_middle / (0.93 * eye.half_width)) ** 8))
    skin = eye.skin_tone * (1.0 + 0.07 * smooth_field(rng, shape, 1.6 * unit))
    # The hollow beside the nose and under the brow catches less light.
    skin *= 1.0 - 0.22 / (1.0 + np.exp(np.clip((2.9 - eye.nose * u) / 0.35, -30.0, 30.0)))
    fold = above - eye.crease * (0.75 + 0.25 * np.cos(0.6 * from_middle))
    skin *= 1.0 - reach * over * (0.20 * np.exp(-((fold / 0.07) ** 2)) + 0.12 * np.exp(-np.abs(fold) / 0.35))
    skin *= 1.0 + reach * over * 0.10 * np.exp(-(((above - 0.5 * eye.crease) / 0.25) ** 2))
    skin *= 1.0 - reach * (1.0 - over) * 0.10 * np.exp(-(((below - 0.55) / 0.25) ** 2))
    skin += over * _wrinkles(rng, unit, above, u) + (1.0 - over) * _wrinkles(rng, unit, below, u)
    skin *= 1.0 - reach * over * 0.35 * np.exp(-((above / MARGIN) ** 2))
    skin += reach * (1.0 - over) * 18.0 * np.exp(-(((below - 0.6 * MARGIN) / (0.5 * MARGIN)) ** 2))
    return np.asarray(skin, np.float32)


def _wrinkles(rng: np.random.Generator, unit: float, away: F32, u: F32) -> F32:
    """Return fine texture that follows a lid, and pores that glitter, grey levels, float32 (H, W)."""
    side = 512
    white = rng.standard_normal((side, side), dtype=np.float32)
    lines = gaussian_filter(white, (1.3, 9.0), mode="wrap") * np.float32(2.0 * np.sqrt(np.pi * 1.3 * 9.0))
    # 60 samples a limbus radius: lines of about 0.1 mm.
    texture = map_coordinates(lines, [60.0 * away % side, 60.0 * u % side], order=1, mode="grid-wrap")
    pores = gaussian_filter(rng.standard_normal(u.shape, dtype=np.float32), max(0.008 * unit, 0.5))
    pores /= max(float(pores.std()), 1e-6)
    strength = np.clip(np.abs(away) / 0.5, 0.2, 1.0)
    glitter = 9.0 * np.clip(pores - 1.0, 0.0, None)
    return np.asarray(strength * (3.0 * texture + 2.0 * pores + glitter), np.float32)
