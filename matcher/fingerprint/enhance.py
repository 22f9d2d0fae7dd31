"""Contextual Gabor enhancement, and how clear the ridges are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import Orientation, smooth
from matcher.fingerprint.kernels import gabor
from matcher.types import F32

Mask = npt.NDArray[np.bool_]


@lru_cache(maxsize=1)
def gabor_bank() -> F32:
    """Even Gabor filters without response to a constant, float32 (periods, orientations, K, K).

    Each is scaled to answer 1 to a wave of its own period, orientation and amplitude 1.
    """
    half = gabor.KERNEL_SIZE // 2
    v, u = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    bank = np.empty((len(p.GABOR_PERIODS), p.GABOR_ORIENTATIONS, gabor.KERNEL_SIZE, gabor.KERNEL_SIZE))
    for i, period in enumerate(p.GABOR_PERIODS):
        for j in range(p.GABOR_ORIENTATIONS):
            angle = np.pi * j / p.GABOR_ORIENTATIONS
            along = u * np.cos(angle) + v * np.sin(angle)
            across = -u * np.sin(angle) + v * np.cos(angle)
            envelope = np.exp(
                -0.5 * (along / (p.GABOR_SIGMA_ALONG * period)) ** 2
                - 0.5 * (across / (p.GABOR_SIGMA_ACROSS * period)) ** 2
            )
            wave = np.cos(2 * np.pi * across / period)
            kernel = envelope * (wave - (envelope * wave).sum() / envelope.sum())
            bank[i, j] = kernel / (kernel * wave).sum()
    return bank.astype(np.float32)


def _upsample(field: F32, factor: int) -> F32:
    """Bilinear interpolation of a cell field to `factor` times as many, squares' centres aligned."""
    for axis in (0, 1):
        n = field.shape[axis]
        at = (np.arange(n * factor) + 0.5) / factor - 0.5
        low = np.clip(np.floor(at).astype(np.intp), 0, n - 1)
        high = np.minimum(low + 1, n - 1)
        share = np.clip(at - low, 0, 1).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        field = np.take(field, low, axis) * (1 - share) + np.take(field, high, axis) * share
    return field


def enhance(normalised: F32, orientation: Orientation, period: F32, mask: Mask) -> F32:
    """Return the Gabor-filtered image, ridges positive, 0 outside the mask, float32 (H, W)."""
    factor = p.CELL // gabor.TILE
    double = 2 * orientation.angle
    weight = np.maximum(orientation.coherence, np.float32(0.05))
    angle = (
        np.arctan2(_upsample(weight * np.sin(double), factor), _upsample(weight * np.cos(double), factor)) / 2
    )
    index = np.rint(angle * (p.GABOR_ORIENTATIONS / np.pi)).astype(np.int64) % p.GABOR_ORIENTATIONS
    edges = np.sqrt(np.array(p.GABOR_PERIODS[1:]) * np.array(p.GABOR_PERIODS[:-1]))
    out = np.empty_like(normalised)
    gabor.contextual_filter(
        np.pad(normalised, gabor.KERNEL_SIZE // 2),
        index.astype(np.uint8),
        np.searchsorted(edges, _upsample(period, factor)).astype(np.uint8),
        np.repeat(np.repeat(mask, factor, 0), factor, 1),
        gabor_bank(),
        out,
    )
    return out


def ridge_quality(normalised: F32, enhanced: F32, orientation: Orientation, mask: Mask) -> F32:
    """Return how much of each cell's contrast is ridges of the found orientation and period, 0 to 1."""
    rows, columns = mask.shape

    def power(image: F32) -> F32:
        return smooth((image * image).reshape(rows, p.CELL, columns, p.CELL).mean(axis=(1, 3)), 1.0)

    share = power(enhanced) / np.maximum(power(normalised), np.float32(1e-3))
    quality = np.sqrt(np.minimum(share, 1)) * orientation.coherence
    return (quality * mask).astype(np.float32)
