"""The minutiae of a view as bytes, in the three sizes that all formats share.

size  layout (high bits first)
6     kind (2), x (14), reserved (2), y (14), angle (8), quality (8)
5     the same without quality: normal card size, and ISO/IEC 19794-2:2011 without qualities
3     x (8), y (8), kind (2), angle (6): compact card size
"""

from __future__ import annotations

import numpy as np

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.record import RecordMinutiae
from matcher.types import MAX_COORDINATE, MAX_MINUTIAE, MinutiaKind

FULL, NO_QUALITY, COMPACT = 6, 5, 3
"""Bytes a minutia."""

KIND_SHIFT = 14
COMPACT_KIND_SHIFT = 6
COMPACT_ANGLE_MASK = 0x3F
MAX_COMPACT_COORDINATE = 255

FULL_DTYPE = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
NO_QUALITY_DTYPE = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1")])
COMPACT_DTYPE = np.dtype([("x", "u1"), ("y", "u1"), ("angle", "u1")])
DTYPES = {FULL: FULL_DTYPE, NO_QUALITY: NO_QUALITY_DTYPE, COMPACT: COMPACT_DTYPE}


def read_minutiae(block: bytes, size: int, angle_steps: int) -> RecordMinutiae:
    """Return the minutiae of a block of whole minutiae of `size` bytes.

    Raises
    ------
    RecordCorruptError
        If a kind or an angle is none of the format's.
    """
    rows = np.frombuffer(block, dtype=DTYPES[size])
    if size == COMPACT:
        kind = rows["angle"] >> COMPACT_KIND_SHIFT
        x, y, angle = rows["x"], rows["y"], rows["angle"] & COMPACT_ANGLE_MASK
    else:
        kind = rows["x"] >> KIND_SHIFT
        x, y, angle = rows["x"] & MAX_COORDINATE, rows["y"] & MAX_COORDINATE, rows["angle"]
    if len(rows) and kind.max() > max(MinutiaKind):
        raise RecordCorruptError("Record: expected minutia kinds 0 to 2, got 3.")
    if len(rows) and angle.max() >= angle_steps:
        raise RecordCorruptError(
            f"Record: expected minutia angles below {angle_steps} units, got a larger one."
        )
    return RecordMinutiae(
        x=x.astype(np.uint16),
        y=y.astype(np.uint16),
        angle=angle.astype(np.uint8),
        kind=kind.astype(np.uint8),
        quality=rows["quality"].astype(np.uint8) if size == FULL else None,
    )


def write_minutiae(minutiae: RecordMinutiae, size: int, angle_steps: int, *, unstated: int = 0) -> bytes:
    """Return the bytes of `minutiae`, `size` bytes each.

    Parameters
    ----------
    minutiae : RecordMinutiae
        In the target's units.
    size, angle_steps : int
        Of the target.
    unstated : int
        What says that a quality is not reported, where `minutiae` have none and the layout wants one.

    Raises
    ------
    RecordUnsupportedError
        If there are too many, or a coordinate, kind or angle does not fit.
    """
    limit = MAX_COMPACT_COORDINATE if size == COMPACT else MAX_COORDINATE
    if len(minutiae) > MAX_MINUTIAE:
        raise RecordUnsupportedError(
            f"Record: a view holds at most {MAX_MINUTIAE} minutiae, got {len(minutiae)}.",
            hint="Keep those of the highest quality.",
        )
    if len(minutiae):
        if max(minutiae.x.max(), minutiae.y.max()) > limit:
            raise RecordUnsupportedError(
                f"Record: the format holds minutia coordinates from 0 to {limit} units, got a larger one.",
                hint="Use a format with wider coordinates, or crop the print.",
            )
        if minutiae.kind.max() > max(MinutiaKind):
            raise RecordUnsupportedError("Record: the format holds minutia kinds 0 to 2, got a larger one.")
        if minutiae.angle.max() >= angle_steps:
            raise RecordUnsupportedError(
                f"Record: the format holds angles below {angle_steps} units, got a larger one."
            )
    rows = np.zeros(len(minutiae), dtype=DTYPES[size])
    if size == COMPACT:
        rows["x"], rows["y"] = minutiae.x, minutiae.y
        rows["angle"] = (minutiae.kind << COMPACT_KIND_SHIFT) | minutiae.angle
    else:
        rows["x"] = (minutiae.kind.astype(np.uint16) << KIND_SHIFT) | minutiae.x
        rows["y"], rows["angle"] = minutiae.y, minutiae.angle
    if size == FULL:
        rows["quality"] = unstated if minutiae.quality is None else minutiae.quality
    return rows.tobytes()
