"""What a friction ridge record says about its image: outlines, joints, missing fingers, qualities."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import RecordCorruptError
from matcher.formats.ansi_nist_record import TaggedRecord, whole, whole_items

PPC, AMP, SEG, NQM, FQM, ASEG = 15, 18, 21, 22, 24, 25
"""Field numbers of Types 13 to 15: joints, missing fingers, boxes, NIST quality, quality, outlines."""

Point = tuple[int, int]

SEG_ITEMS = 5
PPC_ITEMS = 6
MIN_CORNERS, MAX_CORNERS = 3, 99
"""Corners of an outline (ANSI/NIST-ITL 1-2011, field 14.025)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The outline of one finger in an image of several: corners in pixels of the stored image."""

    position: int
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class PrintPart:
    """A part of a finger with all its joints.

    Attributes
    ----------
    view : str
        FV1 to FV4 (full views) or TIP.
    joint : str
        PRX, MED, DST (segments from the palm outwards), or NA: the whole view.
    box : tuple of int
        Left, right, top, bottom, pixels of the stored image.
    """

    view: str
    joint: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Missing:
    """A finger that could not be captured: XX amputated, UP unable to print (bandaged)."""

    position: int
    code: str


@dataclass(frozen=True, slots=True)
class PrintQuality:
    """A quality of one finger.

    Attributes
    ----------
    position : int
    score : int
        By `algorithm`; NIST's (field 022) runs from 1, best, to 5, others from 0, worst, to 100.
    vendor : str
        Of the algorithm, four hexadecimal digits; "NIST" for field 022.
    algorithm : int
    """

    position: int
    score: int
    vendor: str
    algorithm: int


def read_segments(record: TaggedRecord) -> tuple[Segment, ...]:
    """Return boxes (SEG), then outlines (ASEG).

    Raises
    ------
    RecordCorruptError
        If an item is missing or no number.
    """
    found = []
    for items in record.subfields(SEG):
        position, left, right, top, bottom = whole_items(_some(items, SEG_ITEMS, "SEG")[:SEG_ITEMS], "SEG")
        found.append(Segment(position, ((left, top), (right, top), (right, bottom), (left, bottom))))
    for items in record.subfields(ASEG):
        position, count, *coordinates = whole_items(_some(items, 2, "ASEG"), "ASEG")
        if not MIN_CORNERS <= count <= MAX_CORNERS or len(coordinates) != 2 * count:
            raise RecordCorruptError(
                f"Record: an outline (ASEG) of {count} corners has {len(coordinates)} coordinates."
            )
        found.append(Segment(position, tuple(zip(coordinates[0::2], coordinates[1::2], strict=True))))
    return tuple(found)


def read_parts(record: TaggedRecord) -> tuple[PrintPart, ...]:
    """Return the parts of a finger with joints (PPC); see `read_segments`."""
    found = []
    for items in record.subfields(PPC):
        view, joint, *box = _some(items, PPC_ITEMS, "PPC")[:PPC_ITEMS]
        left, right, top, bottom = whole_items(box, "PPC")
        found.append(PrintPart(_word(view), _word(joint), (left, right, top, bottom)))
    return tuple(found)


def read_missing(record: TaggedRecord) -> tuple[Missing, ...]:
    """Return the fingers that are missing (AMP); see `read_segments`."""
    return tuple(
        Missing(whole(items[0], "AMP"), _word(_some(items, 2, "AMP")[1])) for items in record.subfields(AMP)
    )


def read_qualities(record: TaggedRecord) -> tuple[PrintQuality, ...]:
    """Return qualities (NQM, then FQM or its like of latents and palms); see `read_segments`."""
    found = []
    if record.record_type == 14:
        for items in record.subfields(NQM):
            position, score = whole_items(_some(items, 2, "NQM")[:2], "NQM")
            found.append(PrintQuality(position, score, "NIST", 1))
    for items in record.subfields(FQM):
        finger, value, vendor, algorithm = _some(items, 4, "FQM")[:4]
        found.append(
            PrintQuality(whole(finger, "FQM"), whole(value, "FQM"), _word(vendor), whole(algorithm, "FQM"))
        )
    return tuple(found)


def _some(items: tuple[bytes, ...], count: int, what: str) -> tuple[bytes, ...]:
    if len(items) < count:
        raise RecordCorruptError(f"Record: expected {count} items in {what}, got {len(items)}.")
    return items


def _word(item: bytes) -> str:
    return item.decode("latin-1").strip()
