"""Finger minutiae records to templates at 500 ppi and back.

A template made from a record has the extractor id "iso" or "ansi": who found its minutiae is not known, and
that id chooses its calibration. What a template has no room for stays behind: extended data, how the view was
captured, the impression type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from matcher.errors import ArgumentError, RecordUnsupportedError
from matcher.formats.convert import convert_record
from matcher.formats.record import (
    MAX_STATED_QUALITY,
    FingerMinutiaeRecord,
    FingerView,
    Format,
    QualityBlock,
    RecordMinutiae,
)
from matcher.formats.units import RECORD_PPCM, TEMPLATE_PER_CM, per_cm, scale_angles, scale_coordinates
from matcher.types import (
    DIRECTION_STEPS,
    MAX_COORDINATE,
    FingerPosition,
    FingerprintTemplate,
    Minutiae,
)

ISO_EXTRACTOR = "iso"
ANSI_EXTRACTOR = "ansi"


def record_to_templates(record: FingerMinutiaeRecord) -> tuple[FingerprintTemplate, ...]:
    """Return one template for each view, in the record's order.

    Coordinates are brought to 500 ppi by the view's resolution, each axis by its own; in card sizes by the
    fixed unit. Qualities that are not stated become 0. An image that is not stated, or smaller than its
    minutiae reach, is taken as large as they reach.

    Raises
    ------
    RecordUnsupportedError
        If a view is of several fingers or of a palm, or is larger than a template can be.
    RecordCorruptError
        If a resolution is 0.
    """
    return tuple(_view_to_template(view, record.format) for view in record.views)


def templates_to_record(templates: Sequence[FingerprintTemplate], target: Format) -> FingerMinutiaeRecord:
    """Return a record of `templates`, at 500 ppi (197 pixels/cm), views of a finger numbered from 0.

    Formats with one image size for all views get the largest. Impression types are 0 (live plain): templates
    do not know them. Card sizes have no room for qualities, and card data none for position and image size.

    Raises
    ------
    ArgumentError
        If there is no template.
    RecordUnsupportedError
        If `target` cannot hold them: several on a card, more than 16 of one finger in a 2004 or 2005 format,
        coordinates too large for the compact size.
    """
    if not templates:
        raise ArgumentError("templates_to_record: expected at least one template, got none.")
    seen: Counter[FingerPosition] = Counter()
    views = []
    for template in templates:
        views.append(_template_to_view(template, seen[template.position]))
        seen[template.position] += 1
    return convert_record(FingerMinutiaeRecord(Format.ISO_2011, tuple(views)), target).record


def _view_to_template(view: FingerView, source: Format) -> FingerprintTemplate:
    if view.position > max(FingerPosition):
        raise RecordUnsupportedError(
            f"Record: expected a view of one finger (position 0 to 10), got position {view.position}."
        )
    old = view.minutiae
    axes = []
    for values, side, stated in (
        (old.x, view.width, view.x_resolution),
        (old.y, view.height, view.y_resolution),
    ):
        unit = source.fixed_resolution or per_cm(stated)
        pixels = scale_coordinates(values, unit, TEMPLATE_PER_CM)
        # The header's image stays in pixels even where minutiae are in card units.
        whole = round(side * TEMPLATE_PER_CM / per_cm(stated)) if side and stated else 1
        length = max(whole, int(pixels.max()) + 1 if len(pixels) else 1)
        if length > MAX_COORDINATE + 1:
            raise RecordUnsupportedError(
                f"Record: a template's image has sides up to {MAX_COORDINATE + 1} pixels at 500 ppi, "
                f"got {length}."
            )
        axes.append((pixels.astype(np.int16), length))
    quality = np.zeros(len(old), dtype=np.uint8) if old.quality is None else old.quality
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=axes[0][0],
            y=axes[1][0],
            direction=scale_angles(old.angle, source.angle_steps, DIRECTION_STEPS),
            kind=old.kind,
            quality=np.where(quality > MAX_STATED_QUALITY, 0, quality).astype(np.uint8),
        ),
        width=axes[0][1],
        height=axes[1][1],
        extractor=ANSI_EXTRACTOR if source.is_ansi else ISO_EXTRACTOR,
        quality=view.quality,
        position=FingerPosition(view.position),
    )


def _template_to_view(template: FingerprintTemplate, number: int) -> FingerView:
    minutiae = template.minutiae
    return FingerView(
        minutiae=RecordMinutiae(
            x=minutiae.x.astype(np.uint16),
            y=minutiae.y.astype(np.uint16),
            angle=minutiae.direction,
            kind=minutiae.kind,
            quality=minutiae.quality,
        ),
        width=template.width,
        height=template.height,
        x_resolution=RECORD_PPCM,
        y_resolution=RECORD_PPCM,
        position=int(template.position),
        number=number,
        qualities=(QualityBlock(template.quality),),
    )
