"""Pictures for networks: made smaller, cut out upright, laid out as planes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from matcher.face.geometry import F64, inverse, scale_of
from matcher.face.kernels import resample
from matcher.types import F32, U8

BLUR = 1.25
"""Pixels of the picture between two points of a crop up to which one point is enough."""

MAX_LEVEL = 2
"""A pixel of a crop is the mean of at most 2**2 points a side; larger pictures are made smaller first."""


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
    resample.shrink(np.ascontiguousarray(pixels), out)
    return out, factor


def crop(pixels: U8, matrix: F64, width: int, height: int, *, most: int = MAX_LEVEL) -> U8:
    """Return the part of a picture that a similarity brings to a crop of that size.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    matrix : float64 (2, 3)
        From the picture to the crop, px from pixel centres.
    width, height : int
        Of the crop, px.
    most : int
        A pixel is the mean of at most 2**most points a side, 0 to MAX_LEVEL: fewer are coarser and faster.

    Returns
    -------
    uint8 (height, width, 3)
        Bilinear where the crop is larger than what it shows, else the mean of what each pixel covers; where
        the picture ends its edge goes on.
    """
    back = inverse(matrix)
    step = scale_of(back)
    if step > 2**MAX_LEVEL:
        pixels, back = _reduced(pixels, back, width, height, int(step / 2))
        step = scale_of(back)
    out = np.empty((height, width, 3), np.uint8)
    level = min(max(math.ceil(math.log2(step / BLUR)), 0), most)
    resample.warp(np.ascontiguousarray(pixels), back, level, out)
    return out


def _reduced(pixels: U8, back: F64, width: int, height: int, factor: int) -> tuple[U8, F64]:
    """Return the part that a crop needs, made smaller by a whole factor, and the transform into it."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    reached = back @ corners.T
    low = np.floor(reached.min(axis=1)).astype(int) - factor
    high = np.ceil(reached.max(axis=1)).astype(int) + factor + 1
    left, top = (int(np.clip(low[i], 0, pixels.shape[1 - i] - factor)) for i in (0, 1))
    right, bottom = (
        int(np.clip(high[i], start + factor, pixels.shape[1 - i])) for i, start in ((0, left), (1, top))
    )
    columns, rows = (right - left) // factor, (bottom - top) // factor
    part = np.ascontiguousarray(pixels[top : top + rows * factor, left : left + columns * factor])
    out = np.empty((rows, columns, 3), np.uint8)
    resample.shrink(part, out)
    moved = back.copy()
    # A small pixel's centre is the middle of `factor` pixels.
    moved[:, 2] -= np.array([left, top]) + (factor - 1) / 2
    return out, moved / factor


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
