"""A finger minutiae record to bytes, in the format that it names."""

from __future__ import annotations

from matcher.errors import RecordUnsupportedError
from matcher.formats.ansi378 import MAGICS_2009, write_ansi_2004, write_ansi_2009
from matcher.formats.card import write_card
from matcher.formats.iso19794_2_2005 import SIZES as SIZES_2005
from matcher.formats.iso19794_2_2005 import write_iso_2005
from matcher.formats.iso19794_2_2011 import write_iso_2011
from matcher.formats.record import Capture, FingerMinutiaeRecord, FingerView, Format

MAX_KNOWN_POSITION = 10
"""Finger position codes above are only in ISO/IEC 19794-2:2011 and ANSI INCITS 378-2009/AM1."""

WIDE_POSITIONS = (Format.ISO_2011, Format.ANSI_2009_AM1)
NAMED_QUALITIES = (Format.ISO_2011, *MAGICS_2009)


def write_minutiae_record(record: FingerMinutiaeRecord) -> bytes:
    """Return the bytes of `record` in `record.format`.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value; nothing is left out silently. `convert_record` changes the format
        and says what it leaves out.
    """
    _refuse_what_has_no_field(record)
    if record.format.is_card:
        return write_card(record)
    if record.format in SIZES_2005:
        return write_iso_2005(record)
    if record.format is Format.ISO_2011:
        return write_iso_2011(record)
    if record.format is Format.ANSI_2004:
        return write_ansi_2004(record)
    return write_ansi_2009(record)


def _refuse_what_has_no_field(record: FingerMinutiaeRecord) -> None:
    """Raise for values that the format has no field for."""
    target = record.format
    unheld = []
    if not target.is_ansi and (record.vendor or record.product):
        unheld.append("a product identifier")
    if (target.is_card or target is Format.ISO_2011) and (record.device or record.reserved):
        unheld.append("a device id or reserved byte in the header")
    if target.is_card and record.certification:
        unheld.append("certification bits")
    for view in record.views:
        unheld.extend(_unheld_of_view(view, target))
    if unheld:
        raise RecordUnsupportedError(
            f"Record: {target} has no field for {', '.join(sorted(set(unheld)))}.",
            hint="Convert the record, which leaves it out and says so, or use another format.",
        )


def _unheld_of_view(view: FingerView, target: Format) -> list[str]:
    unheld = []
    if target is not Format.ISO_2011 and (view.capture != Capture() or view.ending_kind):
        unheld.append("how a view was captured")
    if target not in NAMED_QUALITIES and any(q.vendor or q.algorithm for q in view.qualities):
        unheld.append("who computes a quality")
    if target not in SIZES_2005 and view.bare_area_lengths:
        unheld.append("lengths without headers")
    if target.fixed_resolution is not None and view.minutiae.quality is not None:
        unheld.append("minutia qualities")
    if target not in WIDE_POSITIONS and view.position > MAX_KNOWN_POSITION:
        unheld.append(f"a finger position above {MAX_KNOWN_POSITION}")
    if target.is_card:
        image = (view.width, view.height, view.x_resolution, view.y_resolution)
        if any(image) or view.position or view.number or view.impression or view.qualities:
            unheld.append("anything of a view but its features")
    return unheld
