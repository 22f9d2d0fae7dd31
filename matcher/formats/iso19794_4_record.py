"""Finger image records as ISO/IEC 19794-4 and ANSI INCITS 381 mean them: frozen, in each format's units."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from matcher.errors import ArgumentError, RecordCorruptError
from matcher.formats.finger_positions import fingers_of
from matcher.formats.record import MAX_STATED_QUALITY, Capture, QualityBlock
from matcher.formats.stored_image import Compression, StoredImage
from matcher.formats.units import CM_PER_INCH, per_cm
from matcher.image.source import Ppi
from matcher.types import FingerPosition

MAGIC = b"FIR\x00"
VERSION_10, VERSION_20 = b"010\x00", b"020\x00"

MAX_RECORD_BYTES = 256 << 20
"""Largest record that is read: a ten-print card at 1000 ppi, uncompressed, and some."""


class ImageFormat(StrEnum):
    """The record formats that are read and written."""

    ISO_2005 = "iso19794-4-2005"
    """ISO/IEC 19794-4:2005: one resolution, depth and compression for all views."""
    ISO_2011 = "iso19794-4-2011"
    """ISO/IEC 19794-4:2011: each view has its own, and says how it was captured."""
    ANSI_2004 = "ansi381-2004"
    """ANSI INCITS 381-2004: as ISO/IEC 19794-4:2005, with a product identifier in its header."""


class ScaleUnit:
    """Codes of the unit that resolutions are in."""

    PIXELS_PER_INCH = 1
    PIXELS_PER_CM = 2


UNITS = (ScaleUnit.PIXELS_PER_INCH, ScaleUnit.PIXELS_PER_CM)

COMPRESSIONS: dict[ImageFormat, tuple[Compression, ...]] = {
    ImageFormat.ISO_2011: (
        Compression.NONE,
        Compression.PACKED,
        Compression.WSQ,
        Compression.JPEG,
        Compression.JPEG2000,
        Compression.JPEG2000_LOSSLESS,
        Compression.PNG,
    ),
    ImageFormat.ISO_2005: (
        Compression.NONE,
        Compression.PACKED,
        Compression.WSQ,
        Compression.JPEG,
        Compression.JPEG2000,
        Compression.PNG,
    ),
}
"""Compression by code (tables 9 of :2011 and 3 of :2005)."""
COMPRESSIONS[ImageFormat.ANSI_2004] = COMPRESSIONS[ImageFormat.ISO_2005]


@dataclass(frozen=True, slots=True)
class FingerImage:
    """One view of one finger, of several, or of a palm.

    Attributes
    ----------
    data : bytes
        The image as stored.
    compression : Compression
    width, height : int
        Pixels.
    x_resolution, y_resolution : int
        Of the image, in `scale_unit`.
    scale_unit : int
        1 pixels per inch, 2 pixels per centimetre.
    bits : int
        Depth of a sample, 1 to 16.
    position : int
        Finger or palm position code; see `finger_positions`.
    number : int
        Of the view among those of this position; from 1 in the formats of 2004 and 2005, from 0 in :2011.
    view_count : int or None
        How many views of this position the record says to hold (formats of 2004 and 2005); None counts them.
    impression : int
        Impression type code.
    qualities : tuple of QualityBlock
        One of 254 (undefined) in the formats of 2004 and 2005, any number in :2011.
    capture_resolution : pair of int
        Of the scanner, in `scale_unit`.
    capture : Capture
        How it was captured (:2011 only).
    extended : bytes
        Segmentation, annotation and comment blocks behind the image, as stored (:2011 only).
    reserved : int
        The reserved byte of the formats of 2004 and 2005.
    """

    data: bytes
    compression: Compression
    width: int
    height: int
    x_resolution: int
    y_resolution: int
    scale_unit: int = ScaleUnit.PIXELS_PER_CM
    bits: int = 8
    position: int = 0
    number: int = 0
    view_count: int | None = None
    impression: int = 0
    qualities: tuple[QualityBlock, ...] = ()
    capture_resolution: tuple[int, int] = (0, 0)
    capture: Capture = field(default=Capture())
    extended: bytes = b""
    reserved: int = 0

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        return f"FingerImage({self.position}, {self.compression}, {self.width} x {self.height})"

    @property
    def fingers(self) -> tuple[FingerPosition, ...]:
        """The fingers that the position covers; none where it names none."""
        return fingers_of(self.position)

    @property
    def quality(self) -> int:
        """The first stated quality, 0 to 100; 0 where none is stated."""
        return next((q.value for q in self.qualities if q.value <= MAX_STATED_QUALITY), 0)

    @property
    def ppi(self) -> Ppi | None:
        """Resolution along x and y, pixels per inch; None where it is 0."""
        if not self.x_resolution or not self.y_resolution:
            return None
        if self.scale_unit == ScaleUnit.PIXELS_PER_INCH:
            return float(self.x_resolution), float(self.y_resolution)
        return per_cm(self.x_resolution) * CM_PER_INCH, per_cm(self.y_resolution) * CM_PER_INCH

    @property
    def image(self) -> StoredImage:
        """The image, not decoded yet."""
        return StoredImage(
            data=self.data,
            compression=self.compression,
            width=self.width,
            height=self.height,
            ppi=self.ppi,
            bits=self.bits,
        )


@dataclass(frozen=True, slots=True)
class FingerImageRecord:
    """A whole record.

    Attributes
    ----------
    format : ImageFormat
        How it was, or is to be, written.
    views : tuple of FingerImage
        At least one.
    finger_count : int or None
        What the header says: of positions, in some files of 2004 and 2005 of views. None counts positions.
    certification : int
        Whether views list certificates, 0 or 1 (:2011 only).
    device, acquisition_level, reserved : int
        Of the header (formats of 2004 and 2005); levels 30 and 31 are 500 ppi, 40 and 41 are 1000.
    vendor, product : int
        CBEFF product identifier (ANSI INCITS 381 only).
    """

    format: ImageFormat
    views: tuple[FingerImage, ...]
    finger_count: int | None = None
    certification: int = 0
    device: int = 0
    acquisition_level: int = 0
    reserved: int = 0
    vendor: int = 0
    product: int = 0

    def __post_init__(self) -> None:
        if not self.views:
            raise ArgumentError("FingerImageRecord: expected at least one view, got none.")

    @property
    def positions(self) -> int:
        """Number of different positions."""
        return len({view.position for view in self.views})


def compression_of(code: int, image_format: ImageFormat) -> Compression:
    """Return the compression of a code.

    Raises
    ------
    RecordCorruptError
        If the format has no such code.
    """
    known = COMPRESSIONS[image_format]
    if code >= len(known):
        raise RecordCorruptError(
            f"Record: {image_format} has compression codes 0 to {len(known) - 1}, got {code}."
        )
    return known[code]


def check_frame(bits: int, scale_unit: int) -> None:
    """Refuse a depth or unit that the formats do not have.

    Raises
    ------
    RecordCorruptError
    """
    if not 1 <= bits <= 16 or scale_unit not in UNITS:
        raise RecordCorruptError(
            f"Record: expected a depth of 1 to 16 bits and scale unit 1 or 2, got {bits} and {scale_unit}."
        )
