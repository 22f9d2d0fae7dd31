"""Each rule against false minutiae: a drawn case that must go, and a near one that must stay."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher.fingerprint import parameters as p
from matcher.fingerprint.kernels import false_minutiae
from matcher.fingerprint.kernels import skeleton as kernel

ENDING, BIFURCATION = kernel.ENDING, kernel.BIFURCATION
SPUR, ISLAND, BRIDGE = 7, 10, 6
"""Limits of these drawings, px; the rules are tested, not the parameters."""


def left_after_structures(skeleton: np.ndarray) -> list[tuple[int, int, int]]:
    """Find, trace and mark; return the candidates (x, y, kind) that are left, without those of the margin."""
    ids = np.zeros(skeleton.shape, np.int32)
    xs, ys, kinds = (np.empty(64, np.int32) for _ in range(3))
    n = kernel.find_candidates(skeleton, ids, xs, ys, kinds)
    ends = np.zeros((n, 3, 2), np.float32)
    stops, lengths = np.empty((n, 3), np.int32), np.empty((n, 3), np.int32)
    kernel.trace_branches(skeleton.copy(), ids, xs, ys, n, 24, 10, ends, stops, lengths)
    alive = np.ones(n, np.bool_)
    false_minutiae.mark_structures(kinds, stops, lengths, n, SPUR, ISLAND, BRIDGE, alive)
    height, width = skeleton.shape
    inside = (xs[:n] > 4) & (ys[:n] > 4) & (xs[:n] < width - 5) & (ys[:n] < height - 5)
    keep = alive & inside
    return list(zip(xs[:n][keep].tolist(), ys[:n][keep].tolist(), kinds[:n][keep].tolist(), strict=True))


def long_line(y: int) -> list[tuple[int, int]]:
    return [(1, y), (98, y)]


@pytest.mark.parametrize(("length", "stays"), [(4, False), (ISLAND, False), (ISLAND + 1, True), (20, True)])
def test_island(reference: ModuleType, length: int, stays: bool) -> None:
    left = left_after_structures(reference.draw((60, 100), [(40, 30), (40 + length, 30)]))
    assert left == ([(40, 30, ENDING), (40 + length, 30, ENDING)] if stays else [])


@pytest.mark.parametrize(("length", "stays"), [(3, False), (SPUR, False), (SPUR + 1, True), (15, True)])
def test_spur(reference: ModuleType, length: int, stays: bool) -> None:
    """A short side branch takes its ending and its fork away; a longer one is a ridge."""
    skeleton = reference.draw((60, 100), long_line(30), [(50, 30), (50, 30 + length)])
    # The fork of a T is up to three touching pixels: its ending is a pixel less from it.
    left = left_after_structures(skeleton)
    assert [kind for *_, kind in left] == ([BIFURCATION, ENDING] if stays else [])


@pytest.mark.parametrize(("gap", "stays"), [(4, False), (BRIDGE, False), (BRIDGE + 3, True), (15, True)])
def test_bridge(reference: ModuleType, gap: int, stays: bool) -> None:
    """A short link of two ridges takes both its forks away."""
    left = left_after_structures(
        reference.draw((60, 100), long_line(20), long_line(20 + gap), [(50, 20), (50, 20 + gap)])
    )
    assert [kind for *_, kind in left] == ([BIFURCATION] * 2 if stays else [])


@pytest.mark.parametrize(("length", "stays"), [(8, False), (20, True)])
def test_lake(reference: ModuleType, length: int, stays: bool) -> None:
    """A ridge that parts and joins again at once goes; a longer enclosure is real."""
    a, b = 40, 40 + length
    skeleton = reference.draw(
        (60, 100),
        [(1, 30), (a, 30)],
        [(b, 30), (98, 30)],
        [(a, 30), (a + 3, 27), (b - 3, 27), (b, 30)],
        [(a, 30), (a + 3, 33), (b - 3, 33), (b, 30)],
    )
    left = left_after_structures(skeleton)
    assert [kind for *_, kind in left] == ([BIFURCATION] * 2 if stays else [])


def test_two_forks_one_link_of_a_lakes_length_stay(reference: ModuleType) -> None:
    """What is short enough for a lake but too long for a bridge goes only if both ways lead there."""
    left = left_after_structures(
        reference.draw((60, 100), long_line(20), long_line(29), [(50, 20), (50, 29)])
    )
    assert [kind for *_, kind in left] == [BIFURCATION] * 2


def alive_after_breaks(ends: list[tuple[float, float, float, int]]) -> list[bool]:
    """Ends: (x, y, direction into the ridge in degrees with y down, kind)."""
    xs, ys = (np.array([e[i] for e in ends], np.int32) for i in (0, 1))
    angle = np.radians([e[2] for e in ends])
    directions = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    kinds = np.array([e[3] for e in ends], np.int32)
    alive = np.ones(len(ends), np.bool_)
    false_minutiae.mark_breaks(xs, ys, kinds, directions, len(ends), 14.0, 0.75, alive)
    return alive.tolist()


BREAK = [(30, 30, 180.0, ENDING), (40, 30, 0.0, ENDING)]
"""A ridge along x with a gap of 10 px."""


@pytest.mark.parametrize(
    ("ends", "stay"),
    [
        (BREAK, False),
        (BREAK[::-1], False),
        ([(30, 30, 180.0, ENDING), (44, 30, 0.0, ENDING)], False),
        ([(30, 30, 180.0, ENDING), (45, 30, 0.0, ENDING)], True),  # too far
        ([(30, 30, 215.0, ENDING), (40, 30, 35.0, ENDING)], False),  # leaning, cos 35 = 0.82
        ([(30, 30, 225.0, ENDING), (40, 30, 45.0, ENDING)], True),  # cos 45 = 0.71
        (
            [(30, 30, 0.0, ENDING), (40, 30, 180.0, ENDING)],
            True,
        ),  # they go towards each other
        ([(30, 30, 180.0, ENDING), (40, 30, 180.0, ENDING)], True),  # side by side, one way
        ([(30, 30, 180.0, ENDING), (30, 40, 0.0, ENDING)], True),  # beside, not ahead
        ([(30, 30, 180.0, ENDING), (40, 30, 0.0, BIFURCATION)], True),
        ([(30, 30, 180.0, BIFURCATION), (40, 30, 0.0, ENDING)], True),
        ([(30, 30, 180.0, ENDING), (30, 30, 0.0, ENDING)], True),  # no gap has no direction
    ],
)
def test_breaks(ends: list[tuple[float, float, float, int]], stay: bool) -> None:
    assert alive_after_breaks(ends) == [stay, stay]
    turned = [(y, x, 90.0 - angle, kind) for x, y, angle, kind in ends]
    assert alive_after_breaks(turned) == [stay, stay]


def test_a_break_takes_nobody_else_away() -> None:
    assert alive_after_breaks([*BREAK, (35, 60, 0.0, ENDING)]) == [False, False, True]


def alive_after_border(x: int, y: int, degrees: float, kind: int, mask: np.ndarray) -> bool:
    angle = np.radians(degrees)
    directions = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
    alive = np.ones(1, np.bool_)
    false_minutiae.mark_border(
        np.array([x], np.int32), np.array([y], np.int32), directions, np.array([kind], np.int32),
        1, mask, 8, 10.0, 20.0, alive,
    )  # fmt: skip
    return bool(alive[0])


@pytest.mark.parametrize(
    ("x", "y", "degrees", "kind", "stays"),
    [
        (40, 40, 0.0, ENDING, True),
        (13, 40, 90.0, BIFURCATION, False),  # 5 px from the left edge of the mask at 8
        (19, 40, 90.0, BIFURCATION, True),
        (40, 70, 0.0, BIFURCATION, False),  # the lower edge, at 72
        (40, 60, 0.0, BIFURCATION, True),
        (22, 40, 180.0, ENDING, True),  # its ridge goes to the near edge, ahead of it the print goes on
        (22, 40, 0.0, ENDING, False),  # cut off: 20 px ahead of it is paper
        (22, 40, 0.0, BIFURCATION, True),
        (30, 40, 0.0, ENDING, True),
    ],
)
def test_border(x: int, y: int, degrees: float, kind: int, stays: bool) -> None:
    mask = np.zeros((10, 10), np.bool_)
    mask[1:9, 1:9] = True
    assert alive_after_border(x, y, degrees, kind, mask) is stays
    turned = alive_after_border(y, x, 90.0 - degrees, kind, mask.T.copy())
    assert turned is stays


def test_the_edge_of_the_image_is_a_border() -> None:
    mask = np.ones((10, 10), np.bool_)
    assert alive_after_border(40, 40, 0.0, BIFURCATION, mask)
    for x, y in ((3, 40), (76, 40), (40, 3), (40, 76)):
        assert not alive_after_border(x, y, 0.0, BIFURCATION, mask), (x, y)


def test_a_hole_in_the_mask_is_a_border() -> None:
    mask = np.ones((10, 10), np.bool_)
    mask[5, 6] = False
    assert not alive_after_border(40, 44, 0.0, BIFURCATION, mask)
    assert alive_after_border(20, 44, 0.0, BIFURCATION, mask)


def test_the_parameters_are_in_the_order_that_the_rules_need() -> None:
    assert p.BRIDGE_LENGTH <= p.ISLAND_LENGTH <= p.TRACE_LENGTH
    assert p.SPUR_LENGTH <= p.TRACE_LENGTH
    assert p.TANGENT_LENGTH <= p.TRACE_LENGTH
    assert p.BORDER_MARGIN <= p.BORDER_AHEAD
