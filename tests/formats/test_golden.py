"""Golden files and records written out by hand: the layouts do not drift."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from matcher.formats.detect import read_minutiae_record
from matcher.formats.record import Format
from matcher.formats.write import write_minutiae_record

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def script() -> ModuleType:
    """Import the golden files' script by its path."""
    spec = importlib.util.spec_from_file_location("write_records_v1", GOLDEN / "write_records_v1.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("record_format", Format)
def test_golden_file_reads_and_is_still_written_alike(record_format: Format) -> None:
    data = (GOLDEN / f"record_v1_{record_format}.bin").read_bytes()
    expected = script().golden_record(record_format)
    assert read_minutiae_record(data, record_format) == expected
    assert read_minutiae_record(data) == expected
    assert write_minutiae_record(expected) == data


BY_HAND = {
    # FMR 020, length 36 in 4 bytes; certified, device 0b5; 300 x 400 at 197 x 197; 1 view;
    # left index, view 1, live plain; quality 90; 1 minutia: ending at 100, 14, 192 units, quality 80
    Format.ISO_2005: "464d5200 20323000 00000024 80b5 012c0190 00c500c5 01 00"
    "07 10 5a 01 4064 000e c0 50 0000",
    # FMR 020, length 38 in 2 bytes; product 0042 0011; the same image and view, 135 units of 2 degrees
    Format.ANSI_2004: "464d5200 20323000 0026 0042 0011 80b5 012c0190 00c500c5 01 00"
    "07 10 5a 01 4064 000e 87 50 0000",
    # FMR 030, length 46; product 0042 0011; certification 80, device 00b5; quality algorithm 0006 0037
    Format.ANSI_2009: "464d5200 30333000 0000002e 0042 0011 80 00b5 01 00"
    "07 01 00 5a 0006 0037 012c0190 00c500c5 01 4064 000e 87 50 0000",
    # the draft of 2007: certification 8 and device 0b5 in two bytes
    Format.ANSI_2009_DRAFT: "464d5200 30333000 0000002d 0042 0011 80b5 01 00"
    "07 01 00 5a 0006 0037 012c0190 00c500c5 01 4064 000e 87 50 0000",
    # FMR 030, length 64; 1 view, certificates; view of 49: no date, technology 2, vendor 3, device 4,
    # 1 quality by 0006 0037, 1 certificate 0006 01; resolution before size, endings at the ridge's end
    Format.ISO_2011: "464d5200 30333000 00000040 0001 01"
    "00000031 ffffffffffffffffff 02 0003 0004 01 5a00060037 01 000601"
    "07 01 00c500c5 00 012c0190 61 01 4064 000e c0 50 0000",
    # 7F2E, 81, three bytes: x 5.1 mm, y 0.7 mm, ending, 48 units of 5.625 degrees
    Format.CARD_COMPACT: "7f2e 05 81 03 33 07 70",
    # 7F2E, 81, five bytes: x 5.08 mm, y 0.71 mm
    Format.CARD_NORMAL: "7f2e 07 81 05 41fc 0047 c0",
}


@pytest.mark.parametrize("record_format", BY_HAND)
def test_layout_by_hand(record_format: Format) -> None:
    data = bytes.fromhex(BY_HAND[record_format])
    record = read_minutiae_record(data)
    assert record.format is record_format
    assert write_minutiae_record(record) == data
    view = record.views[0]
    minutiae = view.minutiae
    assert (int(minutiae.kind[0]), len(minutiae)) == (1, 1)
    assert int(minutiae.angle[0]) * 360 / record_format.angle_steps == 270
    if record_format.is_card:
        return
    assert (int(minutiae.x[0]), int(minutiae.y[0])) == (100, 14)
    assert minutiae.quality is not None
    assert int(minutiae.quality[0]) == 80
    assert (view.width, view.height, view.x_resolution, view.y_resolution) == (300, 400, 197, 197)
    assert (view.position, view.number, view.impression, view.quality) == (7, 1, 0, 90)
    if record_format is Format.ISO_2011:
        assert (view.capture.technology, view.capture.vendor, view.capture.device) == (2, 3, 4)
        assert view.capture.certificates == ((6, 1),)
        assert view.ending_kind == 1
    else:
        assert record.device == 0xB5
    if record_format.is_ansi:
        assert (record.vendor, record.product) == (0x42, 0x11)
