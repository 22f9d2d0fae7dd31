"""The face pipeline's loops, slow and plain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def shrink(pixels: Array, rows: int, columns: int) -> Array:
    """Return the mean of what each small pixel covers, by weights of rows and of columns."""

    def weights(length: int, parts: int) -> Array:
        out = np.zeros((parts, length))
        for part in range(parts):
            low, high = part * length / parts, (part + 1) * length / parts
            for place in range(length):
                out[part, place] = max(min(place + 1, high) - max(place, low), 0)
        return out / out.sum(axis=1, keepdims=True)

    across, down = weights(pixels.shape[1], columns), weights(pixels.shape[0], rows)
    return np.einsum("yv,vuc,xu->yxc", down, pixels.astype(float), across)


def decode_yunet(cls: Array, obj: Array, bbox: Array, kps: Array, columns: int, stride: int) -> list[Any]:
    """Return a row [x, y, width, height, score, points ...] for every anchor."""
    rows = []
    for a in range(len(cls)):
        r, c = divmod(a, columns)
        w, h = math.exp(bbox[a][2]) * stride, math.exp(bbox[a][3]) * stride
        x, y = (c + bbox[a][0]) * stride - w / 2, (r + bbox[a][1]) * stride - h / 2
        points = []
        for k in range(5):
            points += [(c + kps[a][2 * k]) * stride, (r + kps[a][2 * k + 1]) * stride]
        rows.append([x, y, w, h, math.sqrt(cls[a] * obj[a]), *points])
    return rows


def overlap(one: Array, two: Array) -> float:
    """Return the intersection over union of two boxes x, y, width, height."""
    across = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    down = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    common = max(across, 0) * max(down, 0)
    return common / (one[2] * one[3] + two[2] * two[3] - common)


def suppress(boxes: Array, scores: Array, limit: float) -> list[int]:
    """Return the boxes that are kept, best first."""
    kept: list[int] = []
    for place in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(overlap(boxes[place], boxes[other]) <= limit for other in kept):
            kept.append(place)
    return kept
