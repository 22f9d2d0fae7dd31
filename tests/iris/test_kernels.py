"""Every iris kernel against its slow reference."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.iris.kernels import circles, discs, grey, lids, phase, polar

REFERENCE = Path(__file__).resolve().parent.parent / "reference_iris.py"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The module tests/reference_iris.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_iris", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def image() -> np.ndarray:
    """Smooth noise, float32 (37, 45)."""
    noise = np.random.default_rng(5).uniform(0, 255, (37, 45)).astype(np.float32)
    return (noise[:, :] + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / np.float32(3)


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_reduce(reference: ModuleType, image: np.ndarray, factor: int) -> None:
    pixels = image.astype(np.uint8)
    out = np.empty((37 // factor, 45 // factor), np.float32)
    grey.reduce(pixels, factor, out)
    np.testing.assert_allclose(out, reference.reduce(pixels, factor), rtol=1e-5)


@pytest.mark.parametrize(("wide", "high"), [(1, 1), (4, 2), (30, 1), (60, 50)])
def test_smooth(reference: ModuleType, image: np.ndarray, wide: int, high: int) -> None:
    """Also where the kernel is wider than the image."""
    across, down = (np.linspace(1, 0.2, n + 1, dtype=np.float32) / (2 * n + 1) for n in (wide, high))
    out, scratch = np.empty_like(image), np.empty_like(image)
    grey.smooth(image, across, down, scratch, out)
    np.testing.assert_allclose(out, reference.smooth(image, across, down), rtol=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("radius", [1, 6])
def test_running_extreme(reference: ModuleType, image: np.ndarray, radius: int, sign: int) -> None:
    out, scratch = np.empty_like(image), np.empty_like(image)
    grey.running_extreme(image, radius, np.float32(sign), scratch, out)
    np.testing.assert_array_equal(out, reference.running_extreme(image, radius, sign))


def test_fill_marked(reference: ModuleType, image: np.ndarray) -> None:
    marked = np.random.default_rng(1).random(image.shape) < 0.4
    marked[5, :] = True
    out = image.copy()
    grey.fill_marked(out, marked, np.empty_like(image))
    np.testing.assert_allclose(out, reference.fill_marked(image, marked), rtol=1e-5)
    assert (out[~marked] == image[~marked]).all()


def test_vote(reference: ModuleType, image: np.ndarray) -> None:
    radii = np.array([4, 7, 12], np.float32)
    votes = np.empty((3, 18, 22), np.float32)
    discs.vote(image, np.float32(20), radii, votes)
    expected = reference.vote(image.astype(np.float64), 20, radii, (18, 22))
    assert expected.max() > 0.5
    # A gradient may round to the neighbouring cell.
    assert np.abs(votes - expected).sum() < 0.02 * expected.sum()


def test_votes_meet_in_the_centre_of_a_disc() -> None:
    y, x = np.mgrid[:60, :70]
    away = np.hypot(x - 33, y - 28)
    picture = (200 / (1 + np.exp(-(away - 14)))).astype(np.float32)
    radii = np.array([8, 14, 20], np.float32)
    votes = np.empty((3, 30, 35), np.float32)
    discs.vote(picture, np.float32(5), radii, votes)
    found = np.zeros((4, 4), np.float32)
    count = discs.peaks(votes.copy(), np.full(3, 3, np.float32), found)
    assert count == 4
    assert int(found[0, 1]) == 1
    assert abs(2 * found[0, 2] + 0.5 - 28) <= 2
    assert abs(2 * found[0, 3] + 0.5 - 33) <= 2
    assert (np.diff(found[:, 0]) <= 0).all()
    assert found[0, 0] == votes.max()


def test_peaks_of_nothing() -> None:
    assert (
        discs.peaks(np.zeros((2, 5, 5), np.float32), np.ones(2, np.float32), np.zeros((3, 4), np.float32))
        == 0
    )


def test_samples(reference: ModuleType, image: np.ndarray) -> None:
    angle = np.linspace(0, 6, 9)
    cosines, sines = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    radii = np.linspace(0, 30, 13, dtype=np.float32)
    out = np.empty((9, 13), np.float32)
    polar.sample_rays(image, np.float32(20.3), np.float32(17.8), cosines, sines, radii, out)
    x, y = 20.3 + radii * cosines[:, None], 17.8 + radii * sines[:, None]
    np.testing.assert_allclose(out, reference.sample(image, x, y), atol=0.01)
    assert np.isnan(out).any()
    inner = np.stack([x[:, 0], y[:, 0]], 1).astype(np.float32)
    outer = np.stack([x[:, -1], y[:, -1]], 1).astype(np.float32)
    between = np.empty((13, 9), np.float32)
    polar.sample_between(image, inner, outer, (radii / 30).astype(np.float32), between)
    np.testing.assert_allclose(between, out.T, atol=0.01)
    xs, ys = np.linspace(-2, 50, 11, dtype=np.float32), np.linspace(-1, 38, 7, dtype=np.float32)
    grid = np.empty((7, 11), np.float32)
    polar.sample_grid(image, xs, ys, grid)
    np.testing.assert_allclose(grid, reference.sample(image, *np.meshgrid(xs, ys)), atol=0.01)


@pytest.mark.parametrize("half", [1, 3])
def test_rises(reference: ModuleType, image: np.ndarray, half: int) -> None:
    image[3, 10] = np.nan
    out = np.empty_like(image)
    polar.rises(image, half, np.float32(30), out)
    np.testing.assert_allclose(out, reference.rises(image.astype(np.float64), half, 30), atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_closed_path_is_the_best_closed_path(reference: ModuleType, seed: int) -> None:
    gain = np.random.default_rng(seed).random((32, 9)).astype(np.float32)
    gain[np.arange(32), 4 + np.rint(2 * np.sin(np.arange(32) / 32 * 2 * np.pi)).astype(int)] += 1
    path = np.empty(32, np.int64)
    total, step = np.empty((64, 9), np.float32), np.zeros((64, 9), np.int8)
    polar.closed_path(gain, np.float32(0.3), 2, total, step, path)
    got = reference.path_gain(gain.astype(np.float64), path, 0.3)
    assert got == pytest.approx(reference.best_closed_gain(gain.astype(np.float64), 0.3, 2), abs=1e-3)


def test_score_circles(reference: ModuleType) -> None:
    y, x = np.mgrid[:90, :100]
    picture = np.where(np.hypot(x - 52, y - 44) < 25, 80, 160).astype(np.float32)
    picture += np.random.default_rng(2).normal(0, 4, picture.shape).astype(np.float32)
    angle = np.radians(np.r_[np.linspace(-30, 45, 6), 180 - np.linspace(-30, 45, 6)])
    cosines, sines = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    centres = np.array([[52, 44], [60, 44], [90, 40]], np.float32)
    radii = np.arange(10, 45, dtype=np.float32)
    reach = np.full(35, 3, np.int64)
    scores, even = (np.empty((3, 35), np.float32) for _ in range(2))
    circles.score_circles(
        picture, centres, cosines, sines, 6, radii, reach, np.float32(40), np.float32(0.6), scores, even
    )
    assert np.unravel_index(scores.argmax(), scores.shape) == (0, 15)
    for c in range(3):
        for r in (3, 10, 15, 16, 30):
            expected = reference.circle_score(picture, centres[c], cosines, sines, 6, radii, r, 3, 40, 0.6)
            assert scores[c, r] == pytest.approx(expected[0], abs=0.05)
            assert even[c, r] == pytest.approx(expected[1], abs=0.05)
    assert (scores[:, :3] == 0).all()
    assert (even[:, :3] == 0).all()


def test_vertical_rises(reference: ModuleType, image: np.ndarray) -> None:
    image[20, 7] = np.nan
    out = np.empty_like(image)
    lids.vertical_rises(image, 4, np.float32(30), out)
    np.testing.assert_allclose(out, reference.vertical_rises(image.astype(np.float64), 4, 30), atol=1e-3)


def test_best_parabola(reference: ModuleType) -> None:
    rng = np.random.default_rng(3)
    edges = rng.normal(0, 1, (40, 40)).astype(np.float32)
    beyond = np.cumsum(rng.normal(0, 1, (20, 31)), axis=1).astype(np.float32)
    heights, slopes = np.linspace(-0.83, 0.83, 9, dtype=np.float32), np.array([-0.21, 0, 0.21], np.float32)
    bends, corners = np.array([0, 0.33], np.float32), np.array([-0.6, 0.9], np.float32)
    found = np.zeros(4, np.float32)
    lids.best_parabola(
        beyond, edges, heights, slopes, bends, corners, np.float32(1.07), np.float32(16), found
    )
    scores = {
        (h, s, b): reference.parabola_score(beyond, edges, (h, s, b), 1.07, 16)
        for h in heights
        for s in slopes
        for b in bends
        if h + b - abs(s) >= corners[0] and h + b + abs(s) <= corners[1]
    }
    best = max(scores, key=lambda key: scores[key])
    assert found[0] == pytest.approx(scores[best], abs=1e-3)
    np.testing.assert_array_equal(found[1:], np.array(best, np.float32))
    lids.best_parabola(
        -np.abs(beyond), -np.abs(edges), heights, slopes, bends, corners, np.float32(1), np.float32(16), found
    )
    assert (found == 0).all()


@pytest.mark.parametrize(("rows", "angles"), [(0, 0), (2, 5), (9, 22)])
def test_box_means(reference: ModuleType, image: np.ndarray, rows: int, angles: int) -> None:
    out, scratch = np.empty_like(image), np.empty_like(image)
    phase.box_means(image, rows, angles, scratch, out)
    np.testing.assert_allclose(out, reference.box_means(image, rows, angles), rtol=1e-4)


def test_bands_and_their_response(reference: ModuleType) -> None:
    rng = np.random.default_rng(4)
    texture, visible = rng.normal(0, 1, (12, 40)).astype(np.float32), rng.random((12, 40)) < 0.7
    weights = rng.random((3, 12)).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    levels, support = np.empty((3, 40), np.float32), np.empty((3, 40), np.float32)
    phase.bands(texture, visible, weights, np.float32(0.15), levels, support)
    expected = reference.bands(texture.astype(np.float64), visible, weights, 0.15)
    np.testing.assert_allclose(levels, expected[0], atol=1e-5)
    np.testing.assert_allclose(support, expected[1], atol=1e-5)
    wave = rng.normal(0, 1, 40).astype(np.float32)
    envelope = np.full(40, 1 / 40, np.float32)
    out, covered = np.empty_like(levels), np.empty_like(levels)
    phase.respond(levels, support, wave, envelope, out, covered)
    np.testing.assert_allclose(out, reference.respond(expected[0], wave), atol=1e-4)
    np.testing.assert_allclose(covered, reference.respond(expected[1], envelope), atol=1e-5)


@pytest.mark.parametrize("count", [8, 64])
def test_pack(reference: ModuleType, count: int) -> None:
    rng = np.random.default_rng(6)
    bits, valid = rng.random((2, count, 11)) < 0.5
    code, mask = np.empty(11, np.uint64), np.empty(11, np.uint64)
    phase.pack(bits, valid, code, mask)
    assert (code.tolist(), mask.tolist()) == reference.pack(bits, valid)
