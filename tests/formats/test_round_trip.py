"""Every format: what is written reads back equal, is told from the others, and is written again alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.errors import RecordCorruptError, RecordError, RecordFormatError, RecordTruncatedError
from matcher.formats.card import SIZES as CARD_SIZES
from matcher.formats.detect import read_minutiae_record
from matcher.formats.record import FingerMinutiaeRecord, FingerView, Format, QualityBlock, RecordMinutiae
from matcher.formats.write import write_minutiae_record

Records = Callable[..., st.SearchStrategy[FingerMinutiaeRecord]]
MinutiaeOf = Callable[..., RecordMinutiae]
SAMPLES = ("fmr.iso2005", "fmr.ansi2004", "fmr.ansi2007")
QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
BUSY = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def small_record(record_format: Format, minutiae_of: MinutiaeOf, views: int = 2) -> FingerMinutiaeRecord:
    """A record of few bytes."""
    if record_format.is_card:
        view = FingerView(minutiae_of(record_format, 1, 4), 0, 0, 0, 0)
        return FingerMinutiaeRecord(record_format, (view,))
    return FingerMinutiaeRecord(
        record_format,
        tuple(
            FingerView(
                minutiae_of(record_format, seed, 3 + seed),
                *(300, 400, 197, 197),
                position=seed + 1,
                qualities=(QualityBlock(60 + seed),),
            )
            for seed in range(views)
        ),
    )


@pytest.mark.parametrize("record_format", Format)
def test_written_records_read_back_equal_and_are_told_apart(records: Records, record_format: Format) -> None:
    @QUICK
    @given(records(record_format))
    def check(record: FingerMinutiaeRecord) -> None:
        data = write_minutiae_record(record)
        stated = read_minutiae_record(data, record_format)
        assert stated == record
        assert stated.repairs == ()
        assert write_minutiae_record(stated) == data
        try:
            sniffed = read_minutiae_record(data)
        except RecordFormatError:
            assert record_format in CARD_SIZES  # a multiple of 15 bytes may be of both sizes
            return
        assert write_minutiae_record(sniffed) == data
        # Without a minutia nothing shows its size.
        if record_format not in CARD_SIZES and any(len(view.minutiae) for view in record.views):
            assert sniffed == record

    check()


@pytest.mark.parametrize("record_format", Format)
def test_every_truncation_is_a_truncation(record_format: Format, minutiae_of: MinutiaeOf) -> None:
    data = write_minutiae_record(small_record(record_format, minutiae_of))
    for length in range(len(data)):
        with pytest.raises(RecordTruncatedError):
            read_minutiae_record(data[:length])


@pytest.mark.parametrize("record_format", Format)
def test_trailing_bytes_are_corrupt(record_format: Format, minutiae_of: MinutiaeOf) -> None:
    data = write_minutiae_record(small_record(record_format, minutiae_of))
    with pytest.raises(RecordCorruptError):
        read_minutiae_record(data + b"\0")


@pytest.mark.parametrize("record_format", Format)
def test_mutations_give_a_record_or_a_typed_error(
    records: Records, record_format: Format, full_size: bool
) -> None:
    @settings(BUSY, max_examples=3000 if full_size else 80)
    @given(records(record_format), st.data())
    def check(record: FingerMinutiaeRecord, data: st.DataObject) -> None:
        changed = bytearray(write_minutiae_record(record))
        for _ in range(data.draw(st.integers(1, 3))):
            changed[data.draw(st.integers(0, min(len(changed) - 1, 60)))] = data.draw(st.integers(0, 255))
        outcome(bytes(changed))

    check()


def outcome(data: bytes) -> None:
    """Read; what reads must be written again, and read back equal."""
    try:
        record = read_minutiae_record(data)
    except RecordError:
        return
    again = write_or_refuse(record)
    if again is not None:
        assert read_minutiae_record(again, record.format) == record


def write_or_refuse(record: FingerMinutiaeRecord) -> bytes | None:
    try:
        return write_minutiae_record(record)
    except RecordError:
        return None


@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(
            st.sampled_from(
                [b"FMR\x00 20\x00", b"FMR\x00030\x00", b"FMR\x00035\x00", b"FMR\x00", b"\x7f\x2e"]
            ),
            st.binary(max_size=200),
        ).map(b"".join),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_record_or_a_typed_error(data: bytes) -> None:
    outcome(data)


@given(st.sampled_from([b"FMR\x00 20\x00", b"FMR\x00030\x00"]), st.binary(min_size=30, max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_bytes_of_fitting_length_give_a_record_or_a_typed_error(magic: bytes, body: bytes) -> None:
    """The length field is right, so that parsers behind it are reached."""
    outcome(magic + (len(body) + 12).to_bytes(4, "big") + body)
    outcome(magic + (len(body) + 10).to_bytes(2, "big") + body)


def test_two_and_six_byte_lengths_of_ansi_2004(minutiae_of: MinutiaeOf) -> None:
    large = small_record(Format.ANSI_2004, minutiae_of, views=1)
    view = FingerView(minutiae_of(Format.ANSI_2004, 5, 255), 300, 400, 197, 197, qualities=(QualityBlock(1),))
    large = FingerMinutiaeRecord(Format.ANSI_2004, (view,) * 43)
    data = write_minutiae_record(large)
    assert len(data) > 0xFFFF
    assert data[8:10] == b"\0\0"
    assert int.from_bytes(data[10:14], "big") == len(data)
    assert read_minutiae_record(data) == large
    just_below = FingerMinutiaeRecord(Format.ANSI_2004, (view,) * 42)
    data = write_minutiae_record(just_below)
    assert int.from_bytes(data[8:10], "big") == len(data)
    assert read_minutiae_record(data) == just_below


def test_no_view_is_corrupt(minutiae_of: MinutiaeOf) -> None:
    data = write_minutiae_record(small_record(Format.ISO_2005, minutiae_of))
    empty = data[:8] + (24).to_bytes(4, "big") + data[12:22] + b"\0\0"
    with pytest.raises(RecordCorruptError, match="at least one"):
        read_minutiae_record(empty)


@pytest.mark.parametrize("name", SAMPLES)
def test_nist_samples_are_read(real_data: Path, name: str) -> None:
    data = (real_data / "formats" / "libbiomeval-samples" / name).read_bytes()
    record = read_minutiae_record(data)
    expected = {
        "fmr.iso2005": (Format.ISO_2005, [27, 22], True),
        "fmr.ansi2004": (Format.ANSI_2004, [27, 22, 28], True),
        "fmr.ansi2007": (Format.ANSI_2009_DRAFT, [27, 22], False),
    }[name]
    assert (record.format, [len(view.minutiae) for view in record.views], bool(record.repairs)) == expected
    assert record.views[0].position == 7
    # A right file is written again byte for byte; a mended one reads back equal without mending.
    again = write_minutiae_record(record)
    assert again == data or record.repairs
    second = read_minutiae_record(again)
    assert (second, second.repairs) == (record, ())


def test_extended_data_that_miss_the_end_are_mended_and_said(minutiae_of: MinutiaeOf) -> None:
    """The synthetic sibling of NIST's samples: lengths one or two bytes wrong in the last view."""
    for record_format in (Format.ISO_2005, Format.ANSI_2004):
        record = small_record(record_format, minutiae_of)
        data = bytearray(write_minutiae_record(record)[:-2])
        points = bytes.fromhex("01 0010 0020 01 0030 0040".replace(" ", ""))  # one core, one delta, no angles
        for wrong in (-2, -1, 1, 2):
            length = len(points) + 4 + wrong
            areas = length.to_bytes(2, "big") + b"\0\2" + length.to_bytes(2, "big") + points
            whole = bytes(data) + areas
            size = 4 if record_format is Format.ISO_2005 else 2
            whole = whole[:8] + len(whole).to_bytes(size, "big") + whole[8 + size :]
            mended = read_minutiae_record(whole)
            assert mended.repairs
            assert [v.minutiae for v in mended.views] == [v.minutiae for v in record.views]
            assert len(mended.views[-1].extended) == 1
        with pytest.raises(RecordCorruptError):
            outcome_strict(bytes(data) + b"\0\x20\0\2\0\x20" + points, record_format)


def outcome_strict(whole: bytes, record_format: Format) -> None:
    size = 4 if record_format is Format.ISO_2005 else 2
    read_minutiae_record(whole[:8] + len(whole).to_bytes(size, "big") + whole[8 + size :])


def test_area_lengths_without_headers_are_kept_as_they_are(minutiae_of: MinutiaeOf) -> None:
    data = write_minutiae_record(small_record(Format.ISO_2005, minutiae_of, views=1))
    counts = bytes.fromhex("0001 0004 01 010203")
    whole = data[:-2] + len(counts).to_bytes(2, "big") + counts
    whole = whole[:8] + len(whole).to_bytes(4, "big") + whole[12:]
    record = read_minutiae_record(whole)
    assert record.views[0].bare_area_lengths
    assert write_minutiae_record(record) == whole


def test_reserved_bits_of_a_minutia_read_as_zero(minutiae_of: MinutiaeOf) -> None:
    record = small_record(Format.ISO_2005, minutiae_of, views=1)
    data = bytearray(write_minutiae_record(record))
    data[24 + 4 + 2] |= 0xC0
    assert read_minutiae_record(bytes(data)) == record


@pytest.mark.parametrize("record_format", [Format.ANSI_2004, Format.ISO_2005, Format.CARD_COMPACT])
def test_a_kind_that_does_not_exist_is_corrupt(record_format: Format, minutiae_of: MinutiaeOf) -> None:
    data = bytearray(write_minutiae_record(small_record(record_format, minutiae_of)))
    offset = {Format.ANSI_2004: 30, Format.ISO_2005: 28, Format.CARD_COMPACT: 5 + 2}[record_format]
    data[offset] |= 0xC0
    with pytest.raises(RecordCorruptError):
        read_minutiae_record(bytes(data), record_format)


def test_an_ansi_angle_beyond_the_turn_is_corrupt(minutiae_of: MinutiaeOf) -> None:
    data = bytearray(write_minutiae_record(small_record(Format.ANSI_2004, minutiae_of)))
    data[30 + 4] = 180
    with pytest.raises(RecordCorruptError, match="angle"):
        read_minutiae_record(bytes(data))


def test_bare_card_minutiae_need_their_size_stated() -> None:
    block = bytes(range(1, 16))
    with pytest.raises(RecordFormatError):
        read_minutiae_record(block)
    compact = read_minutiae_record(block, Format.CARD_COMPACT)
    assert len(compact.views[0].minutiae) == 5
    tagged = write_minutiae_record(compact)
    assert tagged == b"\x7f\x2e\x11\x81\x0f" + block
    with pytest.raises(RecordFormatError, match="3 or of 5"):
        read_minutiae_record(tagged)
    assert read_minutiae_record(tagged, Format.CARD_COMPACT) == compact
    assert np.array_equal(
        read_minutiae_record(tagged, Format.CARD_NORMAL).views[0].minutiae.x, [258, 1543, 2828]
    )
