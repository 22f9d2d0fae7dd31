"""Pictures for networks: made smaller, cut out upright, laid out as planes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.face.geometry import F64, inverse, scale_of
from matcher.face.kernels import resample
from matcher.types import F32, U8

BLUR = 1.25
"""Pixels of the picture between two points of a crop up to which one point is enough."""

FARTHEST = 2.0**30
"""Bound of places, px: what lies beyond shows the picture's edge, as what lies there does."""


def shrunk(pixels: U8, longest: int) -> tuple[U8, float]:
    """Return a picture whose longer side is at most `longest`, and by what a length in it is multiplied.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    longest : int
        px, >= 1.

    Returns
    -------
    pixels : uint8 (h, w, 3)
        The same array where it is small enough.
    factors : float
        Of lengths, <= 1; sides are rounded, so corners may lie half a pixel off.
    """
    height, width, _ = pixels.shape
    factor = min(longest / max(height, width), 1.0)
    if factor == 1.0:
        return pixels, 1.0
    out = np.empty((max(round(height * factor), 1), max(round(width * factor), 1), 3), np.uint8)
    resample.shrink(np.ascontiguousarray(pixels), 0, 0, height, width, out)
    return out, factor


def crop(pixels: U8, matrix: F64, width: int, height: int) -> U8:
    """Return the part of a picture that a similarity brings to a crop of that size.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    matrix : float64 (2, 3)
        From the picture to the crop, px from pixel centres.
    width, height : int
        Of the crop, px.

    Returns
    -------
    uint8 (height, width, 3)
        Bilinear; where the picture is finer than the crop, of the means of what a pixel of the crop covers.
        Where the picture ends its edge goes on.
    """
    pixels = np.ascontiguousarray(pixels)
    back = inverse(matrix)
    step = scale_of(back)
    top, left, rows, columns = _covered(pixels, back, width, height, max(step, 1.0))
    # From here on places count from the rectangle's first pixel.
    back[:, 2] -= (left, top)
    if step > BLUR:
        small = np.empty((max(round(rows / step), 1), max(round(columns / step), 1), 3), np.uint8)
        resample.shrink(pixels, top, left, rows, columns, small)
        factors = np.array([small.shape[1] / columns, small.shape[0] / rows])
        # A small pixel's centre is the middle of the pixels that it covers.
        back[:, 2] += 0.5
        back *= factors[:, None]
        back[:, 2] -= 0.5
        pixels, top, left, (rows, columns) = small, 0, 0, small.shape[:2]
    words = np.empty((rows, columns), np.uint64)
    resample.pack(pixels, top, left, words)
    out = np.empty((height, width, 3), np.uint8)
    resample.warp(words, back.clip(-FARTHEST, FARTHEST), out)
    return out


def _covered(pixels: U8, back: F64, width: int, height: int, margin: float) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the rectangle of the picture that a crop and a margin need."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    reached = back @ corners.T
    ends = np.array(pixels.shape[1::-1])
    low = np.floor(reached.min(axis=1) - margin).clip(0, ends - 1).astype(int)
    high = np.ceil(reached.max(axis=1) + margin + 1).clip(low + 1, ends).astype(int)
    return int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0])


def planes(
    pixels: U8,
    order: npt.NDArray[np.int64],
    mean: F32,
    scale: F32,
    out: F32,
    *,
    mirrored: bool = False,
) -> None:
    """Write (value - mean) * scale of each channel of a picture to `out`, float32 (3, >= h, >= w)."""
    resample.planes(np.ascontiguousarray(pixels), order, mean, scale, mirrored, out)
