"""Arrays as images: what is taken, and what is refused rather than guessed."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import ArgumentError, ImageEmptyError, ImageTooLargeError, ImageTooSmallError
from matcher.image.read import image_from_array
from matcher.types import ResolutionSource


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
def test_white_is_the_largest_value(ridges, dtype):
    grey = ridges(70, 60)
    samples = {"u1": grey, "u2": grey.astype(np.uint16) * 257}.get(
        np.dtype(dtype).str[1:], (grey / 255).astype(dtype)
    )
    image = image_from_array(samples)
    assert np.abs(image.pixels.astype(int) - grey).max() <= (1 if dtype is np.float16 else 0)
    assert image.resolution_source is ResolutionSource.ASSUMED


def test_bool_colour_and_byte_order(ridges):
    grey = ridges(70, 60)
    assert np.array_equal(image_from_array(grey > 99).pixels, np.where(grey > 99, 255, 0))
    assert np.array_equal(image_from_array(np.dstack([grey] * 3)).pixels, grey)
    assert np.array_equal(image_from_array(grey[:, :, None]).pixels, grey)
    assert np.array_equal(image_from_array((grey.astype(np.uint16) * 257).astype(">u2")).pixels, grey)
    clear = np.dstack([grey] * 3 + [np.zeros_like(grey)])
    assert np.all(image_from_array(clear).pixels == 255)


def test_the_image_does_not_follow_the_array(ridges):
    grey = ridges(70, 60)
    image = image_from_array(grey)
    before = image.pixels.copy()
    grey[:] = 0
    assert np.array_equal(image.pixels, before)
    assert image_from_array(ridges(120, 60).T[::-1, ::2]).pixels.flags.c_contiguous


@pytest.mark.parametrize(
    "array",
    [
        np.full((64, 64), np.nan),
        np.full((64, 64), np.inf),
        np.full((64, 64), -0.1),
        np.full((64, 64), 255.0),
        np.zeros((64, 64), np.int16),
        np.zeros((64, 64), np.uint32),
        np.zeros((64, 64), complex),
        np.zeros((64, 64), object),
        np.zeros((64, 64), "datetime64[s]"),
        np.zeros(64, np.uint8),
        np.zeros((64, 64, 2), np.uint8),
        np.zeros((64, 64, 3, 1), np.uint8),
        [[0, 1], [1, 0]],
        b"bytes",
        None,
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}-{getattr(value, 'shape', '')}",
)
def test_unusable_arrays_are_argument_errors(array):
    with pytest.raises(ArgumentError):
        image_from_array(array)


def test_sizes_are_bounded():
    with pytest.raises(ImageEmptyError):
        image_from_array(np.zeros((0, 64), np.uint8))
    with pytest.raises(ImageTooSmallError):
        image_from_array(np.zeros((1, 1), np.uint8))
    # Broadcast: gigabytes in appearance only.
    with pytest.raises(ImageTooLargeError):
        image_from_array(np.broadcast_to(np.uint8(0), (60000, 60000)))
