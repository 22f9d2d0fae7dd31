"""Nearly straight rows of dark pixels: counted, and bridged."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def mark_lines(dark, slopes, half_length, least, lines):
    """Mark every dark pixel on a nearly horizontal segment that is dark almost throughout.

    Parameters
    ----------
    dark : uint8 (H, W)
        1 where the pixel is darker than what lies above and below it.
    slopes : float32 (S,)
        Rows per column of the lines looked for; line i of slope s holds (floor(i + s * x + 0.5), x).
    half_length : int
        A segment has 2 * half_length + 1 columns, fewer at the image's sides.
    least : float
        Share of a segment's columns, as long as it would be inside the image, that must be dark.
    lines : uint8 (H, W)
        Marked with 1.
    """
    height, width = dark.shape
    before = np.zeros(width + 1, np.int32)
    shift = np.zeros(width, np.int32)
    need = math.ceil(least * (2 * half_length + 1))
    for slope in slopes:
        for x in range(width):
            shift[x] = math.floor(slope * x + 0.5)
        first = -max(shift[0], shift[width - 1])
        last = height - min(shift[0], shift[width - 1])
        for start in range(first, last):
            for x in range(width):
                y = start + shift[x]
                value = 0
                if 0 <= y < height:
                    value = dark[y, x]
                before[x + 1] = before[x] + value
            if before[width] < need:
                continue
            done = 0
            for x in range(half_length, width - half_length):
                if before[x + half_length + 1] - before[x - half_length] >= need:
                    for along in range(max(done, x - half_length), x + half_length + 1):
                        y = start + shift[along]
                        if 0 <= y < height and dark[y, along]:
                            lines[y, along] = 1
                    done = x + half_length + 1


@njit(nogil=True, cache=True)
def bridge(pixels, erased):
    """Interpolate `pixels` (uint8 (H, W), changed) down each column where `erased` (bool (H, W)) is set.

    A run that reaches the image's top or bottom takes the value of its one neighbour; a column that is erased
    throughout stays as it is.
    """
    height, width = erased.shape
    for x in range(width):
        y = 0
        while y < height:
            if not erased[y, x]:
                y += 1
                continue
            end = y
            while end < height and erased[end, x]:
                end += 1
            if y == 0 and end == height:
                break
            first = float(pixels[y - 1, x] if y > 0 else pixels[end, x])
            last = float(pixels[end, x] if end < height else pixels[y - 1, x])
            for row in range(y, end):
                share = (row - y + 1) / (end - y + 1)
                pixels[row, x] = math.floor(first + share * (last - first) + 0.5)
            y = end
