"""Images of ANSI/NIST-ITL records: every compression, resolution, position and outline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.errors import (
    ImageError,
    ImageTruncatedError,
    RecordCorruptError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.ansi_nist import read_ansi_nist
from matcher.formats.ansi_nist_images import RecordImage, images_of
from matcher.formats.ansi_nist_layout import Missing, PrintPart, PrintQuality, Segment
from matcher.formats.ansi_nist_record import BinaryRecord, Field, Record, Transaction
from matcher.formats.finger_positions import SLAP_FINGERS, fingers_of, position_name
from matcher.formats.stored_image import Compression, StoredImage
from matcher.image.read import read_image
from matcher.types import FingerPosition, ResolutionSource

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "transaction_v1.an2"


def only(golden: ModuleType, record: Record, **header: object) -> RecordImage:
    """The image of a record."""
    (image,) = images_of(Transaction((golden.header(**header), record)))
    return image


def test_golden_images_decode_to_what_was_written(golden: ModuleType) -> None:
    grey = golden.ridges()
    images = {(i.record_type, i.idc): i for i in images_of(read_ansi_nist(GOLDEN.read_bytes()))}
    assert set(images) == {
        (3, 1),
        (4, 2),
        (5, 3),
        (6, 4),
        (10, 7),
        (13, 8),
        (14, 9),
        (14, 10),
        (15, 11),
        (17, 12),
    }
    for key in ((13, 8), (14, 9), (15, 11), (14, 10)):
        assert np.array_equal(images[key].image.decode().pixels, grey), key
    for key in ((4, 2), (10, 7)):  # WSQ and JPEG lose a little.
        difference = np.abs(images[key].image.decode().pixels.astype(int) - grey)
        assert difference.mean() < 6, key
    assert np.array_equal(images[6, 4].image.decode().pixels, np.where(grey < 128, 0, 255))
    assert images[3, 1].image.decode().pixels.shape == (2 * golden.HEIGHT, 2 * golden.WIDTH)
    kinds = [images[key].kind for key in ((4, 2), (10, 7), (13, 8), (15, 11), (17, 12))]
    assert kinds == ["finger", "face", "latent", "palm", "iris"]
    assert [images[key].is_print for key in ((4, 2), (13, 8), (15, 11), (10, 7))] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "compression"),
    [
        ("NONE", Compression.NONE),
        ("0", Compression.NONE),
        ("WSQ20", Compression.WSQ),
        ("1", Compression.WSQ),
        ("JPEGB", Compression.JPEG),
        ("JPEGL", Compression.JPEG_LOSSLESS),
        ("jp2", Compression.JPEG2000),
        ("JP2L", Compression.JPEG2000_LOSSLESS),
        ("5", Compression.JPEG2000_LOSSLESS),
        ("PNG", Compression.PNG),
        ("9", Compression.OTHER),
        ("X", Compression.OTHER),
        ("", Compression.OTHER),
    ],
)
def test_names_and_codes_of_compression(golden: ModuleType, name: str, compression: Compression) -> None:
    assert only(golden, golden.tagged(14, 1, b"", name)).image.compression is compression
    if name.isdigit():
        assert only(golden, golden.binary(4, 1, b"", code=int(name))).image.compression is compression


def test_an_unknown_compression_is_read_by_what_the_bytes_are(golden: ModuleType) -> None:
    grey = golden.ridges()
    for data in (golden.save(grey, "PNG"), golden.save(grey, "JPEG2000")):
        image = only(golden, golden.tagged(14, 1, data, "OWN"))
        assert np.array_equal(image.image.decode().pixels, grey)


def test_the_resolution_is_the_records_word(golden: ModuleType) -> None:
    grey = golden.ridges(width=200, height=200)

    def decoded(unit: int, scale: int) -> tuple[float, str, int]:
        record = golden.tagged(14, 1, golden.save(grey, "PNG", dpi=(300, 300)), "PNG")
        for number, value in ((6, 200), (7, 200), (8, unit), (9, scale), (10, scale)):
            record = record.with_field(Field.of(14, number, value))
        image = only(golden, record).image.decode()
        return round(image.native_ppi), image.resolution_source.name, image.width

    assert decoded(1, 500) == (500, "FILE", 200)
    assert decoded(1, 1000) == (1000, "FILE", 100)
    assert decoded(2, 197) == (500, "FILE", 200)
    assert decoded(2, 394) == (1000, "FILE", 100)
    assert decoded(1, 200) == (200, "FILE", 500)  # A container says it on purpose, unlike a picture file.
    assert decoded(0, 1) == (300, "FILE", 333)  # Only an aspect ratio: the image's own is taken.
    assert decoded(1, 72) == (300, "FILE", 333)
    image = only(golden, golden.tagged(14, 1, golden.save(golden.ridges(), "PNG"), "PNG", unit=0)).image
    assert image.decode().resolution_source is ResolutionSource.ASSUMED
    assert image.decode(ppi=250).width == 2 * golden.WIDTH


@pytest.mark.parametrize(
    ("kind", "native", "scan", "transmitted", "ppi"),
    [
        (3, 0, "19.69", "09.84", 250),
        (3, 1, "19.69", "09.84", 250),
        (3, 1, "19.69", "19.69", 500),
        (4, 0, "39.37", "39.37", 500),
        (4, 1, "39.37", "19.69", 1000),
        (4, 1, "19.68", "19.68", 500),
        (4, 1, "00.00", "00.00", 500),
        (4, 1, "junk", "00.00", 500),
        (6, 1, "23.62", "00.00", 599.9),
        (5, 0, "19.69", "19.69", 250),
    ],
)
def test_resolutions_of_binary_records(
    golden: ModuleType, kind: int, native: int, scan: str, transmitted: str, ppi: float
) -> None:
    image = only(golden, golden.binary(kind, 1, b"", native=native), f11=scan, f12=transmitted)
    assert image.image.ppi is not None
    assert image.image.ppi[0] == image.image.ppi[1] == pytest.approx(ppi, abs=0.1)


def test_positions_and_impressions(golden: ModuleType) -> None:
    several = golden.binary(4, 1, b"")
    several = replace(several, body=bytes([3, 2, 3, 255, 255, 255, 255]) + several.body[7:])
    image = only(golden, several)
    assert (image.positions, image.impression) == ((2, 3), 3)
    assert image.fingers == (FingerPosition.RIGHT_INDEX,)
    joint = only(golden, golden.tagged(14, 1, b"", "PNG", Field.of(14, 13, 19), Field.of(14, 14, (7, "EJI"))))
    assert joint.fingers == (FingerPosition.LEFT_INDEX,)
    assert only(golden, golden.tagged(14, 1, b"", "PNG")).fingers == ()
    assert only(golden, golden.tagged(17, 1, b"", "PNG")).impression is None


def test_what_a_slap_says_of_its_fingers(golden: ModuleType) -> None:
    images = {(i.record_type, i.idc): i for i in images_of(read_ansi_nist(GOLDEN.read_bytes()))}
    slap = images[14, 9]
    assert slap.fingers == SLAP_FINGERS[13]
    assert slap.segments == (
        Segment(2, ((1, 2), (13, 2), (13, 60), (1, 60))),
        Segment(4, ((15, 2), (27, 2), (27, 62), (15, 62))),
        Segment(5, ((40, 3), (50, 5), (49, 60), (39, 58))),
    )
    assert slap.missing == (Missing(3, "XX"),)
    assert slap.qualities == (
        PrintQuality(2, 1, "NIST", 1),
        PrintQuality(4, 3, "NIST", 1),
        PrintQuality(2, 77, "000F", 1),
    )
    assert images[13, 8].parts == (
        PrintPart("FV1", "NA", (0, 55, 0, 63)),
        PrintPart("FV1", "DST", (5, 50, 2, 20)),
    )


def test_position_codes_in_words() -> None:
    assert fingers_of(13) == (2, 3, 4, 5)
    assert fingers_of(14) == (7, 8, 9, 10)
    assert set(fingers_of(15)) == {1, 6}
    assert fingers_of(11) == (1,)
    assert fingers_of(12) == (6,)
    assert fingers_of(0) == fingers_of(19) == fingers_of(25) == fingers_of(200) == ()
    names = [position_name(code) for code in (0, 7, 11, 13, 15, 19, 25, 41, 61, 99)]
    assert names == [
        "unknown",
        "left-index",
        "plain-right-thumb",
        "right-four",
        "left-thumb+right-thumb",
        "entire-joint",
        "palm-25",
        "right-middle+right-ring",
        "sole-61",
        "position-99",
    ]


@pytest.mark.parametrize(
    ("number", "items"),
    [
        (21, (2, 1, 13, 2)),
        (21, (2, 1, 13, 2, "x")),
        (25, (2, 4, 1, 1, 2, 2, 3, 3)),
        (25, (2, 2, 1, 1, 2, 2)),
        (25, (2,)),
        (15, ("FV1", "NA", 1)),
        (18, (2,)),
        (22, (2,)),
        (24, (2, 70, "000F")),
        (13, ("thumb",)),
        (6, ("wide",)),
        (12, ("8 bits",)),
    ],
)
def test_fields_that_contradict_themselves(
    golden: ModuleType, number: int, items: tuple[object, ...]
) -> None:
    record = golden.tagged(14, 1, b"", "PNG").with_field(Field.of(14, number, items))
    with pytest.raises(RecordCorruptError):
        only(golden, record)


def test_a_binary_header_that_is_too_short(golden: ModuleType) -> None:
    with pytest.raises(RecordCorruptError):
        only(golden, BinaryRecord(4, 1, bytes(12)))


def test_raw_images_are_held_to_their_size() -> None:
    image = StoredImage(bytes(60 * 50), Compression.NONE, 60, 50)
    assert image.decode().pixels.shape == (50, 60)
    with pytest.raises(RecordTruncatedError):
        replace(image, data=bytes(60 * 50 - 1)).decode()
    with pytest.raises(RecordCorruptError):
        replace(image, data=bytes(60 * 50 + 1)).decode()
    with pytest.raises(RecordUnsupportedError):
        replace(image, bits=24).decode()
    with pytest.raises(RecordUnsupportedError):
        replace(image, compression=Compression.FAX).decode()
    for size in ((0, 0), (60, 0), (60_000, 60_000), (65_535, 65_535)):
        with pytest.raises(ImageError):
            replace(image, width=size[0], height=size[1]).decode()
    with pytest.raises(ImageError):
        replace(image, data=b"").decode()


@pytest.mark.parametrize("bits", [1, 2, 4, 7, 8, 10, 12, 16])
def test_packed_and_unpacked_samples_of_every_depth(bits: int) -> None:
    rng = np.random.default_rng(bits)
    values = rng.integers(0, 2**bits, (49, 51))
    expected = np.floor(values * 255 / (2**bits - 1) + 0.5).astype(np.uint8)
    one_by_one = values.astype(">u2" if bits > 8 else np.uint8).tobytes()
    planes = (values[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    gapless = np.packbits(planes.astype(np.uint8).ravel()).tobytes()
    rows = np.packbits(planes.reshape(49, -1).astype(np.uint8), axis=1).tobytes()
    for data, compression in (
        (one_by_one, Compression.NONE),
        (gapless, Compression.PACKED),
        (rows, Compression.PACKED),
    ):
        image = StoredImage(data, compression, 51, 49, bits=bits)
        assert np.array_equal(image.decode().pixels, expected)


def test_raw_colour_becomes_grey_and_stays_colour_in_a_picture(golden: ModuleType) -> None:
    colour = np.zeros((golden.HEIGHT, golden.WIDTH, 3), dtype=np.uint8)
    colour[:, :, 0] = 200
    image = only(golden, golden.tagged(10, 1, colour.tobytes(), "NONE", unit=0)).image
    assert image.channels == 3
    assert set(np.unique(image.decode().pixels)) == {60}
    jpeg = only(golden, golden.tagged(10, 1, golden.save(colour, "PNG"), "PNG", unit=0)).image
    for stored in (image, jpeg):
        picture = read_png(stored.to_png())
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), colour)


def read_png(data: bytes) -> PillowImage.Image:
    """Open a PNG file."""
    import io

    return PillowImage.open(io.BytesIO(data), formats=["PNG"])


def test_pictures_keep_their_resolution(golden: ModuleType) -> None:
    for image in images_of(read_ansi_nist(GOLDEN.read_bytes())):
        again, before = read_image(image.image.to_png()), image.image.decode()
        assert np.array_equal(again.pixels, before.pixels)
        assert again.native_ppi == pytest.approx(before.native_ppi, abs=0.1)
        assert (image.image.ppi is None) == (again.resolution_source is ResolutionSource.ASSUMED)


def test_a_damaged_image_inside_a_whole_record_is_typed(golden: ModuleType) -> None:
    data = golden.save(golden.ridges(), "PNG")
    with pytest.raises(ImageTruncatedError):
        only(golden, golden.tagged(14, 1, data[:-20], "PNG")).image.decode()
    with pytest.raises(ImageError):
        only(golden, golden.tagged(14, 1, b"", "WSQ20")).image.decode()


def test_representations_show_no_pixels(golden: ModuleType) -> None:
    image = only(golden, golden.tagged(14, 1, golden.ridges().tobytes(), "NONE"))
    assert len(repr(image)) < 400
    assert "\\x" not in repr(image)


def test_real_ten_print_card_decodes_as_nist_does(real_data: Path) -> None:
    folder = real_data / "formats" / "ansi-nist"
    images = images_of(read_ansi_nist((folder / "ansi/references/type-4-tpcard.an2").read_bytes()))
    assert [image.positions[0] for image in images] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 12, 11, 13]
    assert [image.impression for image in images] == [3] * 10 + [2] * 4
    for image in images:
        reference = read_image(folder / f"samples/nist/fp-{image.positions[0]}.png", ppi=500)
        decoded = image.image.decode()
        assert decoded.native_ppi == 500
        assert int(np.abs(decoded.pixels.astype(int) - reference.pixels).max()) <= 1


def test_real_images_decode(real_data: Path) -> None:
    root = real_data / "formats"
    sizes = 0
    for path in sorted((root / "ansi-nist/ansi/references").glob("*.an2")):
        for image in images_of(read_ansi_nist(path.read_bytes())):
            decoded = image.image.decode()
            ppi = image.image.ppi or (decoded.native_ppi,) * 2
            wide = round(image.image.width * 500 / ppi[0])
            assert abs(decoded.width - wide) <= 1, (path.name, image.idc)
            sizes += 1
    assert sizes == 76
