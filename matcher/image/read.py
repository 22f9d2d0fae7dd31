"""Image bytes, or an array, to an `Image` at 500 ppi: each line a stage.

Steps: sniff the format by its first bytes; walk the container's structure and hold its size against the
bounds (nothing is decoded before); settle the resolution; decode; turn to grey; resample to 500 ppi.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from matcher.image.array import grey_from_array
from matcher.image.load import load_bytes
from matcher.image.open import open_source
from matcher.image.resolution import (
    check_caller_ppi,
    choose_resolution,
    native_ppi,
    resample,
    resampled_size,
)
from matcher.types import U8, Image


def read_image(data: bytes | os.PathLike[str] | str, *, ppi: float | None = None) -> Image:
    """Read an image file.

    PNG, JPEG, TIFF (one page), BMP, PGM, JPEG 2000 and WSQ, recognised by content. Colour becomes grey,
    transparency white, wider samples are scaled by their stated depth.

    Parameters
    ----------
    data : bytes, str or os.PathLike
        The file's content, or the path of a file (a `str` is a path).
    ppi : float, optional
        Resolution, pixels per inch, 125 to 5000; it overrules what the file says. Without it the file's own
        is taken where it is plausible (250 to 4000 ppi on both axes: 72 and 96 are written by programs that
        do not know), else 500 is assumed, and `Image.resolution_source` says so.

    Returns
    -------
    Image
        At 500 ppi.

    Raises
    ------
    ImageError
        One of its leaves: empty, of unknown format, truncated, corrupt, too large, too small, or a
        resolution that no fingerprint image has.
    ArgumentError
        If `data` or `ppi` is of a wrong type, or the path cannot be read.

    Examples
    --------
    >>> image = read_image("print.wsq")                     # doctest: +SKIP
    >>> image.pixels.shape, image.resolution_source.name    # doctest: +SKIP
    ((480, 480), 'FILE')
    """
    check_caller_ppi(ppi)
    content = load_bytes(data)
    source = open_source(content)
    resolution, said_by = choose_resolution(ppi, source.ppi)
    resampled_size(source.size, resolution)
    pixels = source.decode()
    pixels = resample(pixels, resolution)
    return Image(pixels, native_ppi(resolution), said_by)


def read_grey(data: bytes | os.PathLike[str] | str) -> U8:
    """Read an image file at its native resolution: what irises and faces are extracted from.

    Parameters
    ----------
    data : bytes, str or os.PathLike
        As for `read_image`.

    Returns
    -------
    uint8 array (H, W)
        Grey levels, not resampled, whatever resolution the file states.

    Raises
    ------
    ImageError
        As `read_image`, but for the resolution.
    ArgumentError
        If `data` is of a wrong type, or the path cannot be read.
    """
    return open_source(load_bytes(data)).decode()


def image_from_array(array: npt.NDArray[np.generic], *, ppi: float | None = None) -> Image:
    """Make an image from an array of grey or colour samples.

    Parameters
    ----------
    array : array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
        Grey, RGB or RGBA. bool; uint8 (white is 255); uint16 (white is 65535); or floating point (white is
        1.0).
    ppi : float, optional
        Resolution, pixels per inch, 125 to 5000; without it 500 is assumed.

    Returns
    -------
    Image
        At 500 ppi.

    Raises
    ------
    ArgumentError
        If the array has another shape or dtype, or holds NaN, infinities or floats outside 0 to 1.
    ImageEmptyError, ImageTooLargeError, ImageTooSmallError, ImageResolutionError
    """
    check_caller_ppi(ppi)
    pixels = grey_from_array(array)
    resolution, said_by = choose_resolution(ppi, None)
    pixels = resample(pixels, resolution)
    return Image(pixels, native_ppi(resolution), said_by)
