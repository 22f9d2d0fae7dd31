"""What a search does to rows between the kernels, beside numpy's own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import _core
from matcher.score.arrays import interpolated

MANY = 20_000
"""Rows for which the interpreter's lock is given away."""

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([0, 1, 2, 7, 63, 64, 65, 500, MANY])


def rows_by_numpy(encounters: Any, dead: Any, asked: Any, owners: Any) -> tuple[Any, Any]:
    """Return what `rows_of` does."""
    begins = np.searchsorted(encounters, asked, "left")
    ends = np.searchsorted(encounters, asked, "right")
    pairs = [
        (row, owner)
        for begin, end, owner in zip(begins.tolist(), ends.tolist(), owners.tolist(), strict=True)
        for row in range(begin, end)
        if not dead[row]
    ]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1].astype(np.int32)


@given(SEEDS, SIZES, SIZES)
def test_the_living_rows_of_encounters_are_found(seed: int, count: int, asked: int) -> None:
    rng = np.random.default_rng(seed)
    encounters = np.sort(rng.integers(0, max(count, 1), count, dtype=np.int32))
    wanted = np.unique(rng.integers(-3, max(count, 1) + 3, asked, dtype=np.int32))
    owners = rng.integers(0, 99, len(wanted), dtype=np.int32)
    dead = rng.random(count) < 0.3
    rows, owner = _core.rows_of(encounters, dead, wanted, owners)
    its_rows, its_owner = rows_by_numpy(encounters, dead, wanted, owners)
    assert (rows.dtype, owner.dtype) == (np.int64, np.int32)
    np.testing.assert_array_equal(rows, its_rows)
    np.testing.assert_array_equal(owner, its_owner)


@given(SEEDS, SIZES, st.booleans(), st.booleans())
def test_bits_say_which_rows_pass(seed: int, count: int, by_position: bool, by_extractor: bool) -> None:
    rng = np.random.default_rng(seed)
    allowed = rng.random(count) < 0.6
    position = rng.integers(0, 4, count, dtype=np.uint8)
    extractor = rng.integers(0, 3, count, dtype=np.uint8)
    bits, passing = _core.passing_bits(
        allowed, position if by_position else None, 2, extractor if by_extractor else None, 1
    )
    expected = allowed.copy()
    if by_position:
        expected &= (position == 2) | (position == 0)
    if by_extractor:
        expected &= extractor == 1
    padded = np.zeros(-(-count // 64) * 64, np.bool_)
    padded[:count] = expected
    assert passing == expected.sum()
    np.testing.assert_array_equal(bits, np.packbits(padded, bitorder="little").view("<u8"))


@given(SEEDS, SIZES, st.integers(2, 300))
def test_lines_between_points_are_those_of_numpy(seed: int, count: int, knots: int) -> None:
    rng = np.random.default_rng(seed)
    xs = np.unique(rng.normal(0, 50, knots))
    ys = np.sort(rng.normal(0, 50, len(xs)))
    values = rng.normal(0, 70, count)
    values[: len(xs)] = xs[: len(values)]  # at the points themselves, too
    if len(xs) < 2:
        return
    np.testing.assert_array_equal(interpolated(values, xs, ys), np.interp(values, xs, ys))


def test_lines_of_arrays_that_lie_apart() -> None:
    points = np.arange(40, dtype=np.float32).reshape(20, 2)
    np.testing.assert_array_equal(
        interpolated(points[:, 0], points[:, 0], points[:, 1]), np.interp(points[:, 0], *points.T)
    )


@given(SEEDS, SIZES, st.integers(1, 40))
def test_scores_are_counted_as_numpy_counts_them(seed: int, count: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    owners = rng.integers(0, people, count, dtype=np.int32)
    scores = rng.normal(0, 30, count)
    found = np.zeros(people, np.int32), np.zeros(people), np.full(people, -np.inf)
    expected = tuple(array.copy() for array in found)
    _core.tally(owners, scores, scores**3, *found)
    np.add.at(expected[0], owners, 1)
    np.add.at(expected[1], owners, scores**3)
    np.maximum.at(expected[2], owners, scores)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_score_of_nobody_counts_for_nobody(wrong: int) -> None:
    found = np.zeros(3, np.int32), np.zeros(3), np.full(3, -np.inf)
    with pytest.raises(IndexError):
        _core.tally(np.array([0, wrong], np.int32), np.ones(2), np.ones(2), *found)
    for array, untouched in zip(found, (0, 0.0, -np.inf), strict=True):
        assert (array == untouched).all()


def test_what_is_no_array_of_its_kind_is_refused() -> None:
    three, two = np.zeros(3, np.int32), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="expected"):
        _core.rows_of(three, np.zeros(2, np.bool_), two, two)
    with pytest.raises(ValueError, match="expected"):
        _core.rows_of(three, np.zeros(3, np.bool_), two, three)
    with pytest.raises(TypeError):
        _core.rows_of(three.astype(np.int64), np.zeros(3, np.bool_), two, two)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected"):
        _core.passing_bits(np.ones(3, np.bool_), np.zeros(2, np.uint8), 1, None, 0)
    with pytest.raises(ValueError, match="expected"):
        _core.passing_bits(np.ones(3, np.bool_), None, 0, np.zeros(4, np.uint8), 0)
    with pytest.raises(ValueError, match="expected"):
        _core.interpolate(np.zeros(1), np.zeros(1), np.zeros(1))
    with pytest.raises(ValueError, match="expected"):
        _core.interpolate(np.zeros(1), np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="expected"):
        _core.tally(two, np.zeros(3), np.zeros(2), three, np.zeros(3), np.zeros(3))
