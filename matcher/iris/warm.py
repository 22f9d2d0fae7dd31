"""Compiles the iris kernels by using them once."""

from __future__ import annotations

import numpy as np

from matcher.types import U8

SHAPE = (240, 320)
"""Of the drawing, px."""

PUPIL, IRIS = 24, 60
"""Radii in it, px."""


def warm() -> None:
    """Compile everything that extraction needs."""
    from matcher.iris.extract import extract

    extract(drawing())
    extract(np.repeat(np.repeat(drawing(), 2, axis=0), 2, axis=1))


def drawing() -> U8:
    """Return a drawn eye: a dark disc in a grey one with waves on it, on white."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    x, y = x - SHAPE[1] / 2, y - SHAPE[0] / 2
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    waves = np.sin(9 * angle + radius / 4) + np.sin(17 * angle - radius / 3) + np.sin(5 * angle + radius / 6)
    grey = np.where(radius < IRIS, 100 + 8 * waves, 200.0)
    grey = np.where(radius < PUPIL, 25.0, grey)
    return grey.astype(np.uint8)
