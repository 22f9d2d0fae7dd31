"""Lids where they were drawn, and what lashes over an eye leave of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcher.iris.contour import Circle
from matcher.iris.limbus import fit_limbus, held
from matcher.iris.segment import Eye, find_eye
from matcher.iris.sheet import unwrap


def heights(eye: Eye) -> tuple[float, float]:
    """Return where the lids cross the middle of the iris, iris radii."""
    return float(eye.upper.at(np.zeros(1))[0]), float(eye.lower.at(np.zeros(1))[0])


@pytest.mark.parametrize(("upper", "lower"), [(-0.8, 0.85), (-0.55, 0.6), (-0.45, 0.9)])
def test_lids_lie_where_they_were_drawn(drawn: Any, upper: float, lower: float) -> None:
    eye, draw = drawn
    found = find_eye(draw(eye(upper=upper, lower=lower)))
    assert found.upper.seen
    assert found.lower.seen
    assert heights(found) == pytest.approx((upper, lower), abs=0.1)


def test_an_open_eye_has_no_lids_to_speak_of(drawn: Any) -> None:
    eye, draw = drawn
    sheet = unwrap(find_eye(draw(eye(upper=None, lower=None))))
    assert sheet.open.mean() > 0.9
    assert sheet.visible.mean() > 0.85


@pytest.mark.parametrize("light", [0.8, 1.25])
def test_uneven_light_is_no_lid(drawn: Any, light: float) -> None:
    """An iris a quarter brighter or darker below than at its sides is still all seen."""
    eye, draw = drawn
    pixels = draw(eye(upper=None, lower=None)).astype(np.float64)
    y = np.arange(pixels.shape[0])[:, None]
    below = np.clip((y - 120) / 60, 0, 1)
    lit = np.clip(pixels * (1 + (light - 1) * below), 0, 255).astype(np.uint8)
    assert unwrap(find_eye(lit)).open.mean() > 0.85


def test_lashes_are_masked_and_the_iris_between_them_is_not(drawn: Any) -> None:
    eye, draw = drawn
    spec = eye(upper=-0.7, lower=None, glint=False)
    pixels = draw(spec)
    plain = unwrap(find_eye(pixels))
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    lash = (np.abs((x - 124) % 18 - 0) < 3) & (y > 55) & (y < 100) & (abs(x - 160) < 40)
    painted = np.where(lash, 20, pixels).astype(np.uint8)
    found = find_eye(painted)
    sheet = unwrap(found)
    dark = (found.samples.grey < 45) & plain.visible
    assert dark.sum() > 100
    assert (sheet.visible & dark).sum() < 0.1 * dark.sum()
    assert sheet.visible.mean() > 0.6 * plain.visible.mean()


def test_the_limbus_keeps_little_of_its_own_height(drawn: Any) -> None:
    eye, draw = drawn
    view = find_eye(draw(eye())).view
    found = fit_limbus(view.smooth, Circle(160, 120, 60))
    assert found is not None
    moved = held(found, Circle(100.0, found.circle.y - 10.0, 20.0))
    assert moved.circle.y == pytest.approx(found.circle.y - 7.0, abs=1e-3)
    assert moved.circle.x == found.circle.x
    np.testing.assert_array_equal(moved.radii, found.radii)
