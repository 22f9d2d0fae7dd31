"""Image bytes, or an array, to a `ColourImage` of the pixels that the camera took: for faces.

The same files, bounds and checks as `matcher.image.read`, but colours stay, nothing is resampled and no
resolution is asked for. Pictures are turned upright as their EXIF tag says.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from matcher.image.array import rgb_from_array
from matcher.image.load import load_bytes
from matcher.image.open import open_source
from matcher.image.pillow import PillowSource
from matcher.types import ColourImage


def read_colour(data: bytes | os.PathLike[str] | str) -> ColourImage:
    """Read an image file with its colours.

    Parameters
    ----------
    data : bytes, str or os.PathLike
        The file's content, or the path of a file (a `str` is a path): PNG, JPEG, TIFF (one page), BMP, PGM,
        JPEG 2000 or WSQ, recognised by content. Grey becomes three equal colours, transparency white.

    Raises
    ------
    ImageError
        One of its leaves: empty, of unknown format, truncated, corrupt or too large.
    ArgumentError
        If `data` is of a wrong type, or the path cannot be read.

    Examples
    --------
    >>> image = read_colour("passport.jpg")    # doctest: +SKIP
    >>> image.pixels.shape                     # doctest: +SKIP
    (531, 413, 3)
    """
    source = open_source(load_bytes(data))
    if isinstance(source, PillowSource):
        return ColourImage(source.decode_rgb())
    return ColourImage(np.repeat(source.decode()[:, :, None], 3, axis=2))


def colour_from_array(array: npt.NDArray[np.generic]) -> ColourImage:
    """Make a colour image from an array of grey or colour samples.

    Parameters
    ----------
    array : array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
        Grey, RGB or RGBA. bool; uint8 (white is 255); uint16 (white is 65535); or floating point (white is
        1.0).

    Raises
    ------
    ArgumentError
        If the array has another shape or dtype, or holds NaN, infinities or floats outside 0 to 1.
    ImageEmptyError, ImageTooLargeError
    """
    return ColourImage(rgb_from_array(array))
