"""Coordinates and angles from one format's units to another's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.types import PPI, U8

CM_PER_INCH = 2.54

RECORD_PPCM = 197
"""Pixels per centimetre that a record states for 500 ppi: 196.85, rounded."""

NOMINAL_PPI = (250.0, 300.0, 500.0, 1000.0)
"""Resolutions that sensors have, and that whole pixels per centimetre only round."""

U16 = npt.NDArray[np.uint16]
U16_MAX = 0xFFFF


def per_cm(resolution: int) -> float:
    """Return the units per centimetre that a stated whole number stands for: 197 is 500 ppi, hence 196.85.

    Raises
    ------
    RecordCorruptError
        If it is 0: the coordinates then mean nothing.
    """
    if resolution <= 0:
        raise RecordCorruptError(
            "Record: expected a resolution above 0 pixels/cm, got 0.",
            hint="Coordinates have no size without it; have the record written again with it.",
        )
    for ppi in NOMINAL_PPI:
        if round(ppi / CM_PER_INCH) == resolution:
            return ppi / CM_PER_INCH
    return float(resolution)


def scale_coordinates(values: U16, source: float, target: float) -> U16:
    """Return coordinates in `source` units per centimetre as the nearest ones in `target` units.

    Raises
    ------
    RecordUnsupportedError
        If one exceeds 16 bits.
    """
    scaled = np.floor(values * (target / source) + 0.5)
    if len(scaled) and scaled.max() > U16_MAX:
        raise RecordUnsupportedError("Record: coordinates exceed 16 bits at the other resolution.")
    coordinates: U16 = scaled.astype(np.uint16)
    return coordinates


def scale_angles(values: U8, source: int, target: int) -> U8:
    """Return angles of `source` steps a turn as the nearest of `target` steps; a full turn is 0 again."""
    wide = values.astype(np.uint32)
    nearest: U8 = ((wide * (2 * target) + source) // (2 * source) % target).astype(np.uint8)
    return nearest


TEMPLATE_PER_CM = PPI / CM_PER_INCH
"""Template coordinates per centimetre."""
