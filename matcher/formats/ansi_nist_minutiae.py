"""Minutiae of Type-9 records of ANSI/NIST-ITL as templates.

Two of the ways to write them are read; others (IAFIS and vendors' blocks, the extended feature set) stay in
the record as they are.

    9.137   INCITS 378 ("M1"): pixels from the upper left, units of 2 degrees, pointing as in `matcher.types`
    9.012   standard (legacy): 0.01 mm from the lower left, degrees, pointing the other way

That the two point in opposite ways is in NIST's reference records, which hold the same print in both.
"""

from __future__ import annotations

import numpy as np

from matcher.errors import ArgumentError, RecordCorruptError, RecordUnsupportedError
from matcher.formats.ansi_nist_images import RecordImage, images_of
from matcher.formats.ansi_nist_record import TaggedRecord, Transaction, whole, whole_items
from matcher.formats.finger_positions import ENTIRE_JOINT, fingers_of
from matcher.formats.record import (
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.templates import ANSI_EXTRACTOR, record_to_templates
from matcher.formats.units import CM_PER_INCH
from matcher.types import (
    DIRECTION_STEPS,
    MAX_COORDINATE,
    MAX_MINUTIAE,
    MAX_QUALITY,
    PPI,
    FingerPosition,
    FingerprintTemplate,
    Minutiae,
    MinutiaKind,
)

MINUTIAE_TYPE = 9
STD_POSITIONS, STD_MINUTIAE = 6, 12
M1_WIDTH, M1_HEIGHT, M1_UNIT, M1_ACROSS, M1_DOWN = 128, 129, 130, 131, 132
M1_POSITION, M1_QUALITY, M1_MINUTIAE = 134, 135, 137

STD_UNITS_PER_INCH = 2540.0
"""Coordinates of the standard fields are in 0.01 mm."""

FULL_TURN, HALF_TURN = 360, 180
M1_ITEMS, STD_ITEMS = 6, 2
XYT_DIGITS = 11
"""Of x (4), y (4) and direction (3) in one item."""

STD_KINDS = {b"A": MinutiaKind.ENDING, b"B": MinutiaKind.BIFURCATION}
"""Others are compound (C) or undetermined (D)."""

STD_BEST, STD_WORST = 2, 63
"""Qualities of the standard fields, best to worst; 0 and 1 say that there is none."""

PPI_UNIT = 1
"""Scale unit code for pixels per inch; 2 is pixels per centimetre."""


def encoding_of(record: TaggedRecord) -> str:
    """Return how a Type-9 record writes its minutiae: "m1", "standard", or "other"."""
    if record.get(M1_MINUTIAE) is not None:
        return "m1"
    return "standard" if record.get(STD_MINUTIAE) is not None else "other"


def template_of(transaction: Transaction, index: int) -> FingerprintTemplate:
    """Return the template of a Type-9 record.

    Its image is that of the record with the same IDC; without one it is as large as the minutiae reach.
    Standard records do not state a quality for the whole.

    Parameters
    ----------
    transaction : Transaction
    index : int
        Of the record in the transaction.

    Raises
    ------
    ArgumentError
        If there is no Type-9 record of that index.
    RecordCorruptError
        If a field is missing or no number, or a minutia lies outside the largest image there is.
    RecordUnsupportedError
        If the minutiae are written in another way or are more than 255, or are of a palm or several fingers.
    """
    record = transaction.records[index] if 0 <= index < len(transaction.records) else None
    if not isinstance(record, TaggedRecord) or record.record_type != MINUTIAE_TYPE:
        raise ArgumentError(f"Record {index} of the transaction is not of Type 9.")
    encoding = encoding_of(record)
    if encoding == "m1":
        return _m1(record)
    if encoding != "standard":
        raise RecordUnsupportedError(
            "Record: only minutiae in fields 9.012 (standard) and 9.137 (INCITS 378) are read, got others."
        )
    images = (image for image in images_of(transaction) if image.is_print and image.idc == record.idc)
    return _standard(record, next(images, None))


def _m1(record: TaggedRecord) -> FingerprintTemplate:
    """Read the INCITS 378 block by way of such a record: the same units and conventions."""
    rows = _rows(record, M1_MINUTIAE, M1_ITEMS)
    values = np.array([whole_items(row[:M1_ITEMS], "9.137") for row in rows], dtype=np.int64)
    values = values.reshape(len(rows), M1_ITEMS)
    limits = (2**31, MAX_COORDINATE, MAX_COORDINATE, Format.ANSI_2004.angle_steps - 1, max(MinutiaKind), 255)
    if (values < 0).any() or (values > np.array(limits)).any():
        raise RecordCorruptError("Record: a minutia in 9.137 has a value out of its range.")
    unit = record.number(M1_UNIT, 0)
    across, down = record.number(M1_ACROSS, 0), record.number(M1_DOWN, 0)
    if unit == PPI_UNIT:
        across, down = round(across / CM_PER_INCH), round(down / CM_PER_INCH)
    qualities = record.subfields(M1_QUALITY)
    quality = whole(qualities[0][0], "9.135") if qualities else 0
    view = FingerView(
        minutiae=RecordMinutiae(
            x=values[:, 1].astype(np.uint16),
            y=values[:, 2].astype(np.uint16),
            angle=values[:, 3].astype(np.uint8),
            kind=values[:, 4].astype(np.uint8),
            quality=values[:, 5].astype(np.uint8),
        ),
        width=max(record.number(M1_WIDTH, 0), 0),
        height=max(record.number(M1_HEIGHT, 0), 0),
        x_resolution=across,
        y_resolution=down,
        position=_single_finger(record, M1_POSITION),
        qualities=(QualityBlock(quality),) if 0 <= quality <= MAX_QUALITY else (),
    )
    return record_to_templates(FingerMinutiaeRecord(Format.ANSI_2004, (view,)))[0]


def _standard(record: TaggedRecord, image: RecordImage | None) -> FingerprintTemplate:
    rows = _rows(record, STD_MINUTIAE, STD_ITEMS)
    values = np.array([_xyt(row[1]) for row in rows], dtype=np.float64).reshape(len(rows), 3)
    scale = PPI / STD_UNITS_PER_INCH
    x, up = np.floor(values[:, 0] * scale + 0.5), values[:, 1] * scale
    # Half a pixel: y is measured from the image's lower edge to a pixel's centre.
    width, height = _image_size(image)
    height = max(height, int(np.ceil(up.max() + 0.5)) if len(up) else 1)
    y = np.clip(np.floor(height - 0.5 - up + 0.5), 0, height - 1)
    width = max(width, int(x.max()) + 1 if len(x) else 1)
    if max(width, height) > MAX_COORDINATE + 1:
        raise RecordCorruptError("Record: a minutia in 9.012 lies outside the largest image that is read.")
    degrees = (values[:, 2] + HALF_TURN) % FULL_TURN
    direction = np.floor(degrees * DIRECTION_STEPS / FULL_TURN + 0.5).astype(np.int64) % DIRECTION_STEPS
    kinds = [STD_KINDS.get(row[3].strip(), MinutiaKind.OTHER) if len(row) > 3 else 0 for row in rows]
    qualities = [_std_quality(row[2]) if len(row) > 2 and row[2].strip() else 0 for row in rows]
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=x.astype(np.int16),
            y=y.astype(np.int16),
            direction=direction.astype(np.uint8),
            kind=np.array(kinds, dtype=np.uint8),
            quality=np.array(qualities, dtype=np.uint8),
        ),
        width=width,
        height=height,
        extractor=ANSI_EXTRACTOR,
        position=_single_finger(record, STD_POSITIONS),
    )


def _rows(record: TaggedRecord, number: int, items: int) -> tuple[tuple[bytes, ...], ...]:
    rows = record.subfields(number)
    if len(rows) > MAX_MINUTIAE:
        raise RecordUnsupportedError(
            f"Record: a template holds at most {MAX_MINUTIAE} minutiae, Type 9 has {len(rows)}."
        )
    if any(len(row) < items for row in rows):
        raise RecordCorruptError(f"Record: expected {items} items for each minutia in 9.{number:03d}.")
    return rows


def _xyt(item: bytes) -> tuple[int, int, int]:
    if len(item) != XYT_DIGITS or not item.isdigit():
        raise RecordCorruptError(f"Record: expected {XYT_DIGITS} digits for x, y and direction in 9.012.")
    x, y, direction = int(item[:4]), int(item[4:8]), int(item[8:])
    if direction > FULL_TURN:
        raise RecordCorruptError("Record: expected directions of 0 to 359 degrees in 9.012.")
    return x, y, direction


def _std_quality(item: bytes) -> int:
    """Return a quality of the standard fields as 0 to 100; 0 where there is none."""
    quality = whole(item, "9.012")
    if not STD_BEST <= quality <= STD_WORST:
        return 0
    return round(MAX_QUALITY * (STD_WORST - quality) / (STD_WORST - STD_BEST))


def _image_size(image: RecordImage | None) -> tuple[int, int]:
    """Return the size at 500 ppi of the image that belongs to a record, 1 x 1 where there is none."""
    if image is None:
        return 1, 1
    ppi = image.image.ppi or (PPI, PPI)
    width, height = (
        max(1, round(side * PPI / axis))
        for side, axis in zip((image.image.width, image.image.height), ppi, strict=True)
    )
    return width, height


def _single_finger(record: TaggedRecord, number: int) -> FingerPosition:
    """Return the finger that a field of positions names first, UNKNOWN where it names none."""
    codes = record.subfields(number)
    code = whole(codes[0][0], f"9.{number:03d}") if codes else 0
    fingers = fingers_of(code)
    if len(fingers) == 1:
        return fingers[0]
    if code in (0, ENTIRE_JOINT):
        return FingerPosition.UNKNOWN
    raise RecordUnsupportedError(f"Record: expected minutiae of one finger, got those of position {code}.")
