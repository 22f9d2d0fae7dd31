"""Where the print is, and the image with its contrast evened out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from matcher.errors import BlankImageError, ImageTooSmallError, NoForegroundError
from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import smooth
from matcher.fingerprint.kernels import local_contrast
from matcher.types import F32, U8

Mask = npt.NDArray[np.bool_]

MIN_PRINT_CELLS = 40
"""Fewest cells of a usable print: 40 cells of 8 px are 6.6 mm^2."""


def require_contrast(pixels: U8) -> None:
    """Refuse images that are too small or blank.

    Raises
    ------
    ImageTooSmallError
        If a side is shorter than MIN_SIDE px.
    BlankImageError
        If the grey levels hardly vary.
    """
    if min(pixels.shape) < p.MIN_SIDE:
        raise ImageTooSmallError(
            f"Expected an image of at least {p.MIN_SIDE} x {p.MIN_SIDE} pixels at 500 ppi, "
            f"got {pixels.shape[1]} x {pixels.shape[0]}.",
            hint="Check the resolution: give ppi= where the file does not state it.",
        )
    if float(pixels.std()) < p.BLANK_DEVIATION:
        raise BlankImageError(
            "The image is blank: its grey levels hardly vary.", hint="Capture the finger again."
        )


def pad_to_cells(pixels: U8, cell: int) -> F32:
    """Return the image as float32, its edge repeated to whole cells."""
    height, width = pixels.shape
    return np.pad(pixels, ((0, -height % cell), (0, -width % cell)), mode="edge").astype(np.float32)


def normalise(pixels: F32) -> F32:
    """Return the image with local mean 0 and deviation 1, ridges positive, float32 (H, W)."""
    sums, squares, out = np.empty_like(pixels), np.empty_like(pixels), np.empty_like(pixels)
    local_contrast.box_sums(pixels, p.NORMALISE_RADIUS, sums)
    local_contrast.box_sums(pixels * pixels, p.NORMALISE_RADIUS, squares)
    local_contrast.normalise(
        pixels, sums, squares, p.NORMALISE_RADIUS, p.NORMALISE_FLOOR, p.NORMALISE_LIMIT, out
    )
    return out


def contrast_mask(pixels: F32) -> Mask:
    """Return the cells whose gradient is strong, as one filled region per print, bool (rows, columns)."""
    height, width = pixels.shape
    magnitude = np.zeros_like(pixels)
    magnitude[:, 1:-1] = np.abs(pixels[:, 2:] - pixels[:, :-2])
    magnitude[1:-1] += np.abs(pixels[2:] - pixels[:-2])
    cells = magnitude.reshape(height // p.CELL, p.CELL, width // p.CELL, p.CELL).mean(axis=(1, 3))
    smoothed = smooth(cells, p.CONTRAST_SIGMA) / smooth(np.ones_like(cells), p.CONTRAST_SIGMA)
    reference = np.percentile(smoothed, p.CONTRAST_PERCENTILE)
    return _filled(smoothed > p.CONTRAST_SHARE * reference)


def print_mask(quality: F32, contrast: Mask) -> Mask:
    """Return the cells with clear ridges, as filled regions.

    Raises
    ------
    NoForegroundError
        If too few cells remain.
    """
    smoothed = smooth(quality * contrast, p.MASK_SIGMA)
    mask = _filled(smoothed > p.MASK_QUALITY) & contrast
    if int(mask.sum()) < MIN_PRINT_CELLS:
        raise NoForegroundError(
            "No area of the image looks like a fingerprint.",
            hint="Check that it shows one finger, ridges dark.",
        )
    return mask


def require_ridges(normalised: F32, angle: F32, mask: Mask) -> None:
    """Refuse what is no print though it passed as ridges cell by cell: shades, noise, and most textures.

    Ridges have a contrast of their own; on a smooth shade only the steps of its grey levels have a pattern.
    Ridges keep their orientation over several periods; filtered noise loses it within the reach of the
    smoothing that estimated it, whatever its spectrum. LIMITATIONS: long parallel lines of other things pass.

    Parameters
    ----------
    normalised : float32 (H, W)
        Of local deviation 1, less where the image is flat.
    angle : float32 (rows, columns)
        Ridge orientation, rad.
    mask : bool (rows, columns)
        The print.

    Raises
    ------
    NoForegroundError
        If the median cell's deviation is below RIDGE_LEAST, or the mean of cos(2 * difference) over cells
        FLOW_STEP apart is below FLOW_LEAST.
    """
    rows, columns = mask.shape
    power = (normalised * normalised).reshape(rows, p.CELL, columns, p.CELL).mean(axis=(1, 3))
    if float(np.median(power[mask])) < p.RIDGE_LEAST**2:
        raise NoForegroundError(
            "The image shows no ridges, only a smooth shade.",
            hint="Check that it shows one finger, ridges dark.",
        )
    double = np.exp(2j * angle)
    total, count = 0.0, 0
    for one, other in (
        (np.s_[: -p.FLOW_STEP, :], np.s_[p.FLOW_STEP :, :]),
        (np.s_[:, : -p.FLOW_STEP], np.s_[:, p.FLOW_STEP :]),
    ):
        both = mask[one] & mask[other]
        total += float((double[one] * double[other].conj()).real[both].sum())
        count += int(both.sum())
    if total < p.FLOW_LEAST * count:
        raise NoForegroundError(
            "The image shows no ridges that run side by side: noise, or no finger.",
            hint="Check that it shows one finger, ridges dark.",
        )


def _filled(mask: Mask) -> Mask:
    """Close gaps, fill holes, and keep regions of at least a third of the largest one."""
    closed = ndimage.binary_closing(np.pad(mask, 2), iterations=2)[2:-2, 2:-2] | mask
    filled = ndimage.binary_fill_holes(closed)
    labels, count = ndimage.label(filled)
    if count > 1:
        areas = np.bincount(labels.ravel())
        areas[0] = 0
        filled = (areas >= areas.max() / 3)[labels]
    return np.ascontiguousarray(filled, dtype=np.bool_)
