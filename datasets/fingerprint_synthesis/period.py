"""Ridge period: one mean a person, smooth variation within the finger."""

from __future__ import annotations

import numpy as np

from .orientation import Singularities
from .randomness import F32, smooth_field

MEAN_PERIOD = 9.0
"""Mean distance of ridges, pixels at 500 ppi (0.46 mm; Cummins, Waits and McQuitty 1941)."""

PERSON_DEVIATION = 0.65
"""Standard deviation of the mean period between persons, pixels."""

FINGER_DEVIATION = 0.25
"""Standard deviation between the fingers of one person, pixels."""

MEAN_LIMITS = (7.2, 11.0)
"""Mean periods are held within these, pixels."""

LIMITS = (6.0, 13.5)
"""Local periods are held within these, pixels: what the filter bank covers."""

LOCAL_SPACING = 70.0
"""Knot distance of the local variation, pixels."""

LOCAL_DEVIATION = 0.055
"""Standard deviation of the local variation, fraction of the mean."""

COARSE_SHARE = 0.10
"""How much wider ridges lie above the upper core and below the deltas (Handbook, section 6.3; fraction)."""


def draw_person_period(subject_rng: np.random.Generator) -> float:
    """Return a person's mean ridge period, pixels."""
    return float(np.clip(subject_rng.normal(MEAN_PERIOD, PERSON_DEVIATION), *MEAN_LIMITS))


def draw_finger_period(rng: np.random.Generator, person_period: float) -> float:
    """Return the mean ridge period of one finger of a person, pixels."""
    return float(np.clip(rng.normal(person_period, FINGER_DEVIATION), *MEAN_LIMITS))


def period_field(
    rng: np.random.Generator, mean: float, singularities: Singularities, shape: tuple[int, int]
) -> F32:
    """Return the ridge period at each pixel, float32 (H, W), pixels.

    Parameters
    ----------
    rng : numpy Generator
    mean : float
        Mean over the middle of the finger, pixels.
    singularities : Singularities
        Say where the coarse regions begin.
    shape : (H, W)
    """
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    top = min((core[0] for core in singularities.cores), default=0.45 * shape[0])
    low = max((delta[0] for delta in singularities.deltas), default=0.7 * shape[0])
    above = 1.0 / (1.0 + np.exp((y - top + 70.0) / 25.0))
    below = 1.0 / (1.0 + np.exp((low + 20.0 - y) / 25.0))
    field = 1.0 + LOCAL_DEVIATION * smooth_field(rng, shape, LOCAL_SPACING) + COARSE_SHARE * (above + below)
    return np.asarray(np.clip(mean * field, *LIMITS), np.float32)
