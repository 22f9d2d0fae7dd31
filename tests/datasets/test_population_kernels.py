"""Kernels of the population generator against their slow plain forms, and against what theory demands."""

from __future__ import annotations

import importlib.util
import itertools
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.datasets.population import fitted_settings
from matcher.datasets.population.kernels import draw, finger, flow
from matcher.datasets.population.kernels.prints import hull_area, sort_by_quality
from matcher.datasets.population.streams import branch, normal, uniform


def _reference() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "reference_population.py"
    spec = importlib.util.spec_from_file_location("reference_population", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _reference()
KEYS = [0, 1, 0x9E3779B97F4A7C15, 2**63, 2**64 - 1]


@pytest.mark.parametrize("key", KEYS)
def test_streams_agree_with_plain_integers(key: int) -> None:
    """Kernel, array form and reference: the same branches and numbers."""
    word = np.uint64(key)
    for number in (0, 1, 12345):
        expected = reference.joined(key, number)
        assert int(draw.joined(word, number)) == expected
        assert int(branch(np.array([word]), number)[0]) == expected
    state = finger.new_state(word)
    found = [draw.uniform(state) for _ in range(5)]
    assert found == reference.uniforms(key, 5)
    assert uniform(np.array([word]))[0] == found[0]


def test_deviates_have_their_moments() -> None:
    """Normal and Poisson numbers, kernel and arrays."""
    state = finger.new_state(np.uint64(3))
    deviates = np.array([draw.normal(state) for _ in range(20_000)])
    counts = np.array([draw.poisson(state, 6.5) for _ in range(20_000)])
    arrays = normal(branch(np.array([5], np.uint64), np.arange(20_000)))
    for found in (deviates, arrays):
        assert abs(found.mean()) < 0.03
        assert abs(found.std() - 1) < 0.03
        assert abs((found**4).mean() - 3) < 0.3
    assert abs(counts.mean() - 6.5) < 0.1
    assert abs(counts.var() - 6.5) < 0.4


def ideal_loop(scale: float, aspect: float) -> np.ndarray:
    """A loop without any correction."""
    made = np.zeros(flow.LENGTH)
    made[flow.PATTERN_SCALE], made[flow.PATTERN_ASPECT] = scale, aspect
    made[flow.CORE_COUNT] = made[flow.DELTA_COUNT] = 1
    made[flow.CORES : flow.CORES + 2] = (5.0, -8.0)
    made[flow.DELTAS : flow.DELTAS + 2] = (80.0, 95.0)
    return made


@pytest.mark.parametrize(("scale", "aspect"), [(1.0, 1.0), (1.3, 1.5)])
def test_the_flow_is_that_of_sherlock_and_monro(scale: float, aspect: float) -> None:
    """Where all corrections are 0; and waves add to it."""
    loop = ideal_loop(scale, aspect)
    rng = np.random.default_rng(1)
    points = rng.uniform(-180, 180, (200, 2))
    for x, y in points:
        expected = reference.loop_orientation(5 - 8j, 80 + 95j, scale, aspect, x, y)
        off = flow.orientation(loop, x, y) - expected
        assert abs(math.remainder(off, math.pi)) < 1e-9
    rows = rng.normal(0, 0.02, (flow.DENSITY - flow.ANGLE, 4))
    loop[flow.WAVES + 4 * flow.ANGLE : flow.WAVES + 4 * flow.DENSITY] = rows.ravel()
    x, y = points[0]
    expected = reference.loop_orientation(5 - 8j, 80 + 95j, scale, aspect, x, y) + reference.waves(rows, x, y)
    assert abs(math.remainder(flow.orientation(loop, x, y) - expected, math.pi)) < 1e-9


def test_the_index_of_singularities_is_right() -> None:
    """Round a core the orientation turns by half a turn one way, round a delta the other way."""
    settings = fitted_settings()
    made = np.empty(flow.LENGTH)
    state = finger.new_state(np.uint64(9))
    finger.draw_flow(state, finger.LEFT_LOOP, 1.0, settings, made)
    scale, aspect = made[flow.PATTERN_SCALE], made[flow.PATTERN_ASPECT]
    for at, index in ((flow.CORES, 1.0), (flow.DELTAS, -1.0)):
        x, y = made[at] * scale, made[at + 1] * scale * aspect
        bearings = np.linspace(0, 2 * np.pi, 400)
        # Wide enough for the warp, which moves singularities.
        around = [flow.orientation(made, x + 30 * np.cos(b), y - 30 * np.sin(b)) for b in bearings]
        turned = sum(math.remainder(b - a, math.pi) for a, b in itertools.pairwise(around))
        assert turned == pytest.approx(index * math.pi, abs=0.05)


def test_divergence_of_a_fan() -> None:
    """Rays from a point spread by one over the distance from it."""
    made = np.zeros(flow.LENGTH)
    made[flow.PATTERN_SCALE] = made[flow.PATTERN_ASPECT] = 1.0
    # Two cores at one place: the orientation is the bearing.
    made[flow.CORE_COUNT] = 2
    for x, y in ((60.0, 0.0), (0.0, -90.0), (50.0, 70.0)):
        spreading, along = flow.divergence(made, x, y, 4.0)
        outwards = math.cos(along) * x - math.sin(along) * y > 0
        assert spreading * (1 if outwards else -1) == pytest.approx(1.0 / math.hypot(x, y), rel=0.02)


def test_minutiae_carry_the_divergence_of_the_ridges() -> None:
    """In a fan, minutiae that point outwards outnumber the others by what ridge counting demands.

    A circle of radius r has 2 pi r / period ridges crossing it: between two radii so many must begin.
    """
    settings = fitted_settings()._replace(
        carried=1.0,
        soft_core=0.01,
        hard_core=0.0,
        pair_opposed=0.0,
        wild_share=0.0,
        own_angle=0.0,
        density_field=0.0,
    )
    made = np.zeros(flow.LENGTH)
    made[flow.PATTERN_SCALE] = made[flow.PATTERN_ASPECT] = 1.0
    made[flow.CORE_COUNT] = 2
    inner, outer, period, fingers = 70.0, 150.0, 9.0, 60
    window = np.array([0.0, 0.0, 400.0, 400.0])
    net = total = 0
    for n in range(fingers):
        out = np.zeros((5, finger.MOST))
        state = finger.new_state(np.uint64(n))
        count = finger.draw_minutiae(state, made, period, 0.5, 1.0, window, settings, out)
        x, y, direction = out[: finger.DIRECTION + 1, :count]
        ring = (np.hypot(x, y) > inner) & (np.hypot(x, y) < outer)
        outwards = np.cos(direction) * x - np.sin(direction) * y > 0
        net += int(outwards[ring].sum()) - int((~outwards[ring]).sum())
        total += int(ring.sum())
    demanded = fingers * 2 * math.pi * (outer - inner) / period
    assert total > 1000
    assert net == pytest.approx(demanded, rel=0.08)


def test_neighbours_are_not_too_close() -> None:
    """No two minutiae of a finger within the hard core."""
    settings = fitted_settings()
    made, out = np.empty(flow.LENGTH), np.zeros((5, finger.MOST))
    state = finger.new_state(np.uint64(4))
    finger.draw_flow(state, finger.WHORL, 1.0, settings, made)
    count = finger.draw_minutiae(
        state, made, 9.0, settings.paired, 1.0, np.array([0, 20, 500.0, 500.0]), settings, out
    )
    x, y = out[:2, :count]
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(count)
    assert count > 60
    assert apart.min() >= settings.hard_core


def test_a_window_changes_nothing_within_it() -> None:
    """Minutiae far inside a window are those of the whole finger."""
    settings = fitted_settings()
    made = np.empty(flow.LENGTH)
    finger.draw_flow(finger.new_state(np.uint64(8)), finger.RIGHT_LOOP, 1.0, settings, made)
    found = []
    for window in ((0.0, 0.0, 500.0, 500.0), (0.0, 20.0, 120.0, 140.0)):
        out = np.zeros((5, finger.MOST))
        state = finger.new_state(np.uint64(80))
        count = finger.draw_minutiae(state, made, 9.0, settings.paired, 1.0, np.array(window), settings, out)
        inside = (out[0, :count] / 120) ** 2 + ((out[1, :count] - 20) / 140) ** 2 < 0.7
        found.append(out[:, :count][:, inside])
    assert found[0].shape[1] > 10
    np.testing.assert_array_equal(*found)


def test_classes_come_in_their_shares() -> None:
    """Loops open to the little finger's side; fingers of a person are alike more often than chance."""
    shares = np.cumsum([0.1, 0.1, 0.3, 0.3, 0.2])
    drawn = []
    for person in range(4000):
        own = [
            finger.class_of(
                finger.new_state(np.uint64(7919 * person + 31 * side + 1)),
                finger.new_state(np.uint64(104729 * person + 5)),
                bool(side),
                shares,
                0.9,
                0.45,
            )
            for side in (0, 1)
        ]
        drawn.append(own)
    classes = np.array(drawn)
    loops = np.isin(classes, (finger.LEFT_LOOP, finger.RIGHT_LOOP))
    assert loops.mean() == pytest.approx(0.6, abs=0.03)
    assert (classes[loops[:, 1], 1] == finger.LEFT_LOOP).mean() == pytest.approx(0.9, abs=0.03)
    assert (classes[loops[:, 0], 0] == finger.RIGHT_LOOP).mean() == pytest.approx(0.9, abs=0.03)
    whorls = classes == finger.WHORL
    assert (whorls[:, 0] & whorls[:, 1]).mean() > 1.5 * whorls.mean() ** 2


def test_hulls_and_order() -> None:
    """Areas against Andrew's chain, collinear points among them; best quality first, equals in order."""
    rng = np.random.default_rng(2)
    for size in (3, 4, 12, 60):
        points = rng.integers(0, 12 if size < 20 else 300, (2, size)).astype(np.int16)
        expected = reference.hull_area(list(zip(*points.tolist(), strict=True)))
        assert hull_area(points[0], points[1], size) == pytest.approx(expected)
    line = np.arange(5, dtype=np.int16)
    assert hull_area(line, line, 5) == 0.0
    assert hull_area(line, line, 2) == 0.0
    out = rng.integers(0, 5, (6, 30)).astype(np.int16)
    out[5] = np.arange(30)
    expected_order = np.argsort(-out[4], kind="stable")
    before = out.copy()
    sort_by_quality(out, 30)
    np.testing.assert_array_equal(out, before[:, expected_order])
