"""Face image records: layouts by hand, round trips, every cut and any damage typed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matcher.errors import (
    ArgumentError,
    InputError,
    RecordCorruptError,
    RecordError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.contents import contents_of
from matcher.formats.faces import face_file
from matcher.formats.iso19794_5 import (
    is_face_image_record,
    read_face_image_record,
    write_face_image_record,
)
from matcher.formats.iso19794_5_record import (
    COMPRESSIONS,
    FaceFormat,
    FaceImage,
    FaceImageRecord,
    FacePoint,
)
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
ISO_2005, ISO_2011 = FaceFormat.ISO_2005, FaceFormat.ISO_2011

BY_HAND = {
    # FAC 010, length 56; 1 image of 42: 1 point, gender 1, eyes 2, hair 3, features, expression, pose,
    # uncertainty; point of type 1, code 3.1 at (5, 6), reserved; token, JPEG 2000, 2 x 1, RGB, source 2,
    # device 7, quality 9; 2 bytes
    ISO_2005: "46414300 30313000 00000038 0001"
    "0000002a 0001 01 02 03 040506 0708 090a0b 0c0d0e 01 31 0005 0006 0000"
    "02 01 0002 0001 01 02 0007 0009 1122",
    # FAC 030, length 85; 1 representation, no certificates, temporal 0; 68 bytes: date, device, 1 quality;
    # 1 point, gender 1, eyes 2, hair 3, height 170, features, expression, pose, uncertainty; a point with z;
    # token, PNG, 2 x 1, sampling 4, processing, cross reference 0, RGB; 2 bytes, 2 behind
    ISO_2011: "46414300 30333000 00000055 0001 00 0000"
    "00000044 07e70102030405000a 02 0003 0004 01 5a00060037"
    "0001 01 02 03 aa 040506 0708 090a0b 0c0d0e 01 31 0005 0006 0008"
    "02 03 0002 0001 04 0102 00 01 00000002 1122 3344",
}


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("write_face_records_v1")


@pytest.mark.parametrize("face_format", FaceFormat)
def test_layout_by_hand(face_format: FaceFormat) -> None:
    data = bytes.fromhex(BY_HAND[face_format])
    record = read_face_image_record(data)
    assert record.format is face_format
    assert write_face_image_record(record) == data
    (face,) = record.faces
    assert (face.gender, face.eye_colour, face.hair_colour) == (1, 2, 3)
    assert (face.features, face.expression) == (0x040506, 0x0708)
    assert (face.pose, face.pose_uncertainty) == ((9, 10, 11), (12, 13, 14))
    assert (face.image_type, face.width, face.height, face.data) == (2, 2, 1, b"\x11\x22")
    if face_format is ISO_2011:
        assert face.points == (FacePoint(1, 0x31, 5, 6, 8),)
        assert (face.compression, face.subject_height) == (Compression.PNG, 170)
        assert (face.capture.technology, face.capture.vendor, face.capture.device) == (2, 3, 4)
        assert (face.qualities, face.quality) == ((QualityBlock(90, 6, 55),), 90)
        assert (face.sampling, face.processing, face.cross_reference, face.colour_space) == (4, 0x102, 0, 1)
        assert face.extended == b"\x33\x44"
    else:
        assert face.points == (FacePoint(1, 0x31, 5, 6),)
        assert (face.compression, face.quality) == (Compression.JPEG2000, 9)
        assert (face.colour_space, face.source_type, face.device_type) == (1, 2, 7)


@pytest.mark.parametrize("face_format", FaceFormat)
def test_golden_file_reads_and_is_still_written_alike(script: ModuleType, face_format: FaceFormat) -> None:
    data = (GOLDEN / f"face_record_v1_{face_format}.bin").read_bytes()
    record, expected = read_face_image_record(data), script.golden_face_record(face_format)
    assert write_face_image_record(record) == data
    # Encoders of images may change; what a record says of them may not.
    assert [replace(f, data=b"") for f in record.faces] == [replace(f, data=b"") for f in expected.faces]
    assert replace(record, faces=expected.faces) == expected
    for face, shade in zip(record.faces, (0, 60), strict=True):
        with Image.open(io.BytesIO(face.image.to_png())) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        assert pixels.shape == (script.HEIGHT, script.WIDTH, 3)
        assert abs(pixels - script.portrait(shade)).mean() < 6


@pytest.mark.parametrize("face_format", FaceFormat)
@pytest.mark.parametrize("compression", list(Compression))
def test_every_compression_is_kept_or_refused(face_format: FaceFormat, compression: Compression) -> None:
    record = FaceImageRecord(face_format, (FaceImage(b"xy", compression, 2, 1),))
    if compression in COMPRESSIONS[face_format]:
        again = read_face_image_record(write_face_image_record(record))
        assert (again.faces[0].compression, again.faces[0].data) == (compression, b"xy")
    else:
        with pytest.raises(RecordUnsupportedError, match="has no code"):
            write_face_image_record(record)


U8, U16 = st.integers(0, 255), st.integers(0, 65535)
ANGLES = st.tuples(U8, U8, U8)


@st.composite
def face_records(draw: st.DrawFn, face_format: FaceFormat) -> FaceImageRecord:
    """Any record that the format holds without loss."""
    new = face_format is ISO_2011
    block = st.builds(QualityBlock, U8, U16, U16) if new else st.builds(QualityBlock, U16)
    faces = []
    for _ in range(draw(st.integers(1, 3))):
        own: dict[str, object] = {
            "data": draw(st.binary(max_size=30)),
            "compression": draw(st.sampled_from(COMPRESSIONS[face_format])),
            "points": tuple(draw(st.lists(st.builds(FacePoint, U8, U8, U16, U16, U16), max_size=3))),
            "features": draw(st.integers(0, (1 << 24) - 1)),
            "pose": draw(ANGLES),
            "pose_uncertainty": draw(ANGLES),
        }
        own |= {name: draw(U16) for name in ("width", "height", "expression")}
        own |= {name: draw(U8) for name in ("gender", "eye_colour", "hair_colour", "image_type")}
        own["colour_space"] = draw(U8)
        if new:
            own |= {name: draw(U8) for name in ("subject_height", "sampling", "cross_reference")}
            own["processing"] = draw(U16)
            own["qualities"] = tuple(draw(st.lists(block, max_size=3)))
            date = draw(st.binary(min_size=9, max_size=9))
            own["capture"] = Capture(date, draw(U8), draw(U16), draw(U16))
            own["extended"] = draw(st.binary(max_size=20))
        else:
            own |= {"source_type": draw(U8), "device_type": draw(U16), "qualities": (draw(block),)}
        faces.append(FaceImage(**own))  # type: ignore[arg-type]
    header = {"certification": draw(st.integers(0, 1)), "temporal": draw(U16)} if new else {}
    return FaceImageRecord(face_format, tuple(faces), **header)


@pytest.mark.parametrize("face_format", FaceFormat)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_record_survives(face_format: FaceFormat, data: st.DataObject) -> None:
    record = data.draw(face_records(face_format))
    assert read_face_image_record(write_face_image_record(record)) == record


@pytest.mark.parametrize("face_format", FaceFormat)
def test_every_cut_is_told_as_truncated(face_format: FaceFormat) -> None:
    for data in (
        bytes.fromhex(BY_HAND[face_format]),
        (GOLDEN / f"face_record_v1_{face_format}.bin").read_bytes(),
    ):
        for length in range(len(data)):
            with pytest.raises(RecordTruncatedError):
                read_face_image_record(data[:length])


@pytest.mark.parametrize(
    ("face_format", "offset", "new", "error"),
    [
        (ISO_2005, 0, b"FIR\x00", RecordFormatError),
        (ISO_2005, 4, b"040\x00", RecordUnsupportedError),
        (ISO_2005, 8, b"\x7f", RecordTruncatedError),
        (ISO_2005, 11, b"\x37", RecordCorruptError),
        (ISO_2005, 12, b"\x00\x00", RecordCorruptError),
        (ISO_2005, 12, b"\x00\x02", RecordCorruptError),
        (ISO_2005, 14, b"\x7f", RecordCorruptError),
        (ISO_2005, 17, b"\x1f", RecordCorruptError),
        (ISO_2005, 17, b"\x29", RecordCorruptError),
        (ISO_2005, 18, b"\xff\xff", RecordCorruptError),
        (ISO_2005, 43, b"\x02", RecordCorruptError),
        (ISO_2011, 12, b"\x00\x00", RecordCorruptError),
        (ISO_2011, 14, b"\x02", RecordCorruptError),
        (ISO_2011, 17, b"\x7f", RecordCorruptError),
        (ISO_2011, 20, b"\x32", RecordCorruptError),
        (ISO_2011, 35, b"\xff", RecordCorruptError),
        (ISO_2011, 41, b"\xff\xff", RecordCorruptError),
        (ISO_2011, 67, b"\x04", RecordCorruptError),
        (ISO_2011, 77, b"\x7f", RecordCorruptError),
    ],
)
def test_contradictions_are_typed(
    face_format: FaceFormat, offset: int, new: bytes, error: type[RecordError]
) -> None:
    data = bytearray(bytes.fromhex(BY_HAND[face_format]))
    data[offset : offset + len(new)] = new
    with pytest.raises(error):
        read_face_image_record(bytes(data))


def test_what_a_format_has_no_field_for_is_refused(script: ModuleType) -> None:
    old, new = script.golden_face_record(ISO_2005), script.golden_face_record(ISO_2011)
    first_old, first_new = old.faces[0], new.faces[0]
    wrong = [
        replace(old, temporal=1),
        replace(old, certification=1),
        replace(old, faces=(replace(first_old, capture=Capture(vendor=1)),)),
        replace(old, faces=(replace(first_old, extended=b"x"),)),
        replace(old, faces=(replace(first_old, subject_height=1),)),
        replace(old, faces=(replace(first_old, sampling=1),)),
        replace(old, faces=(replace(first_old, processing=1),)),
        replace(old, faces=(replace(first_old, cross_reference=1),)),
        replace(old, faces=(replace(first_old, qualities=(QualityBlock(1), QualityBlock(2))),)),
        replace(old, faces=(replace(first_old, qualities=(QualityBlock(1, 2, 3),)),)),
        replace(old, faces=(replace(first_old, width=70_000),)),
        replace(old, faces=(replace(first_old, features=1 << 24),)),
        replace(old, faces=(replace(first_old, pose=(1, 2)),)),
        replace(new, certification=2),
        replace(new, faces=(replace(first_new, source_type=1),)),
        replace(new, faces=(replace(first_new, device_type=1),)),
        replace(new, faces=(replace(first_new, capture=Capture(certificates=((1, 1),))),)),
    ]
    for record in wrong:
        with pytest.raises(RecordUnsupportedError):
            write_face_image_record(record)
    with pytest.raises(ArgumentError):
        FaceImageRecord(ISO_2005, ())
    nothing = replace(old, faces=(replace(first_old, qualities=()),))
    assert read_face_image_record(write_face_image_record(nothing)).faces[0].quality == 0


def test_any_damage_gives_a_record_or_a_typed_error(script: ModuleType, full_size: bool) -> None:
    rng = random.Random(3)
    small = [bytes.fromhex(text) for text in BY_HAND.values()] + [
        write_face_image_record(script.golden_face_record(f)) for f in FaceFormat
    ]
    outcomes = Counter[str]()
    for turn in range(60_000 if full_size else 2_000):
        data = bytearray(small[turn % len(small)])
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(min(len(data), 90))] = rng.randrange(256)
        if turn % 5 == 0:
            del data[rng.randrange(len(data)) :]
        try:
            record = read_face_image_record(bytes(data))
            assert write_face_image_record(record) == bytes(data)
            for face in record.faces:
                face.image.to_png()
            outcomes["read"] += 1
        except InputError as error:
            outcomes[error.reason] += 1
    assert "" not in outcomes
    assert {"read", "RECORD_CORRUPT", "RECORD_TRUNCATED"} <= set(outcomes)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"FAC\x00", b"FAC\x00010\x00", b"FAC\x00030\x00\x00\x00"]), st.binary(max_size=120)
)
def test_any_bytes_give_a_record_or_a_typed_error(start: bytes, tail: bytes) -> None:
    with contextlib.suppress(RecordError):
        read_face_image_record(start + tail)
    assert is_face_image_record(start + tail) == (start + tail).startswith(b"FAC\x00")


def test_representations_show_neither_pixels_nor_the_person(script: ModuleType) -> None:
    text = repr(script.golden_face_record(ISO_2011))
    assert len(text) < 500
    for told in ("\\x", "gender", "eye"):
        assert told not in text


def test_a_file_of_one_face_gives_its_image(script: ModuleType) -> None:
    record = script.golden_face_record(ISO_2011)
    one = write_face_image_record(replace(record, faces=record.faces[:1]))
    assert face_file(one) == record.faces[0].data
    assert face_file(record.faces[0].data) == record.faces[0].data
    with pytest.raises(RecordUnsupportedError, match="got 2"):
        face_file(write_face_image_record(record))


def test_contents_list_faces(script: ModuleType) -> None:
    contents = contents_of(write_face_image_record(script.golden_face_record(ISO_2005)))
    assert (contents.format, contents.version) == ("iso19794-5", "2005")
    assert [(e.kind, e.note, e.is_print) for e in contents.entries] == [
        ("face", "quality 70", False),
        ("face", "", False),
    ]


def test_real_type_10_faces_are_found(real_data: Path) -> None:
    folder = real_data / "formats/ansi-nist/ansi/references"
    sizes = {}
    for name in ("type-10-sap10", "type-10-14-17-piv-index-iris", "type-10-tattoo-face-sap20"):
        data = (folder / f"{name}.an2").read_bytes()
        listed = [e for e in contents_of(data).entries if e.kind == "face"]
        assert len(listed) == 1
        assert listed[0].image is not None
        with Image.open(io.BytesIO(face_file(data))) as picture:
            sizes[name] = picture.size
        assert sizes[name] == (listed[0].image.width, listed[0].image.height)
    assert len(sizes) == 3
    with pytest.raises(RecordUnsupportedError, match="got 0"):
        face_file((folder / "type-4-slaps.an2").read_bytes())
