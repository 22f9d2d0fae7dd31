"""Images of an ANSI/NIST-ITL transaction: what each shows, and how it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import RecordCorruptError
from matcher.formats.ansi_nist_layout import (
    Missing,
    PrintPart,
    PrintQuality,
    Segment,
    read_missing,
    read_parts,
    read_qualities,
    read_segments,
)
from matcher.formats.ansi_nist_record import IMAGE_DATA, BinaryRecord, TaggedRecord, Transaction, whole
from matcher.formats.finger_positions import fingers_of
from matcher.formats.stored_image import Compression, StoredImage
from matcher.formats.units import CM_PER_INCH, NOMINAL_PPI, per_cm
from matcher.image.source import Ppi
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition

IMP, HLL, VLL, SLC, THPS, TVPS, CGA, BPX, FGP = 3, 6, 7, 8, 9, 10, 11, 12, 13
"""Field numbers that the tagged image records share."""

IMT = 3
"""Field of Type 10 that says what it shows: FACE, SCAR, MARK, TATTOO ..."""

PPD = 14
"""Field of Types 13 and 14 that names the finger of an image with joints or a fingertip."""

ELR, IPC = 3, 16
"""Fields of Type 17: which eye (0 unknown, 1 right, 2 left), and how the image lies (IHO, IVO: 2 flipped)."""

FLIPPED = b"2"

PRINT_KINDS = {3: "finger", 4: "finger", 5: "finger", 6: "finger", 13: "latent", 14: "finger"}
KINDS = {**PRINT_KINDS, 15: "palm", 16: "test", 17: "iris", 19: "sole"}
"""What record types show."""

IRIS_TYPE = 17

TAGGED_IMAGE_TYPES = frozenset({10, 13, 14, 15, 16, 17, 19})
BINARY_PRINT_TYPES = frozenset({3, 4, 5, 6})
POSITION_TYPES = frozenset({13, 14, 15, 19})

BINARY_HEADER_BYTES = 13
"""Type 3 to 6 behind the IDC: IMP (1), FGP (6), ISR (1), HLL (2), VLL (2), GCA or BCA (1)."""

NO_POSITION = 255
"""Fills the unused ones of the six position bytes."""

MIN_PPI = 500.0
"""Minimum scanning resolution, 19.69 pixels/mm."""

ROUNDING_PPI = 0.3
"""Distance within which a resolution means a nominal one: 0.01 pixels/mm is 0.25 ppi."""

ALGORITHMS: dict[str, Compression] = {
    "NONE": Compression.NONE,
    "WSQ20": Compression.WSQ,
    "WSQ": Compression.WSQ,
    "JPEGB": Compression.JPEG,
    "JPEGL": Compression.JPEG_LOSSLESS,
    "JP2": Compression.JPEG2000,
    "JP2L": Compression.JPEG2000_LOSSLESS,
    "PNG": Compression.PNG,
}
"""Names of compression (ANSI/NIST-ITL 1-2011 table 15); the place among those of table 15 is the code."""

CODES = (
    Compression.NONE,
    Compression.WSQ,
    Compression.JPEG,
    Compression.JPEG_LOSSLESS,
    Compression.JPEG2000,
    Compression.JPEG2000_LOSSLESS,
    Compression.PNG,
)
"""Codes 0 to 6 of compression, in binary records and in some tagged ones."""

RGB_SPACES = frozenset({"SRGB", "RGB"})
COLOUR_SPACE = {10: 12, 17: 13}
"""Field number of the colour space (CSP) of record types that have one."""


@dataclass(frozen=True, slots=True)
class RecordImage:
    """One image of a transaction.

    Attributes
    ----------
    record : int
        Index of its record in the transaction.
    record_type, idc : int
        Of that record.
    kind : str
        "finger", "latent", "palm", "face", "iris" ...: what it shows.
    image : StoredImage
        Not decoded yet.
    positions : tuple of int
        Friction ridge position codes, most likely first; see `finger_positions`.
    described : tuple of int
        Fingers that field 014 names where the position is 19: a finger with all its joints, or its tip.
    impression : int or None
        Impression type code: 0 live plain, 1 live rolled, 2 card plain, 3 card rolled, 4 to 7 latent.
    segments : tuple of Segment
        Outlines of single fingers in a slap (fields 021 and 025).
    parts : tuple of PrintPart
        Tips and joints of a finger with all its joints (field 015).
    missing : tuple of Missing
        Fingers amputated or bandaged (field 018).
    qualities : tuple of PrintQuality
        NIST's and others' (fields 022 and 024).
    eye : EyePosition
        Which eye an iris image (Type 17) shows.
    mirrored : pair of bool
        Whether the columns, and whether the rows, of an iris image run against the view of the eye.
    """

    record: int
    record_type: int
    idc: int
    kind: str
    image: StoredImage
    positions: tuple[int, ...] = ()
    described: tuple[int, ...] = ()
    impression: int | None = None
    segments: tuple[Segment, ...] = ()
    parts: tuple[PrintPart, ...] = ()
    missing: tuple[Missing, ...] = ()
    qualities: tuple[PrintQuality, ...] = ()
    eye: EyePosition = EyePosition.UNKNOWN
    mirrored: tuple[bool, bool] = (False, False)

    @property
    def is_print(self) -> bool:
        """Whether it shows fingers (not palms or soles)."""
        return self.record_type in PRINT_KINDS

    @property
    def fingers(self) -> tuple[FingerPosition, ...]:
        """The fingers that the first position code covers; for a finger with joints the one it names."""
        for code in (*self.positions[:1], *self.described[:1]):
            if fingers := fingers_of(code):
                return fingers
        return ()


def images_of(transaction: Transaction) -> tuple[RecordImage, ...]:
    """Return the images of a transaction, in the file's order.

    Types 7 (defined by the parties) and 8 (signatures) are left out, and tagged records without field 999.

    Raises
    ------
    RecordCorruptError
        If a record lacks a field that its image needs, or the field is no number.
    """
    found = []
    for index, record in enumerate(transaction.records):
        if isinstance(record, BinaryRecord):
            if record.record_type in BINARY_PRINT_TYPES:
                found.append(_binary_image(transaction, index, record))
        elif record.record_type in TAGGED_IMAGE_TYPES and record.get(IMAGE_DATA) is not None:
            found.append(_tagged_image(index, record))
    return tuple(found)


def _binary_image(transaction: Transaction, index: int, record: BinaryRecord) -> RecordImage:
    body, kind = record.body, record.record_type
    if len(body) < BINARY_HEADER_BYTES:
        raise RecordCorruptError(
            f"Record: the header of Type {kind} takes {BINARY_HEADER_BYTES} bytes behind the IDC, "
            f"got {len(body)}."
        )
    positions = tuple(code for code in body[1:7] if code != NO_POSITION)
    code = body[12]
    if kind in (5, 6):
        compression = Compression.BILEVEL if code == 0 else Compression.FAX
    else:
        compression = CODES[code] if code < len(CODES) else Compression.OTHER
    ppi = _binary_ppi(transaction, kind, native=body[7] == 1)
    return RecordImage(
        record=index,
        record_type=kind,
        idc=record.idc,
        kind=KINDS[kind],
        image=StoredImage(
            data=body[BINARY_HEADER_BYTES:],
            compression=compression,
            width=int.from_bytes(body[8:10], "big"),
            height=int.from_bytes(body[10:12], "big"),
            ppi=None if ppi is None else (ppi, ppi),
        ),
        positions=positions,
        impression=body[0],
    )


def _binary_ppi(transaction: Transaction, kind: int, *, native: bool) -> float | None:
    """Return the resolution: Types 3 and 5 half the minimum, 4 and 6 the minimum, or what Type 1 says."""
    if kind in (3, 5):
        stated = transaction.transmitting_ppi if native else None
        return _sensor_ppi(stated if stated is not None else MIN_PPI / 2)
    stated = transaction.native_ppi if native else None
    return _sensor_ppi(stated if stated is not None else MIN_PPI)


def _tagged_image(index: int, record: TaggedRecord) -> RecordImage:
    kind = record.record_type
    data = record.get(IMAGE_DATA)
    assert data is not None  # The caller looked.
    friction = kind in POSITION_TYPES
    return RecordImage(
        record=index,
        record_type=kind,
        idc=record.idc,
        kind=record.text(IMT).lower() if kind == 10 else KINDS[kind],
        image=StoredImage(
            data=data.value,
            compression=_algorithm(record.text(CGA)),
            width=record.number(HLL, 0),
            height=record.number(VLL, 0),
            ppi=_tagged_ppi(record),
            bits=8 if kind == 10 else record.number(BPX, 8),
            channels=_channels(record),
        ),
        positions=_codes(record, FGP) if friction else (),
        described=_codes(record, PPD) if kind in (13, 14) else (),
        impression=record.number(IMP) if friction and record.text(IMP) else None,
        segments=read_segments(record) if kind == 14 else (),
        parts=read_parts(record) if kind in (13, 14) else (),
        missing=read_missing(record) if kind in (14, 15) else (),
        qualities=read_qualities(record) if friction else (),
        eye=_eye(record) if kind == IRIS_TYPE else EyePosition.UNKNOWN,
        mirrored=_mirrored(record) if kind == IRIS_TYPE else (False, False),
    )


def _eye(record: TaggedRecord) -> EyePosition:
    code = record.number(ELR, 0)
    if code not in list(EyePosition):
        raise RecordCorruptError(f"Record: expected an eye (17.{ELR:03d}) of 0, 1 or 2, got {code}.")
    return EyePosition(code)


def _mirrored(record: TaggedRecord) -> tuple[bool, bool]:
    first = next(iter(record.subfields(IPC)), ())
    across, down = (item.strip() == FLIPPED for item in (*first, b"", b"")[:2])
    return across, down


def _algorithm(name: str) -> Compression:
    if name.isdigit() and int(name[:4]) < len(CODES):
        return CODES[int(name[:4])]
    return ALGORITHMS.get(name.strip().upper(), Compression.OTHER)


def _channels(record: TaggedRecord) -> int:
    space = COLOUR_SPACE.get(record.record_type)
    return 3 if space is not None and record.text(space).upper() in RGB_SPACES else 1


def _tagged_ppi(record: TaggedRecord) -> Ppi | None:
    """Return the pixel scale; where its unit (SLC) is 0 the two numbers only say an aspect ratio."""
    unit = record.number(SLC, 0)
    across, down = record.number(THPS, 0), record.number(TVPS, 0)
    if unit not in (1, 2) or across <= 0 or down <= 0:
        return None
    if unit == 1:
        return float(across), float(down)
    return per_cm(across) * CM_PER_INCH, per_cm(down) * CM_PER_INCH


def _codes(record: TaggedRecord, number: int) -> tuple[int, ...]:
    """Return the first item of each subfield: position codes."""
    tag = f"{record.record_type}.{number:03d}"
    return tuple(whole(subfield[0], tag) for subfield in record.subfields(number))


def _sensor_ppi(stated: float) -> float:
    """Return the resolution that two decimals of pixels/mm only round: 19.69 is 500 ppi."""
    return next((ppi for ppi in NOMINAL_PPI if abs(ppi - stated) <= ROUNDING_PPI), stated)
