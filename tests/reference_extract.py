"""Slow references of the fingerprint extractor's kernels: NumPy, SciPy, scikit-image and plain Python.

Each says the same as its kernel in another way: whole-array operations where the kernel runs along rows,
sets of points where it marks pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

Array = npt.NDArray[Any]
Point = tuple[int, int]

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""The eight neighbours (dy, dx), clockwise."""

WALK = ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, -1), (-1, 1), (1, 1), (1, -1))
"""The eight neighbours in the order that a walk prefers: straight ones first."""


# local_contrast


def box_sums(values: Array, radius: int) -> Array:
    side = 2 * radius + 1
    return ndimage.convolve(values.astype(np.float64), np.ones((side, side)), mode="constant")


def normalised(pixels: Array, radius: int, floor: float, limit: float) -> Array:
    pixels = pixels.astype(np.float64)
    area = box_sums(np.ones_like(pixels), radius)
    mean = box_sums(pixels, radius) / area
    deviation = np.sqrt(np.maximum(box_sums((pixels) ** 2, radius) / area - mean**2, 0))
    return np.clip((mean - pixels) / np.maximum(deviation, floor), -limit, limit)


# tensor


def binomial(image: Array) -> Array:
    taps = np.array([1, 2, 1]) / 4
    out = image.astype(np.float64)
    out[1:-1, 1:-1] = signal.convolve2d(image.astype(np.float64), np.outer(taps, taps), mode="valid")
    return out


def cell_tensors(image: Array, cell: int, rows: int, columns: int) -> Array:
    image = image.astype(np.float64)
    gy, gx = np.zeros_like(image), np.zeros_like(image)
    gx[1:-1, 1:-1] = (image[:, 2:] - image[:, :-2])[1:-1]
    gy[1:-1, 1:-1] = (image[2:] - image[:-2])[:, 1:-1]
    row = np.minimum(np.arange(image.shape[0]) // cell, rows - 1)
    column = np.minimum(np.arange(image.shape[1]) // cell, columns - 1)
    number = row[:, None] * columns + column[None, :]
    return np.stack(
        [
            np.bincount(number.ravel(), part.ravel(), rows * columns).reshape(rows, columns)
            for part in (gx**2 - gy**2, 2 * gx * gy, gx**2 + gy**2)
        ]
    )


def smooth_field(field: Array, weights: Array) -> Array:
    both_sides = np.concatenate([weights[:0:-1], weights]).astype(np.float64)
    rows = ndimage.convolve1d(field.astype(np.float64), both_sides, axis=1, mode="constant")
    return ndimage.convolve1d(rows, both_sides, axis=0, mode="constant")


# ridge_period


def signature_spectrum(
    image: Array, angle: float, centre: Point, half_length: int, half_width: int, frequencies: Array
) -> Array:
    """Powers at `frequencies`, then the windowed energy, at one place (y, x) of ridge orientation `angle`."""
    height, width = image.shape
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    offsets = np.arange(-half_length, half_length + 1)
    window = np.hanning(len(offsets) + 2)[1:-1]
    window /= window.sum()
    signature = np.zeros(len(offsets))
    for i, offset in enumerate(offsets):
        values = []
        for along in range(-2 * half_width, 2 * half_width + 1, 2):
            x = centre[1] - sine * np.float32(offset) + np.float32(0.5) + cosine * np.float32(along)
            y = centre[0] + cosine * np.float32(offset) + np.float32(0.5) + sine * np.float32(along)
            if 0 <= math.floor(x) < width and 0 <= math.floor(y) < height:
                values.append(float(image[math.floor(y), math.floor(x)]))
        signature[i] = np.mean(values) if values else 0.0
    windowed = (signature - (signature * window).sum()) * window
    transform = np.exp(2j * np.pi * np.outer(frequencies, offsets)) @ windowed
    return np.append(np.abs(transform) ** 2, (windowed**2).sum())


# gabor


def contextual_filter(
    image: Array, orientation: Array, period: Array, mask: Array, bank: Array, tile: int
) -> Array:
    """Correlate the whole image with every filter that occurs, and pick."""
    out = np.zeros(image.shape)
    large = np.ones((tile, tile), bool)
    for i, j in {*zip(period[mask].tolist(), orientation[mask].tolist(), strict=True)}:
        answer = ndimage.correlate(image.astype(np.float64), bank[i, j].astype(np.float64), mode="constant")
        chosen = np.kron(mask & (period == i) & (orientation == j), large).astype(bool)
        out[chosen] = answer[chosen]
    return out


# components


def remove_small(image: Array, value: int, limit: int, eight: bool) -> Array:
    labels, count = ndimage.label(image == value, np.ones((3, 3)) if eight else None)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    kept = areas >= limit
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    kept[edge] = True
    kept[0] = True
    return np.where(kept[labels], image, 1 - value).astype(image.dtype)


# skeleton


def points_of(skeleton: Array) -> set[Point]:
    return {(int(y), int(x)) for y, x in np.argwhere(skeleton)}


def crossing_number(points: set[Point], at: Point) -> int:
    ring = [(at[0] + dy, at[1] + dx) in points for dy, dx in RING]
    return sum(not a and b for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


def find_candidates(skeleton: Array) -> tuple[list[tuple[int, int, int]], dict[Point, int]]:
    """Candidates (x, y, kind) in reading order, and whose each of their pixels is."""
    points = points_of(skeleton)
    height, width = skeleton.shape
    found: list[tuple[int, int, int]] = []
    owner: dict[Point, int] = {}
    for y, x in sorted(points):
        if not (0 < y < height - 1 and 0 < x < width - 1):
            continue
        crossings = crossing_number(points, (y, x))
        if crossings == 1:
            owner[y, x] = len(found)
            found.append((x, y, 1))
        elif crossings >= 3:
            # The last of the neighbours seen before decides, as they touch one another.
            earlier = [
                owner[q]
                for q in ((y - 1, x - 1), (y - 1, x), (y - 1, x + 1), (y, x - 1))
                if q in owner and found[owner[q]][2] == 2
            ]
            if earlier:
                owner[y, x] = earlier[-1]
            else:
                owner[y, x] = len(found)
                found.append((x, y, 2))
    return found, owner


def trace_branches(
    skeleton: Array, length: int, tangent: int, codes: tuple[int, int, int]
) -> list[list[tuple[int, int, int, int]]]:
    """For each candidate its branches (dx, dy, stop, steps). codes : open, none, loop."""
    open_end, _, loop = codes
    points = points_of(skeleton)
    found, owner = find_candidates(skeleton)
    out = []
    for number, (x, y, _) in enumerate(found):
        own = [q for q in sorted(owner) if owner[q] == number]
        starts: list[Point] = []
        for cy, cx in own:
            for dy, dx in WALK:
                q = (cy + dy, cx + dx)
                beside = dy and dx and ((cy, q[1]) in points or (q[0], cx) in points)
                if q in points and q not in own and not beside and q not in starts:
                    starts.append(q)
        starts = starts[:3]
        branches = []
        for start in starts:
            free = points - set(own) - set(starts)
            path = [start]
            while True:
                here = path[-1]
                if owner.get(here, number) != number:
                    stop = owner[here]
                    break
                if len(path) == length:
                    stop = open_end
                    break
                free.discard(here)
                nexts = [q for q in ((here[0] + dy, here[1] + dx) for dy, dx in WALK) if q in free]
                if not nexts:
                    stop = loop
                    break
                path.append(next((q for q in nexts if q in owner), nexts[0]))
            at = path[min(tangent, len(path)) - 1]
            branches.append((at[1] - x, at[0] - y, stop, len(path)))
        out.append(branches)
    return out


# drawn skeletons


def draw(shape: tuple[int, int], *lines: Sequence[Point]) -> Array:
    """Draw polylines of (x, y) points, one pixel wide and 8-connected, into a uint8 image."""
    image = np.zeros(shape, np.uint8)
    for line in lines:
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                image[round(y0 + (y1 - y0) * step / steps), round(x0 + (x1 - x0) * step / steps)] = 1
    return image
