"""A record of one format as a record of another, with a list of what the other cannot hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matcher.errors import RecordUnsupportedError
from matcher.formats.extended import CoresDeltas, ExtendedArea, RidgeCounts, SingularPoint, ZonalQuality
from matcher.formats.iso19794_2_2005 import SIZES as SIZES_2005
from matcher.formats.record import (
    MAX_STATED_QUALITY,
    Capture,
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.units import RECORD_PPCM, per_cm, scale_angles, scale_coordinates
from matcher.formats.view20 import IMPRESSION_MASK
from matcher.formats.write import NAMED_QUALITIES, write_minutiae_record

ONE_FRAME = (Format.ANSI_2004, *SIZES_2005)
"""Formats with one image size for all views; their quality 0 means not reported."""

DEVICE_FAMILIES = (
    (*ONE_FRAME, Format.ANSI_2009_DRAFT),
    (Format.ANSI_2009, Format.ANSI_2009_AM1),
)
"""Formats that describe the capture device alike: 12 bits of id and 4 of certification, or 16 and 8."""

NOT_REPORTED = 254


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted record, and in words what of the original it leaves out, each once, in order."""

    record: FingerMinutiaeRecord
    left_out: tuple[str, ...]


def convert_record(record: FingerMinutiaeRecord, target: Format) -> Conversion:
    """Convert a record to another format.

    Coordinates keep the image's resolution; only angles and the card sizes, which have their own unit, are
    rounded. Where the format has one image size for all views they get the largest: the origin is the same.

    Parameters
    ----------
    record : FingerMinutiaeRecord
        Of any format.
    target : Format
        The other one.

    Raises
    ------
    RecordUnsupportedError
        If `target` cannot hold the minutiae: too large coordinates, several views on a card, a finger that it
        does not know.
    RecordCorruptError
        If a resolution that is needed is 0.
    """
    if record.format is target:
        return Conversion(record, ())
    lost: dict[str, None] = {}
    views = tuple(_convert_view(view, record.format, target, lost) for view in record.views)
    if target in ONE_FRAME:
        width, height = max(v.width for v in views), max(v.height for v in views)
        views = tuple(_enlarge(view, width, height, lost) for view in views)
    device = any(record.format in family and target in family for family in DEVICE_FAMILIES)
    if not device and (record.device or (record.certification and record.format is not Format.ISO_2011)):
        lost["the capture device of the header"] = None
    product = record.format.is_ansi and target.is_ansi
    if not product and (record.vendor or record.product):
        lost["the product identifier"] = None
    converted = FingerMinutiaeRecord(
        format=target,
        views=views,
        vendor=record.vendor if product else 0,
        product=record.product if product else 0,
        device=record.device if device else 0,
        certification=record.certification if device else 0,
    )
    write_minutiae_record(converted)  # Refuses here what would only be refused later.
    return Conversion(converted, tuple(lost))


def _convert_view(view: FingerView, source: Format, target: Format, lost: dict[str, None]) -> FingerView:
    minutiae, width, height, resolution = _convert_minutiae(view, source, target, lost)
    if view.capture != Capture() or view.ending_kind:
        lost["how views were captured"] = None
    impression = view.impression
    if target in ONE_FRAME and impression > IMPRESSION_MASK:
        lost["impression types above 15"] = None
        impression = 0
    converted = FingerView(
        minutiae=minutiae,
        width=width,
        height=height,
        x_resolution=resolution[0],
        y_resolution=resolution[1],
        position=view.position,
        number=view.number,
        impression=impression,
        qualities=_convert_qualities(view, target, lost),
        extended=_convert_areas(view, source, target, lost),
    )
    if not target.is_card:
        return converted
    if view.position or view.number or view.impression:
        lost["finger position, view number and impression type"] = None
    return FingerView(minutiae, 0, 0, 0, 0, extended=converted.extended)


def _enlarge(view: FingerView, width: int, height: int, lost: dict[str, None]) -> FingerView:
    """Return a view with a larger image; zonal quality, whose cells follow the old size, is left out."""
    areas = view.extended
    if (width, height) != (view.width, view.height):
        areas = tuple(area for area in areas if not isinstance(area, ZonalQuality))
        if areas != view.extended:
            lost["zonal quality of smaller views"] = None
    return replace(view, width=width, height=height, extended=areas)


def _convert_minutiae(
    view: FingerView, source: Format, target: Format, lost: dict[str, None]
) -> tuple[RecordMinutiae, int, int, tuple[int, int]]:
    """Return minutiae in the target's units, and the image's size and resolution to go with them."""
    old = view.minutiae
    resolution = (view.x_resolution or RECORD_PPCM, view.y_resolution or RECORD_PPCM)
    x, y = old.x, old.y
    if source.fixed_resolution is None and target.fixed_resolution is None:
        resolution = (view.x_resolution, view.y_resolution)
    else:
        axes = []
        for values, stated, fallback in (
            (x, view.x_resolution, resolution[0]),
            (y, view.y_resolution, resolution[1]),
        ):
            unit_in = source.fixed_resolution or per_cm(stated)
            unit_out = target.fixed_resolution or per_cm(fallback)
            axes.append(scale_coordinates(values, unit_in, unit_out))
        x, y = axes
    quality = old.quality
    if target.fixed_resolution is not None:
        if quality is not None and quality.any():
            lost["minutia qualities"] = None
        quality = None
    elif quality is None:
        if target is not Format.ISO_2011:
            unstated = 0 if target in ONE_FRAME else NOT_REPORTED
            quality = np.full(len(old), unstated, dtype=np.uint8)
    elif target in ONE_FRAME:
        quality = np.where(quality > MAX_STATED_QUALITY, 0, quality).astype(np.uint8)
    elif source in ONE_FRAME:
        quality = np.where(quality == 0, NOT_REPORTED, quality).astype(np.uint8)
    minutiae = RecordMinutiae(
        x=x,
        y=y,
        angle=scale_angles(old.angle, source.angle_steps, target.angle_steps),
        kind=old.kind,
        quality=quality,
    )
    sides = []
    for values, side, pixels in ((x, view.width, resolution[0]), (y, view.height, resolution[1])):
        unit = target.fixed_resolution
        reach = (int(values.max()) if len(values) else 0) * (per_cm(pixels) / unit if unit else 1)
        sides.append(side or int(reach) + 1)
    return minutiae, sides[0], sides[1], resolution


def _convert_qualities(view: FingerView, target: Format, lost: dict[str, None]) -> tuple[QualityBlock, ...]:
    """Return the qualities that the target holds."""
    blocks = view.qualities
    if target is Format.ISO_2011:
        return blocks
    if target.is_card:
        if blocks:
            lost["view qualities"] = None
        return ()
    if len(blocks) > 1:
        lost["all but the first view quality"] = None
    if target in NAMED_QUALITIES:
        return blocks[:1] or (QualityBlock(NOT_REPORTED),)
    if any(block.vendor or block.algorithm for block in blocks):
        lost["who computed view qualities"] = None
    return (QualityBlock(view.quality),)


def _convert_areas(
    view: FingerView, source: Format, target: Format, lost: dict[str, None]
) -> tuple[ExtendedArea, ...]:
    """Return the extended areas that the target holds, their angles in its units."""
    kept: list[ExtendedArea] = []
    same_grid = source.fixed_resolution is None and target.fixed_resolution is None
    for area in view.extended:
        if isinstance(area, RidgeCounts) and not target.is_card:
            kept.append(area)
        elif isinstance(area, CoresDeltas) and not target.is_card and same_grid:
            kept.append(_convert_points(area, source, target, lost))
        elif isinstance(area, ZonalQuality) and not target.is_card and not target.is_ansi:
            if target is not Format.ISO_2011 and (area.vendor or area.algorithm):
                lost["who computed zonal quality"] = None
                area = replace(area, vendor=0, algorithm=0)
            kept.append(area)
        else:
            lost["extended data that the format has no room for"] = None
    return tuple(kept)


def _convert_points(area: CoresDeltas, source: Format, target: Format, lost: dict[str, None]) -> CoresDeltas:
    """Return cores and deltas with angles in the target's units; ANSI wants angles at all or at none."""

    def convert(points: tuple[SingularPoint, ...]) -> tuple[SingularPoint, ...]:
        drop = target.is_ansi and any(not p.angles for p in points)
        if drop and any(p.angles for p in points):
            lost["angles of cores or deltas"] = None
        return tuple(
            SingularPoint(
                p.x,
                p.y,
                ()
                if drop
                else tuple(
                    int(a)
                    for a in scale_angles(
                        np.array(p.angles, dtype=np.uint8), source.angle_steps, target.angle_steps
                    )
                ),
            )
            for p in points
        )

    if any(a >= source.angle_steps for p in (*area.cores, *area.deltas) for a in p.angles):
        raise RecordUnsupportedError("Record: a core or delta has an angle beyond the full turn.")
    return CoresDeltas(cores=convert(area.cores), deltas=convert(area.deltas))
