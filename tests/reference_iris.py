"""Slow and plain versions of every iris kernel: the oracle of tests/iris/test_kernels.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[Any]


def reduce(image: Array, factor: int) -> Array:
    """Mean of blocks."""
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    cut = image[: rows * factor, : columns * factor].astype(np.float64)
    return cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))


def smooth(image: Array, across: Array, down: Array) -> Array:
    """Separable smoothing, the border repeated."""
    wide, high = (np.r_[half[:0:-1], half].astype(np.float64) for half in (across, down))
    once = ndimage.convolve1d(image.astype(np.float64), wide, axis=1, mode="nearest")
    return ndimage.convolve1d(once, high, axis=0, mode="nearest")


def running_extreme(image: Array, radius: int, sign: int) -> Array:
    """Grey dilation or erosion by a square cut at the border."""
    side = 2 * radius + 1
    if sign > 0:
        return ndimage.maximum_filter(image, side, mode="constant", cval=-np.inf)
    return ndimage.minimum_filter(image, side, mode="constant", cval=np.inf)


def fill_marked(image: Array, marked: Array) -> Array:
    """Blend of the nearest unmarked pixels in four directions, weighted by 1 / distance."""
    out = image.astype(np.float64).copy()
    for y, x in np.argwhere(marked):
        values = []
        for line, back in ((image[y, x:], marked[y, x:]), (image[y, x::-1], marked[y, x::-1])):
            values += _first(line, back)
        for line, back in ((image[y:, x], marked[y:, x]), (image[y::-1, x], marked[y::-1, x])):
            values += _first(line, back)
        if values:
            out[y, x] = sum(v / d for v, d in values) / sum(1 / d for _, d in values)
    return out


def _first(line: Array, marked: Array) -> list[tuple[float, int]]:
    free = np.flatnonzero(~marked)
    return [(float(line[free[0]]), int(free[0]))] if len(free) else []


def vote(image: Array, least: float, radii: Array, shape: tuple[int, int]) -> Array:
    """Votes of gradients for centres, pixel by pixel."""
    votes = np.zeros((len(radii), *shape))
    for y in range(1, image.shape[0] - 1):
        for x in range(1, image.shape[1] - 1):
            gradient = np.array([image[y, x + 1] - image[y, x - 1], image[y + 1, x] - image[y - 1, x]]) / 2
            size = np.hypot(*gradient)
            if size < least:
                continue
            for i, radius in enumerate(radii):
                column, row = np.floor(np.array([x, y]) - gradient / size * radius + 0.5).astype(int) // 2
                if not (0 <= column < shape[1] and 0 <= row < shape[0]):
                    break
                votes[i, row, column] += 1 / np.sqrt(radius)
    return votes


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear samples, NaN outside."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    out = ndimage.map_coordinates(image.astype(np.float64), [y, x], order=1, mode="nearest")
    outside = (x < 0) | (y < 0) | (x > image.shape[1] - 1) | (y > image.shape[0] - 1)
    return np.where(outside, np.nan, out)


def eased(rise: Array, limit: float) -> Array:
    """A rise that weighs less the more it exceeds the limit."""
    return 2 * rise * limit / (limit + np.abs(rise))


def rises(samples: Array, half: int, limit: float) -> Array:
    """Mean of `half` samples from each place on less that of those before it."""
    out = np.zeros(samples.shape)
    for r in range(half, samples.shape[1] - half):
        step = samples[:, r : r + half].mean(axis=1) - samples[:, r - half : r].mean(axis=1)
        out[:, r] = np.where(np.isnan(step), 0, eased(step, limit))
    return out


def path_gain(gain: Array, path: Array, bend: float) -> float:
    """What a closed path gathers."""
    steps = np.abs(np.diff(np.r_[path, path[0]]))
    return float(gain[np.arange(len(path)), path].sum() - bend * steps.sum())


def best_closed_gain(gain: Array, bend: float, reach: int) -> float:
    """Largest gain of a closed path, by dynamic programming from every start."""
    angles, radii = gain.shape
    best = -np.inf
    for start in range(radii):
        total = np.full(radii, -np.inf)
        total[start] = gain[0, start]
        for a in range(1, angles):
            total = _step(total, bend, reach) + gain[a]
        best = max(best, float(_step(total, bend, reach)[start]))
    return best


def _step(total: Array, bend: float, reach: int) -> Array:
    out = total.copy()
    for s in range(1, reach + 1):
        out[s:] = np.maximum(out[s:], total[:-s] - bend * s)
        out[:-s] = np.maximum(out[:-s], total[s:] - bend * s)
    return out


def circle_score(
    image: Array, centre: Array, cosines: Array, sines: Array, split: int, radii: Array, at: int, half: int,
    limit: float, least: float,
) -> tuple[float, float]:  # fmt: skip
    """Score of one circle: the geometric mean of both sides' mean rises; and times both sides' evenness."""
    sides, evenness = [], 1.0
    for part in (slice(0, split), slice(split, None)):
        x = centre[0] + radii[None, :] * cosines[part, None]
        y = centre[1] + radii[None, :] * sines[part, None]
        shown = sample(image, x, y)
        step = shown[:, at : at + half].mean(axis=1) - shown[:, at - half : at].mean(axis=1)
        good = ~np.isnan(step)
        if good.mean() < least or not good.any():
            return 0.0, 0.0
        rises = eased(step[good], limit)
        sides.append(float(rises.mean()))
        evenness *= sides[-1] / float(np.sqrt(np.mean(rises**2)))
    score = float(np.sqrt(sides[0] * sides[1])) if min(sides) > 0 else 0.0
    return score, score * evenness


def vertical_rises(image: Array, half: int, limit: float) -> Array:
    """Mean of `half` px above each place less that from it downwards."""
    out = np.zeros(image.shape)
    for y in range(half, image.shape[0] - half):
        step = image[y - half : y].mean(axis=0) - image[y : y + half].mean(axis=0)
        out[y] = np.where(np.isnan(step), 0, eased(step, limit))
    return out


def parabola_score(beyond: Array, edges: Array, values: Array, span: float, radius: float) -> float:
    """What lies beyond one parabola, and the edges along it."""
    height, slope, bend = values
    columns, places = beyond.shape
    x = span * ((2 * np.arange(columns) + 1) / columns - 1)
    y = height + slope * x + bend * x * x
    place = np.floor((y / span + 1) / 2 * (places - 1) + 0.5).astype(int).clip(0, places - 1)
    total = beyond[np.arange(columns), place].sum()
    right, down = (np.floor((len(edges) - 1) / 2 + v * radius + 0.5).astype(int) for v in (x, y))
    on = (right >= 0) & (right < len(edges)) & (down >= 0) & (down < len(edges))
    return float(total + edges[down[on], right[on]].sum())


def box_means(image: Array, half_rows: int, half_angles: int) -> Array:
    """Box means, angles going round, rows repeated."""
    once = ndimage.uniform_filter1d(image.astype(np.float64), 2 * half_angles + 1, axis=1, mode="wrap")
    return ndimage.uniform_filter1d(once, 2 * half_rows + 1, axis=0, mode="nearest")


def bands(texture: Array, visible: Array, weights: Array, least: float) -> tuple[Array, Array]:
    """Weighted means over what is visible."""
    weights = np.where(weights < 1e-4, 0, weights).astype(np.float64)
    support = weights @ visible
    return (weights @ np.where(visible, texture, 0)) / np.maximum(support, least), support


def respond(levels: Array, wave: Array) -> Array:
    """Circular convolution."""
    return np.fft.ifft(np.fft.fft(levels, axis=1) * np.fft.fft(wave.astype(np.float64)), axis=1).real


def pack(bits: Array, valid: Array) -> tuple[list[int], list[int]]:
    """Words of the bits, the first lowest."""
    angles = range(bits.shape[1])
    code = [sum(1 << k for k in range(len(bits)) if bits[k, a] and valid[k, a]) for a in angles]
    mask = [sum(1 << k for k in range(len(bits)) if valid[k, a]) for a in angles]
    return code, mask
