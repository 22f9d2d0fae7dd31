"""From touch to grey levels: ridge thickness, gaps, noise, texture, background, contrast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from .randomness import F32, smooth_field
from .settings import Background, ImpressionSettings

RIDGE_LEVEL = 100.0
"""Value of the master pattern that counts as 1 here: well inside a ridge."""

PRESSURE_BIAS = 0.75
"""How far full pressure moves the edge between ridge and valley, in the same unit."""

EDGE_SHARPNESS = 4.2
"""Slope of the grey edge of a ridge: from light to dark over about two pixels."""

FINE_SIGMA = 0.9
"""Correlation length of grain, pixels."""

BLOB_SIGMA = 2.0
"""Correlation length of the blobs that break dry ridges and bridge wet ones, pixels."""

OPTICS_SIGMA = 0.55
"""Blur of the sensor's optics, pixels."""

SENSOR_NOISE = 2.5
"""Standard deviation of the sensor's noise, grey levels."""


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> F32:
    """Return Gaussian noise of mean 0, variance 1 and correlation length `sigma` pixels, float32 (H, W)."""
    white = rng.standard_normal(shape, dtype=np.float32)
    # 2 sigma sqrt(pi) is 1 / sqrt of the sum of a Gaussian filter's squares.
    smoothed: F32 = gaussian_filter(white, sigma, mode="wrap", truncate=3.0) * np.float32(
        2.0 * sigma * np.sqrt(np.pi)
    )
    return smoothed


def coverage(
    rng: np.random.Generator,
    settings: ImpressionSettings,
    ridges: F32,
    marks: F32,
    scratches: npt.NDArray[np.uint8],
    depth: F32,
    touch: F32,
) -> F32:
    """Return how much of each pixel is darkened, 0 to 1, float32 (H, W).

    Parameters
    ----------
    rng : numpy Generator
    settings : ImpressionSettings
    ridges, marks : float32 arrays (H, W)
        As `look_up` gives them.
    scratches : uint8 array (H, W)
        0 to 255.
    depth, touch : float32 arrays (H, W)
        As `contact` gives them.
    """
    shape = ridges.shape
    dryness = np.maximum(0.0, -touch)
    fine = (0.10 + 0.35 * settings.noise) * grain(rng, shape, FINE_SIGMA)
    blobs = (0.05 + 0.45 * settings.noise + 0.45 * dryness) * grain(rng, shape, BLOB_SIGMA)
    level = ridges / RIDGE_LEVEL + PRESSURE_BIAS * touch + fine + blobs
    ink = 0.5 + 0.5 * np.tanh(EDGE_SHARPNESS * 0.5 * level)
    # Moisture fills pores; creases (255) stay.
    visible = np.clip(1.0 - 0.6 * np.maximum(touch, 0.0), 0.3, 1.0)
    missing = np.where(marks > 200.0, marks, marks * visible) / 255.0
    ink *= (1.0 - np.clip(missing, 0.0, 1.0)) * (1.0 - scratches / np.float32(255.0))
    ink *= 1.0 / (1.0 + np.exp(-np.clip(depth, -30.0, 30.0) / 1.5))
    return np.asarray(ink, np.float32)


def grey_levels(
    rng: np.random.Generator, settings: ImpressionSettings, ink: F32, depth: F32, touch: F32
) -> npt.NDArray[np.uint8]:
    """Return the image, uint8 (H, W), 0 black.

    Parameters
    ----------
    rng : numpy Generator
    settings : ImpressionSettings
    ink, depth, touch : float32 arrays (H, W)
        As `coverage` and `contact` give them.
    """
    shape = ink.shape
    paper = background(rng, settings.background, shape)
    inside = 1.0 / (1.0 + np.exp(-np.clip(depth, -60.0, 60.0) / 4.0))
    # A pressed, moist finger greys its valleys too.
    paper -= (8.0 + 45.0 * np.clip(touch + 0.1, 0.0, 1.0)) * inside * rng.uniform(0.2, 1.0)
    texture = 10.0 * smooth_field(rng, shape, 30.0) + (6.0 + 14.0 * settings.noise) * grain(rng, shape, 1.2)
    dark = 34.0 - 45.0 * np.clip(touch, -1.0, 0.6) + texture
    dark = paper - settings.contrast * np.maximum(paper - np.clip(dark, 5.0, 190.0), 0.0)
    picture = gaussian_filter((paper - (paper - dark) * ink).astype(np.float32), OPTICS_SIGMA)
    picture += SENSOR_NOISE * rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


def background(rng: np.random.Generator, kind: Background, shape: tuple[int, int]) -> F32:
    """Return what the sensor shows without a finger, grey levels, float32 (H, W)."""
    if kind is Background.CAPACITIVE:
        columns = 2.0 * rng.standard_normal((1, shape[1]))
        level = rng.uniform(205.0, 235.0) + 5.0 * smooth_field(rng, shape, 120.0) + columns
        return np.asarray(level + 3.0 * grain(rng, shape, 0.8), np.float32)
    clean = np.asarray(rng.uniform(238.0, 252.0) + 2.0 * smooth_field(rng, shape, 150.0), np.float32)
    if kind is Background.RESIDUE:
        smear = np.maximum(0.0, smooth_field(rng, shape, 45.0) - 0.4)
        clean -= np.float32(22.0) * smear * (1.0 + 0.5 * grain(rng, shape, 1.6))
    return clean
