"""The limbus against circles that look like it: on the iris's own texture, and on lids beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.iris import limbus
from matcher.iris import parameters as p
from matcher.iris.contour import Circle
from matcher.types import F32

PUPIL, RING, LIMBUS = 20.0, 38.0, 60.0
"""Radii drawn, px: between pupil and limbus a ring on which some rays rise."""


def eye(ring_rise: float, limbus_rise: float) -> F32:
    """Draw an iris little darker than the white, with bright arcs from a ring on, some 10 degrees each."""
    y, x = np.mgrid[:200, :240].astype(np.float32)
    away, angle = np.hypot(x - 120, y - 100), np.arctan2(y - 100, x - 120)
    grey = np.where(away < PUPIL, 20.0, 100.0)
    arcs = (np.cos(18 * angle) > 0.5) & (away > RING) & (away < RING + 8)
    grey += np.where(arcs, ring_rise, 0.0) + np.where(away > LIMBUS, limbus_rise, 0.0)
    return grey.astype(np.float32)


def found(picture: F32) -> float:
    circle = limbus.find_limbus(picture, Circle(120.0, 100.0, PUPIL))
    assert circle is not None
    return circle[0].radius


def test_texture_that_rises_on_few_rays_is_no_limbus(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = eye(ring_rise=45.0, limbus_rise=15.0)
    assert found(picture) == pytest.approx(LIMBUS, abs=1.5)
    # It is decided by how even the rises are: without that the ring is taken, being the smaller of the two.
    monkeypatch.setattr(p, "LIMBUS_FIRST_EVEN", 0.0)
    assert found(picture) == pytest.approx(RING, abs=3.0)


def test_an_even_edge_beyond_the_limbus_is_a_lid(monkeypatch: pytest.MonkeyPatch) -> None:
    """As even as the limbus and a little stronger: the smaller circle stays the one."""
    y, x = np.mgrid[:200, :240].astype(np.float32)
    away = np.hypot(x - 120, y - 100)
    picture = np.select([away < PUPIL, away < RING, away < LIMBUS], [20.0, 100.0, 120.0], 145.0)
    assert found(picture.astype(np.float32)) == pytest.approx(RING, abs=1.5)
