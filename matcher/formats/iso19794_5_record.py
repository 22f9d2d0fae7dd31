"""Face image records as ISO/IEC 19794-5 means them: frozen, every code as the file says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from matcher.errors import ArgumentError, RecordCorruptError
from matcher.formats.record import MAX_STATED_QUALITY, Capture, QualityBlock
from matcher.formats.stored_image import Compression, StoredImage

MAGIC = b"FAC\x00"
VERSION_10, VERSION_30 = b"010\x00", b"030\x00"

MAX_RECORD_BYTES = 64 << 20
"""Largest record that is read: many lossless photographs."""

POINT_BYTES = 8
"""Of a landmark point: type, code, x (2), y (2), z or reserved (2)."""


class FaceFormat(StrEnum):
    """The record formats that are read and written."""

    ISO_2005 = "iso19794-5-2005"
    """ISO/IEC 19794-5:2005, as travel documents hold it: JPEG or JPEG 2000."""
    ISO_2011 = "iso19794-5-2011"
    """ISO/IEC 19794-5:2011: says how each image was captured; PNG too."""


COMPRESSIONS: dict[FaceFormat, tuple[Compression, ...]] = {
    FaceFormat.ISO_2005: (Compression.JPEG, Compression.JPEG2000),
    FaceFormat.ISO_2011: (
        Compression.JPEG,
        Compression.JPEG2000,
        Compression.JPEG2000_LOSSLESS,
        Compression.PNG,
    ),
}
"""Compression by the code of the image data type."""

Angles = tuple[int, int, int]
"""Yaw, pitch and roll as coded, one byte each; 0 not stated."""


@dataclass(frozen=True, slots=True)
class FacePoint:
    """One landmark: its type and code, x and y in pixels; z (or the reserved field of :2005)."""

    type: int
    code: int
    x: int
    y: int
    z: int = 0


@dataclass(frozen=True, slots=True)
class FaceImage:
    """One image of a face.

    Attributes
    ----------
    data : bytes
        The image file as stored.
    compression : Compression
    width, height : int
        Pixels, as the record says.
    points : tuple of FacePoint
    gender, eye_colour, hair_colour, features, expression : int
        Codes of what the person looks like; 0 not stated. `features` has 24 bits.
    subject_height : int
        Centimetres; 0 not stated (:2011 only).
    pose, pose_uncertainty : three int
        Yaw, pitch, roll.
    image_type : int
        0 basic, 1 full frontal, 2 token frontal ...
    colour_space : int
        0 not stated, 1 RGB of 24 bits, 2 YUV 4:2:2, 3 grey of 8 bits ...
    qualities : tuple of QualityBlock
        Any number in :2011; in :2005 one, a number of 16 bits that the standard leaves open.
    source_type, device_type : int
        What took the image (:2005 only; :2011 says it in `capture`).
    capture : Capture
        When and by which device (:2011 only).
    sampling, processing, cross_reference : int
        Level of spatial sampling, what was done to the image, number of the basic image (:2011 only).
    extended : bytes
        Three-dimensional data behind the image, as stored (:2011 only).
    """

    data: bytes
    compression: Compression
    width: int
    height: int
    points: tuple[FacePoint, ...] = ()
    gender: int = 0
    eye_colour: int = 0
    hair_colour: int = 0
    features: int = 0
    expression: int = 0
    subject_height: int = 0
    pose: Angles = (0, 0, 0)
    pose_uncertainty: Angles = (0, 0, 0)
    image_type: int = 0
    colour_space: int = 0
    qualities: tuple[QualityBlock, ...] = ()
    source_type: int = 0
    device_type: int = 0
    capture: Capture = field(default=Capture())
    sampling: int = 0
    processing: int = 0
    cross_reference: int = 0
    extended: bytes = b""

    def __repr__(self) -> str:
        # Neither the bytes nor what the person looks like: a representation ends up in logs.
        return f"FaceImage({self.compression}, {self.width} x {self.height})"

    @property
    def quality(self) -> int:
        """The first stated quality, 0 to 100; 0 where none is stated."""
        return next((q.value for q in self.qualities if q.value <= MAX_STATED_QUALITY), 0)

    @property
    def image(self) -> StoredImage:
        """The image, not decoded yet."""
        return StoredImage(self.data, self.compression, self.width, self.height)


@dataclass(frozen=True, slots=True)
class FaceImageRecord:
    """A whole record.

    Attributes
    ----------
    format : FaceFormat
        How it was, or is to be, written.
    faces : tuple of FaceImage
        At least one.
    certification : int
        The header's flag (:2011 only); the format has no certificates.
    temporal : int
        How the images follow each other in time (:2011 only).
    """

    format: FaceFormat
    faces: tuple[FaceImage, ...]
    certification: int = 0
    temporal: int = 0

    def __post_init__(self) -> None:
        if not self.faces:
            raise ArgumentError("FaceImageRecord: expected at least one image, got none.")


def compression_of(code: int, face_format: FaceFormat) -> Compression:
    """Return the compression of an image data type.

    Raises
    ------
    RecordCorruptError
        If the format has no such code.
    """
    known = COMPRESSIONS[face_format]
    if code >= len(known):
        raise RecordCorruptError(
            f"Record: {face_format} has image data types 0 to {len(known) - 1}, got {code}."
        )
    return known[code]
