"""Writes the golden file of ISO/IEC 19794-6:2011 records: run once, then kept.

    python tests/golden/write_iris_record_v1.py

The eyes are circles; no person is in them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from matcher.formats.iso19794_6 import write_iris_image_record
from matcher.formats.iso19794_6_record import CROPPED, VGA, IrisImage, IrisImageRecord
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression
from matcher.iris.types import EyePosition

HEIGHT, WIDTH = 60, 80
HISTORY = 1 << 6


def eye(shade: int = 0) -> npt.NDArray[np.uint8]:
    """Return a drawn eye, uint8 (HEIGHT, WIDTH), not symmetric."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(x - 34, y - 28)
    picture = np.where(away < 20, 110 - shade + (x + 2 * y) % 24, 190 - x // 4)
    return np.where(away < 8, 20, picture).astype(np.uint8)


def save(pixels: npt.NDArray[np.uint8], form: str, **options: object) -> bytes:
    """Return pixels as a file of a Pillow format."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=form, **options)
    return file.getvalue()


def golden_iris_record() -> IrisImageRecord:
    """Return the record that the golden file holds: one picture in each compression."""
    size = {"width": WIDTH, "height": HEIGHT}
    raw = IrisImage(
        eye().tobytes(),
        Compression.NONE,
        eye=EyePosition.RIGHT,
        number=1,
        image_type=VGA,
        properties=0b0101 | HISTORY,
        distance=250,
        roll=182,
        roll_uncertainty=91,
        center=(33, 35, 27, 29),
        diameter=(39, 41),
        qualities=(QualityBlock(80, 6, 55), QualityBlock(255)),
        capture=Capture(bytes.fromhex("07e701020304050006"), 1, 2, 3),
        **size,
    )
    png = IrisImage(
        save(eye()[:, ::-1], "PNG"),
        Compression.PNG,
        eye=EyePosition.LEFT,
        number=2,
        image_type=CROPPED,
        properties=0b0110 | HISTORY,
        **size,
    )
    lossless = IrisImage(save(eye(20), "JPEG2000"), Compression.JPEG2000, number=3, **size)
    jpeg = IrisImage(save(eye(40), "JPEG", quality=95), Compression.JPEG, number=4, **size)
    return IrisImageRecord((raw, png, lossless, jpeg), eye_count=2)


if __name__ == "__main__":
    path = Path(__file__).with_name("iris_record_v1_iso19794-6-2011.bin")
    path.write_bytes(write_iris_image_record(golden_iris_record()))
