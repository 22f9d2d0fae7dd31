"""Which image format some bytes are, by their first bytes; file names and claimed types do not count."""

from __future__ import annotations

from enum import Enum

from matcher.errors import ImageFormatError

READ = "PNG, JPEG, TIFF, BMP, PGM (P2, P5), JPEG 2000 and WSQ"
"""The formats that are read, for messages."""


class ImageFormat(Enum):
    """The image formats that are read."""

    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    BMP = "BMP"
    PGM = "PGM"
    JPEG2000 = "JPEG 2000"
    WSQ = "WSQ"


MAGIC: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", ImageFormat.PNG),
    (b"\xff\xd8\xff", ImageFormat.JPEG),
    (b"II*\x00", ImageFormat.TIFF),
    (b"MM\x00*", ImageFormat.TIFF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", ImageFormat.JPEG2000),
    (b"\xff\x4f\xff\x51", ImageFormat.JPEG2000),
    (b"\xff\xa0", ImageFormat.WSQ),
    (b"BM", ImageFormat.BMP),
    *(
        (magic + space, ImageFormat.PGM)
        for magic in (b"P2", b"P5")
        for space in (b" ", b"\t", b"\n", b"\r", b"#")
    ),
)
"""First bytes of each format."""


def sniff(data: bytes) -> ImageFormat:
    """Return the format of `data`.

    Raises
    ------
    ImageFormatError
        If the first bytes are those of no format that is read.
    """
    for magic, image_format in MAGIC:
        if data.startswith(magic):
            return image_format
    raise ImageFormatError(
        f"The first bytes belong to no image format that is read ({READ}).",
        hint="Convert the image to PNG, or send WSQ or JPEG 2000 as captured.",
    )
