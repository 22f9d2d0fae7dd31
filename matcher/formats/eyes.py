"""The one eye of a file: of an image file, or of an exchange record that holds a single picture of an eye.

Pictures of eyes have no resolution in pixels per inch: they are decoded as they are, never resampled.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage

from matcher.errors import RecordUnsupportedError
from matcher.formats.contents import EYE_KIND, Entry, contents_of, is_image_container
from matcher.formats.iso19794_6_record import IrisImage
from matcher.formats.stored_image import Compression
from matcher.image.limits import check_bytes
from matcher.image.open import open_source
from matcher.iris.types import EyePosition
from matcher.types import U8, frozen_array

SEVERAL = "Write each out with `matcher records FILE --out DIR`, and take those that you want."

WRITTEN: dict[Compression, tuple[str, dict[str, int]]] = {
    Compression.PNG: ("PNG", {}),
    Compression.JPEG2000: ("JPEG2000", {}),
    Compression.JPEG: ("JPEG", {"quality": 95}),
}
"""Pillow's name of each compression that pictures are written with, and its settings."""

LOSSLESS, LOSSY = 1, 2
"""Compression histories."""

PRINTS_OR_FACES = "It holds other images; say which modality with --modality."


def read_eye(data: bytes) -> tuple[U8, EyePosition]:
    """Return a file's picture of an eye, and which eye the file says it is.

    Parameters
    ----------
    data : bytes
        An image file, or an ISO/IEC 19794-6 or ANSI/NIST-ITL file with one image of an eye (Type 17).

    Returns
    -------
    pixels : uint8 array (H, W)
        Grey, 0 black, at the picture's own size, rows downwards and columns to the right as seen.
    eye : EyePosition
        UNKNOWN where the file does not say.

    Raises
    ------
    RecordUnsupportedError
        If the record holds no picture of an eye, or several.
    ImageError, RecordError
        If it is unusable.
    """
    if not is_image_container(data):
        check_bytes(len(data))
        return open_source(data).decode(), EyePosition.UNKNOWN
    entries = contents_of(data).entries
    eyes = [entry for entry in entries if entry.kind == EYE_KIND and entry.image is not None]
    if len(eyes) != 1:
        others = any(entry.image is not None or entry.template is not None for entry in entries)
        raise RecordUnsupportedError(
            f"Record: expected one picture of an eye, got {len(eyes)}.",
            hint=SEVERAL if eyes else PRINTS_OR_FACES if others else "",
        )
    return decode_eye(eyes[0]), eyes[0].eye


def decode_eye(entry: Entry) -> U8:
    """Return the picture of an entry, turned as seen, uint8 (H, W); see `read_eye`."""
    assert entry.image is not None  # The caller looked.
    pixels = entry.image.grey()
    columns, rows = entry.mirrored
    return np.ascontiguousarray(pixels[:: -1 if rows else 1, :: -1 if columns else 1])


def eye_png(entry: Entry) -> bytes:
    """Return the picture of an entry as a PNG file, grey, turned as seen."""
    file = io.BytesIO()
    PillowImage.fromarray(decode_eye(entry)).save(file, format="PNG")
    return file.getvalue()


def eye_image(
    pixels: U8, *, eye: EyePosition = EyePosition.UNKNOWN, compression: Compression = Compression.PNG
) -> IrisImage:
    """Return a picture of an eye as an image of a record (ISO/IEC 19794-6).

    Parameters
    ----------
    pixels : uint8 array (H, W)
        Grey, as seen.
    eye : EyePosition
    compression : Compression
        NONE, PNG, JPEG2000 (lossless), or JPEG, which loses texture.

    Raises
    ------
    RecordUnsupportedError
        If the format has no such compression, or the picture is too large for it.
    ArgumentError
        If `pixels` is of another dtype or shape.
    """
    pixels = frozen_array("eye_image: pixels", pixels, np.uint8, 2)
    height, width = pixels.shape
    if compression is Compression.NONE:
        data = pixels.tobytes()
    elif compression in WRITTEN:
        file = io.BytesIO()
        name, options = WRITTEN[compression]
        PillowImage.fromarray(pixels).save(file, format=name, **options)
        data = file.getvalue()
    else:
        raise RecordUnsupportedError(
            f"Record: iso19794-6-2011 has no code for {compression}.", hint="Use PNG or JPEG 2000."
        )
    history = LOSSY if compression is Compression.JPEG else LOSSLESS
    as_seen = 1 | 1 << 2
    return IrisImage(data, compression, width, height, eye=eye, properties=as_seen | history << 6)
