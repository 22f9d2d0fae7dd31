"""Ridge orientation and ridge period on the cell grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import parameters as p
from matcher.fingerprint.kernels import ridge_period, tensor
from matcher.types import F32

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Ridge orientation of each cell.

    Attributes
    ----------
    angle : float32 (rows, columns)
        Of the ridges, rad, 0 to pi, clockwise from the x axis as seen (y down).
    coherence : float32 (rows, columns)
        0 (no preferred orientation) to 1 (parallel ridges).
    """

    angle: F32
    coherence: F32


@lru_cache(maxsize=32)
def _gaussian(sigma: float) -> F32:
    radius = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    normalised: F32 = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    return normalised


def smooth(values: npt.NDArray[Any], sigma: float) -> F32:
    """Gaussian smoothing of a (rows, columns) field, `sigma` in cells; zero outside the grid."""
    source = np.ascontiguousarray(values, np.float32)
    scratch, out = np.empty_like(source), np.empty_like(source)
    tensor.smooth_field(source, _gaussian(sigma), scratch, out)
    return out


def estimate_orientation(images: Sequence[F32], mask: Mask, sigmas: Sequence[float]) -> Orientation:
    """Estimate orientation from the structure tensors of one or more images, at several scales.

    Each scale votes with its coherence: where fine scales see parallel ridges they decide (high curvature
    near the core), where they see noise the coarse ones do. Bigun & Granlund (1987); Kass & Witkin (1987).
    """
    rows, columns = mask.shape
    real = np.zeros((rows, columns), np.float32)
    imaginary = np.zeros_like(real)
    weight = np.zeros_like(real)
    tensors = np.empty((3, rows, columns), np.float32)
    total = np.zeros_like(tensors)
    for image in images:
        smoothed = np.empty_like(image)
        tensor.binomial(image, smoothed)
        tensor.cell_tensors(smoothed, p.CELL, tensors)
        energy = float(tensors[2][mask].mean()) if mask.any() else 1.0
        total += tensors / max(energy, 1e-6)
    total *= mask
    for sigma, share in zip(sigmas, p.ORIENTATION_WEIGHTS, strict=True):
        difference, product, energy_field = (smooth(part, sigma) for part in total)
        energy_field = np.maximum(energy_field, np.float32(1e-6))
        coherence = np.hypot(difference, product) / energy_field
        vote = np.float32(share) * coherence / energy_field
        real += vote * difference
        imaginary += vote * product
        weight += np.float32(share) * coherence
    angle = (np.arctan2(imaginary, real) / 2 + np.pi / 2) % np.pi
    coherence = np.hypot(real, imaginary) / np.maximum(weight, np.float32(1e-6))
    return Orientation(angle.astype(np.float32), np.minimum(coherence, 1).astype(np.float32))


@lru_cache(maxsize=1)
def _waves() -> tuple[F32, F32, F32]:
    """Frequencies (F,), cosine and sine waves (2, F, L), and the window (L,)."""
    length = 2 * p.PERIOD_HALF_LENGTH + 1
    offsets = np.arange(length) - p.PERIOD_HALF_LENGTH
    low, high = 1 / p.PERIOD_RANGE[1], 1 / p.PERIOD_RANGE[0]
    frequencies = np.linspace(low, high, p.PERIOD_COUNT)
    phase = 2 * np.pi * frequencies[:, None] * offsets[None, :]
    window = np.hanning(length + 2)[1:-1]
    return (
        frequencies.astype(np.float32),
        np.stack([np.cos(phase), np.sin(phase)]).astype(np.float32),
        (window / window.sum()).astype(np.float32),
    )


def estimate_period(image: F32, orientation: Orientation, mask: Mask) -> F32:
    """Estimate the ridge period of each cell, px, float32 (rows, columns)."""
    frequencies, waves, window = _waves()
    step = p.PERIOD_STEP
    coarse = mask[::step, ::step].copy()
    angle = orientation.angle[::step, ::step]
    spectra = np.empty((*coarse.shape, len(frequencies) + 1), np.float32)
    ridge_period.signature_spectra(
        image,
        np.cos(angle),
        np.sin(angle),
        coarse,
        p.CELL * step,
        p.PERIOD_HALF_LENGTH,
        p.PERIOD_HALF_WIDTH,
        window,
        waves,
        spectra,
    )
    power = spectra[..., :-1] / np.maximum(spectra[..., -1:], np.float32(1e-9))
    power *= orientation.coherence[::step, ::step, None] ** 2
    everywhere = power.sum(axis=(0, 1))
    pooled = np.stack([smooth(power[..., f], p.PERIOD_SIGMA) for f in range(len(frequencies))], axis=-1)
    pooled += (
        np.float32(0.02)
        * everywhere
        / max(float(everywhere.sum()), 1e-9)
        * pooled.sum(axis=-1, keepdims=True)
    )
    if not everywhere.any():
        return np.full(mask.shape, p.PERIOD_DEFAULT, np.float32)
    best = pooled.argmax(axis=-1)
    inner = np.clip(best, 1, len(frequencies) - 2)
    left, centre, right = (np.take_along_axis(pooled, (inner + d)[..., None], -1)[..., 0] for d in (-1, 0, 1))
    curvature = left - 2 * centre + right
    shift = np.where(
        np.abs(curvature) > 1e-12, 0.5 * (left - right) / np.where(curvature == 0, 1, curvature), 0
    )
    frequency = frequencies[inner] + np.clip(shift, -1, 1) * (frequencies[1] - frequencies[0])
    measured = pooled.max(axis=-1) > 0
    strongest = frequencies[int(everywhere.argmax())]
    period = 1 / np.where(measured, frequency, strongest)
    fine = np.repeat(np.repeat(period, step, axis=0), step, axis=1)
    return np.ascontiguousarray(fine[: mask.shape[0], : mask.shape[1]], np.float32)
