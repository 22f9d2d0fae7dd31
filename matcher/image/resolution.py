"""Whose word on the resolution is taken, and bringing pixels to 500 ppi."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as PillowImage

from matcher.errors import ArgumentError, ImageResolutionError
from matcher.image.limits import check_resampled
from matcher.image.source import Ppi
from matcher.types import PPI, U8, ResolutionSource

MIN_CALLER_PPI = 125.0
"""Lowest resolution that a caller may state, ppi: the lowest of ISO/IEC 19794-4 (level 10). Ridges are 0.4
to 0.5 mm apart, at 125 ppi about two pixels: below it they cannot be sampled (Nyquist)."""

MAX_CALLER_PPI = 5000.0
"""Highest resolution that a caller may state, ppi: above the infant sensors of 3,400 ppi."""

MIN_FILE_PPI = 250.0
"""Lowest resolution that is believed from a file, ppi: ISO/IEC 19794-4 level 20, the lowest that is used for
minutiae. What programs write without knowing lies below: 1, 72, 75, 96, 100, 120, 150, 180, 240."""

MAX_FILE_PPI = 4000.0
"""Highest resolution that is believed from a file, ppi: card scanners and infant sensors stay below."""

TOLERANCE_PPI = 3.0
"""Distance from 500 ppi within which pixels are left as they are: formats store whole pixels per centimetre
or metre (19.7 a millimetre is 500.4 ppi), and 0.6 % over the 20 mm of a print is a third of a ridge."""

ROUNDING = 0.05
"""Share of a pixel by which a target size may exceed the source's edge: absorbs 999.998 meant as 1000 ppi."""


def check_caller_ppi(ppi: float | None) -> None:
    """Refuse a stated resolution that no fingerprint image has.

    Raises
    ------
    ArgumentError
        If it is no number.
    ImageResolutionError
        If it is outside 125 to 5000 ppi.
    """
    if ppi is None:
        return
    if isinstance(ppi, bool) or not isinstance(ppi, int | float | np.integer | np.floating):
        raise ArgumentError(f"ppi: expected a number or None, got {type(ppi).__name__}.")
    if not MIN_CALLER_PPI <= float(ppi) <= MAX_CALLER_PPI:
        raise ImageResolutionError(
            f"ppi: expected {MIN_CALLER_PPI:g} to {MAX_CALLER_PPI:g} pixels per inch, got {float(ppi):g}.",
            hint="Multiply pixels per centimetre by 2.54; leave ppi out to use what the file says.",
        )


def choose_resolution(caller: float | None, stated: Ppi | None) -> tuple[Ppi, ResolutionSource]:
    """Return the resolution to use, and whose word it is.

    The caller's wins; then the file's, where a fingerprint sensor may have it on both axes (250 to 4000 ppi:
    72 and 96 are what programs write without knowing); else 500 is assumed.

    Parameters
    ----------
    caller : float, optional
        Checked by `check_caller_ppi`.
    stated : pair of float, optional
        What the file states along x and y, pixels per inch; any number, NaN too.
    """
    if caller is not None:
        return (float(caller), float(caller)), ResolutionSource.CALLER
    if stated is not None and all(MIN_FILE_PPI <= axis <= MAX_FILE_PPI for axis in stated):
        return stated, ResolutionSource.FILE
    return (PPI, PPI), ResolutionSource.ASSUMED


def native_ppi(ppi: Ppi) -> float:
    """One figure for both axes: their geometric mean, pixels per inch."""
    return ppi[0] if ppi[0] == ppi[1] else math.sqrt(ppi[0] * ppi[1])


def resampled_size(size: tuple[int, int], ppi: Ppi) -> tuple[int, int]:
    """Return width and height at 500 ppi of an image of `size` at `ppi`, checked against the bounds.

    Raises
    ------
    ImageTooSmallError, ImageTooLargeError
    """
    width, height = (_target(count, axis) for count, axis in zip(size, ppi, strict=True))
    check_resampled(width, height)
    return width, height


def _target(count: int, ppi: float) -> int:
    if abs(ppi - PPI) <= TOLERANCE_PPI:
        return count
    return math.floor(count * PPI / ppi + ROUNDING)


def resample(pixels: U8, ppi: Ppi) -> U8:
    """Return `pixels`, taken at `ppi`, at 500 ppi.

    Within 3 ppi of 500 they are returned as they are. Else a Lanczos kernel of three lobes, widened by the
    reduction so that it filters what 500 ppi cannot hold. The scale is exact: up to one pixel of the right
    and lower edge is left out rather than stretched.

    Parameters
    ----------
    pixels : uint8 array (H, W)
    ppi : pair of float
        Along x and y.

    Returns
    -------
    uint8 array (H', W')

    Raises
    ------
    ImageTooSmallError, ImageTooLargeError
        If the result is out of bounds.
    """
    height, width = pixels.shape
    target = resampled_size((width, height), ppi)
    if target == (width, height):
        return pixels
    box = [
        min(float(count), got * axis / PPI if got != count else float(count))
        for got, count, axis in zip(target, (width, height), ppi, strict=True)
    ]
    picture = PillowImage.fromarray(pixels)
    reduced = picture.resize(target, PillowImage.Resampling.LANCZOS, box=(0.0, 0.0, box[0], box[1]))
    return np.asarray(reduced, dtype=np.uint8)
