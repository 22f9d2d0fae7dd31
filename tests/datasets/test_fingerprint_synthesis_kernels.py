"""Kernels and random fields of the synthetic prints, against slow references."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.datasets.fingerprint_synthesis.kernels.grow import BLOCK, LEVEL, RADIUS, SIDE, grow, settle
from matcher.datasets.fingerprint_synthesis.kernels.sample import sample
from matcher.datasets.fingerprint_synthesis.kernels.stamp import stamp
from matcher.datasets.fingerprint_synthesis.randomness import smooth_field, stream
from matcher.datasets.fingerprint_synthesis.ridges import (
    GAIN,
    ORIENTATIONS,
    PERIODS,
    UNIT_RESPONSE,
    gabor_bank,
)


def slow_responses(padded, index, bank):
    """Filter every pixel with its own filter: sum of products, in double precision."""
    height, width = index.shape
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            patch = padded[y : y + SIDE, x : x + SIDE].astype(np.float64)
            out[y, x] = (patch * bank[index[y, x]]).sum()
    return out


def slow_grow(padded, index, bank, gain, allowed, active, least_change, rounds):
    """Grow as `kernels.grow` does, with whole pictures and masks instead of blocks."""
    padded = padded.astype(np.float64)
    ones = np.ones((BLOCK, BLOCK))
    for _ in range(rounds):
        if not active.any():
            break
        mask = np.kron(active, ones) > 0
        current = padded[RADIUS:-RADIUS, RADIUS:-RADIUS]
        fresh = np.clip(np.rint(slow_responses(padded, index, bank) * gain), -LEVEL, LEVEL)
        change = np.where(mask, abs(fresh - current), 0.0)
        padded[RADIUS:-RADIUS, RADIUS:-RADIUS] = np.where(mask, fresh, current)
        blocks = change.reshape(active.shape[0], BLOCK, active.shape[1], BLOCK).max((1, 3))
        ring = np.pad((blocks >= least_change) & (active > 0), 1)
        near = [
            ring[1 + dy : ring.shape[0] - 1 + dy, 1 + dx : ring.shape[1] - 1 + dx]
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        ]
        active = (np.any(near, axis=0) & (allowed > 0)).astype(np.uint8)
    return padded


def growth_case():
    rng = np.random.default_rng(5)
    height, width = 5 * BLOCK, 6 * BLOCK
    index = rng.integers(0, PERIODS * ORIENTATIONS, (height, width)).astype(np.uint16)
    index[:, : width // 2] = 7 * ORIENTATIONS + 13
    padded = np.zeros((height + 2 * RADIUS, width + 2 * RADIUS), np.float32)
    padded[20:23, 20:23] = LEVEL
    allowed = np.ones((5, 6), np.uint8)
    allowed[0, 4:] = 0
    active = np.zeros((5, 6), np.uint8)
    active[1:3, 1:3] = 1
    return padded, index, allowed, active


def test_growth_equals_the_slow_reference():
    padded, index, allowed, active = growth_case()
    bank, gain = gabor_bank(), GAIN / UNIT_RESPONSE
    expected = slow_grow(padded, index, bank, gain, allowed, active, 24.0, 6)
    grown = padded.copy()
    updates = grow(grown, index, bank, gain, allowed, active.copy(), 24.0, 6)
    assert updates > 4 * 4
    assert np.array_equal(grown, expected)
    assert np.abs(grown).sum() > 20 * np.abs(padded).sum()
    outside = grown[RADIUS : RADIUS + BLOCK, RADIUS + 4 * BLOCK : RADIUS + 6 * BLOCK]
    assert not outside.any()


def test_settling_equals_the_slow_reference():
    padded, index, _, _ = growth_case()
    rng = np.random.default_rng(6)
    padded[:] = rng.integers(-127, 128, padded.shape)
    out = np.zeros(index.shape, np.int8)
    settle(padded, index, gabor_bank(), 0.85 / UNIT_RESPONSE, out)
    expected = np.clip(
        np.rint(slow_responses(padded, index, gabor_bank()) * (0.85 / UNIT_RESPONSE)), -127, 127
    )
    assert np.array_equal(out, expected)


def test_filter_sums_are_exact_in_single_precision():
    """Integers whose greatest sum stays below 2**24: the order of additions cannot matter."""
    bank = gabor_bank()
    assert np.array_equal(bank, np.rint(bank))
    assert np.abs(bank).sum((1, 2)).max() * LEVEL < 2**24
    assert np.abs(bank.sum((1, 2))).max() <= SIDE * SIDE / 2


def slow_cubic(values, t):
    """Catmull-Rom by its matrix form."""
    matrix = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    return np.array([1, t, t**2, t**3]) @ matrix @ values


def test_sampling_equals_the_slow_reference():
    rng = np.random.default_rng(7)
    ridges = rng.integers(-127, 128, (30, 40)).astype(np.int8)
    marks = rng.integers(0, 256, (30, 40)).astype(np.uint8)
    ys = rng.uniform(-3, 33, (9, 11)).astype(np.float32)
    xs = rng.uniform(-3, 43, (9, 11)).astype(np.float32)
    ys[0, 0], xs[0, 0] = 5.0, 6.0
    got_ridges = np.empty_like(ys)
    got_marks = np.empty_like(ys)
    sample(ridges, marks, ys, xs, got_ridges, got_marks)
    inside = 0
    for i, j in np.ndindex(ys.shape):
        y, x = float(ys[i, j]), float(xs[i, j])
        if not (1 <= y < 28 and 1 <= x < 38):
            assert (got_ridges[i, j], got_marks[i, j]) == (-127.0, 0.0)
            continue
        inside += 1
        y0, x0 = int(y), int(x)
        columns = [
            slow_cubic(ridges[r, x0 - 1 : x0 + 3].astype(float), x - x0) for r in range(y0 - 1, y0 + 3)
        ]
        assert got_ridges[i, j] == pytest.approx(slow_cubic(np.array(columns), y - y0), abs=1e-2)
        corner = marks[y0 : y0 + 2, x0 : x0 + 2].astype(float)
        bilinear = np.array([1 - (y - y0), y - y0]) @ corner @ np.array([1 - (x - x0), x - x0])
        assert got_marks[i, j] == pytest.approx(bilinear, abs=1e-2)
    assert inside > 40
    assert got_ridges[0, 0] == ridges[5, 6]


def test_strokes_equal_the_slow_reference():
    strokes = np.array(
        [[5, 5, 20, 30, 1.5, 255], [10, 8, 10, 8, 1.0, 120], [-4, 3, 8, -6, 2.0, 200]], np.float32
    )
    canvas = np.zeros((24, 36), np.uint8)
    stamp(canvas, strokes)
    y, x = np.mgrid[:24, :36].astype(float)
    expected = np.zeros((24, 36))
    for y0, x0, y1, x1, sigma, top in strokes.astype(float):
        length = (y1 - y0) ** 2 + (x1 - x0) ** 2
        along = 0.0 if length == 0 else np.clip(((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length, 0, 1)
        distance = (y - y0 - along * (y1 - y0)) ** 2 + (x - x0 - along * (x1 - x0)) ** 2
        expected = np.maximum(expected, top * np.exp(-distance / (2 * sigma**2)))
    # Strokes are cut off where they have faded to exp(-2.5**2 / 2) of their height.
    assert np.abs(canvas - expected).max() < 1.0 + 255 * np.exp(-(2.5**2) / 2)
    near = expected > 30
    assert near.sum() > 100
    assert np.abs(canvas - expected)[near].max() <= 1.0


def test_streams_of_different_names_and_numbers_share_nothing():
    keys = [("a", 1), ("a", 2), ("b", 1), ("ab",), ("a", "b"), ("a", 1, 0)]
    draws = [stream(*key).integers(0, 2**63, 4).tobytes() for key in keys]
    assert len(set(draws)) == len(keys)


def test_smooth_fields_have_unit_variance_and_no_common_grid():
    fields = np.stack([smooth_field(stream("test", n), (60, 60), 15.0) for n in range(300)])
    assert fields.std(0).mean() == pytest.approx(1.0, abs=0.05)
    # A lattice at fixed places would show as a pattern of the variance over the pixels.
    assert fields.std(0).std() < 0.08
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.6
