"""Local mean and deviation by running box sums, and the normalised image."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def box_sums(values, radius, out):
    """Sum of `values` over the (2*radius+1)^2 box around each pixel, cut off at the image border.

    `values` and `out` are float32 (H, W); sums run in float64 columns, so that nothing drifts.
    """
    height, width = values.shape
    columns = np.zeros(width, np.float64)
    for y in range(min(radius, height)):
        for x in range(width):
            columns[x] += values[y, x]
    for y in range(height):
        if y + radius < height:
            for x in range(width):
                columns[x] += values[y + radius, x]
        if y - radius - 1 >= 0:
            for x in range(width):
                columns[x] -= values[y - radius - 1, x]
        total = 0.0
        for x in range(min(radius, width)):
            total += columns[x]
        for x in range(width):
            if x + radius < width:
                total += columns[x + radius]
            if x - radius - 1 >= 0:
                total -= columns[x - radius - 1]
            out[y, x] = total


@njit(nogil=True, cache=True)
def box_area(position, radius, length):
    """Number of samples of a box of `radius` around `position` that lie inside [0, length)."""
    return min(position + radius, length - 1) - max(position - radius, 0) + 1


@njit(nogil=True, cache=True)
def normalise(pixels, sums, squares, radius, floor, limit, out):
    """Write (mean - pixel) / max(deviation, floor), clipped to +-limit: ridges (dark) become positive."""
    height, width = pixels.shape
    for y in range(height):
        rows = box_area(y, radius, height)
        for x in range(width):
            area = rows * box_area(x, radius, width)
            mean = sums[y, x] / area
            variance = squares[y, x] / area - mean * mean
            deviation = np.sqrt(max(variance, floor * floor))
            out[y, x] = min(max((mean - pixels[y, x]) / deviation, -limit), limit)
