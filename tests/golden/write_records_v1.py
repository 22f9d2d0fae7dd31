"""Writes one golden file for each exchange format: run once, then kept; later programs must still read them.

    python tests/golden/write_records_v1.py

The minutiae come from a seeded generator; no person is in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.formats.extended import CoresDeltas, RidgeCounts, SingularPoint, VendorData
from matcher.formats.record import (
    Capture,
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.write import NAMED_QUALITIES, write_minutiae_record

SEED = 7
COUNT = 20


def golden_record(record_format: Format) -> FingerMinutiaeRecord:
    """Return the record that the golden file of a format holds."""
    draw = np.random.default_rng(SEED)
    top = 250 if record_format.is_compact else 300

    def minutiae() -> RecordMinutiae:
        return RecordMinutiae(
            x=draw.integers(0, top, COUNT).astype(np.uint16),
            y=draw.integers(0, top, COUNT).astype(np.uint16),
            angle=draw.integers(0, record_format.angle_steps, COUNT).astype(np.uint8),
            kind=draw.integers(0, 3, COUNT).astype(np.uint8),
            quality=draw.integers(0, 101, COUNT).astype(np.uint8)
            if record_format.fixed_resolution is None
            else None,
        )

    if record_format.is_card:
        areas = (VendorData(0x92, b"\x01\x02\x03"),)
        return FingerMinutiaeRecord(record_format, (FingerView(minutiae(), 0, 0, 0, 0, extended=areas),))
    points = CoresDeltas(
        cores=(SingularPoint(150, 140, (9,)),),
        deltas=(SingularPoint(40, 260, (1, 2, 3)), SingularPoint(250, 260, (4, 5, 6))),
    )
    named = record_format in NAMED_QUALITIES
    iso_2011 = record_format is Format.ISO_2011
    views = tuple(
        FingerView(
            minutiae(),
            *(320, 310, 197, 197),
            position=position,
            impression=8,
            qualities=(QualityBlock(70 + position, 6 if named else 0, 55 if named else 0),),
            extended=(RidgeCounts(1, ((1, 2, 5), (1, 3, 7))), points, VendorData(0x1234, b"vendor")),
            capture=Capture(technology=2, vendor=3, device=4, certificates=((6, 1),))
            if iso_2011
            else Capture(),
            ending_kind=int(iso_2011),
        )
        for position in (2, 7)
    )
    ansi = record_format.is_ansi
    return FingerMinutiaeRecord(
        record_format,
        views,
        vendor=0x42 if ansi else 0,
        product=0x11 if ansi else 0,
        device=0 if iso_2011 else 0xB5,
        certification=1,
    )


if __name__ == "__main__":
    for name in Format:
        path = Path(__file__).with_name(f"record_v1_{name}.bin")
        path.write_bytes(write_minutiae_record(golden_record(name)))
