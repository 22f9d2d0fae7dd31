"""Whole-image loops: reduction, smoothing, running minimum and maximum."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def reduce(image, factor, out):
    """Mean of blocks of `factor` x `factor` px; a rest at the right and lower border is left out.

    image : uint8 or float32 (H, W). out : float32 (H // factor, W // factor).
    """
    rows, columns = out.shape
    scale = np.float32(1.0 / (factor * factor))
    for y in range(rows):
        for x in range(columns):
            out[y, x] = np.float32(0)
        for dy in range(factor):
            for x in range(columns):
                total = np.float32(0)
                for dx in range(factor):
                    total += np.float32(image[y * factor + dy, x * factor + dx])
                out[y, x] += total
        for x in range(columns):
            out[y, x] *= scale


@njit(nogil=True, cache=True)
def smooth(image, across, down, scratch, out):
    """Separable smoothing with two symmetric kernels; the border is repeated.

    image, scratch, out : float32 (H, W). across, down : float32 (radius + 1,), the centre first.
    """
    height, width = image.shape
    reach = len(across) - 1
    for y in range(height):
        for x in range(width):
            scratch[y, x] = across[0] * image[y, x]
        for step in range(1, reach + 1):
            weight = across[step]
            inner = min(step, width)
            for x in range(inner):
                scratch[y, x] += weight * (image[y, 0] + image[y, min(x + step, width - 1)])
            for x in range(inner, width - step):
                scratch[y, x] += weight * (image[y, x - step] + image[y, x + step])
            for x in range(max(inner, width - step), width):
                scratch[y, x] += weight * (image[y, max(x - step, 0)] + image[y, width - 1])
    reach = len(down) - 1
    for y in range(height):
        for x in range(width):
            out[y, x] = down[0] * scratch[y, x]
        for step in range(1, reach + 1):
            above = max(y - step, 0)
            below = min(y + step, height - 1)
            weight = down[step]
            for x in range(width):
                out[y, x] += weight * (scratch[above, x] + scratch[below, x])


@njit(nogil=True, cache=True)
def running_extreme(image, radius, sign, scratch, out):
    """Maximum (sign 1) or minimum (sign -1) over squares of side 2 * radius + 1, cut at the border.

    image, scratch, out : float32 (H, W).
    """
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            scratch[y, x] = image[y, x] * sign
        for step in range(1, radius + 1):
            for x in range(width - step):
                scratch[y, x] = max(scratch[y, x], image[y, x + step] * sign)
            for x in range(step, width):
                scratch[y, x] = max(scratch[y, x], image[y, x - step] * sign)
    for y in range(height):
        for x in range(width):
            out[y, x] = scratch[y, x]
        for near in range(max(y - radius, 0), min(y + radius, height - 1) + 1):
            for x in range(width):
                out[y, x] = max(out[y, x], scratch[near, x])
        for x in range(width):
            out[y, x] *= sign


@njit(nogil=True, cache=True)
def fill_marked(image, marked, scratch):
    """Replace marked pixels, in place, by a blend of the nearest unmarked ones left, right, above and below.

    image, scratch : float32 (H, W). marked : bool (H, W). The nearer the weightier (1 / distance); a run that
    ends at the border has one side only.
    """
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            scratch[y, x] = image[y, x]
    for y in range(height):
        for x in range(width):
            if not marked[y, x]:
                continue
            total = np.float32(0)
            weight = np.float32(0)
            for side in range(4):
                dx = 1 if side == 0 else -1 if side == 1 else 0
                dy = 1 if side == 2 else -1 if side == 3 else 0
                steps = 1
                px = x + dx
                py = y + dy
                while 0 <= px < width and 0 <= py < height and marked[py, px]:
                    px += dx
                    py += dy
                    steps += 1
                if 0 <= px < width and 0 <= py < height:
                    total += scratch[py, px] / np.float32(steps)
                    weight += np.float32(1) / np.float32(steps)
            if weight > 0:
                image[y, x] = total / weight
