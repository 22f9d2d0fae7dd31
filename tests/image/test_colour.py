"""Colour pictures: native pixels, upright, whatever the file; the same bounds as for prints."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.errors import (
    ArgumentError,
    ImageCorruptError,
    ImageEmptyError,
    ImageFormatError,
    ImageTooLargeError,
)
from matcher.image.colour import colour_from_array, read_colour
from matcher.image.read import read_image
from matcher.types import ColourImage

ORIENTATION = 0x0112


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([4 * x, 5 * y, 255 - 4 * x], axis=2).astype(np.uint8)


def encoded(pixels: np.ndarray, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("JPEG2000", {"irreversible": False}),
        ("TIFF", {"dpi": (72, 72)}),
    ],
)
def test_colours_and_pixels_stay_as_they_are(form: str, options: dict[str, object]) -> None:
    image = read_colour(encoded(picture(), form, **options))
    assert np.array_equal(image.pixels, picture())
    assert (image.height, image.width) == (40, 60)


def test_jpeg_colours_are_near() -> None:
    image = read_colour(encoded(picture(), "JPEG", quality=95, subsampling=0))
    assert np.abs(image.pixels.astype(int) - picture()).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    exif = PillowImage.Exif()
    exif[ORIENTATION] = orientation
    upright = picture()
    # How the camera stores what is upright, by the tag's definition (EXIF 2.3).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    data = encoded(np.ascontiguousarray(stored), "JPEG", quality=95, subsampling=0, exif=exif.tobytes())
    image = read_colour(data)
    assert image.pixels.shape == upright.shape
    assert np.abs(image.pixels.astype(int) - upright).mean() < 3


def test_grey_becomes_three_equal_colours() -> None:
    grey = picture()[:, :, 0]
    wide = grey.astype(np.uint16) * 257
    pgm = b"P5 60 40 255\n" + np.ascontiguousarray(grey).tobytes()
    for data in (encoded(grey, "PNG"), encoded(wide, "PNG"), pgm):
        image = read_colour(data)
        assert np.array_equal(image.pixels, np.repeat(grey[:, :, None], 3, axis=2))


def test_what_is_transparent_is_white() -> None:
    pixels = np.dstack(
        [picture(), np.where(np.arange(60) < 30, 0, 255)[None, :].repeat(40, 0).astype(np.uint8)]
    )
    image = read_colour(encoded(pixels, "PNG"))
    assert (image.pixels[:, :30] == 255).all()
    assert np.array_equal(image.pixels[:, 30:], picture()[:, 30:])


def test_grey_of_a_colour_picture_is_what_it_was() -> None:
    data = encoded(picture(60, 60), "PNG")
    luma = np.asarray(PillowImage.fromarray(read_colour(data).pixels).convert("L"))
    assert np.array_equal(read_image(data, ppi=500).pixels, luma)


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ImageEmptyError):
        read_colour(b"")
    with pytest.raises(ImageFormatError):
        read_colour(b"no picture at all")
    data = encoded(picture(), "PNG")
    with pytest.raises((ImageCorruptError, ImageFormatError)):
        read_colour(data[:60] + b"\0\0" + data[62:])
    with pytest.raises(ImageTooLargeError):
        read_colour(b"P5 20000 20000 255\n")


def test_arrays_of_any_sort_become_rgb() -> None:
    pixels = picture()
    assert np.array_equal(colour_from_array(pixels).pixels, pixels)
    assert np.array_equal(colour_from_array(pixels / 255.0).pixels, pixels)
    assert np.array_equal(colour_from_array(pixels.astype(np.uint16) * 257).pixels, pixels)
    grey = pixels[:, :, 1]
    for given in (grey, grey[:, :, None]):
        assert np.array_equal(colour_from_array(given).pixels, np.repeat(grey[:, :, None], 3, axis=2))
    opaque = np.dstack([pixels, np.full((40, 60), 255, np.uint8)])
    assert np.array_equal(colour_from_array(opaque).pixels, pixels)
    with pytest.raises(ArgumentError):
        colour_from_array(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(ArgumentError):
        colour_from_array(np.zeros((4, 4, 3), np.int64))


def test_a_colour_image_has_three_channels_and_is_frozen() -> None:
    image = ColourImage(picture())
    assert not image.pixels.flags.writeable
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ArgumentError):
            ColourImage(wrong)
