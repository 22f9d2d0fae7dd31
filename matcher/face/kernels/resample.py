"""Pictures made smaller, cut out and turned, and laid out for a network."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LANE_BITS, WEIGHT_BITS = 21, 13
"""Of a colour in a packed pixel, and of the weights that it is multiplied by."""


@njit(nogil=True, cache=True)
def shrink(pixels, top, left, height, width, out):
    """Write to `out` the mean of the part of a rectangle that each of its pixels covers.

    Rows are added up first, then columns: the first are the many, and in a form for vector instructions.
    pixels : uint8 (H, W, 3), C order; the rectangle lies inside. out : uint8 (h, w, 3), h <= height,
    w <= width, written.
    """
    rows, columns, _ = out.shape
    tall, wide = height / rows, width / columns
    taps = math.ceil(wide) + 1
    # Zeros beyond the last column: its taps may reach there, with a weight of 0.
    sums = np.zeros(3 * (width + taps), np.float32)
    firsts = np.empty(columns, np.uint32)
    weights = np.empty((columns, taps), np.float32)
    for x in range(columns):
        start, end = x * wide, (x + 1) * wide
        first = min(int(start), width - 1)
        firsts[x] = 3 * first
        for k in range(taps):
            weights[x, k] = max(min(first + k + 1.0, end) - max(start, float(first + k)), 0.0)
    for y in range(rows):
        start, end = y * tall, (y + 1) * tall
        first = int(start)
        for v in range(first, min(math.ceil(end), height)):
            weight = np.float32((min(v + 1.0, end) - max(float(v), start)) / (tall * wide))
            row = pixels[top + v, left : left + width].reshape(3 * width)
            if v == first:
                for i in range(3 * width):
                    sums[i] = weight * np.float32(row[i])
            else:
                for i in range(3 * width):
                    sums[i] += weight * np.float32(row[i])
        for x in range(columns):
            # Rounded by half a level, which is there from the start.
            red = green = blue = np.float32(0.5)
            for k in range(taps):
                weight = weights[x, k]
                i = firsts[x] + np.uint32(3 * k)
                red += weight * sums[i]
                green += weight * sums[i + np.uint32(1)]
                blue += weight * sums[i + np.uint32(2)]
            out[y, x, 0] = np.uint8(red)
            out[y, x, 1] = np.uint8(green)
            out[y, x, 2] = np.uint8(blue)


@njit(nogil=True, cache=True)
def pack(pixels, top, left, out):
    """Write to `out` the pixels of a rectangle as words of three lanes of LANE_BITS, red in the lowest.

    pixels : uint8 (H, W, 3), C order; the rectangle lies inside. out : uint64 (h, w), written.
    """
    rows, columns = out.shape
    green, blue = np.uint64(LANE_BITS), np.uint64(2 * LANE_BITS)
    for y in range(rows):
        row = pixels[top + y, left : left + columns].reshape(3 * columns)
        for x in range(columns):
            word = np.uint64(row[3 * x]) | (np.uint64(row[3 * x + 1]) << green)
            out[y, x] = word | (np.uint64(row[3 * x + 2]) << blue)


@njit(nogil=True, cache=True)
def warp(words, matrix, out):
    """Write to `out` a picture under an affine transform; outside the picture its edge goes on.

    Each pixel is interpolated between four, whose weights are whole numbers that sum to 2**WEIGHT_BITS: one
    multiplication weights all three colours of a pixel, and no lane runs over (255 * 2**13 < 2**21).
    words : uint64 (H, W), from `pack`. matrix : float64 (2, 3), from (x, y, 1) in `out` to (x, y) in the
    picture, both counted from pixel centres, absolute values below 2**30. out : uint8 (h, w, 3), written.
    """
    rows, columns, _ = out.shape
    end_x, end_y, one = np.uint64(words.shape[1] - 1), np.uint64(words.shape[0] - 1), np.uint64(1)
    # Places have 32 bits before and 32 after the point; x keeps 16 bits of the fraction, y WEIGHT_BITS.
    high_x, high_y = np.int64(words.shape[1] - 1) << 32, np.int64(words.shape[0] - 1) << 32
    step_x, step_y = np.int64(matrix[0, 0] * 2.0**32), np.int64(matrix[1, 0] * 2.0**32)
    fraction, point, sixteen = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(16)
    spare_x, spare_y = np.uint64(16 - WEIGHT_BITS), np.uint64(32 - WEIGHT_BITS)
    zero, unit = np.int64(0), np.uint64(1 << WEIGHT_BITS)
    half = np.uint64((1 << WEIGHT_BITS - 1) * (1 + (1 << LANE_BITS) + (1 << 2 * LANE_BITS)))
    red, green, blue = (
        np.uint64(WEIGHT_BITS),
        np.uint64(WEIGHT_BITS + LANE_BITS),
        np.uint64(WEIGHT_BITS + 2 * LANE_BITS),
    )
    for y in range(rows):
        at_x = np.int64((matrix[0, 1] * y + matrix[0, 2]) * 2.0**32)
        at_y = np.int64((matrix[1, 1] * y + matrix[1, 2]) * 2.0**32)
        for x in range(columns):
            inside_x, inside_y = min(max(at_x, zero), high_x), min(max(at_y, zero), high_y)
            px, py = np.uint64(inside_x), np.uint64(inside_y)
            at_x += step_x
            at_y += step_y
            u, v = px >> point, py >> point
            u1, v1 = min(u + one, end_x), min(v + one, end_y)
            fx, fy = (px & fraction) >> sixteen, (py & fraction) >> spare_y
            both = (fx * fy) >> sixteen
            right, below = (fx >> spare_x) - both, fy - both
            word = (unit - right - fy) * words[v, u] + right * words[v, u1]
            word += below * words[v1, u] + both * words[v1, u1] + half
            out[y, x, 0] = np.uint8(word >> red)
            out[y, x, 1] = np.uint8(word >> green)
            out[y, x, 2] = np.uint8(word >> blue)


@njit(nogil=True, cache=True)
def planes(pixels, order, mean, scale, mirrored, out):
    """Write a picture as planes of (value - mean) * scale.

    pixels : uint8 (h, w, 3). order : int64 (3,), the channel that each plane is taken from. mean, scale :
    float32 (3,), by plane. mirrored : whether left and right change places. out : float32 (3, >= h, >= w),
    written where the picture is.
    """
    rows, columns, _ = pixels.shape
    for plane in range(3):
        channel, low, factor = order[plane], mean[plane], scale[plane]
        for y in range(rows):
            for x in range(columns):
                at = columns - 1 - x if mirrored else x
                out[plane, y, at] = (pixels[y, x, channel] - low) * factor
