"""A caller's array to 8-bit grey, or to 8-bit colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from matcher.errors import ArgumentError, ImageEmptyError
from matcher.image.grey import scale_depth, to_grey, to_rgb
from matcher.image.limits import check_stored
from matcher.types import U8

CHANNELS = (1, 3, 4)
"""Sizes of the third axis: grey, RGB, RGBA."""


def grey_from_array(array: npt.NDArray[np.generic]) -> U8:
    """Return an array of samples as uint8 (H, W), a copy where it must convert.

    Raises
    ------
    ArgumentError, ImageEmptyError, ImageTooLargeError
    """
    samples = _checked(array)
    if samples.ndim == 2:
        return np.ascontiguousarray(samples)
    return to_grey(PillowImage.fromarray(np.ascontiguousarray(samples)))


def rgb_from_array(array: npt.NDArray[np.generic]) -> U8:
    """Return an array of samples as uint8 (H, W, 3), a copy where it must convert; as `grey_from_array`."""
    samples = _checked(array)
    if samples.ndim == 2:
        return np.repeat(samples[:, :, None], 3, axis=2)
    if samples.shape[2] == 3:
        return np.ascontiguousarray(samples)
    return to_rgb(PillowImage.fromarray(np.ascontiguousarray(samples)))


def _checked(array: npt.NDArray[np.generic]) -> U8:
    """Return samples as uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    if not isinstance(array, np.ndarray):
        raise ArgumentError(f"Expected a NumPy array, got {type(array).__name__}.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in CHANNELS):
        raise ArgumentError(
            f"Expected an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got {array.shape}."
        )
    if array.size == 0:
        raise ImageEmptyError(f"Expected at least one pixel, got shape {array.shape}.")
    check_stored(array.shape[1], array.shape[0], array.nbytes)
    samples = _to_bytes(array)
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[:, :, 0]
    return samples


def _to_bytes(array: npt.NDArray[np.generic]) -> U8:
    if array.dtype == np.bool_:
        return np.where(array, 255, 0).astype(np.uint8)
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return scale_depth(array, 2 ** (8 * array.dtype.itemsize) - 1)
    if array.dtype.kind == "f":
        samples = array.astype(np.float64)
        if not np.isfinite(samples).all():
            raise ArgumentError("Expected finite samples, got NaN or infinity.")
        if samples.min() < 0.0 or samples.max() > 1.0:
            raise ArgumentError(
                "Expected floating point samples from 0.0 (black) to 1.0 (white), got values outside.",
                hint="Divide by the white value, or pass uint8.",
            )
        return np.rint(samples * 255.0).astype(np.uint8)
    raise ArgumentError(
        f"Expected samples of bool, uint8, uint16 or floating point, got {array.dtype}.",
        hint="Convert explicitly: the value that means white cannot be guessed.",
    )
