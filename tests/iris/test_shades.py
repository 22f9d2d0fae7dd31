"""What an iris looks like by its own sides, with part of them hidden."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.iris.contour import directions
from matcher.iris.samples import Samples, side_columns
from matcher.iris.shades import calm, row_quantiles, shades

SHAPE = (64, 256)


def made_up(grey: np.ndarray) -> Samples:
    """Samples without places."""
    flat = np.zeros(SHAPE, np.float32)
    return Samples(grey, np.ones(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_), flat, flat, 200.0)


def test_quantiles_of_rows_pass_over_what_is_not_trusted() -> None:
    rng = np.random.default_rng(7)
    values, trusted = rng.normal(0, 1, (9, 31)).astype(np.float32), rng.random((9, 31)) < 0.6
    trusted[4] = False
    found = row_quantiles(values, trusted, 0.3)
    assert np.isnan(found[4])
    for row in (0, 1, 2, 3, 5, 6, 7, 8):
        ranked = np.sort(values[row][trusted[row]])
        assert found[row] == ranked[round(0.3 * (len(ranked) - 1))]


def test_calm_columns_decide() -> None:
    values = np.full(SHAPE, 2.0, np.float32)
    values[:, 100:] = 50.0
    trusted = np.ones(SHAPE, np.bool_)
    assert calm(values, trusted) == pytest.approx(50.0)
    trusted[:, 150:] = False
    assert calm(values, trusted) == pytest.approx(2.0)
    assert calm(values, np.zeros(SHAPE, np.bool_)) == 0.0


@pytest.mark.parametrize("covered", [0.0, 0.3])
def test_levels_and_deviations_are_those_of_what_is_seen(covered: float) -> None:
    """The level falls outwards and from right to left; lashes over 30 % of the columns change little."""
    rng = np.random.default_rng(8)
    level = 120 - 0.3 * np.arange(64)[:, None] + 10 * directions()[0][None]
    grey = (level + rng.normal(0, 5, SHAPE)).astype(np.float32)
    lashes = rng.random(256) < covered
    grey[:, lashes] = 30.0
    found = shades(made_up(grey), np.ones(SHAPE, np.bool_), side_columns(-35.0, 35.0))
    open_sides = side_columns(-35.0, 35.0) & ~lashes
    assert abs(float(found.away[:, open_sides].mean())) < 3.0
    assert found.fine == pytest.approx(5.0, abs=1.5)
    assert found.level == pytest.approx(float(np.median(level)), abs=4.0)
