"""Pictures made smaller, cut out and turned, and laid out for a network."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def shrink(pixels, out):
    """Write to `out` the mean of the part of `pixels` that each of its pixels covers.

    pixels : uint8 (H, W, 3). out : uint8 (h, w, 3), h <= H, w <= W, written.
    """
    height, width, _ = pixels.shape
    rows, columns, _ = out.shape
    tall, wide = height / rows, width / columns
    for y in range(rows):
        top, bottom = y * tall, (y + 1) * tall
        for x in range(columns):
            left, right = x * wide, (x + 1) * wide
            red = green = blue = total = 0.0
            for v in range(int(top), min(math.ceil(bottom), height)):
                high = min(v + 1.0, bottom) - max(float(v), top)
                for u in range(int(left), min(math.ceil(right), width)):
                    share = high * (min(u + 1.0, right) - max(float(u), left))
                    red += share * pixels[v, u, 0]
                    green += share * pixels[v, u, 1]
                    blue += share * pixels[v, u, 2]
                    total += share
            out[y, x, 0] = int(red / total + 0.5)
            out[y, x, 1] = int(green / total + 0.5)
            out[y, x, 2] = int(blue / total + 0.5)


@njit(nogil=True, cache=True)
def blend(pixels, px, py):
    """Return red, green and blue at a point, float32, interpolated between four pixels.

    pixels : uint8 (H, W, 3). px, py : float32, from pixel centres; outside the picture its edge goes on.
    """
    # Unsigned places: numba would look after negative ones.
    end_x, end_y, one = np.uint32(pixels.shape[1] - 1), np.uint32(pixels.shape[0] - 1), np.uint32(1)
    px = min(max(px, np.float32(0)), np.float32(end_x))
    py = min(max(py, np.float32(0)), np.float32(end_y))
    u, v = np.uint32(px), np.uint32(py)
    u1, v1 = min(u + one, end_x), min(v + one, end_y)
    fx, fy = px - np.float32(u), py - np.float32(v)
    gx, gy = np.float32(1) - fx, np.float32(1) - fy
    a, b, c, d = gx * gy, fx * gy, gx * fy, fx * fy
    red = a * np.float32(pixels[v, u, 0]) + b * np.float32(pixels[v, u1, 0])
    red += c * np.float32(pixels[v1, u, 0]) + d * np.float32(pixels[v1, u1, 0])
    green = a * np.float32(pixels[v, u, 1]) + b * np.float32(pixels[v, u1, 1])
    green += c * np.float32(pixels[v1, u, 1]) + d * np.float32(pixels[v1, u1, 1])
    blue = a * np.float32(pixels[v, u, 2]) + b * np.float32(pixels[v, u1, 2])
    blue += c * np.float32(pixels[v1, u, 2]) + d * np.float32(pixels[v1, u1, 2])
    return red, green, blue


@njit(nogil=True, cache=True)
def warp(pixels, matrix, level, out):
    """Write to `out` the picture under a similarity; outside the picture its edge goes on.

    pixels : uint8 (H, W, 3). matrix : float64 (2, 3), from (x, y, 1) in `out` to (x, y) in `pixels`, both
    counted from pixel centres. level : 0 to 2; each pixel of `out` is the mean of 2**level points a side.
    out : uint8 (h, w, 3), written.
    """
    rows, columns, _ = out.shape
    taps, middle = 1 << level, np.float32(0.5)
    half, share = 0.5 - 0.5 / taps, np.float32(1 / (taps * taps))
    step_x, step_y = np.float32(matrix[0, 0]), np.float32(matrix[1, 0])
    for y in range(rows):
        if level == 0:
            row_x = np.float32(matrix[0, 1] * y + matrix[0, 2])
            row_y = np.float32(matrix[1, 1] * y + matrix[1, 2])
            for x in range(columns):
                at = np.float32(x)
                red, green, blue = blend(pixels, step_x * at + row_x, step_y * at + row_y)
                out[y, x, 0] = np.uint8(red + middle)
                out[y, x, 1] = np.uint8(green + middle)
                out[y, x, 2] = np.uint8(blue + middle)
            continue
        for x in range(columns):
            red = green = blue = np.float32(0)
            for i in range(taps):
                oy = y - half + i / taps
                row_x = np.float32(matrix[0, 1] * oy + matrix[0, 2])
                row_y = np.float32(matrix[1, 1] * oy + matrix[1, 2])
                for j in range(taps):
                    at = np.float32(x - half + j / taps)
                    r, g, b = blend(pixels, step_x * at + row_x, step_y * at + row_y)
                    red, green, blue = red + r, green + g, blue + b
            out[y, x, 0] = np.uint8(red * share + middle)
            out[y, x, 1] = np.uint8(green * share + middle)
            out[y, x, 2] = np.uint8(blue * share + middle)


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
