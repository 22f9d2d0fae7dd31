"""From bytes to an opened source: the container's structure is checked before any decoder sees it."""

from __future__ import annotations

from matcher.image.bmp import check_bmp
from matcher.image.jpeg import check_jpeg, other_ending
from matcher.image.jpeg2000 import check_jpeg2000
from matcher.image.jpeg_lossless import with_standard_tables
from matcher.image.pgm import open_pgm
from matcher.image.pillow import PillowSource, open_with_pillow
from matcher.image.png import check_png
from matcher.image.sniff import ImageFormat, sniff
from matcher.image.source import Source
from matcher.image.tiff import check_tiff
from matcher.image.wsq import open_wsq

CHECKS = {
    ImageFormat.PNG: check_png,
    ImageFormat.BMP: check_bmp,
    ImageFormat.JPEG2000: check_jpeg2000,
}
"""Structure checks of the formats that need no more than to pass."""


def open_source(data: bytes) -> Source:
    """Open an image file without decoding it.

    Raises
    ------
    ImageFormatError, ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    source = _opened(data)
    if isinstance(source, PillowSource):
        source.apart = data
    return source


def _opened(data: bytes) -> Source:
    image_format = sniff(data)
    if image_format is ImageFormat.PGM:
        return open_pgm(data)
    if image_format is ImageFormat.WSQ:
        return open_wsq(data)
    if image_format is ImageFormat.TIFF:
        layout = check_tiff(data)
        return open_with_pillow(data, image_format, bits=layout.bits, white_is_zero=layout.white_is_zero)
    if image_format is ImageFormat.JPEG:
        jpeg = check_jpeg(data)
        data = with_standard_tables(data) if jpeg.lossless else data
        second = other_ending(data, jpeg.end) if jpeg.huffman else None
        return open_with_pillow(data, image_format, second=second)
    CHECKS[image_format](data)
    return open_with_pillow(data, image_format)
