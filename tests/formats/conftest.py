"""Strategies of valid records of every format, handed to tests as fixtures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import strategies as st

from matcher.formats.extended import (
    CoresDeltas,
    ExtendedArea,
    RidgeCounts,
    SingularPoint,
    VendorData,
    ZonalQuality,
)
from matcher.formats.record import (
    NO_DATE,
    Capture,
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.write import NAMED_QUALITIES

U8, U16 = st.integers(0, 255), st.integers(0, 65535)
COORDINATE = st.integers(0, 16383)
SHORT_HEADERS = (Format.ANSI_2004, Format.ISO_2005, Format.ISO_2005_NORMAL, Format.ISO_2005_COMPACT)


def random_minutiae(record_format: Format, seed: int, count: int, quality: bool = True) -> RecordMinutiae:
    """Any minutiae that the format holds; arrays from a seed, so that 255 cost one draw."""
    rng = np.random.default_rng(seed)
    top = 256 if record_format.is_compact else 16384
    return RecordMinutiae(
        x=rng.integers(0, top, count).astype(np.uint16),
        y=rng.integers(0, top, count).astype(np.uint16),
        angle=rng.integers(0, record_format.angle_steps, count).astype(np.uint8),
        kind=rng.integers(0, 3, count).astype(np.uint8),
        quality=rng.integers(0, 101, count).astype(np.uint8)
        if quality and record_format.fixed_resolution is None
        else None,
    )


def points(
    angle_count: int, angle_steps: int, *, all_or_none: bool
) -> st.SearchStrategy[tuple[SingularPoint, ...]]:
    """Cores (one angle) or deltas (three)."""
    with_angles = st.tuples(*[st.integers(0, angle_steps - 1)] * angle_count)
    one = st.builds(SingularPoint, COORDINATE, COORDINATE, with_angles)
    none = st.builds(SingularPoint, COORDINATE, COORDINATE)
    several = [st.lists(one, max_size=3), st.lists(none, max_size=3)]
    if not all_or_none:
        several.append(st.lists(one | none, max_size=15))
    return st.one_of(several).map(tuple)


def areas(record_format: Format) -> st.SearchStrategy[tuple[ExtendedArea, ...]]:
    """Extended areas that the format holds."""
    if record_format.is_card:
        vendor = st.builds(VendorData, st.integers(0x91, 0x9E), st.binary(max_size=300))
        return st.lists(vendor, max_size=3).map(tuple)
    counts = st.builds(RidgeCounts, U8, st.lists(st.tuples(U8, U8, U8), max_size=5).map(tuple))
    steps, ansi = record_format.angle_steps, record_format.is_ansi
    singular = st.builds(CoresDeltas, points(1, steps, all_or_none=ansi), points(3, steps, all_or_none=ansi))
    choices: list[st.SearchStrategy[ExtendedArea]] = [
        counts,
        singular,
        st.builds(VendorData, st.integers(0x100, 0xFFFF), st.binary(max_size=40)),
    ]
    if not ansi:
        named = U16 if record_format is Format.ISO_2011 else st.just(0)
        choices.append(
            st.builds(ZonalQuality, U8, U8, st.integers(1, 8), st.binary(max_size=40), named, named)
        )
    return st.lists(st.one_of(choices), max_size=3).map(tuple)


@st.composite
def draw_record(
    draw: st.DrawFn, record_format: Format, *, extended: bool = True, sane: bool = False
) -> FingerMinutiaeRecord:
    """Any record that the format holds without loss; `sane` ones have minutiae within plausible images."""
    frame = draw(st.tuples(U16, U16, U16, U16))
    if sane:
        frame = (16384, 16384, draw(st.sampled_from([197, 394, 150])), draw(st.sampled_from([197, 394])))
    views = []
    for number in range(1 if record_format.is_card else draw(st.integers(1, 4))):
        minutiae = random_minutiae(
            record_format,
            draw(st.integers(0, 2**32)),
            draw(st.one_of(st.sampled_from([0, 1, 255]), st.integers(0, 80))),
            record_format is not Format.ISO_2011 or draw(st.booleans()),
        )
        kept = draw(areas(record_format)) if extended else ()
        if record_format.is_card:
            views.append(FingerView(minutiae, 0, 0, 0, 0, extended=kept))
            continue
        if record_format not in SHORT_HEADERS and not sane:
            frame = draw(st.tuples(U16, U16, U16, U16))
        named = U16 if record_format in NAMED_QUALITIES else st.just(0)
        block = st.builds(QualityBlock, st.integers(0, 100), named, named)
        qualities = (
            st.lists(block, max_size=3)
            if record_format is Format.ISO_2011
            else st.lists(block, min_size=1, max_size=1)
        )
        wide = record_format not in SHORT_HEADERS
        views.append(
            FingerView(
                minutiae,
                *frame,
                position=draw(st.integers(0, 10)),
                number=number,
                impression=draw(st.integers(0, 29 if wide else 15)),
                qualities=tuple(draw(qualities)),
                extended=kept,
                capture=draw(captures()) if record_format is Format.ISO_2011 else Capture(),
                ending_kind=draw(st.integers(0, 1)) if record_format is Format.ISO_2011 else 0,
            )
        )
    return FingerMinutiaeRecord(record_format, tuple(views), **draw(headers(record_format)))


def captures() -> st.SearchStrategy[Capture]:
    """How a view of ISO/IEC 19794-2:2011 was captured."""
    date = st.just(NO_DATE) | st.binary(min_size=9, max_size=9)
    return st.builds(Capture, date, U8, U16, U16, st.lists(st.tuples(U16, U8), max_size=2).map(tuple))


def headers(record_format: Format) -> st.SearchStrategy[dict[str, int]]:
    """Header fields that the format has."""
    fields: dict[str, st.SearchStrategy[int]] = {}
    if record_format.is_ansi:
        fields |= {"vendor": U16, "product": U16}
    if record_format in (*SHORT_HEADERS, Format.ANSI_2009_DRAFT):
        fields |= {"device": st.integers(0, 4095), "certification": st.integers(0, 15), "reserved": U8}
    elif record_format.is_ansi:
        fields |= {"device": U16, "certification": U8, "reserved": U8}
    elif record_format is Format.ISO_2011:
        fields |= {"certification": st.just(1)}
    return st.fixed_dictionaries(fields)


@pytest.fixture(scope="session")
def records() -> Callable[..., st.SearchStrategy[FingerMinutiaeRecord]]:
    """Strategy of valid records: `records(format, extended=..., sane=...)`."""
    return draw_record


@pytest.fixture(scope="session")
def minutiae_of() -> Callable[..., RecordMinutiae]:
    """Random minutiae: `minutiae_of(format, seed, count)`."""
    return random_minutiae


@pytest.fixture(scope="session")
def golden() -> ModuleType:
    """The script of the golden files that hold images: makers of synthetic records."""
    path = Path(__file__).resolve().parent.parent / "golden" / "write_image_records_v1.py"
    spec = importlib.util.spec_from_file_location("write_image_records_v1", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
