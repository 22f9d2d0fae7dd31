"""The grey image at the resolutions that stages work at, reflections filled."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, BlankImageError, ImageTooLargeError, ImageTooSmallError
from matcher.iris import parameters as p
from matcher.iris.kernels import grey
from matcher.types import F32, U8, Image

Mask = npt.NDArray[np.bool_]


def grey_pixels(image: Image | U8) -> U8:
    """Return the image's grey levels, uint8 (H, W).

    Raises
    ------
    ArgumentError
        If it is neither an `Image` nor a uint8 array (H, W).
    ImageTooSmallError, ImageTooLargeError
        If no eye that is large enough fits in, or no eye camera makes such images.
    BlankImageError
        If the grey levels hardly vary.
    """
    pixels = image.pixels if isinstance(image, Image) else image
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise ArgumentError(
            "Expected an Image or a uint8 array of shape (H, W).",
            hint="matcher.image.read.read_grey gives one from a file.",
        )
    height, width = pixels.shape
    if min(height, width) < p.MIN_SIDE:
        raise ImageTooSmallError(
            f"Expected an eye image of at least {p.MIN_SIDE} x {p.MIN_SIDE} pixels, got {width} x {height}."
        )
    if max(height, width) > p.MAX_SIDE:
        raise ImageTooLargeError(
            f"Expected an eye image of at most {p.MAX_SIDE} pixels a side, got {width} x {height}.",
            hint="Crop it to the eye.",
        )
    if float(pixels[::2, ::2].std()) < p.BLANK_DEVIATION:
        raise BlankImageError(
            "The image is blank: its grey levels hardly vary.", hint="Capture the eye again."
        )
    # A copy: kernels would be compiled once more for arrays that are read-only.
    return np.array(pixels, order="C")


def reduced(pixels: U8, factor: int) -> F32:
    """Return means over blocks of `factor` x `factor` px, float32."""
    out = np.empty((pixels.shape[0] // factor, pixels.shape[1] // factor), np.float32)
    grey.reduce(pixels, factor, out)
    return out


def smoothed(image: F32, across: float, down: float | None = None) -> F32:
    """Return a Gaussian smoothing, deviations in px."""
    out, scratch = np.empty_like(image), np.empty_like(image)
    grey.smooth(image, gaussian(across), gaussian(across if down is None else down), scratch, out)
    return out


def fill_glints(image: F32, radius: int = p.GLINT_RADIUS, margin: int = p.GLINT_MARGIN) -> tuple[F32, Mask]:
    """Return the image with small bright spots filled from around them, and where they were.

    Spots are narrower than 2 * `radius` + 1 px; `margin` px around them are theirs too.
    """
    low = _extreme(_extreme(image, radius, -1), radius, 1)
    spots = (image - low > p.GLINT_RISE).astype(np.float32)
    marked = _extreme(spots, margin, 1) > 0
    filled = image.copy()
    grey.fill_marked(filled, marked, np.empty_like(image))
    return filled, marked


def _extreme(image: F32, radius: int, sign: int) -> F32:
    out, scratch = np.empty_like(image), np.empty_like(image)
    grey.running_extreme(image, radius, np.float32(sign), scratch, out)
    return out


@lru_cache(maxsize=64)
def gaussian(sigma: float) -> F32:
    """Return one half of a Gaussian kernel, its centre first, float32."""
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return np.asarray(weights / (weights[0] + 2 * weights[1:].sum()), np.float32)
