"""Writes the golden files of face image records: run once, by the program of that version, then kept.

    python tests/golden/write_face_records_v1.py

The "photographs" are drawn: ellipses on a gradient. No person is in them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from matcher.formats.iso19794_5 import write_face_image_record
from matcher.formats.iso19794_5_record import FaceFormat, FaceImage, FaceImageRecord, FacePoint
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression

WIDTH, HEIGHT = 72, 96


def portrait(shade: int = 0) -> npt.NDArray[np.uint8]:
    """Return a drawn face, uint8 (HEIGHT, WIDTH, 3)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([120 + y, 160 + 0 * x, 200 - y], axis=-1).astype(np.uint8)
    picture[((x - 36) / 22) ** 2 + ((y - 48) / 30) ** 2 < 1] = (200 - shade, 150, 120)
    for eye in (27, 45):
        picture[(x - eye) ** 2 + (y - 40) ** 2 < 12] = (40, 30, 30)
    picture[(abs(x - 36) < 9) & (abs(y - 62) < 2)] = (150, 40, 50)
    return picture


def save(pixels: npt.NDArray[np.uint8], form: str, **options: object) -> bytes:
    """Return pixels as a file of a Pillow format."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=form, **options)
    return file.getvalue()


def golden_face_record(face_format: FaceFormat) -> FaceImageRecord:
    """Return the record that the golden file of a format holds."""
    jpeg = save(portrait(), "JPEG", quality=90)
    points = (FacePoint(1, 0x31, 27, 40), FacePoint(1, 0x32, 45, 40, 7))
    common = {"width": WIDTH, "height": HEIGHT, "points": points, "features": 0x010203, "image_type": 1}
    common |= {"pose": (1, 2, 180), "pose_uncertainty": (3, 4, 5), "colour_space": 1, "expression": 0x8001}
    if face_format is FaceFormat.ISO_2005:
        first = FaceImage(
            jpeg, Compression.JPEG, source_type=2, device_type=9, qualities=(QualityBlock(70),), **common
        )
        other = FaceImage(
            save(portrait(60), "JPEG2000", irreversible=True),
            Compression.JPEG2000,
            WIDTH,
            HEIGHT,
            qualities=(QualityBlock(0x1234),),
        )
        return FaceImageRecord(face_format, (first, other))
    capture = Capture(bytes.fromhex("07e701020304050006"), 1, 2, 3)
    first = FaceImage(
        jpeg,
        Compression.JPEG,
        subject_height=170,
        gender=1,
        eye_colour=2,
        hair_colour=3,
        qualities=(QualityBlock(80, 6, 55), QualityBlock(255)),
        capture=capture,
        sampling=2,
        processing=0x0102,
        cross_reference=0,
        **common,
    )
    other = FaceImage(
        save(portrait(60), "PNG"), Compression.PNG, WIDTH, HEIGHT, cross_reference=1, extended=b"\x01\x02"
    )
    return FaceImageRecord(face_format, (first, other), temporal=1)


if __name__ == "__main__":
    for name in FaceFormat:
        path = Path(__file__).with_name(f"face_record_v1_{name}.bin")
        path.write_bytes(write_face_image_record(golden_face_record(name)))
