"""Pictures made smaller, cut out and turned, and laid out for a network."""

from __future__ import annotations

import math

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
def warp(pixels, matrix, taps, out):
    """Write to `out` the picture under a similarity; outside the picture its edge goes on.

    pixels : uint8 (H, W, 3). matrix : float64 (2, 3), from (x, y, 1) in `out` to (x, y) in `pixels`, both
    counted from pixel centres. taps : points a side that each pixel of `out` is the mean of, >= 1; each is
    interpolated between four pixels. out : uint8 (h, w, 3), written.
    """
    height, width, _ = pixels.shape
    rows, columns, _ = out.shape
    last_x, last_y = float(width - 1), float(height - 1)
    half = 0.5 - 0.5 / taps
    share = 1.0 / (taps * taps)
    for y in range(rows):
        for x in range(columns):
            red = green = blue = 0.0
            for i in range(taps):
                oy = y - half + i / taps
                for j in range(taps):
                    ox = x - half + j / taps
                    px = matrix[0, 0] * ox + matrix[0, 1] * oy + matrix[0, 2]
                    py = matrix[1, 0] * ox + matrix[1, 1] * oy + matrix[1, 2]
                    px = min(max(px, 0.0), last_x)
                    py = min(max(py, 0.0), last_y)
                    u, v = int(px), int(py)
                    fx, fy = px - u, py - v
                    u1, v1 = min(u + 1, width - 1), min(v + 1, height - 1)
                    a, b = (1.0 - fx) * (1.0 - fy), fx * (1.0 - fy)
                    c, d = (1.0 - fx) * fy, fx * fy
                    red += a * pixels[v, u, 0] + b * pixels[v, u1, 0]
                    red += c * pixels[v1, u, 0] + d * pixels[v1, u1, 0]
                    green += a * pixels[v, u, 1] + b * pixels[v, u1, 1]
                    green += c * pixels[v1, u, 1] + d * pixels[v1, u1, 1]
                    blue += a * pixels[v, u, 2] + b * pixels[v, u1, 2]
                    blue += c * pixels[v1, u, 2] + d * pixels[v1, u1, 2]
            out[y, x, 0] = int(red * share + 0.5)
            out[y, x, 1] = int(green * share + 0.5)
            out[y, x, 2] = int(blue * share + 0.5)


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
