"""Edges of the eyelids as parabolas across the iris."""

from __future__ import annotations

import numpy as np
from numba import njit

from matcher.iris.kernels.polar import eased


@njit(nogil=True, cache=True)
def vertical_rises(image, half, limit, out):
    """How much brighter it is above than below: means of `half` px, eased; 0 near the border.

    image, out : float32 (H, W). NaN pixels (outside the picture) give 0.
    """
    height, width = image.shape
    out[:] = 0
    for y in range(half, height - half):
        for x in range(width):
            above = np.float32(0)
            below = np.float32(0)
            for i in range(half):
                above += image[y - 1 - i, x]
                below += image[y + i, x]
            rise = (above - below) / np.float32(half)
            if rise == rise:
                out[y, x] = eased(rise, limit)


@njit(nogil=True, cache=True)
def best_parabola(gains, inside, heights, slopes, bends, corners, centre, radius, spare, found):
    """Find the parabola y = height + slope x + bend x^2 along which the gains are largest.

    x and y are shares of `radius` from the pixel (centre, centre). The score is the sum of gains where the
    parabola lies inside, over the number of those columns plus `spare`, so that a few columns at the rim do
    not win. Parabolas whose height at x = +-1 lies outside `corners` are no lids.

    gains : float32 (H, W). inside : bool (H, W). heights, slopes, bends : float32. corners :
    float32 (2,). found : float32 (4,): score, height, slope, bend.
    """
    rows, columns = gains.shape
    found[0] = 0
    for h in range(len(heights)):
        for s in range(len(slopes)):
            for b in range(len(bends)):
                side = heights[h] + bends[b]
                if side - abs(slopes[s]) < corners[0] or side + abs(slopes[s]) > corners[1]:
                    continue
                total = np.float32(0)
                count = np.float32(0)
                for column in range(columns):
                    x = (column - centre) / radius
                    y = heights[h] + slopes[s] * x + bends[b] * x * x
                    row = int(np.floor(centre + y * radius + np.float32(0.5)))
                    if 0 <= row < rows and inside[row, column]:
                        total += gains[row, column]
                        count += 1
                score = total / (count + spare)
                if score > found[0]:
                    found[0] = score
                    found[1] = heights[h]
                    found[2] = slopes[s]
                    found[3] = bends[b]
