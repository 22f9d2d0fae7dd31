"""Where a large image shows ridges: a short-time spectrum at cells of 8 px."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, ndimage

from matcher.fingerprint import slap_parameters as p
from matcher.types import F32, U8

Mask = npt.NDArray[np.bool_]

HALF = 2
"""The spectrum is taken of the image at half resolution: ridges are 9 px apart."""

STRIP = 32
"""Rows of cells whose windows are in memory at once."""


def ridge_strength(pixels: U8) -> F32:
    """Return how clear ridges are around each cell, 0 to 1, float32 (rows, columns).

    The share of the window's variation that lies in the band of ridges, times its amplitude relative to the
    clear ridges of the same image (short-time Fourier analysis: Chikkerur, Cartwright & Govindaraju 2007).
    """
    height, width = (side - side % HALF for side in pixels.shape)
    halves = pixels[:height, :width].astype(np.float32).reshape(height // HALF, HALF, width // HALF, HALF)
    amplitude, share = _spectrum(np.ascontiguousarray(halves.mean(axis=(1, 3))))
    print_like = amplitude[(amplitude > p.FLOOR) & (share > 0.5)]
    if not len(print_like):
        return np.zeros_like(amplitude)
    reference = float(np.percentile(print_like, p.REFERENCE_PERCENTILE))
    strength = np.clip(amplitude / reference, 0.0, 1.0) * share * (amplitude > p.FLOOR)
    return np.asarray(ndimage.gaussian_filter(strength, p.SMOOTHING), np.float32)


def _spectrum(image: F32) -> tuple[F32, F32]:
    """Return the amplitude within the ridge band and its share of the variance, float32 (rows, columns)."""
    side, step = p.WINDOW // HALF, p.CELL // HALF
    padded = np.pad(image, side // 2, mode="edge")
    windows = sliding_window_view(padded, (side, side))[::step, ::step]
    bell = np.hanning(side + 2)[1:-1].astype(np.float32)
    weights = np.outer(bell, bell)
    norm = float((weights**2).sum()) * side**2
    frequency = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]) / HALF
    band = ((frequency >= p.BAND[0]) & (frequency <= p.BAND[1])).astype(np.float32).ravel()
    # A real signal's spectrum holds every column but the first and the last twice.
    twice = np.broadcast_to(np.where(np.arange(side // 2 + 1) % (side // 2) == 0, 1.0, 2.0), frequency.shape)
    twice = (twice * (frequency > 0)).astype(np.float32).ravel()
    both = np.stack([band * twice, twice], axis=1)
    amplitude = np.empty(windows.shape[:2], np.float32)
    share = np.empty_like(amplitude)
    for top in range(0, windows.shape[0], STRIP):
        part = windows[top : top + STRIP]
        centred = (part - part.mean(axis=(2, 3), keepdims=True)) * weights
        spectrum = fft.rfft2(centred)
        power = spectrum.real**2 + spectrum.imag**2
        energy, total = np.moveaxis(power.reshape(*power.shape[:2], -1) @ both, -1, 0)
        amplitude[top : top + STRIP] = np.sqrt(energy / norm)
        share[top : top + STRIP] = energy / (total + norm)
    return amplitude, share


def ridge_mask(strength: F32) -> Mask:
    """Return the cells of prints: writing, text and lines are thinner than prints, bool (rows, columns)."""
    mask = np.pad(strength > p.MASK_STRENGTH, p.OPENING, mode="edge")
    mask = ndimage.binary_closing(mask, disc(p.CLOSING)) | mask
    holes = ndimage.binary_fill_holes(mask)
    opened = ndimage.binary_opening(holes, disc(p.OPENING))
    inner = slice(p.OPENING, -p.OPENING)
    return np.ascontiguousarray(opened[inner, inner])


def disc(radius: int) -> Mask:
    """Return a disc, bool (2 radius + 1, 2 radius + 1)."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    round_: Mask = x * x + y * y <= radius * radius + radius
    return round_
