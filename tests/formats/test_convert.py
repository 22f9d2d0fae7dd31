"""Units, conversion between formats, and templates: exact where the units allow, said where they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, RecordCorruptError, RecordUnsupportedError
from matcher.formats.convert import convert_record
from matcher.formats.detect import read_minutiae_record
from matcher.formats.extended import CoresDeltas, SingularPoint, VendorData, ZonalQuality
from matcher.formats.record import (
    Capture,
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.templates import record_to_templates, templates_to_record
from matcher.formats.units import per_cm, scale_angles
from matcher.formats.write import write_minutiae_record
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae

Records = Callable[..., st.SearchStrategy[FingerMinutiaeRecord]]
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
FULL_FORMATS = [Format.ISO_2005, Format.ISO_2011, Format.ANSI_2004, Format.ANSI_2009, Format.ANSI_2009_AM1]


def one_minutia(x: int = 100, y: int = 60, angle: int = 0, quality: int | None = 50) -> RecordMinutiae:
    return RecordMinutiae(
        x=np.array([x], np.uint16),
        y=np.array([y], np.uint16),
        angle=np.array([angle], np.uint8),
        kind=np.array([1], np.uint8),
        quality=None if quality is None else np.array([quality], np.uint8),
    )


def template_of(seed: int, count: int = 30, position: int = 0, side: int = 400) -> FingerprintTemplate:
    rng = np.random.default_rng(seed)
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=rng.integers(0, side, count).astype(np.int16),
            y=rng.integers(0, side, count).astype(np.int16),
            direction=rng.integers(0, 256, count).astype(np.uint8),
            kind=rng.integers(0, 3, count).astype(np.uint8),
            quality=rng.integers(0, 101, count).astype(np.uint8),
        ),
        width=side,
        height=side,
        extractor="iso",
        quality=66,
        position=FingerPosition(position),
    )


def test_stated_resolutions_stand_for_what_sensors_have() -> None:
    assert per_cm(197) == 500 / 2.54
    assert per_cm(394) == 1000 / 2.54
    assert per_cm(200) == 200.0  # 508 ppi: a sensor's own
    with pytest.raises(RecordCorruptError):
        per_cm(0)


@pytest.mark.parametrize(("source", "target"), [(180, 256), (64, 256), (64, 180), (256, 256)])
def test_coarse_angles_survive_the_way_through_finer_ones(source: int, target: int) -> None:
    angles = np.arange(source, dtype=np.uint8)
    assert np.array_equal(scale_angles(scale_angles(angles, source, target), target, source), angles)


@pytest.mark.parametrize(("source", "target"), [(256, 180), (256, 64), (180, 64), (64, 180)])
def test_angles_are_the_nearest_on_the_circle(source: int, target: int) -> None:
    turned = scale_angles(np.arange(source, dtype=np.uint8), source, target)
    gap = np.abs(turned * 360.0 / target - np.arange(source) * 360.0 / source)
    assert np.minimum(gap, 360 - gap).max() <= 180.0 / target + 1e-9


@pytest.mark.parametrize(
    ("record_format", "quarter"),
    [(Format.ISO_2005, 64), (Format.ANSI_2004, 45), (Format.ISO_2005_COMPACT, 16)],
)
def test_a_quarter_turn_is_up_and_kinds_and_origin_are_ours(record_format: Format, quarter: int) -> None:
    quality = None if record_format.is_compact else 50
    view = FingerView(
        one_minutia(angle=quarter, quality=quality), 300, 300, 197, 197, qualities=(QualityBlock(9),)
    )
    template = record_to_templates(FingerMinutiaeRecord(record_format, (view,)))[0]
    assert int(template.minutiae.direction[0]) == 64
    assert int(template.minutiae.kind[0]) == 1
    assert template.extractor == ("ansi" if record_format.is_ansi else "iso")
    assert template.quality == 9


@pytest.mark.parametrize("target", [*FULL_FORMATS, Format.ANSI_2009_DRAFT])
def test_templates_survive_records(target: Format) -> None:
    templates = [template_of(1, position=2), template_of(2, position=7), template_of(3, position=2)]
    record = templates_to_record(templates, target)
    assert [view.number for view in record.views] == [0, 0, 1]
    read = read_minutiae_record(write_minutiae_record(record))
    assert read == record
    for before, after in zip(templates, record_to_templates(read), strict=True):
        assert after.extractor == ("ansi" if target.is_ansi else "iso")
        angle = before.minutiae.direction
        if target.is_ansi:
            angle = scale_angles(scale_angles(angle, 256, 180), 180, 256)
        expected = replace(
            before, extractor=after.extractor, minutiae=replace(before.minutiae, direction=angle)
        )
        assert after == expected


@pytest.mark.parametrize("target", [Format.CARD_COMPACT, Format.CARD_NORMAL, Format.ISO_2005_COMPACT])
def test_card_sizes_keep_positions_to_half_their_unit(target: Format) -> None:
    template = template_of(5)
    record = templates_to_record([template], target)
    read = read_minutiae_record(write_minutiae_record(record), target)
    after = record_to_templates(read)[0].minutiae
    unit_mm = 0.1 if target.is_compact else 0.01
    worst = unit_mm / 2 / 25.4 * 500 + 0.5  # pixels: half a unit, and rounding to pixels
    assert np.abs(after.x.astype(int) - template.minutiae.x).max() <= worst
    assert np.abs(after.y.astype(int) - template.minutiae.y).max() <= worst
    turn = (after.direction.astype(int) - template.minutiae.direction + 128) % 256 - 128
    assert np.abs(turn).max() <= (2 if target.is_compact else 0)
    assert np.array_equal(after.kind, template.minutiae.kind)


def test_resolution_is_honoured_on_each_axis() -> None:
    view = FingerView(one_minutia(x=200, y=60), 800, 600, 394, 197)
    template = record_to_templates(FingerMinutiaeRecord(Format.ISO_2005, (view,)))[0]
    assert (int(template.minutiae.x[0]), int(template.minutiae.y[0])) == (100, 60)
    assert (template.width, template.height) == (400, 600)


def test_an_image_smaller_than_its_minutiae_reach_is_enlarged() -> None:
    view = FingerView(one_minutia(x=350, y=60), 300, 0, 197, 197)
    template = record_to_templates(FingerMinutiaeRecord(Format.ISO_2005, (view,)))[0]
    assert (template.width, template.height) == (351, 61)


@pytest.mark.parametrize("source", list(Format))
def test_any_record_converts_to_any_format_or_says_why_not(records: Records, source: Format) -> None:
    @QUICK
    @given(records(source), st.sampled_from(Format))
    def check(record: FingerMinutiaeRecord, target: Format) -> None:
        try:
            conversion = convert_record(record, target)
        except (RecordUnsupportedError, RecordCorruptError):
            return
        data = write_minutiae_record(conversion.record)
        assert read_minutiae_record(data, target) == conversion.record
        assert len(conversion.record.views) == len(record.views)

    check()


@pytest.mark.parametrize("source", FULL_FORMATS)
def test_full_size_formats_convert_without_moving_a_minutia(records: Records, source: Format) -> None:
    @QUICK
    @given(records(source, sane=True), st.sampled_from(FULL_FORMATS))
    def check(record: FingerMinutiaeRecord, target: Format) -> None:
        converted = convert_record(record, target).record
        for before, after in zip(record.views, converted.views, strict=True):
            assert np.array_equal(before.minutiae.x, after.minutiae.x)
            assert np.array_equal(before.minutiae.y, after.minutiae.y)
            assert np.array_equal(before.minutiae.kind, after.minutiae.kind)
            assert (before.x_resolution, before.position) == (after.x_resolution, after.position)

    check()


def test_what_is_left_out_is_said() -> None:
    areas = (
        CoresDeltas((SingularPoint(1, 2, (3,)), SingularPoint(4, 5)), ()),
        ZonalQuality(8, 8, 4, b"\x12"),
        VendorData(0x1234, b"x"),
    )
    view = FingerView(
        one_minutia(),
        *(300, 300, 197, 197),
        impression=24,
        qualities=(QualityBlock(254, 1, 2), QualityBlock(70, 1, 2)),
        extended=areas,
        capture=Capture(vendor=1),
    )
    record = FingerMinutiaeRecord(Format.ISO_2011, (view,))
    conversion = convert_record(record, Format.ANSI_2004)
    assert len(conversion.left_out) == 6
    after = conversion.record.views[0]
    assert after.quality == 70
    assert after.impression == 0
    assert after.extended == (CoresDeltas((SingularPoint(1, 2), SingularPoint(4, 5)), ()),)


VIEW = FingerView(one_minutia(), 300, 300, 197, 197, qualities=(QualityBlock(50),))
UNHELD = {
    "too many minutiae": (
        Format.ISO_2005,
        replace(VIEW, minutiae=RecordMinutiae(*(np.zeros(256, t) for t in ("u2", "u2", "u1", "u1", "u1")))),
    ),
    "too large a coordinate": (Format.ISO_2005, replace(VIEW, minutiae=one_minutia(x=16384))),
    "too large an angle": (Format.ANSI_2004, replace(VIEW, minutiae=one_minutia(angle=180))),
    "an unknown position": (Format.ISO_2005, replace(VIEW, position=13)),
    "a large view number": (Format.ANSI_2004, replace(VIEW, number=16)),
    "a large image": (Format.ANSI_2009, replace(VIEW, width=65536)),
    "several qualities": (Format.ANSI_2009, replace(VIEW, qualities=(QualityBlock(1), QualityBlock(2)))),
    "a named quality": (Format.ISO_2005, replace(VIEW, qualities=(QualityBlock(1, 2, 3),))),
    "a capture": (Format.ANSI_2009, replace(VIEW, capture=Capture(device=1))),
    "certificates without the flag": (
        Format.ISO_2011,
        replace(VIEW, capture=Capture(certificates=((1, 1),))),
    ),
    "zonal quality": (Format.ANSI_2004, replace(VIEW, extended=(ZonalQuality(8, 8, 8, b""),))),
    "mixed angles": (
        Format.ANSI_2004,
        replace(VIEW, extended=(CoresDeltas((SingularPoint(1, 2, (3,)), SingularPoint(4, 5)), ()),)),
    ),
    "sixteen cores": (
        Format.ISO_2005,
        replace(VIEW, extended=(CoresDeltas((SingularPoint(1, 2),) * 16, ()),)),
    ),
    "qualities in a card size": (Format.ISO_2005_COMPACT, VIEW),
    "a wide print in 0.1 mm": (Format.CARD_COMPACT, FingerView(one_minutia(x=256, quality=None), 0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", UNHELD)
def test_values_that_a_format_cannot_hold_are_refused_by_name(case: str) -> None:
    record_format, view = UNHELD[case]
    with pytest.raises(RecordUnsupportedError):
        write_minutiae_record(FingerMinutiaeRecord(record_format, (view,)))


def test_views_of_different_images_need_a_format_for_them() -> None:
    views = (VIEW, replace(VIEW, width=301, number=1))
    with pytest.raises(RecordUnsupportedError, match="one image size"):
        write_minutiae_record(FingerMinutiaeRecord(Format.ISO_2005, views))
    write_minutiae_record(FingerMinutiaeRecord(Format.ISO_2011, views))
    enlarged = convert_record(FingerMinutiaeRecord(Format.ISO_2011, views), Format.ISO_2005).record
    assert {view.width for view in enlarged.views} == {301}


def test_templates_to_record_says_what_it_cannot_do() -> None:
    with pytest.raises(ArgumentError):
        templates_to_record([], Format.ISO_2005)
    with pytest.raises(RecordUnsupportedError, match="one view"):
        templates_to_record([template_of(1), template_of(2)], Format.CARD_COMPACT)
    with pytest.raises(RecordUnsupportedError, match="coordinates"):
        templates_to_record([template_of(1, side=900)], Format.CARD_COMPACT)
    with pytest.raises(RecordUnsupportedError, match="view number"):
        templates_to_record([template_of(1)] * 17, Format.ISO_2005)


def test_a_slap_is_no_template() -> None:
    record = FingerMinutiaeRecord(Format.ISO_2011, (replace(VIEW, position=13),))
    with pytest.raises(RecordUnsupportedError, match="one finger"):
        record_to_templates(record)
