"""Peaks of a map of scores."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def find_peaks(score, threshold, radius, xs, ys, values):
    """Write the peaks of `score` in raster order, return their number; stop where `xs` is full.

    score : float32 (H, W). A peak has at least `threshold` and no larger value in the square of `radius`
    around it; of equal ones there, the first in raster order.
    xs, ys : int32 (M,), values : float32 (M,), written.
    """
    height, width = score.shape
    count = 0
    for y in range(height):
        for x in range(width):
            value = score[y, x]
            if not value >= threshold:  # also refuses NaN
                continue
            top = True
            for v in range(max(y - radius, 0), min(y + radius + 1, height)):
                for u in range(max(x - radius, 0), min(x + radius + 1, width)):
                    other = score[v, u]
                    if other > value or (other == value and (v < y or (v == y and u < x))):
                        top = False
                        break
                if not top:
                    break
            if top:
                if count == len(xs):
                    return count
                xs[count], ys[count], values[count] = x, y, value
                count += 1
    return count
