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
def best_parabola(beyond, edges, heights, slopes, bends, corners, span, radius, found):
    """Find the parabola y = height + slope x + bend x^2 of the largest score.

    The score is the sum over columns of what lies beyond it there, plus the edges that it runs along.
    Parabolas whose height at x = +-1 lies outside `corners` are no lids.

    beyond : float32 (C, R + 1), column c around x = span * ((2 c + 1) / C - 1): what lies beyond each of
    R + 1 places that are spread over y from -span to span. edges : float32 (S, S), its px x * radius +
    (S - 1) / 2 across and the same of y down. heights, slopes, bends : float32. corners : float32 (2,).
    found : float32 (4,): score, height, slope, bend; zeros where no score is above 0.
    """
    columns, places = beyond.shape
    centre = np.float32(len(edges) - 1) / 2
    found[:] = 0
    for h in range(len(heights)):
        for s in range(len(slopes)):
            for b in range(len(bends)):
                side = heights[h] + bends[b]
                if side - abs(slopes[s]) < corners[0] or side + abs(slopes[s]) > corners[1]:
                    continue
                score = np.float32(0)
                for column in range(columns):
                    x = span * (np.float32(2 * column + 1) / columns - 1)
                    y = heights[h] + slopes[s] * x + bends[b] * x * x
                    place = int(np.floor((y / span + 1) / 2 * (places - 1) + np.float32(0.5)))
                    score += beyond[column, min(max(place, 0), places - 1)]
                    right = int(np.floor(centre + x * radius + np.float32(0.5)))
                    down = int(np.floor(centre + y * radius + np.float32(0.5)))
                    if 0 <= right < len(edges) and 0 <= down < len(edges):
                        score += edges[down, right]
                if score > found[0]:
                    found[0] = score
                    found[1] = heights[h]
                    found[2] = slopes[s]
                    found[3] = bends[b]
