"""Any decoded picture to 8-bit grey, or to 8-bit colours, on white."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from matcher.errors import ImageCorruptError, ImageFormatError
from matcher.types import U8

MAX_GREY = 255
"""White."""

WHITE = (MAX_GREY, MAX_GREY, MAX_GREY, MAX_GREY)
"""What transparent pixels show, RGBA: paper, as around a print."""

ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
"""Pillow modes with an alpha channel."""

COLOUR_MODES = frozenset({"P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
"""Pillow modes that go to grey by way of RGB."""

PALETTE_MODES = frozenset({"P", "PA"})
"""Pillow modes whose pixels are places in a palette."""

WIDE_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow modes of 16-bit unsigned samples."""


def scale_depth(samples: npt.NDArray[Any], maximum: int) -> U8:
    """Return unsigned integer samples of 0 to `maximum` as 0 to 255, rounded; what lies above becomes 255.

    Parameters
    ----------
    samples : unsigned integer array (H, W) or (H, W, C)
    maximum : int
        Sample value that means white, 1 to 65535.
    """
    if maximum == MAX_GREY and samples.dtype == np.uint8:
        return samples
    table = np.arange(np.iinfo(np.uint16).max + 1, dtype=np.int64)
    table = np.minimum((table * MAX_GREY + maximum // 2) // maximum, MAX_GREY)
    return np.asarray(table.astype(np.uint8)[samples])


def to_grey(picture: PillowImage.Image, *, bits: int = 16, inverted: bool = False) -> U8:
    """Return a decoded picture as grey.

    Colours by ITU-R BT.601 luma, transparency over white, samples wider than 8 bits scaled by their stated
    depth.

    Parameters
    ----------
    picture : PIL.Image.Image
        Loaded.
    bits : int
        Depth of the samples where the mode is a 16-bit one, 9 to 16.
    inverted : bool
        Whether 0 is white in the samples of a 16-bit mode.

    Returns
    -------
    uint8 array (H, W)

    Raises
    ------
    ImageCorruptError
        If a pixel names a colour that the palette does not hold.
    ImageFormatError
        If the samples are signed, of 32 bits or floating point.
    """
    if picture.mode in WIDE_MODES:
        return _from_wide(picture, bits, inverted)
    return np.asarray(_plain(picture).convert("L"), dtype=np.uint8)


def to_rgb(picture: PillowImage.Image, *, bits: int = 16, inverted: bool = False) -> U8:
    """Return a decoded picture as red, green and blue, uint8 (H, W, 3); grey becomes three equal ones.

    Parameters, and what is raised, as in `to_grey`.
    """
    if picture.mode in WIDE_MODES:
        return np.repeat(_from_wide(picture, bits, inverted)[:, :, None], 3, axis=2)
    return np.asarray(_plain(picture).convert("RGB"), dtype=np.uint8)


def _from_wide(picture: PillowImage.Image, bits: int, inverted: bool) -> U8:
    """Return 16-bit samples as 8-bit grey."""
    grey = scale_depth(np.asarray(picture).astype(np.uint16), 2**bits - 1)
    return np.asarray(MAX_GREY - grey, dtype=np.uint8) if inverted else grey


def _plain(picture: PillowImage.Image) -> PillowImage.Image:
    """Return a picture of 8-bit samples as RGB or grey, what is transparent white."""
    if picture.mode in PALETTE_MODES:
        _check_palette(picture)
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode in ALPHA_MODES or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = PillowImage.new("RGBA", layer.size, WHITE)
        picture = PillowImage.alpha_composite(paper, layer).convert("RGB")
    elif picture.mode in COLOUR_MODES:
        picture = picture.convert("RGB")
    elif picture.mode not in {"L", "1"}:
        raise ImageFormatError(
            f"Expected samples of at most 16 unsigned bits, got Pillow mode {picture.mode}.",
            hint="Convert the image to 8-bit grey.",
        )
    return picture


def _check_palette(picture: PillowImage.Image) -> None:
    """Pillow shows colours that are missing as black."""
    colours = len(picture.getpalette() or []) // 3
    _, highest = picture.getchannel(0).getextrema()
    if isinstance(highest, tuple) or highest >= colours:
        raise ImageCorruptError(f"A pixel names colour {highest} of a palette of {colours}.")
