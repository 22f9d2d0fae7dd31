"""What face detectors give, read: boxes, scores and five points of each anchor; overlapping ones dropped."""

from __future__ import annotations

import math

from numba import njit

MAX_EXPONENT = 20.0
"""Bound of exponents: a box of e^20 strides is far beyond any picture, and no infinity."""


@njit(nogil=True, cache=True)
def decode_yunet(cls, obj, bbox, kps, columns, stride, threshold, found, count):
    """Append to `found` the anchors of one stride that score at least `threshold`; return the new count.

    cls, obj : float32 (A,), anchors row by row, `columns` in a row. bbox : float32 (A, 4). kps : float32
    (A, 10). found : float32 (M, 15), a row each: x, y, width, height, score, then x and y of five points, px.
    Stops where `found` is full.
    """
    for a in range(len(cls)):
        score = math.sqrt(max(min(cls[a], 1.0), 0.0) * max(min(obj[a], 1.0), 0.0))
        if not score >= threshold:
            continue
        if count == len(found):
            return count
        row, column = a // columns, a % columns
        wide = math.exp(min(bbox[a, 2], MAX_EXPONENT)) * stride
        tall = math.exp(min(bbox[a, 3], MAX_EXPONENT)) * stride
        found[count, 0] = (column + bbox[a, 0]) * stride - wide / 2
        found[count, 1] = (row + bbox[a, 1]) * stride - tall / 2
        found[count, 2] = wide
        found[count, 3] = tall
        found[count, 4] = score
        for p in range(5):
            found[count, 5 + 2 * p] = (column + kps[a, 2 * p]) * stride
            found[count, 6 + 2 * p] = (row + kps[a, 2 * p + 1]) * stride
        count += 1
    return count


@njit(nogil=True, cache=True)
def decode_centerface(heat, size, offset, landmarks, stride, threshold, found):
    """Write to `found` the cells that score at least `threshold`; return how many.

    heat : float32 (h, w). size, offset : float32 (2, h, w), rows before columns. landmarks : float32
    (10, h, w), y before x, in shares of the box. found : float32 (M, 15), as in `decode_yunet`.
    """
    rows, columns = heat.shape
    count = 0
    for row in range(rows):
        for column in range(columns):
            if not heat[row, column] >= threshold:
                continue
            if count == len(found):
                return count
            tall = math.exp(min(size[0, row, column], MAX_EXPONENT)) * stride
            wide = math.exp(min(size[1, row, column], MAX_EXPONENT)) * stride
            left = (column + offset[1, row, column] + 0.5) * stride - wide / 2
            top = (row + offset[0, row, column] + 0.5) * stride - tall / 2
            found[count, 0] = left
            found[count, 1] = top
            found[count, 2] = wide
            found[count, 3] = tall
            found[count, 4] = heat[row, column]
            for p in range(5):
                found[count, 5 + 2 * p] = left + landmarks[2 * p + 1, row, column] * wide
                found[count, 6 + 2 * p] = top + landmarks[2 * p, row, column] * tall
            count += 1
    return count


@njit(nogil=True, cache=True)
def suppress(found, order, limit, kept):
    """Keep the boxes that overlap no better one by more than `limit` (non-maximum suppression).

    found : float32 (M, 15), as in `decode_yunet`. order : int64 (M,), best first. limit : intersection over
    union. kept : int64 (M,), written: rows of `found`, best first. Returns how many.
    """
    count = 0
    for place in order:
        left, top, wide, tall = found[place, 0], found[place, 1], found[place, 2], found[place, 3]
        alone = True
        for k in range(count):
            other = kept[k]
            across = min(left + wide, found[other, 0] + found[other, 2]) - max(left, found[other, 0])
            down = min(top + tall, found[other, 1] + found[other, 3]) - max(top, found[other, 1])
            if across <= 0 or down <= 0:
                continue
            common = across * down
            union = wide * tall + found[other, 2] * found[other, 3] - common
            if common > limit * union:
                alone = False
                break
        if alone:
            kept[count] = place
            count += 1
    return count
