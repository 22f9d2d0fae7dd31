"""Type-9 minutiae as templates: the two ways of writing them, and which way each points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.errors import ArgumentError, RecordCorruptError, RecordUnsupportedError
from matcher.fingerprint.extract import extract
from matcher.formats.ansi_nist import read_ansi_nist
from matcher.formats.ansi_nist_images import images_of
from matcher.formats.ansi_nist_minutiae import encoding_of, template_of
from matcher.formats.ansi_nist_record import Field, TaggedRecord, Transaction
from matcher.score.compare import compare
from matcher.types import FingerPosition, FingerprintTemplate, MinutiaKind

REFERENCES = "formats/ansi-nist/ansi/references"


def transaction(golden: ModuleType, *records: TaggedRecord, image: bool = True) -> Transaction:
    """Minutiae records beside an image of WIDTH x HEIGHT at 500 ppi, IDC 2."""
    images = (golden.binary(4, 2, golden.ridges().tobytes()),) if image else ()
    return Transaction((golden.header(), *images, *records))


def last(made: Transaction) -> FingerprintTemplate:
    return template_of(made, len(made.records) - 1)


def changed(record: TaggedRecord, number: int, *subfields: Iterable[str | int] | str | int) -> TaggedRecord:
    return record.with_field(Field.of(9, number, *subfields))


def test_both_ways_of_writing_give_the_same_minutiae(golden: ModuleType) -> None:
    standard = last(transaction(golden, golden.standard_minutiae(2)))
    m1 = last(transaction(golden, golden.m1_minutiae(2)))
    for template in (standard, m1):
        assert (template.width, template.height) == (golden.WIDTH, golden.HEIGHT)
        assert template.extractor == "ansi"
        assert template.position is FingerPosition.RIGHT_INDEX
        assert template.minutiae.x.tolist() == [m[0] for m in golden.MINUTIAE]
        assert template.minutiae.y.tolist() == [m[1] for m in golden.MINUTIAE]
        degrees = template.minutiae.direction * (360 / 256)
        assert np.abs(degrees - [2 * m[2] for m in golden.MINUTIAE]).max() <= 360 / 512
        assert template.minutiae.kind.tolist() == [m[3] for m in golden.MINUTIAE]
        assert np.abs(template.minutiae.quality - np.array([m[4] for m in golden.MINUTIAE], int)).max() <= 1
    assert (standard.quality, m1.quality) == (0, 85)


def test_a_standard_minutia_by_hand(golden: ModuleType) -> None:
    """10.16 mm right of and 2.54 mm above the lower left corner, 270 degrees; 320 px is 16.256 mm."""
    record = changed(
        golden.standard_minutiae(7), 12, ("001", "10160254270", "2", "A"), ("002", "00000000000", "63", "C")
    )
    image = golden.tagged(13, 7, b"", "NONE", Field.of(13, 13, 2))
    image = image.with_field(Field.of(13, 6, 640)).with_field(Field.of(13, 7, 640))
    image = image.with_field(Field.of(13, 9, 1000)).with_field(Field.of(13, 10, 1000))
    template = template_of(Transaction((golden.header(), image, record)), 2)
    assert (template.width, template.height) == (320, 320)
    minutiae = template.minutiae
    assert (minutiae.x.tolist(), minutiae.y.tolist()) == ([200, 0], [270, 319])
    assert minutiae.direction.tolist() == [64, 128]  # Turned by half: 90 and 180 degrees.
    assert minutiae.kind.tolist() == [MinutiaKind.ENDING, MinutiaKind.OTHER]
    assert minutiae.quality.tolist() == [100, 0]


def test_without_an_image_the_minutiae_are_the_frame(golden: ModuleType) -> None:
    standard = golden.standard_minutiae(2)
    with_image, without = (last(transaction(golden, standard, image=there)) for there in (True, False))
    assert without.width == max(m[0] for m in golden.MINUTIAE) + 1
    assert np.array_equal(without.minutiae.x, with_image.minutiae.x)
    shift = with_image.minutiae.y - without.minutiae.y
    assert len(set(shift.tolist())) == 1


def test_qualities_that_say_nothing(golden: ModuleType) -> None:
    rows = [
        (f"{n:03d}", "00100010000", quality, "A") for n, quality in enumerate(("0", "1", "2", "63", "", "99"))
    ]
    template = last(transaction(golden, changed(golden.standard_minutiae(2), 12, *rows)))
    assert template.minutiae.quality.tolist() == [0, 0, 100, 0, 0, 0]


def test_short_rows_are_enough(golden: ModuleType) -> None:
    template = last(transaction(golden, changed(golden.standard_minutiae(2), 12, ("001", "00100010000"))))
    assert template.minutiae.kind.tolist() == [MinutiaKind.OTHER]


@pytest.mark.parametrize(("code", "position"), [("00", 0), ("07", 7), ("11", 1), ("12", 6), ("19", 0)])
def test_positions(golden: ModuleType, code: str, position: int) -> None:
    for record, number in ((golden.standard_minutiae(2), 6), (golden.m1_minutiae(2), 134)):
        assert last(transaction(golden, changed(record, number, code))).position == position


@pytest.mark.parametrize("code", ["13", "15", "21", "200"])
def test_minutiae_of_palms_and_slaps_are_refused(golden: ModuleType, code: str) -> None:
    with pytest.raises(RecordUnsupportedError):
        last(transaction(golden, changed(golden.standard_minutiae(2), 6, code)))


@pytest.mark.parametrize(
    ("number", "rows"),
    [
        (12, [("001",)]),
        (12, [("001", "0010001000")]),
        (12, [("001", "001000100x0")]),
        (12, [("001", "00100010361")]),
        (12, [("001", "00100010000", "good")]),
        (137, [("001", 1, 2, 3, 1)]),
        (137, [("001", 1, 2, "x", 1, 90)]),
        (137, [("001", -1, 2, 3, 1, 90)]),
        (137, [("001", 16384, 2, 3, 1, 90)]),
        (137, [("001", 1, 2, 180, 1, 90)]),
        (137, [("001", 1, 2, 3, 3, 90)]),
        (137, [("001", 1, 2, 3, 1, 256)]),
    ],
)
def test_minutiae_that_are_none(golden: ModuleType, number: int, rows: list[tuple[object, ...]]) -> None:
    record = golden.standard_minutiae(2) if number == 12 else golden.m1_minutiae(2)
    with pytest.raises(RecordCorruptError):
        last(transaction(golden, changed(record, number, *rows)))  # type: ignore[arg-type]


def test_more_than_a_template_holds(golden: ModuleType) -> None:
    rows = [(f"{n:03d}", "00100010000") for n in range(256)]
    with pytest.raises(RecordUnsupportedError):
        last(transaction(golden, changed(golden.standard_minutiae(2), 12, *rows)))


def test_m1_resolution_units(golden: ModuleType) -> None:
    record = golden.m1_minutiae(2)
    inches = changed(changed(changed(record, 130, 1), 131, 1000), 132, 1000)
    template = last(transaction(golden, inches))
    assert template.minutiae.x.tolist() == [5, 15, 20]
    for number in (131, 130):
        with pytest.raises(RecordCorruptError):
            last(transaction(golden, changed(changed(record, number, 0), 131, 0)))


def test_other_ways_are_named_and_kept(golden: ModuleType) -> None:
    record = TaggedRecord(9, (Field.of(9, 2, "02"), Field.of(9, 23, ("001", "21951869281"))))
    assert encoding_of(record) == "other"
    made = transaction(golden, record)
    with pytest.raises(RecordUnsupportedError):
        last(made)
    for index in (0, 1, 9, -1):
        with pytest.raises(ArgumentError):
            template_of(made, index)


def test_real_twins_agree_and_point_as_the_extractor_does(real_data: Path) -> None:
    """NIST wrote one print's minutiae in both ways; and its image matches them only if they point right."""
    root = real_data / REFERENCES
    standard, m1 = (read_ansi_nist((root / f"type-9-14-{name}.an2").read_bytes()) for name in ("std", "m1"))
    one, other = (template_of(made, 2) for made in (standard, m1))
    assert np.abs(one.minutiae.x - other.minutiae.x).max() <= 1
    assert np.abs(one.minutiae.y - other.minutiae.y).max() <= 1
    turn = one.minutiae.direction.astype(int) - other.minutiae.direction
    assert np.abs((turn + 128) % 256 - 128).max() <= 1
    (image,) = images_of(standard)
    extracted = extract(image.image.decode())
    right = compare(extracted, one).raw
    turned = replace(
        one, minutiae=replace(one.minutiae, direction=(one.minutiae.direction + 128).astype(np.uint8))
    )
    assert right > 3 * compare(extracted, turned).raw
    assert compare(extracted, one).value > 40


def test_real_minutiae_records(real_data: Path) -> None:
    counts = {}
    for path in sorted((real_data / REFERENCES).glob("type-9*.an2")):
        made = read_ansi_nist(path.read_bytes())
        for index, record in enumerate(made.records):
            if isinstance(record, TaggedRecord) and record.record_type == 9:
                encoding = encoding_of(record)
                counts[path.name, index] = (
                    len(template_of(made, index).minutiae) if encoding != "other" else 0
                )
    assert sorted(counts.values()) == [0] + [48] * 7
