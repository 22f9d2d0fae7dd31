"""Sampling along rays, and closed contours found in what was sampled."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def sample_rays(image, centre_x, centre_y, cosines, sines, radii, out):
    """Sample an image bilinearly along rays from a centre; NaN outside the image.

    image : float32 (H, W). cosines, sines : float32 (A,), y down. radii : float32 (R,), px.
    out : float32 (A, R).
    """
    height, width = image.shape
    for a in range(len(cosines)):
        for r in range(len(radii)):
            out[a, r] = bilinear(
                image, height, width, centre_x + radii[r] * cosines[a], centre_y + radii[r] * sines[a]
            )


@njit(nogil=True, cache=True)
def sample_between(image, inner, outer, shares, out):
    """Sample an image bilinearly on the lines that join two contours; NaN outside the image.

    image : float32 (H, W). inner, outer : float32 (A, 2) of x, y. shares : float32 (R,): 0 on the inner
    contour, 1 on the outer one. out : float32 (R, A).
    """
    height, width = image.shape
    for r in range(len(shares)):
        share = shares[r]
        for a in range(len(inner)):
            x = inner[a, 0] + share * (outer[a, 0] - inner[a, 0])
            y = inner[a, 1] + share * (outer[a, 1] - inner[a, 1])
            out[r, a] = bilinear(image, height, width, x, y)


@njit(nogil=True, cache=True)
def eased(rise, limit):
    """A rise that weighs less the more it exceeds the limit: `limit` stays, infinity becomes twice that.

    A cut would turn strong edges into plateaus, whose place is unknown.
    """
    return np.float32(2) * rise * limit / (limit + abs(rise))


@njit(nogil=True, cache=True)
def bilinear(image, height, width, x, y):
    """One sample; NaN outside the image."""
    if not (x >= 0 and y >= 0 and x <= width - 1 and y <= height - 1):
        return np.float32(np.nan)
    column = min(int(x), width - 2)
    row = min(int(y), height - 2)
    right = np.float32(x - column)
    low = np.float32(y - row)
    upper = image[row, column] + right * (image[row, column + 1] - image[row, column])
    lower = image[row + 1, column] + right * (image[row + 1, column + 1] - image[row + 1, column])
    return upper + low * (lower - upper)


@njit(nogil=True, cache=True)
def rises(samples, half, limit, out):
    """How much brighter it gets along each ray: mean of `half` samples after a place less that before it.

    samples : float32 (A, R). limit : see `eased`. out : float32 (A, R); 0 where a sample is missing or beyond
    the ends.
    """
    angles, count = samples.shape
    for a in range(angles):
        for r in range(count):
            out[a, r] = np.float32(0)
        # Running sums would carry a NaN to the end of the ray, so each place is summed anew.
        for r in range(half, count - half):
            before = np.float32(0)
            after = np.float32(0)
            for i in range(half):
                before += samples[a, r - 1 - i]
                after += samples[a, r + i]
            rise = (after - before) / np.float32(half)
            if rise == rise:
                out[a, r] = eased(rise, limit)


@njit(nogil=True, cache=True)
def closed_path(gain, bend, reach, total, step, path):
    """Closed contour of the largest gain: one radius an angle, neighbours at most `reach` apart.

    Dynamic programming over two turns; what is read is the middle turn, whose ends have forgotten the start
    and so meet (Sutra et al., "The Viterbi algorithm at different resolutions for enhanced iris
    segmentation", ICB 2012).

    gain : float32 (A, R). bend : gain lost by each step of one sample. total : float32 (2A, R) scratch.
    step : int8 (2A, R) scratch. path : int64 (A,).
    """
    angles, radii = gain.shape
    turns = total.shape[0]
    for r in range(radii):
        total[0, r] = gain[0, r]
    for t in range(1, turns):
        a = t % angles
        for r in range(radii):
            best = total[t - 1, r]
            chosen = 0
            for s in range(1, reach + 1):
                lost = bend * s
                if r >= s and total[t - 1, r - s] - lost > best:
                    best = total[t - 1, r - s] - lost
                    chosen = -s
                if r + s < radii and total[t - 1, r + s] - lost > best:
                    best = total[t - 1, r + s] - lost
                    chosen = s
            total[t, r] = best + gain[a, r]
            step[t, r] = chosen
    best_r = 0
    for r in range(radii):
        if total[turns - 1, r] > total[turns - 1, best_r]:
            best_r = r
    r = best_r
    first = angles // 2
    for t in range(turns - 1, first - 1, -1):
        if t < first + angles:
            path[t % angles] = r
        if t > 0:
            r += step[t, r]


@njit(nogil=True, cache=True)
def sample_grid(image, xs, ys, out):
    """Sample an image bilinearly on a grid; NaN outside the image.

    image : float32 (H, W). xs : float32 (W2,). ys : float32 (H2,). out : float32 (H2, W2).
    """
    height, width = image.shape
    for row in range(len(ys)):
        for column in range(len(xs)):
            out[row, column] = bilinear(image, height, width, xs[column], ys[row])
