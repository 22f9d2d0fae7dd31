"""Synthetic ridge patterns and files of every format, made on the spot."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

U8 = npt.NDArray[np.uint8]
REFERENCE = Path(__file__).resolve().parent.parent / "reference_wsq.py"


def make_ridges(height: int, width: int, seed: int = 0) -> U8:
    """A curved ridge pattern with noise, period 9 pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    angle = 0.7 + 0.004 * x + 0.003 * y + seed
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 9
    return np.clip(128 + 90 * np.sin(phase) + rng.normal(0, 6, (height, width)), 0, 255).astype(np.uint8)


def save(pixels: npt.NDArray[Any] | PillowImage.Image, image_format: str, **options: Any) -> bytes:
    """Let Pillow write a file."""
    picture = pixels if isinstance(pixels, PillowImage.Image) else PillowImage.fromarray(pixels)
    file = io.BytesIO()
    picture.save(file, format=image_format, **options)
    return file.getvalue()


def samples_of_all_formats(wsq: ModuleType) -> dict[str, bytes]:
    """One small well-formed file of each format and of its main varieties."""
    grey = make_ridges(90, 83)
    picture = PillowImage.fromarray(grey)
    colour = picture.convert("RGB")
    return {
        "png": save(grey, "PNG", dpi=(500, 500)),
        "png-palette": save(picture.convert("P"), "PNG"),
        "png-16": save(grey.astype(np.uint16) * 257, "PNG"),
        "jpeg": save(colour, "JPEG", quality=90),
        "jpeg-progressive": save(grey, "JPEG", progressive=True),
        "tiff-raw": save(grey, "TIFF"),
        "tiff-lzw": save(picture.convert("P"), "TIFF", compression="tiff_lzw"),
        "tiff-deflate": save(colour, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-group4": save(picture.convert("1"), "TIFF", compression="group4"),
        "bmp": save(grey, "BMP"),
        "bmp-colour": save(colour, "BMP"),
        "pgm": save(grey, "PPM"),
        "pgm-plain": b"P2\n# plain\n83 90\n255\n" + b" ".join(b"%d" % v for v in grey.ravel()) + b"\n",
        "jp2": save(grey, "JPEG2000"),
        "j2k-tiled": save(grey, "JPEG2000", no_jp2=True, tile_size=(64, 64)),
        "wsq": wsq.Encoder(bin_width=0.4).encode(grey)[0],
    }


@pytest.fixture(scope="session")
def ridges() -> Callable[..., U8]:
    """Makes a ridge pattern: (height, width, seed=0)."""
    return make_ridges


@pytest.fixture(scope="session")
def save_as() -> Callable[..., bytes]:
    """Writes pixels as a file: (pixels, Pillow format, options)."""
    return save


@pytest.fixture(scope="session")
def reference_wsq() -> ModuleType:
    """The slow WSQ encoder of tests/reference_wsq.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_wsq", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def all_formats(reference_wsq: ModuleType) -> dict[str, bytes]:
    """Well-formed files by name."""
    return samples_of_all_formats(reference_wsq)
