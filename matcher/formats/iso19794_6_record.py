"""Iris image records as ISO/IEC 19794-6:2011 means them: frozen, every code as the file says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from matcher.errors import ArgumentError, RecordCorruptError, RecordUnsupportedError
from matcher.formats.record import MAX_STATED_QUALITY, Capture, QualityBlock
from matcher.formats.stored_image import RGB_CHANNELS, Compression, StoredImage
from matcher.iris.types import EyePosition

MAGIC = b"IIR\x00"
VERSION_20 = b"020\x00"

MAX_RECORD_BYTES = 64 << 20
"""Largest record that is read: many uncompressed pictures of both eyes."""

UNCROPPED, VGA, CROPPED, CROPPED_AND_MASKED = 1, 2, 3, 7
"""Image types (kinds)."""

FLIPPED = 2
"""Orientation code: the columns or rows run the other way; 1 is as seen, 0 not stated."""

UNDEFINED_ANGLE = 0xFFFF
"""Of a roll angle or its uncertainty that nobody measured."""

IMAGE_FORMATS: dict[int, tuple[Compression, bool]] = {
    2: (Compression.NONE, False),
    4: (Compression.NONE, True),
    6: (Compression.JPEG, False),
    8: (Compression.JPEG, True),
    10: (Compression.JPEG2000, False),
    12: (Compression.JPEG2000, True),
    14: (Compression.PNG, False),
    16: (Compression.PNG, True),
}
"""Compression, and whether the samples are RGB, by image format code. The standard itself keeps raw, JPEG
2000 and PNG in grey (2, 10, 14); the others are those that systems in the field write beside them."""

FORMAT_CODES = {meaning: code for code, meaning in IMAGE_FORMATS.items()}


@dataclass(frozen=True, slots=True)
class IrisImage:
    """One picture of one eye.

    Attributes
    ----------
    data : bytes
        The image as stored.
    compression : Compression
        NONE, JPEG, JPEG2000 or PNG.
    width, height : int
        Pixels.
    eye : EyePosition
    colour : bool
        Whether the samples are RGB.
    bits : int
        Depth of a sample, 1 to 16.
    number : int
        Of the picture in the record, from 1.
    image_type : int
        1 uncropped, 2 VGA, 3 cropped, 7 cropped and masked.
    properties : int
        The byte of image properties: bits 0 and 1 the horizontal orientation, 2 and 3 the vertical one, 6
        and 7 the compression history.
    distance : int
        From the camera, mm; 0 not stated.
    roll, roll_uncertainty : int
        Of the eye, 65536ths of a turn; 65535 not stated.
    center : four int
        Smallest and largest x, smallest and largest y of the iris's centre, pixels; 0 not stated.
    diameter : pair of int
        Smallest and largest of the iris, pixels; 0 not stated.
    qualities : tuple of QualityBlock
    capture : Capture
    """

    data: bytes
    compression: Compression
    width: int
    height: int
    eye: EyePosition = EyePosition.UNKNOWN
    colour: bool = False
    bits: int = 8
    number: int = 1
    image_type: int = UNCROPPED
    properties: int = 0
    distance: int = 0
    roll: int = UNDEFINED_ANGLE
    roll_uncertainty: int = UNDEFINED_ANGLE
    center: tuple[int, int, int, int] = (0, 0, 0, 0)
    diameter: tuple[int, int] = (0, 0)
    qualities: tuple[QualityBlock, ...] = ()
    capture: Capture = field(default=Capture())

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        return f"IrisImage({self.eye.name}, {self.compression}, {self.width} x {self.height})"

    @property
    def mirrored(self) -> tuple[bool, bool]:
        """Whether the columns, and whether the rows, run against the view of the eye."""
        return self.properties & 3 == FLIPPED, self.properties >> 2 & 3 == FLIPPED

    @property
    def quality(self) -> int:
        """The first stated quality, 0 to 100; 0 where none is stated."""
        return next((q.value for q in self.qualities if q.value <= MAX_STATED_QUALITY), 0)

    @property
    def image(self) -> StoredImage:
        """The image, not decoded yet and not turned; it has no resolution."""
        return StoredImage(
            self.data,
            self.compression,
            self.width,
            self.height,
            bits=self.bits,
            channels=RGB_CHANNELS if self.colour else 1,
        )


@dataclass(frozen=True, slots=True)
class IrisImageRecord:
    """A whole record.

    Attributes
    ----------
    images : tuple of IrisImage
        At least one.
    eye_count : int or None
        What the header says: 0 unknown, 1 or 2. None counts the eyes that are named.
    certification : int
        The header's flag, 0 or 1; the format has no certificates.
    """

    images: tuple[IrisImage, ...]
    eye_count: int | None = None
    certification: int = 0

    def __post_init__(self) -> None:
        if not self.images:
            raise ArgumentError("IrisImageRecord: expected at least one image, got none.")

    @property
    def eyes(self) -> int:
        """How many eyes the images name, 0 if none does."""
        return len({image.eye for image in self.images} - {EyePosition.UNKNOWN})


def format_meaning(code: int) -> tuple[Compression, bool]:
    """Return compression, and whether in colour, of an image format code.

    Raises
    ------
    RecordCorruptError
        If there is no such code.
    """
    found = IMAGE_FORMATS.get(code)
    if found is None:
        raise RecordCorruptError(f"Record: expected an image format of {sorted(IMAGE_FORMATS)}, got {code}.")
    return found


def format_code(image: IrisImage) -> int:
    """Return the image format code of an image.

    Raises
    ------
    RecordUnsupportedError
        If the format has none.
    """
    found = FORMAT_CODES.get((image.compression, image.colour))
    if found is None:
        raise RecordUnsupportedError(
            f"Record: iso19794-6-2011 has no code for {image.compression}.",
            hint="Store the image as PNG or JPEG 2000.",
        )
    return found
