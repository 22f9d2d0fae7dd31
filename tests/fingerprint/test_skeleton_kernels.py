"""Kernels on binary pictures: components, thinning, candidates and the ridges that leave them."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology

from matcher.fingerprint import parameters as p
from matcher.fingerprint import ridges
from matcher.fingerprint.kernels import components, thinning
from matcher.fingerprint.kernels import skeleton as kernel

ENDING, BIFURCATION = kernel.ENDING, kernel.BIFURCATION
CODES = (kernel.STOP_OPEN, kernel.STOP_NONE, kernel.STOP_LOOP)


def blobs(shape: tuple[int, int], seed: int, sigma: float, share: float = 0.5) -> np.ndarray:
    """A random binary picture with structures of about `sigma` px."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return (values > np.quantile(values, 1 - share)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (33, 47), (64, 64)])
@pytest.mark.parametrize(
    ("value", "limit", "eight"), [(1, 12, True), (0, 12, False), (1, 4, False), (0, 30, True)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_remove_small(
    reference: ModuleType, shape: tuple[int, int], value: int, limit: int, eight: bool, seed: int
) -> None:
    image = blobs(shape, seed, 0.8)
    expected = reference.remove_small(image, value, limit, eight)
    out = image.copy()
    components.remove_small(out, value, limit, eight)
    np.testing.assert_array_equal(out, expected)
    if out.size > 1000:
        assert (out != image).any()


def test_remove_small_at_its_limit() -> None:
    image = np.zeros((20, 20), np.uint8)
    image[3:5, 3:8] = 1  # 10 px
    image[10:13, 3:6] = 1  # 9 px
    image[0, 10:12] = 1  # at the border: may go on outside
    out = image.copy()
    components.remove_small(out, 1, 10, True)
    assert out[3:5, 3:8].all()
    assert not out[10:13, 3:6].any()
    assert out[0, 10:12].all()


def test_binarise_agrees_with_scikit_image_inside() -> None:
    enhanced = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(80, 96)), 1.2).astype(np.float32)
    mask = np.ones((10, 12), np.bool_)
    out = ridges.binarise(enhanced, mask)
    expected = morphology.remove_small_objects(enhanced > 0, max_size=p.SPOT_AREA - 1, connectivity=2)
    expected = morphology.remove_small_holes(expected, max_size=p.HOLE_AREA - 1, connectivity=1)
    np.testing.assert_array_equal(out[8:-8, 8:-8], expected[8:-8, 8:-8])
    mask[:, 6:] = False
    assert not ridges.binarise(enhanced, mask)[:, 48:].any()


@pytest.mark.parametrize("shape", [(3, 3), (3, 50), (50, 3), (37, 61), (90, 90)])
@pytest.mark.parametrize("sigma", [0.0, 0.7, 1.5, 3.0])
def test_thinning_equals_scikit_image(shape: tuple[int, int], sigma: float) -> None:
    for seed in range(3):
        image = np.pad(blobs(shape, seed, sigma), 1)
        out = image.copy()
        thinning.thin(out, thinning.DELETIONS)
        np.testing.assert_array_equal(out, morphology.thin(image).astype(np.uint8))


def test_thinning_keeps_connections_and_leaves_lines() -> None:
    image = np.pad(blobs((120, 130), 9, 3.0), 1)
    out = image.copy()
    thinning.thin(out, thinning.DELETIONS)
    eight = np.ones((3, 3))
    assert ndimage.label(out, eight)[1] == ndimage.label(image, eight)[1]
    assert ndimage.label(out == 0)[1] == ndimage.label(image == 0)[1]
    assert out.sum() < image.sum() / 2
    again = out.copy()
    thinning.thin(again, thinning.DELETIONS)
    np.testing.assert_array_equal(again, out)


def test_thin_clears_the_border_and_keeps_its_input() -> None:
    image = np.ones((30, 40), np.uint8)
    out = ridges.thin(image)
    assert image.all()
    border = np.ones_like(out, bool)
    border[1:-1, 1:-1] = False
    assert not out[border].any()
    assert out.any()


def test_crossing_numbers_of_all_neighbourhoods(reference: ModuleType) -> None:
    for code in range(256):
        image = np.zeros((3, 3), np.uint8)
        for bit, (dy, dx) in enumerate(reference.RING):
            image[1 + dy, 1 + dx] = code >> bit & 1
        expected = reference.crossing_number(reference.points_of(image), (1, 1))
        assert kernel.crossing_number(image, 1, 1) == expected


def candidates(skeleton: np.ndarray, most: int = 4096) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    ids = np.zeros(skeleton.shape, np.int32)
    xs, ys, kinds = (np.empty(most, np.int32) for _ in range(3))
    count = kernel.find_candidates(skeleton, ids, xs, ys, kinds)
    return ids, list(zip(xs[:count].tolist(), ys[:count].tolist(), kinds[:count].tolist(), strict=True))


def branches(
    skeleton: np.ndarray, length: int = p.TRACE_LENGTH, tangent: int = p.TANGENT_LENGTH
) -> list[list[tuple[int, int, int, int]]]:
    """What leaves each candidate: (dx, dy, stop, steps)."""
    ids, found = candidates(skeleton)
    n = len(found)
    xs, ys = (np.array([c[i] for c in found], np.int32) for i in (0, 1))
    ends = np.full((n, 3, 2), np.nan, np.float32)
    stops, lengths = np.full((n, 3), 99, np.int32), np.full((n, 3), 99, np.int32)
    work = skeleton.copy()
    kernel.trace_branches(work, ids, xs, ys, n, length, tangent, ends, stops, lengths)
    np.testing.assert_array_equal(work, skeleton, err_msg="the skeleton is as it was")
    return [
        [
            (int(ends[i, b, 0]), int(ends[i, b, 1]), int(stops[i, b]), int(lengths[i, b]))
            for b in range(3)
            if stops[i, b] != kernel.STOP_NONE
        ]
        for i in range(n)
    ]


SHAPES = {
    "line": ([(5, 20), (50, 20)],),
    "T": ([(5, 20), (50, 20)], [(28, 21), (28, 40)]),
    "Y": ([(5, 20), (25, 20)], [(25, 20), (45, 5)], [(25, 20), (45, 35)]),
    "X": ([(5, 5), (45, 45)], [(5, 45), (45, 5)]),
    "spur": ([(3, 20), (60, 20)], [(30, 20), (33, 16)]),
    "bridge": ([(3, 15), (60, 15)], [(3, 25), (60, 25)], [(30, 15), (34, 25)]),
    "island": ([(20, 20), (28, 20)],),
    "lake": ([(3, 20), (25, 20), (30, 16), (36, 20), (60, 20)], [(25, 20), (30, 24), (36, 20)]),
    "ring": ([(20, 20), (30, 10), (40, 20), (30, 30), (20, 20)],),
    "at the edge": ([(1, 1), (62, 1)], [(62, 1), (62, 46)]),
    "ladder": ([(3, 15), (60, 15)], [(3, 20), (60, 20)], *([(x, 15), (x, 20)] for x in range(8, 60, 6))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_drawn_skeletons(reference: ModuleType, name: str) -> None:
    skeleton = reference.draw((48, 64), *SHAPES[name])
    expected, owner = reference.find_candidates(skeleton)
    ids, found = candidates(skeleton)
    assert found == expected
    assert {(int(y), int(x)): int(ids[y, x]) - 1 for y, x in np.argwhere(ids)} == owner
    assert branches(skeleton) == reference.trace_branches(skeleton, p.TRACE_LENGTH, p.TANGENT_LENGTH, CODES)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("length", [4, 24])
def test_random_skeletons(reference: ModuleType, sigma: float, length: int) -> None:
    for seed in range(3):
        skeleton = ridges.thin(blobs((70, 90), seed, sigma))
        expected, owner = reference.find_candidates(skeleton)
        ids, found = candidates(skeleton)
        assert found == expected
        assert {(int(y), int(x)): int(ids[y, x]) - 1 for y, x in np.argwhere(ids)} == owner
        assert {kind for *_, kind in found} == {ENDING, BIFURCATION}
        assert branches(skeleton, length, 3) == reference.trace_branches(skeleton, length, 3, CODES)


def test_candidates_are_cut_off_at_the_room_there_is(reference: ModuleType) -> None:
    skeleton = reference.draw((48, 64), *SHAPES["ladder"])
    _, everything = candidates(skeleton)
    _, some = candidates(skeleton, 5)
    assert some == everything[:5]
    assert len(everything) > 5


def test_a_line_has_two_ends_that_see_into_it(reference: ModuleType) -> None:
    skeleton = reference.draw((48, 64), *SHAPES["line"])
    assert candidates(skeleton)[1] == [(5, 20, ENDING), (50, 20, ENDING)]
    left, right = branches(skeleton)
    assert left == [(10, 0, kernel.STOP_OPEN, 24)]
    assert right == [(-10, 0, kernel.STOP_OPEN, 24)]


def test_a_short_line_ends_at_its_other_end(reference: ModuleType) -> None:
    assert branches(reference.draw((48, 64), *SHAPES["island"])) == [[(8, 0, 1, 8)], [(-8, 0, 0, 8)]]


def test_a_y_is_one_bifurcation_with_three_branches(reference: ModuleType) -> None:
    skeleton = reference.draw((48, 64), *SHAPES["Y"])
    _, found = candidates(skeleton)
    forks = [i for i, (*_, kind) in enumerate(found) if kind == BIFURCATION]
    assert len(forks) == 1
    assert len(found) == 4
    x, y, _ = found[forks[0]]
    assert np.hypot(x - 25, y - 20) <= 2
    leaving = np.array([b[:2] for b in branches(skeleton)[forks[0]]])
    assert len(leaving) == 3
    assert np.sort(np.sign(leaving[:, 0])).tolist() == [-1, 1, 1]


def test_a_ring_has_no_minutia(reference: ModuleType) -> None:
    assert candidates(reference.draw((48, 64), *SHAPES["ring"]))[1] == []


def test_a_bridge_joins_two_bifurcations(reference: ModuleType) -> None:
    skeleton = reference.draw((48, 64), *SHAPES["bridge"])
    _, found = candidates(skeleton)
    forks = [i for i, (*_, kind) in enumerate(found) if kind == BIFURCATION]
    assert len(forks) == 2
    leaving = branches(skeleton)
    for one, other in (forks, forks[::-1]):
        met = [steps for *_, stop, steps in leaving[one] if stop == other]
        assert len(met) == 1
        assert 7 <= met[0] <= 11
