"""Writes golden files of the formats that hold images: run once, then kept; later programs must read them.

    python tests/golden/write_image_records_v1.py

Images are ridge patterns from a formula; no person is in them.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from matcher.formats.ansi_nist import write_ansi_nist
from matcher.formats.ansi_nist_record import BinaryRecord, Field, TaggedRecord, Transaction
from matcher.formats.iso19794_4 import write_finger_image_record
from matcher.formats.iso19794_4_record import FingerImage, FingerImageRecord, ImageFormat, ScaleUnit
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 56, 64
"""Pixels: the smallest images that are read have sides of 48."""

U8 = npt.NDArray[np.uint8]

MINUTIAE = ((10, 20, 0, 1, 90), (30, 25, 45, 2, 80), (40, 50, 179, 0, 70))
"""x, y from the upper left in pixels, direction in units of 2 degrees, kind, quality."""


def ridges(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> U8:
    """A ridge pattern, period 9 pixels, without noise."""
    y, x = np.mgrid[0:height, 0:width]
    angle = 0.7 + 0.004 * x + 0.003 * y + seed
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 9)
    return np.rint(128 + 90 * wave).astype(np.uint8)


def save(pixels: npt.NDArray[np.uint8], image_format: str, **options: object) -> bytes:
    """Let Pillow write a file."""
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, format=image_format, **options)
    return file.getvalue()


def wsq(pixels: U8) -> bytes:
    """Let the slow encoder of the tests write a WSQ file."""
    spec = importlib.util.spec_from_file_location("golden_wsq", HERE.parent / "reference_wsq.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return bytes(module.Encoder(bin_width=0.4).encode(pixels)[0])


def binary(
    kind: int, idc: int, data: bytes, *, position: int = 2, native: int = 0, code: int = 0
) -> BinaryRecord:
    """A record of Types 3 to 6 with an image of WIDTH x HEIGHT."""
    positions = bytes([position]) + b"\xff" * 5
    size = WIDTH.to_bytes(2, "big") + HEIGHT.to_bytes(2, "big")
    return BinaryRecord(kind, idc, bytes([3]) + positions + bytes([native]) + size + bytes([code]) + data)


def tagged(kind: int, idc: int, data: bytes, algorithm: str, *more: Field, unit: int = 1) -> TaggedRecord:
    """A tagged image record with an image of WIDTH x HEIGHT at 500 ppi."""
    scale = {0: 1, 1: 500, 2: 197}[unit]
    fields = [
        Field.of(kind, 2, f"{idc:02d}"),
        Field.of(kind, 3, {10: "FACE", 17: 2}.get(kind, 3)),
        Field.of(kind, 4, "SYNTHETIC"),
        Field.of(kind, 5, "20260101"),
        Field.of(kind, 6, WIDTH),
        Field.of(kind, 7, HEIGHT),
        Field.of(kind, 8, unit),
        Field.of(kind, 9, scale),
        Field.of(kind, 10, scale),
        Field.of(kind, 11, algorithm),
        Field.of(kind, 12, "SRGB" if kind == 10 else 8),
        *more,
    ]
    return TaggedRecord(kind, (*fields, Field(f"{kind}.999", data)))


def header(**fields: object) -> TaggedRecord:
    """A Type-1 record; LEN and CNT are left to the writer."""
    values = {2: "0502", 4: "TST", 5: "20260101", 7: "DAI", 8: "ORI", 9: "0001", 11: "19.69", 12: "19.69"}
    values |= {int(name[1:]): str(value) for name, value in fields.items()}
    return TaggedRecord(1, tuple(Field.of(1, number, value) for number, value in sorted(values.items())))


def standard_minutiae(idc: int) -> TaggedRecord:
    """MINUTIAE in the standard fields: 0.01 mm from the lower left, degrees, pointing the other way."""
    rows = []
    for number, (x, y, angle, kind, quality) in enumerate(MINUTIAE, start=1):
        mm = 2540 / 500
        across, up = round(x * mm), round((HEIGHT - 0.5 - y) * mm)
        turned = (2 * angle + 180) % 360
        worse = round(63 - quality * 61 / 100)
        rows.append((f"{number:03d}", f"{across:04d}{up:04d}{turned:03d}", f"{worse:02d}", "DAB"[kind]))
    fields = (
        Field.of(9, 2, f"{idc:02d}"),
        Field.of(9, 3, 3),
        Field.of(9, 4, "S"),
        Field.of(9, 5, ("SYNTHETIC", "A")),
        Field.of(9, 6, "02"),
        Field.of(9, 7, ("T", "UN")),
        Field.of(9, 10, len(rows)),
        Field.of(9, 11, 0),
        Field.of(9, 12, *rows),
    )
    return TaggedRecord(9, fields)


def m1_minutiae(idc: int) -> TaggedRecord:
    """MINUTIAE in the fields of INCITS 378."""
    rows = [(f"{n:03d}", *minutia) for n, minutia in enumerate(MINUTIAE, start=1)]
    values: dict[int, object] = {
        2: f"{idc:02d}",
        3: 3,
        4: "U",
        126: ("27", "513", "unspecified"),
        127: ("APPF", 0),
        128: WIDTH,
        129: HEIGHT,
        130: 2,
        131: 197,
        132: 197,
        133: 0,
        134: "02",
        135: (85, "000F", 1),
        136: len(rows),
    }
    fields = [Field.of(9, number, value) for number, value in values.items()]  # type: ignore[arg-type]
    return TaggedRecord(9, (*fields, Field.of(9, 137, *rows)))


def golden_transaction() -> Transaction:
    """One record of each type that is known, and one that is not."""
    grey = ridges()
    bits = np.packbits(grey < 128, axis=1).tobytes()
    slap = (
        Field.of(14, 13, 13),
        Field.of(14, 18, (3, "XX")),
        Field.of(14, 21, (2, 1, 13, 2, 60), (4, 15, 27, 2, 62)),
        Field.of(14, 22, (2, 1), (4, 3)),
        Field.of(14, 24, (2, 77, "000F", 1)),
        Field.of(14, 25, (5, 4, 40, 3, 50, 5, 49, 60, 39, 58)),
    )
    joints = (
        Field.of(13, 13, 19),
        Field.of(13, 14, (7, "EJI")),
        Field.of(13, 15, ("FV1", "NA", 0, 55, 0, 63), ("FV1", "DST", 5, 50, 2, 20)),
    )
    return Transaction(
        (
            header(),
            TaggedRecord(2, (Field.of(2, 2, "00"), Field.of(2, 3, ("nobody", "synthetic")))),
            binary(3, 1, grey.tobytes()),
            binary(4, 2, wsq(grey), position=1, code=1),
            binary(5, 3, bits),
            binary(6, 4, bits),
            BinaryRecord(7, 5, b"defined by the parties \x1c\x1d"),
            BinaryRecord(8, 6, bytes(12) + b"signature"),
            standard_minutiae(2),
            m1_minutiae(2),
            tagged(10, 7, save(np.stack([grey] * 3, axis=2), "JPEG"), "JPEGB", unit=0),
            tagged(13, 8, grey.tobytes(), "NONE", *joints),
            tagged(14, 9, save(grey, "PNG"), "PNG", *slap),
            tagged(14, 10, save(grey, "JPEG2000"), "JP2L", Field.of(14, 13, 2), unit=2),
            tagged(15, 11, grey.tobytes(), "NONE", Field.of(15, 13, 21)),
            tagged(17, 12, save(grey, "PNG"), "PNG"),
            TaggedRecord(98, (Field.of(98, 2, "13"), Field.of(98, 900, "unknown"))),
        )
    )


def golden_image_record(image_format: ImageFormat) -> FingerImageRecord:
    """Two views; in :2011 of two compressions, with qualities, certificate and extended data."""
    iso_2011 = image_format is ImageFormat.ISO_2011

    def view(position: int, data: bytes, compression: Compression) -> FingerImage:
        return FingerImage(
            data=data,
            compression=compression,
            width=WIDTH,
            height=HEIGHT,
            x_resolution=500 if iso_2011 else 197,
            y_resolution=500 if iso_2011 else 197,
            scale_unit=ScaleUnit.PIXELS_PER_INCH if iso_2011 else ScaleUnit.PIXELS_PER_CM,
            position=position,
            number=0 if iso_2011 else 1,
            view_count=None if iso_2011 else 1,
            impression=8,
            qualities=(QualityBlock(70 + position, 6, 55),) if iso_2011 else (QualityBlock(254),),
            capture_resolution=(500, 500) if iso_2011 else (197, 197),
            capture=Capture(technology=2, vendor=3, device=4, certificates=((6, 1),))
            if iso_2011
            else Capture(),
            extended=b"\x00\x03\x00\x0bcomment" if iso_2011 else b"",
        )

    second = (
        (save(ridges(1), "PNG"), Compression.PNG) if iso_2011 else (ridges(1).tobytes(), Compression.NONE)
    )
    views = (view(2, ridges().tobytes(), Compression.NONE), view(7, *second))
    ansi = image_format is ImageFormat.ANSI_2004
    return FingerImageRecord(
        image_format,
        views,
        finger_count=2,
        certification=int(iso_2011),
        device=0 if iso_2011 else 0xB5,
        acquisition_level=0 if iso_2011 else 31,
        vendor=0x42 if ansi else 0,
        product=0x11 if ansi else 0,
    )


def main() -> None:
    """Write the files beside this script."""
    (HERE / "transaction_v1.an2").write_bytes(write_ansi_nist(golden_transaction()))
    for image_format in ImageFormat:
        path = HERE / f"image_record_v1_{image_format}.bin"
        path.write_bytes(write_finger_image_record(golden_image_record(image_format)))


if __name__ == "__main__":
    main()
