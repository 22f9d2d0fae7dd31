"""What may be decoded at all. Checked on the header, before a pixel is decoded or memory is taken.

The bounds are those of friction ridge imaging: a ten-print card of 8 x 8 inches has 16 million pixels at 500
ppi, a four-finger slap of 3.2 x 3 inches 9.6 million at 1000 ppi.
"""

from __future__ import annotations

from matcher.errors import ImageEmptyError, ImageTooLargeError, ImageTooSmallError

MAX_BYTES = 64 * 2**20
"""Most bytes in an image file: 2**25 pixels of 16 bits, uncompressed."""

MAX_PIXELS = 2**25
"""Most pixels in an image, as stored and after resampling: two ten-print cards at 500 ppi."""

MAX_SIDE = 16384
"""Longest side, pixels, as stored and after resampling: what a template's 14-bit coordinates can name."""

MIN_SIDE = 48
"""Shortest side, pixels at 500 ppi (2.4 mm): five ridge periods; below the smallest touch sensor's."""

FREE_PIXELS = 2**22
"""Pixels that any file may claim, however short: 2000 x 2000, a blank slap image compresses to nothing."""

MAX_PIXELS_PER_BYTE = 2000
"""Most pixels per file byte beyond FREE_PIXELS: twice what deflate can do with 8-bit pixels (1032 to 1), and
a hundred times what a ridge pattern allows; more is a decompression bomb."""


_bound = [MAX_PIXELS]


def lower_max_pixels(count: int) -> None:
    """Take images of at most `count` pixels in this process from now on, never more than `MAX_PIXELS`."""
    _bound[0] = min(count, MAX_PIXELS)


def check_bytes(count: int) -> None:
    """Refuse an empty or an oversized file.

    Raises
    ------
    ImageEmptyError, ImageTooLargeError
    """
    if count == 0:
        raise ImageEmptyError("Expected an image, got no bytes.", hint="Check that the capture was stored.")
    if count > MAX_BYTES:
        raise ImageTooLargeError(
            f"Expected an image of at most {MAX_BYTES} bytes, got {count}.",
            hint="Send one capture a call, compressed.",
        )


def check_stored(width: int, height: int, byte_count: int) -> None:
    """Refuse a size that is out of bounds, or implausible for so short a file; call before decoding.

    Parameters
    ----------
    width, height : int
        As the header says, pixels.
    byte_count : int
        Length of the file.

    Raises
    ------
    ImageTooSmallError, ImageTooLargeError
    """
    if width < 1 or height < 1:
        raise ImageTooSmallError(f"Expected at least one pixel, got {width} x {height}.")
    _check_large(width, height, "stored")
    if width * height > max(FREE_PIXELS, MAX_PIXELS_PER_BYTE * byte_count):
        raise ImageTooLargeError(
            f"The header claims {width} x {height} pixels in a file of {byte_count} bytes, "
            f"more than {MAX_PIXELS_PER_BYTE} a byte.",
            hint="The file is damaged or made to exhaust memory.",
        )


def check_resampled(width: int, height: int) -> None:
    """Refuse an image that is too large or too small at 500 ppi.

    Raises
    ------
    ImageTooSmallError, ImageTooLargeError
    """
    if min(width, height) < MIN_SIDE:
        raise ImageTooSmallError(
            f"Expected sides of at least {MIN_SIDE} pixels at 500 ppi, got {width} x {height}.",
            hint="Send the whole capture; pass ppi where the file does not state its resolution.",
        )
    _check_large(width, height, "resampled to 500 ppi")


def _check_large(width: int, height: int, what: str) -> None:
    if max(width, height) > MAX_SIDE or width * height > _bound[0]:
        raise ImageTooLargeError(
            f"Expected at most {_bound[0]} pixels and sides of at most {MAX_SIDE}, "
            f"got {width} x {height} as {what}.",
            hint="Send one capture an image, at 500 or 1000 ppi.",
        )
