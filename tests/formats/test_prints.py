"""The one print of a file, and what a file of any exchange format holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.errors import ArgumentError, ImageFormatError, RecordFormatError, RecordUnsupportedError
from matcher.formats.ansi_nist import write_ansi_nist
from matcher.formats.ansi_nist_record import Field, Record, Transaction
from matcher.formats.contents import contents_of
from matcher.formats.iso19794_4 import write_finger_image_record
from matcher.formats.iso19794_4_record import FingerImageRecord, ImageFormat
from matcher.formats.prints import read_print
from matcher.formats.record import Format
from matcher.formats.templates import templates_to_record
from matcher.formats.write import write_minutiae_record
from matcher.reader import read_sample
from matcher.samples import Sample, SampleKind, sample_of, templates_of
from matcher.types import FingerPosition, FingerprintTemplate, ResolutionSource


def transaction(golden: ModuleType, *records: Record) -> bytes:
    return write_ansi_nist(Transaction((golden.header(), *records)))


def single(golden: ModuleType, image_format: ImageFormat, **changes: object) -> FingerImageRecord:
    record = golden.golden_image_record(image_format)
    return replace(record, views=(replace(record.views[0], **changes),), finger_count=1)


def test_a_plain_image_says_no_finger(golden: ModuleType) -> None:
    image, position = read_print(golden.save(golden.ridges(), "PNG", dpi=(500, 500)))
    assert np.array_equal(image.pixels, golden.ridges())
    assert position is FingerPosition.UNKNOWN


@pytest.mark.parametrize("image_format", ImageFormat)
def test_a_finger_image_record_of_one_view(golden: ModuleType, image_format: ImageFormat) -> None:
    image, position = read_print(write_finger_image_record(single(golden, image_format)))
    assert np.array_equal(image.pixels, golden.ridges())
    assert (position, image.resolution_source) == (FingerPosition.RIGHT_INDEX, ResolutionSource.FILE)
    thumb = write_finger_image_record(single(golden, image_format, position=12))
    assert read_print(thumb)[1] is FingerPosition.LEFT_THUMB
    unknown = write_finger_image_record(single(golden, image_format, position=0))
    assert read_print(unknown, ppi=250)[0].width == 2 * golden.WIDTH


def test_a_transaction_of_one_print(golden: ModuleType) -> None:
    face = golden.tagged(10, 1, b"", "JPEGB")
    palm = golden.tagged(15, 3, b"", "WSQ20", Field.of(15, 13, 21))
    print_record = golden.tagged(14, 2, golden.save(golden.ridges(), "PNG"), "PNG", Field.of(14, 13, 8))
    image, position = read_print(transaction(golden, face, print_record, palm, golden.m1_minutiae(2)))
    assert np.array_equal(image.pixels, golden.ridges())
    assert position is FingerPosition.LEFT_MIDDLE


def test_none_or_several_prints_are_refused_with_a_way_out(golden: ModuleType) -> None:
    several = write_finger_image_record(golden.golden_image_record(ImageFormat.ISO_2011))
    two = transaction(golden, golden.binary(4, 1, b""), golden.binary(4, 2, b""))
    minutiae = transaction(golden, golden.m1_minutiae(2))
    for data in (several, two, minutiae):
        with pytest.raises(RecordUnsupportedError, match="matcher records"):
            read_print(data)
    with pytest.raises(RecordUnsupportedError):
        read_print(transaction(golden))
    for code in (13, 14, 15, 40):
        slap = golden.tagged(14, 2, b"", "PNG", Field.of(14, 13, code))
        with pytest.raises(RecordUnsupportedError, match="one finger"):
            read_print(transaction(golden, slap))
    palm = write_finger_image_record(single(golden, ImageFormat.ISO_2011, position=21))
    with pytest.raises(RecordUnsupportedError):
        read_print(palm)


def test_a_sample_of_a_record_is_an_image_with_its_finger(
    golden: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Extraction is put aside: 56 x 64 pixels hold no print."""
    import matcher.fingerprint.extract as spine

    fake = template(golden)
    monkeypatch.setattr(
        spine, "extract", lambda image, position=0, trace=None: replace(fake, position=position)
    )
    data = write_finger_image_record(single(golden, ImageFormat.ISO_2011))
    sample = sample_of(data)
    assert sample.kind is SampleKind.IMAGE
    assert [t.position for t in read_sample(sample)] == [FingerPosition.RIGHT_INDEX]
    with pytest.raises(ArgumentError):
        templates_of([Sample(data, position=FingerPosition.LEFT_INDEX)], read_sample, lambda: None)


def template(golden: ModuleType) -> FingerprintTemplate:
    from matcher.formats.ansi_nist_minutiae import template_of

    return template_of(Transaction((golden.header(), golden.m1_minutiae(2))), 1)


def test_contents_of_every_format(golden: ModuleType) -> None:
    whole = contents_of(write_ansi_nist(golden.golden_transaction()))
    assert (whole.format, whole.version) == ("ansi-nist", "0502")
    assert [entry.record_type for entry in whole.entries] == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        9,
        10,
        13,
        14,
        14,
        15,
        17,
        98,
    ]
    assert [entry.number for entry in whole.entries] == list(range(1, 18))
    assert sum(entry.is_print for entry in whole.entries) == 7
    made = [entry.template() for entry in whole.entries if entry.template is not None]
    assert [len(t.minutiae) for t in made] == [3, 3]
    for image_format in ImageFormat:
        views = contents_of(write_finger_image_record(golden.golden_image_record(image_format)))
        assert f"{views.format}-{views.version}" == image_format
        assert [(e.kind, e.positions) for e in views.entries] == [("finger", (2,)), ("finger", (7,))]
    record = templates_to_record(made, Format.ISO_2011)
    minutiae = contents_of(write_minutiae_record(record))
    assert minutiae.format == "iso-2011"
    assert [e.template().width for e in minutiae.entries if e.template is not None] == [golden.WIDTH] * 2
    with pytest.raises(RecordFormatError):
        contents_of(golden.save(golden.ridges(), "PNG"))
    with pytest.raises(ImageFormatError):
        read_print(b"nothing that is known")


def test_real_records_give_prints(real_data: Path) -> None:
    path = real_data / "formats/mosip-mock-fingers/Profile/Default/Auth/Left_Index_wsq.iso"
    image, position = read_print(path.read_bytes())
    assert (image.width, image.height, position) == (280, 448, FingerPosition.LEFT_INDEX)
    card = real_data / "formats/ansi-nist/ansi/references/type-4-tpcard.an2"
    with pytest.raises(RecordUnsupportedError, match="got 14"):
        read_print(card.read_bytes())
