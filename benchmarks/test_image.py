"""Time of reading one image: WSQ by our own decoder, other formats by Pillow behind a structure check.

A synthetic pattern of 500 x 500 pixels; `python -m pytest benchmarks/test_image.py --benchmark-only`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from wsq import WsqImagePlugin

from matcher.image.read import read_image

SIDE = 500
"""Width and height, pixels."""


def ridges() -> np.ndarray:
    """A curved ridge pattern with noise, period 9 pixels, seeded."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    radius = np.hypot(x - 240, y - 900)
    noise = np.random.default_rng(1).normal(0, 6, (SIDE, SIDE))
    return np.clip(128 + 90 * np.sin(2 * np.pi * radius / 9) + noise, 0, 255).astype(np.uint8)


def file_of(image_format: str) -> bytes:
    """The pattern as a file."""
    pixels = ridges()
    if image_format == "WSQ":
        return bytes(WsqImagePlugin._wsq.compress(pixels.tobytes(), SIDE, SIDE, 0.75))
    file = io.BytesIO()
    dpi = (1000, 1000) if image_format == "PNG at 1000 ppi" else (500, 500)
    PillowImage.fromarray(pixels).save(file, format=image_format.split()[0], dpi=dpi)
    return file.getvalue()


@pytest.mark.parametrize("image_format", ["WSQ", "PNG", "PNG at 1000 ppi", "JPEG", "TIFF", "BMP", "JPEG2000"])
def test_reading_an_image(benchmark: Any, image_format: str) -> None:
    """Bytes to an `Image` at 500 ppi."""
    data = file_of(image_format)
    image = benchmark(read_image, data)
    side = SIDE // 2 if image_format == "PNG at 1000 ppi" else SIDE
    assert image.pixels.shape == (side, side)
    assert image.pixels.std() > 40
