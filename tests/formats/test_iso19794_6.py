"""Iris image records and Type 17: a layout by hand, round trips, pixels never resampled, any damage typed."""

from __future__ import annotations

import contextlib
import importlib.util
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import (
    ArgumentError,
    ImageError,
    InputError,
    RecordCorruptError,
    RecordError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.ansi_nist import write_ansi_nist
from matcher.formats.ansi_nist_record import Field, Transaction
from matcher.formats.contents import contents_of
from matcher.formats.eyes import decode_eye, eye_image, read_eye
from matcher.formats.iso19794_4 import write_finger_image_record
from matcher.formats.iso19794_4_record import ImageFormat
from matcher.formats.iso19794_6 import (
    is_iris_image_record,
    read_iris_image_record,
    write_iris_image_record,
)
from matcher.formats.iso19794_6_record import FORMAT_CODES, IrisImage, IrisImageRecord
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression
from matcher.iris.types import EyePosition

FOLDER = Path(__file__).resolve().parent.parent / "golden"
GOLDEN = FOLDER / "iris_record_v1_iso19794-6-2011.bin"

# IIR 020, length 75; 1 representation, flag 0, 1 eye; 59 bytes: date, device 2/3/4, 1 quality 90 by 6/55;
# number 1; left, VGA, PNG, properties; 2 x 1; 8 bits, 250 mm; roll 5, 7; centre; diameter; 2 bytes
BY_HAND = bytes.fromhex(
    "49495200 30323000 0000004b 0001 00 01"
    "0000003b 07e70102030405000a 02 0003 0004 01 5a00060037"
    "0001 02 02 0e 46 0002 0001 08 00fa 0005 0007 0001 0002 0003 0004 0005 0006 00000002 1122"
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script of the golden file."""
    spec = importlib.util.spec_from_file_location("write_iris_record_v1", FOLDER / "write_iris_record_v1.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_layout_by_hand() -> None:
    record = read_iris_image_record(BY_HAND)
    assert write_iris_image_record(record) == BY_HAND
    assert (record.eye_count, record.certification) == (1, 0)
    (image,) = record.images
    assert (image.eye, image.number, image.image_type) == (EyePosition.LEFT, 1, 2)
    assert (image.compression, image.colour, image.bits) == (Compression.PNG, False, 8)
    assert (image.width, image.height, image.data) == (2, 1, b"\x11\x22")
    assert (image.mirrored, image.distance) == ((True, False), 250)
    assert (image.roll, image.roll_uncertainty) == (5, 7)
    assert (image.center, image.diameter) == ((1, 2, 3, 4), (5, 6))
    assert (image.qualities, image.quality) == ((QualityBlock(90, 6, 55),), 90)
    assert (image.capture.technology, image.capture.vendor, image.capture.device) == (2, 3, 4)


def test_golden_file_reads_and_is_still_written_alike(script: ModuleType) -> None:
    data = GOLDEN.read_bytes()
    record, expected = read_iris_image_record(data), script.golden_iris_record()
    assert write_iris_image_record(record) == data
    # Encoders of images may change; what a record says of them may not.
    assert [replace(i, data=b"") for i in record.images] == [replace(i, data=b"") for i in expected.images]
    assert replace(record, images=expected.images) == expected


def test_pictures_decode_as_seen_at_their_own_size(script: ModuleType) -> None:
    entries = contents_of(GOLDEN.read_bytes()).entries
    raw, mirrored, lossless, jpeg = (decode_eye(entry) for entry in entries)
    assert np.array_equal(raw, script.eye())
    # Stored from right to left, and says so.
    assert np.array_equal(mirrored, script.eye())
    assert np.array_equal(lossless, script.eye(20))
    assert np.abs(jpeg.astype(int) - script.eye(40)).mean() < 3
    assert [entry.eye.name for entry in entries] == ["RIGHT", "LEFT", "UNKNOWN", "UNKNOWN"]
    assert [entry.kind for entry in entries] == ["iris"] * 4
    assert [entry.note for entry in entries] == ["quality 80", "", "", ""]


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("colour", [False, True])
def test_every_compression_is_kept_or_refused(compression: Compression, colour: bool) -> None:
    record = IrisImageRecord((IrisImage(b"xy", compression, 2, 1, colour=colour),))
    if (compression, colour) in FORMAT_CODES:
        (again,) = read_iris_image_record(write_iris_image_record(record)).images
        assert (again.compression, again.colour, again.data) == (compression, colour, b"xy")
    else:
        with pytest.raises(RecordUnsupportedError, match="has no code"):
            write_iris_image_record(record)


@pytest.mark.parametrize(
    "compression", [Compression.NONE, Compression.PNG, Compression.JPEG2000, Compression.JPEG]
)
def test_a_picture_goes_into_a_record_and_out_again(script: ModuleType, compression: Compression) -> None:
    image = eye_image(script.eye(), eye=EyePosition.RIGHT, compression=compression)
    pixels, eye = read_eye(write_iris_image_record(IrisImageRecord((image,))))
    assert eye is EyePosition.RIGHT
    assert pixels.shape == script.eye().shape
    error = np.abs(pixels.astype(int) - script.eye()).mean()
    assert error < 3 if compression is Compression.JPEG else error == 0
    # An image file gives the same picture, of nobody knows which eye.
    if compression is Compression.PNG:
        again, unknown = read_eye(image.data)
        assert np.array_equal(again, pixels)
        assert unknown is EyePosition.UNKNOWN


def test_raw_samples_in_colour_and_of_16_bits_become_grey(script: ModuleType) -> None:
    eye = script.eye()
    wide = replace(eye_image(eye, compression=Compression.NONE), bits=16)
    wide = replace(wide, data=(eye.astype(">u2") * 257).tobytes())
    colour = replace(eye_image(eye, compression=Compression.NONE), colour=True)
    colour = replace(colour, data=np.stack([eye] * 3, axis=-1).tobytes())
    for image in (wide, colour):
        pixels, _ = read_eye(write_iris_image_record(IrisImageRecord((image,))))
        assert np.array_equal(pixels, eye)
    cut = replace(wide, data=wide.data[:-1])
    with pytest.raises(RecordTruncatedError):
        read_eye(write_iris_image_record(IrisImageRecord((cut,))))


U8, U16 = st.integers(0, 255), st.integers(0, 65535)


@st.composite
def iris_records(draw: st.DrawFn) -> IrisImageRecord:
    """Any record that the format holds."""
    images = []
    for _ in range(draw(st.integers(1, 3))):
        compression, colour = draw(st.sampled_from(sorted(FORMAT_CODES)))
        own: dict[str, object] = {name: draw(U16) for name in ("width", "height", "number", "distance")}
        own |= {name: draw(U16) for name in ("roll", "roll_uncertainty")}
        own |= {name: draw(U8) for name in ("image_type", "properties")}
        own["center"] = draw(st.tuples(U16, U16, U16, U16))
        own["diameter"] = draw(st.tuples(U16, U16))
        own["qualities"] = tuple(draw(st.lists(st.builds(QualityBlock, U8, U16, U16), max_size=3)))
        own["capture"] = Capture(draw(st.binary(min_size=9, max_size=9)), draw(U8), draw(U16), draw(U16))
        own["bits"] = draw(st.integers(1, 16))
        own["eye"] = draw(st.sampled_from(EyePosition))
        images.append(IrisImage(draw(st.binary(max_size=30)), compression, colour=colour, **own))  # type: ignore[arg-type]
    return IrisImageRecord(tuple(images), draw(U8), draw(st.integers(0, 1)))


@settings(max_examples=100, deadline=None)
@given(iris_records())
def test_any_record_survives(record: IrisImageRecord) -> None:
    assert read_iris_image_record(write_iris_image_record(record)) == record


def test_the_number_of_eyes_is_counted_where_nobody_says(script: ModuleType) -> None:
    record = script.golden_iris_record()
    for images, eyes in ((record.images, 2), (record.images[:1], 1), (record.images[2:], 0)):
        written = write_iris_image_record(IrisImageRecord(images))
        assert read_iris_image_record(written).eye_count == eyes


def test_every_cut_is_told_as_truncated() -> None:
    for data in (BY_HAND, GOLDEN.read_bytes()):
        for length in range(len(data)):
            with pytest.raises(RecordTruncatedError):
                read_iris_image_record(data[:length])


@pytest.mark.parametrize(
    ("offset", "new", "error"),
    [
        (0, b"FIR\x00", RecordFormatError),
        (4, b"010\x00", RecordUnsupportedError),
        (8, b"\x7f", RecordTruncatedError),
        (11, b"\x4a", RecordCorruptError),
        (12, b"\x00\x00", RecordCorruptError),
        (12, b"\x00\x02", RecordCorruptError),
        (14, b"\x02", RecordCorruptError),
        (16, b"\x7f", RecordCorruptError),
        (19, b"\x33", RecordCorruptError),
        (19, b"\x3a", RecordCorruptError),
        (34, b"\xff", RecordCorruptError),
        (42, b"\x03", RecordCorruptError),
        (44, b"\x00", RecordCorruptError),
        (44, b"\x03", RecordCorruptError),
        (50, b"\x00", RecordCorruptError),
        (50, b"\x11", RecordCorruptError),
        (69, b"\x7f", RecordCorruptError),
        (72, b"\x01", RecordCorruptError),
    ],
)
def test_contradictions_are_typed(offset: int, new: bytes, error: type[RecordError]) -> None:
    data = bytearray(BY_HAND)
    data[offset : offset + len(new)] = new
    with pytest.raises(error):
        read_iris_image_record(bytes(data))
    with pytest.raises(RecordCorruptError):
        read_iris_image_record(BY_HAND + b"\x00")


def test_what_the_format_has_no_field_for_is_refused(script: ModuleType) -> None:
    record = script.golden_iris_record()
    first = record.images[0]
    for image in (
        replace(first, width=70_000),
        replace(first, bits=17),
        replace(first, properties=256),
        replace(first, center=(0, 0, 0, 1 << 16)),
        replace(first, capture=Capture(certificates=((1, 1),))),
        replace(first, capture=Capture(date=b"2026")),
    ):
        with pytest.raises(RecordUnsupportedError):
            write_iris_image_record(replace(record, images=(image,)))
    with pytest.raises(RecordUnsupportedError):
        write_iris_image_record(replace(record, certification=2))
    with pytest.raises(ArgumentError):
        IrisImageRecord(())
    with pytest.raises(RecordUnsupportedError):
        eye_image(script.eye(), compression=Compression.WSQ)
    with pytest.raises(ArgumentError):
        eye_image(script.eye().astype(np.float32))  # type: ignore[arg-type]


def test_any_damage_gives_a_record_or_a_typed_error(full_size: bool) -> None:
    rng = random.Random(3)
    samples = [BY_HAND, GOLDEN.read_bytes()]
    outcomes = Counter[str]()
    for turn in range(60_000 if full_size else 2_000):
        data = bytearray(samples[turn % len(samples)])
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(min(len(data), 90))] = rng.randrange(256)
        if turn % 5 == 0:
            del data[rng.randrange(len(data)) :]
        try:
            record = read_iris_image_record(bytes(data))
            assert write_iris_image_record(record) == bytes(data)
            outcomes["read"] += 1
            for image in record.images:
                image.image.grey()
        except InputError as error:
            outcomes[error.reason] += 1
    assert "" not in outcomes
    assert {"read", "RECORD_CORRUPT", "RECORD_TRUNCATED"} <= set(outcomes)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"IIR\x00", b"IIR\x00020\x00", b"IIR\x00020\x00\x00\x00\x00"]), st.binary())
def test_any_bytes_give_a_record_or_a_typed_error(start: bytes, tail: bytes) -> None:
    with contextlib.suppress(RecordError):
        read_iris_image_record(start + tail)
    assert is_iris_image_record(start + tail) == (start + tail).startswith(b"IIR\x00")


def test_representations_show_no_pixels(script: ModuleType) -> None:
    text = repr(script.golden_iris_record())
    assert len(text) < 500
    assert "\\x" not in text


def test_type_17_says_eye_and_orientation(script: ModuleType, golden: ModuleType) -> None:
    """Type 17 in a transaction: eye 2 is the left one; flipped columns and rows are turned back."""
    eye = script.eye()
    for code, expected in ((0, EyePosition.UNKNOWN), (1, EyePosition.RIGHT), (2, EyePosition.LEFT)):
        record = golden.tagged(17, 1, script.save(eye[::-1, ::-1], "PNG"), "PNG").with_field(
            Field.of(17, 3, code)
        )
        record = record.with_field(Field.of(17, 16, (2, 2, 0)))
        data = write_ansi_nist(Transaction((golden.header(), record)))
        pixels, said = read_eye(data)
        assert said is expected
        assert np.array_equal(pixels, eye)
    wrong = record.with_field(Field.of(17, 3, 7))
    with pytest.raises(RecordCorruptError, match=r"17\.003"):
        read_eye(write_ansi_nist(Transaction((golden.header(), wrong))))
    plain = golden.tagged(17, 1, script.save(eye, "PNG"), "PNG").with_field(Field.of(17, 16, (1,)))
    assert np.array_equal(read_eye(write_ansi_nist(Transaction((golden.header(), plain))))[0], eye)


def test_files_without_one_eye_are_told(script: ModuleType, golden: ModuleType) -> None:
    with pytest.raises(RecordUnsupportedError, match="got 4") as caught:
        read_eye(GOLDEN.read_bytes())
    assert "matcher records" in caught.value.hint
    finger = write_finger_image_record(golden.golden_image_record(ImageFormat.ISO_2011))
    with pytest.raises(RecordUnsupportedError, match="got 0") as caught:
        read_eye(finger)
    assert "--modality" in caught.value.hint
    with pytest.raises(ImageError):
        read_eye(b"no image")
    with pytest.raises(ImageError):
        read_eye(b"")


def test_real_type_17_irises_are_read(real_data: Path) -> None:
    """NIST's reference records: one eye each, 449 x 312, stated 1000 ppi and still not resampled."""
    folder = real_data / "formats/ansi-nist/ansi/references"
    for name in ("type-17-iris", "type-10-14-17-piv-index-iris"):
        pixels, eye = read_eye((folder / f"{name}.an2").read_bytes())
        assert (pixels.shape, pixels.dtype) == ((312, 449), np.uint8)
        assert eye is EyePosition.LEFT
        assert 20 < pixels.std() < 90
