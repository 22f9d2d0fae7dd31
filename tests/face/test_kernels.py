"""The loops against plain versions and scikit-image."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from skimage.transform import SimilarityTransform
from skimage.transform import warp as skimage_warp

from matcher.face.geometry import inverse, scale_of, similarity
from matcher.face.kernels import detection, resample
from matcher.face.picture import crop, planes, shrunk


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The module tests/reference_face.py."""
    path = Path(__file__).resolve().parent.parent / "reference_face.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_face", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def noise(height: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without detail finer than 60 px."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 25 + k) + np.cos(y / 31 - k) for k in range(3)]
    return np.rint(127.5 + 60 * np.stack(waves, axis=2)).astype(np.uint8)


def warped(pixels: np.ndarray, back: np.ndarray, height: int, width: int) -> np.ndarray:
    words, out = np.empty(pixels.shape[:2], np.uint64), np.empty((height, width, 3), np.uint8)
    resample.pack(pixels, 0, 0, words)
    resample.warp(words, back, out)
    return out


@pytest.mark.parametrize(
    ("size", "small"), [((24, 36), (12, 18)), ((37, 29), (10, 13)), ((9, 8), (9, 8)), ((70, 50), (1, 2))]
)
def test_shrink_is_the_mean_of_what_is_covered(
    plain: ModuleType, size: tuple[int, int], small: tuple[int, int]
) -> None:
    pixels = noise(size[0] + 5, size[1] + 7)
    out = np.empty((*small, 3), np.uint8)
    resample.shrink(pixels, 3, 4, *size, out)
    wanted = plain.shrink(pixels[3 : 3 + size[0], 4 : 4 + size[1]], *small)
    # Sums in float32 round a mean that lies at a half either way.
    assert np.abs(out - wanted).max() <= 0.5 + 1e-3


def test_a_picture_that_is_small_enough_stays() -> None:
    pixels = noise(30, 40)
    same, factor = shrunk(pixels, 40)
    assert same is pixels
    assert factor == 1.0
    small, factor = shrunk(pixels, 20)
    assert small.shape == (15, 20, 3)
    assert factor == 0.5


@pytest.mark.parametrize("turn", [0.0, 0.3, -2.0])
@pytest.mark.parametrize("size", [0.7, 1.0, 1.9])
def test_the_warp_is_scikit_images(turn: float, size: float) -> None:
    pixels = noise(90, 120)
    matrix = SimilarityTransform(scale=size, rotation=turn, translation=(40, 20))
    back = np.linalg.inv(matrix.params)[:2]
    out = warped(pixels, back, 64, 70)
    wanted = skimage_warp(
        pixels.astype(float), matrix.inverse, output_shape=(64, 70), order=1, mode="edge", preserve_range=True
    )
    # Weights of 13 bits, the last of four takes what the others leave, and one rounding.
    assert np.abs(out - wanted).max() <= 0.5 + 255 * 3 / 2**13


def test_the_warp_stays_in_the_picture_wherever_it_is_told_to_look() -> None:
    """Flat and white: weights that did not sum to one, or a lane that ran over, would show."""
    white = np.full((9, 11, 3), 255, np.uint8)
    rng = np.random.default_rng(3)
    for _ in range(50):
        back = rng.normal(0, 4, (2, 3)) * rng.choice([0.1, 1, 1e8], (2, 3))
        back[:, :2] = back[:, :2].clip(-9, 9)
        assert (warped(white, back, 12, 12) == 255).all()
    # Each colour keeps to its own lane.
    for channel in range(3):
        one = np.zeros((9, 11, 3), np.uint8)
        one[:, :, channel] = noise(9, 11)[:, :, channel]
        out = warped(one, np.array([[0.7, 0.2, 0.1], [-0.2, 0.7, 3.3]]), 12, 12)
        assert out[:, :, channel].any()
        assert not np.delete(out, channel, axis=2).any()


@pytest.mark.parametrize("step", [0.5, 1.0, 1.7, 3.0, 4.5, 7.3, 11.0])
def test_a_crop_shows_the_same_at_every_scale(step: float) -> None:
    """A smooth picture is its own mean, so that every way to make it smaller gives the same."""
    pixels = smooth(700, 900)
    turn = 0.2
    back = np.array(
        [
            [step * np.cos(turn), -step * np.sin(turn), 330.0],
            [step * np.sin(turn), step * np.cos(turn), 250.0],
        ]
    )
    out = crop(pixels, inverse(back), 24, 20)
    y, x = np.mgrid[:20, :24]
    at = np.einsum("ij,jyx->iyx", back[:, :2], np.stack([x, y]).astype(float)) + back[:, 2][:, None, None]
    wanted = [127.5 + 60 * (np.sin(at[0] / 25 + k) + np.cos(at[1] / 31 - k)) for k in range(3)]
    inside = (at[0] > 8) & (at[0] < 891) & (at[1] > 8) & (at[1] < 691)
    moved = np.abs(out - np.stack(wanted, axis=2))[inside]
    # Two roundings, and of two waves what squares of `step` (1 / 24) and lines between them (1 / 8) cut off.
    assert moved.max() <= 1.5 + 60 * (step / 25) ** 2 / 6 + 60 * (step / 31) ** 2 / 6


def test_a_crop_beyond_the_picture_repeats_its_edge() -> None:
    pixels = noise(40, 40)
    out = crop(pixels, np.array([[1.0, 0.0, 20.0], [0.0, 1.0, 20.0]]), 40, 40)
    assert np.array_equal(out[20:, 20:], pixels[:20, :20])
    assert (out[:20, :20] == pixels[0, 0]).all()
    # A large face that is mostly outside.
    far = crop(noise(60, 60), np.array([[0.1, 0.0, 30.0], [0.0, 0.1, 30.0]]), 32, 32)
    assert far.shape == (32, 32, 3)


@pytest.mark.parametrize("step", [1.3, 2.0, 3.7, 9.0])
def test_a_crop_of_a_large_picture_is_the_mean_of_what_it_covers(step: float) -> None:
    """Detail finer than the crop must not alias: noise is averaged over what each pixel covers."""
    side = 30
    pixels = noise(400, 380)
    back = np.array([[step, 0.0, 50.3], [0.0, step, 40.6]])
    out = crop(pixels, inverse(back), side, side).astype(float)
    # A square of `step` px has a deviation of 1 / step of a pixel's; bilinear weights bring it down further.
    least, most = 0.35, 1.0
    assert least / step < out.std() / pixels.std() < most / step


def test_a_crop_of_stripes_as_fine_as_pixels_is_flat() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[:, ::2] = 255
    pixels[::3] = 90
    out = crop(pixels, np.array([[1 / 6, 0.0, -5.0], [0.0, 1 / 6, -5.0]]), 30, 30)
    assert np.ptp(out) <= 1


def test_a_crop_is_the_same_wherever_the_picture_is_cut() -> None:
    """Only the rectangle that a crop needs is looked at."""
    pixels = noise(300, 320)
    turn = np.array([[0.8, -0.3, 100.0], [0.3, 0.8, 90.0]])
    for step in (0.6, 1.0, 1.2):
        back = turn * step
        whole = warped(pixels, back, 40, 50)
        part = crop(pixels, inverse(back), 50, 40).astype(int)
        # Places are the same but for the last digits, which may turn a rounding.
        assert np.abs(part - whole).max() <= 1
        assert (part != whole).mean() < 0.01


def test_the_similarity_is_umeyamas() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        source = rng.normal(0, 30, (5, 2))
        target = rng.normal(0, 30, (5, 2)) + source * rng.uniform(0.3, 2)
        wanted = SimilarityTransform.from_estimate(source, target)
        got = similarity(source, target)
        assert got == pytest.approx(wanted.params[:2], abs=1e-9)
        assert scale_of(got) == pytest.approx(wanted.scale)
        there = source @ got[:, :2].T + got[:, 2]
        back = inverse(got)
        assert there @ back[:, :2].T + back[:, 2] == pytest.approx(source)


def test_planes_are_ordered_normalised_and_mirrored() -> None:
    pixels = noise(5, 7)
    out = np.full((3, 8, 8), -9.0, np.float32)
    mean, scale = np.array([1, 2, 3], np.float32), np.array([0.5, 2.0, 1.0], np.float32)
    planes(pixels, np.array([2, 1, 0]), mean, scale, out)
    wanted = (pixels[:, :, ::-1].astype(np.float32) - mean) * scale
    assert np.array_equal(out[:, :5, :7], wanted.transpose(2, 0, 1))
    assert (out[:, 5:] == -9).all()
    planes(pixels, np.array([2, 1, 0]), mean, scale, out, mirrored=True)
    assert np.array_equal(out[:, :5, :7], wanted[:, ::-1].transpose(2, 0, 1))


def test_yunets_anchors_are_decoded(plain: ModuleType) -> None:
    rng = np.random.default_rng(2)
    cls, obj = rng.random(24).astype(np.float32), rng.random(24).astype(np.float32)
    bbox, kps = (rng.normal(0, 1, (24, n)).astype(np.float32) for n in (4, 10))
    found = np.empty((30, 15), np.float32)
    count = detection.decode_yunet(cls, obj, bbox, kps, 6, 16, 0.5, found, 3)
    wanted = [row for row in plain.decode_yunet(cls, obj, bbox, kps, 6, 16) if row[4] >= 0.5]
    assert 3 < count == 3 + len(wanted) < 27
    assert found[3:count] == pytest.approx(np.array(wanted), rel=1e-5, abs=1e-4)
    # Where there is room for two, two are written; NaN is no face, and infinity no box.
    assert detection.decode_yunet(cls, obj, bbox, kps, 6, 16, 0.0, found[:2], 0) == 2
    cls[:], bbox[:] = np.nan, np.inf
    assert detection.decode_yunet(cls, obj, bbox, kps, 6, 16, 0.0, found, 0) == 0
    cls[:] = 1
    count = detection.decode_yunet(cls, obj, bbox, kps, 6, 16, 0.1, found, 0)
    assert np.isfinite(found[:count, 2:4]).all()


def test_centerfaces_cells_are_decoded() -> None:
    heat = np.zeros((3, 4), np.float32)
    heat[1, 2] = 0.9
    size, offset = np.zeros((2, 3, 4), np.float32), np.zeros((2, 3, 4), np.float32)
    size[0, 1, 2], size[1, 1, 2] = np.log(10), np.log(6)
    offset[0, 1, 2], offset[1, 1, 2] = 0.25, -0.25
    marks = np.zeros((10, 3, 4), np.float32)
    marks[:, 1, 2] = [0.3, 0.25, 0.3, 0.75, 0.5, 0.5, 0.8, 0.3, 0.8, 0.7]
    found = np.empty((5, 15), np.float32)
    assert detection.decode_centerface(heat, size, offset, marks, 4, 0.5, found) == 1
    left, top = (2 - 0.25 + 0.5) * 4 - 12, (1 + 0.25 + 0.5) * 4 - 20
    points = [(0.25, 0.3), (0.75, 0.3), (0.5, 0.5), (0.3, 0.8), (0.7, 0.8)]
    wanted = [left, top, 24, 40, 0.9]
    for x, y in points:
        wanted += [left + 24 * x, top + 40 * y]
    assert found[0] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.7])
def test_suppression_keeps_the_best_of_each_heap(plain: ModuleType, limit: float) -> None:
    rng = np.random.default_rng(5)
    found = np.zeros((60, 15), np.float32)
    found[:, :2], found[:, 2:4] = rng.uniform(0, 100, (60, 2)), rng.uniform(10, 60, (60, 2))
    found[:, 4] = rng.random(60)
    order = np.argsort(-found[:, 4], kind="stable")
    kept = np.empty(60, np.int64)
    count = detection.suppress(found, order, limit, kept)
    wanted = plain.suppress(found[:, :4].astype(float), found[:, 4], limit)
    assert kept[:count].tolist() == wanted
    assert 1 < count < 60
