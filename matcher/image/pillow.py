"""PNG, JPEG, TIFF, BMP and JPEG 2000 through Pillow, held to the one plugin that the content calls for."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from matcher.errors import ImageCorruptError, ImageTruncatedError, MatcherError
from matcher.image.apart import COLOUR, GREY, decoders_at_hand
from matcher.image.grey import to_grey, to_rgb
from matcher.image.quiet import quiet_pillow
from matcher.image.sniff import ImageFormat
from matcher.image.source import Ppi
from matcher.types import U8

PLUGINS = {
    ImageFormat.PNG: "PNG",
    ImageFormat.JPEG: "JPEG",
    ImageFormat.TIFF: "TIFF",
    ImageFormat.BMP: "BMP",
    ImageFormat.JPEG2000: "JPEG2000",
}
"""Pillow's name of the plugin for each format."""

CM_PER_INCH = 2.54

JFIF_PER_CM = 2
"""JFIF density unit: dots per centimetre."""

ORIENTATION = 0x0112
"""EXIF tag of how the camera was held."""

TURNED = frozenset({5, 6, 7, 8})
"""Orientations that exchange width and height."""


@dataclass(slots=True)
class PillowSource:
    """An image that Pillow has opened but not decoded."""

    picture: PillowImage.Image
    image_format: ImageFormat
    bits: int
    white_is_zero: bool
    orientation: int
    second: bytes | None = None
    apart: bytes | None = None
    """The file, where other processes decode it."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels, upright."""
        width, height = self.picture.size
        return (height, width) if self.orientation in TURNED else (width, height)

    @property
    def ppi(self) -> Ppi | None:
        """Resolution that the file states."""
        ppi = _stated_ppi(self.picture)
        return ppi[::-1] if ppi is not None and self.orientation in TURNED else ppi

    def decode(self) -> U8:
        """Return the pixels as grey, uint8 (height, width), upright.

        Raises
        ------
        ImageTruncatedError, ImageCorruptError, ImageFormatError
        """
        return self._decoded(to_grey, GREY)

    def decode_rgb(self) -> U8:
        """Return the pixels as red, green and blue, uint8 (height, width, 3), upright.

        Raises
        ------
        ImageTruncatedError, ImageCorruptError, ImageFormatError
        """
        return self._decoded(to_rgb, COLOUR)

    def _decoded(self, convert: Callable[..., U8], kind: int) -> U8:
        size, decoders = self.size, decoders_at_hand()
        if self.apart is not None and decoders is not None:
            return decoders.decode(self.apart, kind, size)
        try:
            with quiet_pillow():
                self.picture.load()
                self._check_complete()
                picture = self.picture
                if self.orientation != 1:
                    picture = ImageOps.exif_transpose(picture)
                inverted = self.white_is_zero and self.image_format is ImageFormat.TIFF
                pixels = convert(picture, bits=self.bits, inverted=inverted)
        except MatcherError:
            raise
        except Exception as error:
            raise translate(error, self.image_format) from None
        if pixels.shape[:2] != (size[1], size[0]):
            raise ImageCorruptError(f"{self.image_format.value}: header and content differ in size.")
        return np.ascontiguousarray(pixels)

    def _check_complete(self) -> None:
        """Decode a second time with another ending, where there is one: a complete file gives the same."""
        if self.second is None:
            return
        plugin = PLUGINS[self.image_format]
        with PillowImage.open(io.BytesIO(self.second), formats=[plugin]) as other:
            if not np.array_equal(np.asarray(self.picture), np.asarray(other)):
                raise ImageTruncatedError(
                    f"{self.image_format.value}: the file ends before its last pixel.",
                    hint="Send the file again.",
                )


def open_with_pillow(
    data: bytes,
    image_format: ImageFormat,
    *,
    bits: int = 16,
    white_is_zero: bool = False,
    second: bytes | None = None,
) -> PillowSource:
    """Let Pillow read the header of a file whose structure has been checked.

    Parameters
    ----------
    data : bytes
        The file.
    image_format : ImageFormat
        The only plugin that may look at it.
    bits : int
        Depth of the samples, where it is above 8.
    white_is_zero : bool
        Whether 0 is white in the samples (TIFF).
    second : bytes, optional
        The file with another ending, which must give the same pixels.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError
    """
    try:
        with quiet_pillow():
            picture = PillowImage.open(io.BytesIO(data), formats=[PLUGINS[image_format]])
            # Pillow itself turns a TIFF upright; elsewhere the tag is a camera's only in a JPEG.
            orientation = 1
            if image_format is ImageFormat.JPEG:
                orientation = picture.getexif().get(ORIENTATION, 1)
    except Exception as error:
        raise translate(error, image_format) from None
    if not isinstance(orientation, int) or not 1 <= orientation <= 8:
        orientation = 1
    return PillowSource(picture, image_format, bits, white_is_zero, orientation, second)


def translate(error: Exception, image_format: ImageFormat) -> MatcherError:
    """Return the typed error for whatever Pillow raised (OSError, SyntaxError, struct.error, ...)."""
    text = str(error).lower()
    if "truncated" in text or "not enough" in text or isinstance(error, EOFError):
        return ImageTruncatedError(
            f"{image_format.value}: the file ends before its last pixel.", hint="Send the file again."
        )
    return ImageCorruptError(
        f"{image_format.value}: the content is damaged, or of a variety that is not read.",
        hint="Open it elsewhere and save it as 8-bit grey PNG.",
    )


def _stated_ppi(picture: PillowImage.Image) -> Ppi | None:
    stated = picture.info.get("dpi")
    if picture.info.get("jfif_unit") == JFIF_PER_CM:
        density = picture.info.get("jfif_density", (0, 0))
        stated = tuple(axis * CM_PER_INCH for axis in density)
    try:
        x, y = (float(axis) for axis in stated)  # type: ignore[union-attr]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None
