"""Finger image records: layouts by hand, round trips, every cut and any damage typed."""

from __future__ import annotations

import contextlib
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
    InputError,
    RecordCorruptError,
    RecordError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.formats.iso19794_4 import (
    is_finger_image_record,
    read_finger_image_record,
    write_finger_image_record,
)
from matcher.formats.iso19794_4_record import COMPRESSIONS, FingerImage, FingerImageRecord, ImageFormat
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression
from matcher.types import FingerPosition, ResolutionSource

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
ISO_2005, ISO_2011, ANSI_2004 = ImageFormat.ISO_2005, ImageFormat.ISO_2011, ImageFormat.ANSI_2004

VIEW_2005 = "00000010 07 02 01 fe 08 0002 0001 00 1122"
BY_HAND = {
    # FIR 010, length 48 in 6 bytes; device 00b5, level 31; 1 finger, pixels/cm, scan and image 197 x 197;
    # 8 bits, uncompressed; view of 16: left index, 2 views, number 1, quality 254, swipe; 2 x 1 pixels
    ISO_2005: "46495200 30313000 000000000030 00b5 001f 01 02 00c500c5 00c500c5 08 00 0000" + VIEW_2005,
    # the same with product 0042 0011
    ANSI_2004: "46495200 30313000 000000000034 0042 0011 00b5 001f 01 02 00c500c5 00c500c5 08 00 0000"
    + VIEW_2005,
    # FIR 020, length 72; 1 view, certificates, 1 finger; view of 56: date, technology 2, vendor 3, device 4;
    # 1 quality by 0006 0037, 1 certificate 0006 01; left index, view 1; pixels/inch, 1000 x 1000 scanned,
    # 500 x 500; 8 bits, uncompressed; swipe; 2 x 1 pixels in 2 bytes; 4 bytes behind
    ISO_2011: "46495200 30323000 00000048 0001 01 01"
    "00000038 07e70102030405000a 02 0003 0004 01 5a00060037 01 000601"
    "07 01 01 03e803e8 01f401f4 08 00 08 0002 0001 00000002 1122 00030004",
}


@pytest.mark.parametrize("image_format", BY_HAND)
def test_layout_by_hand(image_format: ImageFormat) -> None:
    data = bytes.fromhex(BY_HAND[image_format])
    record = read_finger_image_record(data)
    assert record.format is image_format
    assert write_finger_image_record(record) == data
    (view,) = record.views
    assert (view.position, view.number, view.impression) == (7, 1, 8)
    assert view.fingers == (FingerPosition.LEFT_INDEX,)
    assert (view.width, view.height, view.bits, view.data) == (2, 1, 8, b"\x11\x22")
    assert view.compression is Compression.NONE
    assert view.ppi is not None
    assert view.ppi[0] == pytest.approx(500)
    if image_format is ISO_2011:
        assert (view.capture.technology, view.capture.vendor, view.capture.device) == (2, 3, 4)
        assert view.capture.certificates == ((6, 1),)
        assert view.qualities == (QualityBlock(90, 6, 55),)
        assert (view.quality, view.capture_resolution) == (90, (1000, 1000))
        assert view.extended == bytes.fromhex("00030004")
    else:
        assert (record.device, record.acquisition_level, view.view_count, view.quality) == (0xB5, 31, 2, 0)
        assert (record.vendor, record.product) == ((0x42, 0x11) if image_format is ANSI_2004 else (0, 0))


@pytest.mark.parametrize("image_format", ImageFormat)
def test_golden_file_reads_and_is_still_written_alike(golden: ModuleType, image_format: ImageFormat) -> None:
    data = (GOLDEN / f"image_record_v1_{image_format}.bin").read_bytes()
    record, expected = read_finger_image_record(data), golden.golden_image_record(image_format)
    assert write_finger_image_record(record) == data
    assert record.views[0] == expected.views[0]
    # The second of :2011 is a PNG, whose encoder may change.
    assert replace(record.views[1], data=b"") == replace(expected.views[1], data=b"")
    assert replace(record, views=expected.views) == expected
    for seed, view in enumerate(record.views):
        image = view.image.decode()
        assert np.array_equal(image.pixels, golden.ridges(seed))
        assert (round(image.native_ppi), image.resolution_source) == (500, ResolutionSource.FILE)


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", list(Compression))
def test_every_compression_is_kept_or_refused(
    golden: ModuleType, image_format: ImageFormat, compression: Compression
) -> None:
    grey = golden.ridges()
    stored = {
        Compression.WSQ: golden.wsq,
        Compression.JPEG: lambda p: golden.save(p, "JPEG", quality=95),
        Compression.JPEG2000: lambda p: golden.save(p, "JPEG2000", irreversible=True),
        Compression.JPEG2000_LOSSLESS: lambda p: golden.save(p, "JPEG2000"),
        Compression.PNG: lambda p: golden.save(p, "PNG"),
    }.get(compression, lambda p: p.tobytes())(grey)
    record = golden.golden_image_record(image_format)
    view = replace(record.views[0], data=stored, compression=compression)
    record = replace(record, views=(view,), finger_count=1)
    if compression not in COMPRESSIONS[image_format]:
        with pytest.raises(RecordUnsupportedError):
            write_finger_image_record(record)
        return
    back = read_finger_image_record(write_finger_image_record(record))
    assert back == record
    difference = np.abs(back.views[0].image.decode().pixels.astype(int) - grey)
    lossless = compression not in (Compression.WSQ, Compression.JPEG, Compression.JPEG2000)
    assert difference.mean() < (1e-9 if lossless else 6)


U8, U16 = st.integers(0, 255), st.integers(0, 65535)
PAIR = st.tuples(U16, U16)


@st.composite
def image_records(draw: st.DrawFn, image_format: ImageFormat) -> FingerImageRecord:
    """Any record that the format holds without loss."""
    iso_2011 = image_format is ISO_2011
    certified = iso_2011 and draw(st.booleans())
    block = st.builds(QualityBlock, U8, U16, U16)
    certificates = st.lists(st.tuples(U16, U8), max_size=2).map(tuple)

    def frame() -> dict[str, object]:
        return {
            "compression": draw(st.sampled_from(COMPRESSIONS[image_format])),
            "scale_unit": draw(st.sampled_from([1, 2])),
            "x_resolution": draw(U16),
            "y_resolution": draw(U16),
            "capture_resolution": draw(PAIR),
            "bits": draw(st.integers(1, 16)),
        }

    common = frame()
    views = []
    for _ in range(draw(st.integers(1, 4))):
        own: dict[str, object] = {
            "data": draw(st.binary(max_size=30)),
            "width": draw(U16),
            "height": draw(U16),
            "position": draw(U8),
            "number": draw(U8),
            "impression": draw(U8),
        }
        if iso_2011:
            own |= frame()
            own["qualities"] = tuple(draw(st.lists(block, max_size=3)))
            own["capture"] = Capture(
                draw(st.binary(min_size=9, max_size=9)),
                draw(U8),
                draw(U16),
                draw(U16),
                draw(certificates) if certified else (),
            )
            own["extended"] = draw(st.binary(max_size=20))
        else:
            own |= common
            own["qualities"] = (QualityBlock(draw(U8)),)
            own["view_count"], own["reserved"] = draw(U8), draw(U8)
        views.append(FingerImage(**own))  # type: ignore[arg-type]
    record = FingerImageRecord(image_format, tuple(views), certification=int(certified))
    record = replace(record, finger_count=draw(U8) if iso_2011 else record.positions)
    if not iso_2011:
        fields = {name: draw(U16) for name in ("device", "acquisition_level", "reserved")}
        fields |= {name: draw(U16) for name in ("vendor", "product")} if image_format is ANSI_2004 else {}
        record = replace(record, **fields)
    return record


@pytest.mark.parametrize("image_format", [ISO_2005, ISO_2011])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_record_survives(image_format: ImageFormat, data: st.DataObject) -> None:
    record = data.draw(image_records(image_format))
    assert read_finger_image_record(write_finger_image_record(record)) == record


@settings(max_examples=80, deadline=None)
@given(record=image_records(ANSI_2004))
def test_any_record_of_ansi_survives_in_bytes(record: FingerImageRecord) -> None:
    """Its header may by chance make sense as ISO's; what is written again is the same in any case."""
    data = write_finger_image_record(record)
    assert write_finger_image_record(read_finger_image_record(data)) == data


@pytest.mark.parametrize("image_format", BY_HAND)
def test_every_cut_is_told_as_truncated(image_format: ImageFormat) -> None:
    for data in (
        bytes.fromhex(BY_HAND[image_format]),
        (GOLDEN / f"image_record_v1_{image_format}.bin").read_bytes(),
    ):
        for length in range(len(data)):
            with pytest.raises(RecordTruncatedError):
                read_finger_image_record(data[:length])


@pytest.mark.parametrize(
    ("image_format", "offset", "new", "error"),
    [
        (ISO_2005, 0, b"FMR\x00", RecordFormatError),
        (ISO_2005, 4, b"030\x00", RecordUnsupportedError),
        (ISO_2005, 13, b"\x2f", RecordCorruptError),
        (ISO_2005, 8, b"\x7f", RecordTruncatedError),
        (ISO_2005, 18, b"\x03", RecordCorruptError),
        (ISO_2005, 19, b"\x03", RecordCorruptError),
        (ISO_2005, 28, b"\x00", RecordCorruptError),
        (ISO_2005, 28, b"\x11", RecordCorruptError),
        (ISO_2005, 29, b"\x06", RecordCorruptError),
        (ISO_2005, 32, b"\x7f", RecordCorruptError),
        (ISO_2005, 35, b"\x0d", RecordCorruptError),
        (ISO_2005, 35, b"\x0f", RecordCorruptError),
        (ISO_2011, 11, b"\x47", RecordCorruptError),
        (ISO_2011, 12, b"\x00\x00", RecordCorruptError),
        (ISO_2011, 12, b"\x00\x02", RecordCorruptError),
        (ISO_2011, 14, b"\x02", RecordCorruptError),
        (ISO_2011, 16, b"\x7f", RecordCorruptError),
        (ISO_2011, 19, b"\x28", RecordCorruptError),
        (ISO_2011, 34, b"\xff", RecordCorruptError),
        (ISO_2011, 40, b"\xff", RecordCorruptError),
        (ISO_2011, 46, b"\x00", RecordCorruptError),
        (ISO_2011, 55, b"\x00", RecordCorruptError),
        (ISO_2011, 56, b"\x07", RecordCorruptError),
        (ISO_2011, 62, b"\x7f", RecordCorruptError),
    ],
)
def test_contradictions_are_typed(
    image_format: ImageFormat, offset: int, new: bytes, error: type[RecordError]
) -> None:
    data = bytearray(bytes.fromhex(BY_HAND[image_format]))
    data[offset : offset + len(new)] = new
    with pytest.raises(error):
        read_finger_image_record(bytes(data))


def test_records_without_views_are_refused() -> None:
    with pytest.raises(ArgumentError):
        FingerImageRecord(ISO_2005, ())
    head = bytearray(bytes.fromhex(BY_HAND[ISO_2005])[:32])
    head[13], head[18] = 32, 0
    with pytest.raises(RecordCorruptError):
        read_finger_image_record(bytes(head))


def test_the_number_of_fingers_may_count_views(golden: ModuleType) -> None:
    record = golden.golden_image_record(ISO_2005)
    views = tuple(replace(view, position=2, view_count=2) for view in record.views)
    for count in (1, 2):
        same = replace(record, views=views, finger_count=count)
        assert read_finger_image_record(write_finger_image_record(same)) == same
    counted = write_finger_image_record(replace(record, views=views, finger_count=None))
    assert read_finger_image_record(counted).finger_count == 1
    unsaid = replace(record, views=tuple(replace(view, view_count=None) for view in views))
    assert [v.view_count for v in read_finger_image_record(write_finger_image_record(unsaid)).views] == [2, 2]


def test_what_a_format_has_no_field_for_is_refused(golden: ModuleType) -> None:
    old, new = golden.golden_image_record(ISO_2005), golden.golden_image_record(ISO_2011)
    first_old, first_new = old.views[0], new.views[0]
    wrong = [
        replace(old, vendor=1),
        replace(old, views=(replace(first_old, extended=b"x"),)),
        replace(old, views=(replace(first_old, capture=Capture(vendor=1)),)),
        replace(old, views=(replace(first_old, qualities=(QualityBlock(1), QualityBlock(2))),)),
        replace(old, views=(replace(first_old, qualities=(QualityBlock(1, 2, 3),)),)),
        replace(old, views=(first_old, replace(first_old, bits=4))),
        replace(old, views=(replace(first_old, width=70_000),)),
        replace(old, views=(replace(first_old, position=-1),)),
        replace(new, device=1),
        replace(new, certification=0),
        replace(new, certification=2),
        replace(new, views=(replace(first_new, view_count=1),)),
        replace(new, views=(replace(first_new, capture=Capture(date=b"")),)),
    ]
    for record in wrong:
        with pytest.raises(RecordUnsupportedError):
            write_finger_image_record(record)


def test_resolutions_without_a_number_are_not_stated(golden: ModuleType) -> None:
    view = golden.golden_image_record(ISO_2011).views[0]
    assert replace(view, x_resolution=0).ppi is None
    assert replace(view, x_resolution=394, y_resolution=394, scale_unit=2).ppi == (1000.0, 1000.0)
    assert replace(view, x_resolution=0).image.decode().resolution_source is ResolutionSource.ASSUMED
    stretched = replace(view, y_resolution=250).image.decode()
    assert (stretched.width, stretched.height) == (golden.WIDTH, 2 * golden.HEIGHT)


def test_any_damage_gives_a_record_or_a_typed_error(golden: ModuleType, full_size: bool) -> None:
    rng = random.Random(3)
    small = [bytes.fromhex(text) for text in BY_HAND.values()] + [
        write_finger_image_record(golden.golden_image_record(f)) for f in ImageFormat
    ]
    outcomes = Counter[str]()
    for turn in range(60_000 if full_size else 3_000):
        data = bytearray(small[turn % len(small)])
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(min(len(data), 90))] = rng.randrange(256)
        if turn % 5 == 0:
            del data[rng.randrange(len(data)) :]
        try:
            record = read_finger_image_record(bytes(data))
            assert write_finger_image_record(record) == bytes(data)
            for view in record.views:
                view.image.decode()
            outcomes["read"] += 1
        except InputError as error:
            outcomes[error.reason] += 1
    assert "" not in outcomes
    assert {"read", "RECORD_CORRUPT", "RECORD_TRUNCATED"} <= set(outcomes)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"FIR\x00", b"FIR\x00010\x00", b"FIR\x00020\x00\x00\x00"]), st.binary(max_size=120)
)
def test_any_bytes_give_a_record_or_a_typed_error(start: bytes, tail: bytes) -> None:
    with contextlib.suppress(RecordError):
        read_finger_image_record(start + tail)
    assert is_finger_image_record(start + tail) == (start + tail).startswith(b"FIR\x00")


def test_representations_show_no_pixels(golden: ModuleType) -> None:
    text = repr(golden.golden_image_record(ISO_2011))
    assert len(text) < 500
    assert "\\x" not in text


def test_real_records_are_read_and_written_alike(real_data: Path) -> None:
    counts: Counter[Compression] = Counter()
    for path in sorted((real_data / "formats/mosip-mock-fingers").rglob("*.iso")):
        data = path.read_bytes()
        record = read_finger_image_record(data)
        assert record.format is ISO_2011
        assert write_finger_image_record(record) == data
        (view,) = record.views
        image = view.image.decode()
        assert (image.width, image.height) == (view.width, view.height)
        assert (image.native_ppi, image.resolution_source) == (500, ResolutionSource.FILE)
        counts[view.compression] += 1
        for length in (len(data) - 1, len(data) // 2, 40, 5):
            with pytest.raises(RecordTruncatedError):
                read_finger_image_record(data[:length])
    assert counts == {
        Compression.WSQ: 22,
        Compression.JPEG2000: 21,
        Compression.JPEG2000_LOSSLESS: 21,
    }
