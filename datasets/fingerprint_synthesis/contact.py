"""Where the finger touches the sensor, and how firmly."""

from __future__ import annotations

import numpy as np

from .randomness import F32, smooth_field
from .settings import ImpressionSettings

TIP_ROUNDNESS = 2.2
"""Exponent of the contact outline (2 is an ellipse; fingers are a little squarer)."""

OUTLINE_SPACING = 24.0
"""Knot distance of the outline's irregularity, pixels."""

OUTLINE_DEVIATION = 2.5
"""Standard deviation of the outline's irregularity, pixels."""

EDGE_REACH = 22.0
"""The touch fades over about this many pixels inside the outline."""

WEAK_SPACING = 28.0
"""Knot distance of patches of weak touch, pixels."""


def contact_depth(rng: np.random.Generator, settings: ImpressionSettings, dy: F32, dx: F32) -> F32:
    """Return about how many pixels each point lies inside the contact outline (negative outside), (H, W)."""
    radius = (
        np.abs(dy / settings.semi_height) ** TIP_ROUNDNESS + np.abs(dx / settings.semi_width) ** TIP_ROUNDNESS
    ) ** (1.0 / TIP_ROUNDNESS)
    depth = (1.0 - radius) * min(settings.semi_height, settings.semi_width)
    ragged = OUTLINE_DEVIATION * smooth_field(rng, dy.shape, OUTLINE_SPACING)
    return np.asarray(depth + ragged, np.float32)


def firmness(rng: np.random.Generator, settings: ImpressionSettings, depth: F32) -> F32:
    """Return the local pressure, about -2 (no touch) to 1.5 (ridges merge), float32 (H, W)."""
    drift = 0.18 * smooth_field(rng, depth.shape, 90.0)
    edge = -1.1 * np.exp(-np.maximum(depth, 0.0) / EDGE_REACH * 2.5)
    patches = smooth_field(rng, depth.shape, WEAK_SPACING)
    # The weakest `unevenness` quarter of the field loses touch softly.
    weak = -settings.unevenness * np.maximum(0.0, patches - 0.9 + 0.5 * settings.unevenness)
    return np.asarray(settings.pressure + drift + edge + weak, np.float32)
