"""What is permanent in the skin beside the ridges (sweat pores, creases), and what passes (scratches)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .randomness import F32
from .settings import ImpressionSettings

PORE_SPACING = 8.0
"""Mean distance of candidate pore places, pixels; those on ridges are kept: 9 to 18 pores a centimetre of
ridge (Ashbaugh, Quantitative-Qualitative Friction Ridge Analysis, 1999)."""

PORE_SIGMA = (0.7, 1.1)
"""Standard deviation of a pore's cross-section, pixels (pores are 0.07 to 0.2 mm wide)."""

PORE_HEIGHT = (70.0, 170.0)
"""How deep pores are, of 255."""

PORE_LEVEL = 90
"""Pores sit where the pattern is at least this (of 127): in the middle of ridges."""

CREASES_MEAN = 1.2
"""Mean number of permanent creases on a finger."""

CREASE_SIGMA = (0.9, 2.0)
"""Standard deviation of a crease's cross-section, pixels."""

SCRATCH_SIGMA = (0.6, 1.8)
"""Standard deviation of a passing scratch's cross-section, pixels."""


def crooked_line(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    sigma: float,
    depth: float,
) -> F32:
    """Return a slightly bent line as strokes, float32 (N, 6), of the kind that `kernels.stamp` draws."""
    step = 6.0
    count = max(2, int(length / step))
    bends = angle + np.cumsum(rng.normal(0.0, 0.06, count))
    y = start[0] - step * np.concatenate([[0.0], np.cumsum(np.sin(bends))])
    x = start[1] + step * np.concatenate([[0.0], np.cumsum(np.cos(bends))])
    widths = sigma * np.clip(1.0 + 0.25 * rng.standard_normal(count), 0.4, 1.6)
    # Thin at both ends, as a fold of skin is.
    widths *= np.minimum(1.0, (np.minimum(np.arange(count), np.arange(count)[::-1]) + 1.0) / 3.0)
    strokes = np.stack([y[:-1], x[:-1], y[1:], x[1:], np.maximum(widths, 0.3), np.full(count, depth)], 1)
    return strokes.astype(np.float32)


def draw_marks(
    rng: np.random.Generator, ridges: npt.NDArray[np.int8], period: float
) -> npt.NDArray[np.uint8]:
    """Return pores and creases of a finger, uint8 (H, W): how much of the skin is missing, 0 to 255."""
    from .kernels.stamp import stamp

    height, width = ridges.shape
    marks = np.zeros((height, width), np.uint8)
    count = int(height * width / PORE_SPACING**2)
    y = rng.uniform(0, height - 1, count)
    x = rng.uniform(0, width - 1, count)
    on_ridge = ridges[np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)] >= PORE_LEVEL
    y, x = y[on_ridge], x[on_ridge]
    sigma = rng.uniform(*PORE_SIGMA, len(y)) * (period / 9.0)
    stamp(marks, np.stack([y, x, y, x, sigma, rng.uniform(*PORE_HEIGHT, len(y))], 1).astype(np.float32))
    for _ in range(rng.poisson(CREASES_MEAN)):
        start = (float(rng.uniform(0.2, 0.95) * height), float(rng.uniform(0.0, 0.7) * width))
        line = crooked_line(
            rng, start, rng.normal(0.0, 0.4), rng.uniform(40.0, 220.0), rng.uniform(*CREASE_SIGMA), 255.0
        )
        stamp(marks, line)
    return marks


def draw_scratches(rng: np.random.Generator, settings: ImpressionSettings) -> npt.NDArray[np.uint8]:
    """Return passing scratches, uint8 (height, width) in the image: how much of the print is missing."""
    from .kernels.stamp import stamp

    canvas = np.zeros((settings.height, settings.width), np.uint8)
    for _ in range(settings.scratches):
        start = (float(rng.uniform(0.0, settings.height)), float(rng.uniform(0.0, settings.width)))
        length = float(rng.uniform(20.0, 160.0))
        line = crooked_line(
            rng,
            start,
            rng.uniform(-np.pi, np.pi),
            length,
            rng.uniform(*SCRATCH_SIGMA),
            rng.uniform(150.0, 255.0),
        )
        stamp(canvas, line)
    return canvas
