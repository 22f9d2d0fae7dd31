"""Kernels on images and fields, each against its slow reference: odd sizes, borders, structured data."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher.fingerprint import enhance, field
from matcher.fingerprint import parameters as p
from matcher.fingerprint.kernels import gabor, local_contrast, ridge_period, tensor

SHAPES = [(1, 1), (3, 40), (40, 3), (17, 31), (64, 64), (65, 79)]


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1, 5, 12])
def test_box_sums_are_a_convolution_with_ones(
    reference: ModuleType, shape: tuple[int, int], radius: int
) -> None:
    image, out = noise(shape), np.full(shape, np.nan, np.float32)
    local_contrast.box_sums(image, radius, out)
    np.testing.assert_allclose(out, reference.box_sums(image, radius), rtol=1e-5)


def test_box_sums_do_not_drift() -> None:
    """The last row of a tall image is as exact as the first, after all the adding and taking away."""
    image = np.tile(np.float32([0.1, 255.0, 1e6]), (3000, 5))
    out = np.empty_like(image)
    local_contrast.box_sums(image, 2, out)
    np.testing.assert_array_equal(out[2], out[-3])


@pytest.mark.parametrize("shape", SHAPES)
def test_normalise(reference: ModuleType, shape: tuple[int, int]) -> None:
    image = noise(shape, 1)
    image[: shape[0] // 2] = image[: shape[0] // 2] / 50 + 100
    sums, squares, out = (np.empty_like(image) for _ in range(3))
    local_contrast.box_sums(image, 3, sums)
    local_contrast.box_sums(image * image, 3, squares)
    local_contrast.normalise(image, sums, squares, 3, 6.0, 1.5, out)
    expected = reference.normalised(image, 3, 6.0, 1.5)
    np.testing.assert_allclose(out, expected, atol=2e-3)
    if out.size > 100:
        assert np.abs(out).max() == 1.5
        assert np.corrcoef(out.ravel(), image.ravel())[0, 1] < 0


def test_normalise_leaves_faint_noise_faint() -> None:
    image = np.full((40, 40), 200, np.float32)
    image[::2] += 1
    sums, squares, out = (np.empty_like(image) for _ in range(3))
    local_contrast.box_sums(image, 3, sums)
    local_contrast.box_sums(image * image, 3, squares)
    local_contrast.normalise(image, sums, squares, 3, 6.0, 2.5, out)
    assert np.abs(out).max() < 0.2


@pytest.mark.parametrize("shape", [(3, 3), (3, 40), (17, 31), (64, 65)])
def test_binomial(reference: ModuleType, shape: tuple[int, int]) -> None:
    image, out = noise(shape, 2), np.full(shape, np.nan, np.float32)
    tensor.binomial(image, out)
    np.testing.assert_allclose(out, reference.binomial(image), rtol=1e-5)


@pytest.mark.parametrize(("shape", "cell"), [((16, 24), 8), ((35, 50), 8), ((21, 15), 5)])
def test_cell_tensors(reference: ModuleType, shape: tuple[int, int], cell: int) -> None:
    image = noise(shape, 3)
    rows, columns = shape[0] // cell, shape[1] // cell
    out = np.full((3, rows, columns), np.nan, np.float32)
    tensor.cell_tensors(image, cell, out)
    expected = reference.cell_tensors(image, cell, rows, columns)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (12, 17)])
@pytest.mark.parametrize("sigma", [0.7, 1.6, 3.2])
def test_smooth_field(reference: ModuleType, shape: tuple[int, int], sigma: float) -> None:
    values = noise(shape, 4)
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weights = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    scratch, out = np.empty_like(values), np.empty_like(values)
    tensor.smooth_field(values, weights, scratch, out)
    np.testing.assert_allclose(out, reference.smooth_field(values, weights), rtol=1e-5)
    np.testing.assert_allclose(out, field.smooth(values, sigma), rtol=1e-5)


def test_signature_spectra(reference: ModuleType) -> None:
    """All cells, those of the border too, where the signature leaves the image."""
    image = noise((50, 71), 5)
    cell, half_length, half_width = 8, 10, 3
    mask = np.random.default_rng(5).random((6, 8)) < 0.7
    mask[[0, -1, 0], [0, -1, -1]] = True
    angle = np.random.default_rng(6).uniform(0, np.pi, mask.shape).astype(np.float32)
    frequencies = np.linspace(0.06, 0.22, 7)
    offsets = np.arange(-half_length, half_length + 1)
    phase = 2 * np.pi * frequencies[:, None] * offsets
    window = np.hanning(len(offsets) + 2)[1:-1]
    out = np.full((6, 8, 8), np.nan, np.float32)
    ridge_period.signature_spectra(
        image,
        np.cos(angle),
        np.sin(angle),
        mask,
        cell,
        half_length,
        half_width,
        (window / window.sum()).astype(np.float32),
        np.stack([np.cos(phase), np.sin(phase)]).astype(np.float32),
        out,
    )
    assert (out[~mask] == 0).all()
    for row, column in np.argwhere(mask):
        centre = (row * cell + cell // 2, column * cell + cell // 2)
        expected = reference.signature_spectrum(
            image, float(angle[row, column]), centre, half_length, half_width, frequencies
        )
        np.testing.assert_allclose(out[row, column], expected, rtol=1e-3, atol=1e-4 * expected.max())


@pytest.mark.parametrize("true_period", [5.0, 7.3, 9.0, 12.5, 16.0])
@pytest.mark.parametrize("angle", [0.0, 0.6, 1.9])
def test_the_period_of_waves_is_found(true_period: float, angle: float) -> None:
    y, x = np.mgrid[:160, :200]
    across = -x * np.sin(angle) + y * np.cos(angle)
    image = np.cos(2 * np.pi * across / true_period).astype(np.float32)
    mask = np.ones((20, 25), np.bool_)
    flow = field.estimate_orientation([image], mask, p.ORIENTATION_SIGMAS)
    inner = np.s_[3:-3, 3:-3]
    off = (flow.angle[inner] - angle + np.pi / 2) % np.pi - np.pi / 2
    # Central differences see short waves nearer to the diagonals than they are.
    assert np.abs(off).max() < (0.03 if true_period >= 9 else 0.08)
    assert flow.coherence[inner].min() > 0.95
    period = field.estimate_period(image, flow, mask)
    np.testing.assert_allclose(period[inner], true_period, rtol=0.06)


def test_contextual_filter_is_a_correlation(reference: ModuleType) -> None:
    rng = np.random.default_rng(7)
    tile, size = gabor.TILE, gabor.KERNEL_SIZE
    mask = rng.random((5, 7)) < 0.7
    bank = rng.normal(size=(3, 4, size, size)).astype(np.float32)
    orientation = rng.integers(0, 4, mask.shape).astype(np.uint8)
    period = rng.integers(0, 3, mask.shape).astype(np.uint8)
    image = rng.normal(size=(5 * tile, 7 * tile)).astype(np.float32)
    out = np.full(image.shape, np.nan, np.float32)
    gabor.contextual_filter(np.pad(image, size // 2), orientation, period, mask, bank, out)
    expected = reference.contextual_filter(image, orientation, period, mask, bank, tile)
    assert (out[~np.kron(mask, np.ones((tile, tile), bool))] == 0).all()
    np.testing.assert_allclose(out, expected, atol=1e-3)
    assert np.abs(expected).max() > 10


def test_the_bank_answers_one_to_its_own_wave_and_nothing_to_a_constant() -> None:
    bank = enhance.gabor_bank()
    half = gabor.KERNEL_SIZE // 2
    v, u = np.mgrid[-half : half + 1, -half : half + 1]
    assert np.abs(bank.sum(axis=(2, 3))).max() < 1e-4
    for i, period in enumerate(p.GABOR_PERIODS):
        for j in range(0, p.GABOR_ORIENTATIONS, 7):
            angle = np.pi * j / p.GABOR_ORIENTATIONS
            wave = np.cos(2 * np.pi * (v * np.cos(angle) - u * np.sin(angle)) / period)
            assert (bank[i, j] * wave).sum() == pytest.approx(1, abs=1e-4)
            crossing = np.cos(2 * np.pi * (u * np.cos(angle) + v * np.sin(angle)) / period)
            assert abs((bank[i, j] * crossing).sum()) < 0.25
