"""ISO/IEC 19794-6:2011 iris image records: bytes to record and back.

bytes  header (big endian)                 bytes  each representation
8      "IIR" 0 "020" 0                     4      its length
4      record length                              capture and qualities, see `capture_block`
2      number of representations           2      representation number
1      certification flag                  1 + 1  eye label, image type
1      number of eyes                      1 + 1  image format, image properties
                                           2 + 2  width, height, pixels
                                           1 + 2  bits a sample, distance, mm
                                           2 + 2  roll angle, its uncertainty
                                           4 x 2  iris centre: smallest x, largest x, smallest y, largest y
                                           2 x 2  iris diameter: smallest, largest
                                           4      image length; the image

An iris record holds no certificates, whatever its flag says.
"""

from __future__ import annotations

from matcher.errors import (
    RecordCorruptError,
    RecordUnsupportedError,
)
from matcher.formats.capture_block import read_capture, write_capture
from matcher.formats.iso19794_6_record import (
    MAGIC,
    MAX_RECORD_BYTES,
    VERSION_20,
    IrisImage,
    IrisImageRecord,
    format_code,
    format_meaning,
)
from matcher.formats.octets import ByteReader, ByteWriter, fit
from matcher.formats.record_header import RecordKind
from matcher.iris.types import EyePosition

HEADER_BYTES = 16
LENGTH_BYTES = 4
VERSION_END, LENGTH_END = 8, 12

KIND = RecordKind(
    name="an iris image record (IIR)",
    magic=MAGIC,
    lengths={VERSION_20: (VERSION_END, LENGTH_END)},
    most=MAX_RECORD_BYTES,
    editions="ISO/IEC 19794-6:2011",
)

MIN_IMAGE_BYTES = 52
"""Of a representation without qualities and image."""

MAX_BITS = 16


def is_iris_image_record(data: bytes) -> bool:
    """Tell whether bytes begin as an iris image record."""
    return data.startswith(MAGIC)


def read_iris_image_record(data: bytes) -> IrisImageRecord:
    """Read a record.

    Raises
    ------
    RecordFormatError
        If it is none.
    RecordUnsupportedError
        If it is a version that is not read, or larger than 64 MiB.
    RecordTruncatedError
        If it ends before its own length.
    RecordCorruptError
        If it contradicts itself.
    """
    data = bytes(data)
    KIND.version_of(data)
    return _read(ByteReader(data[LENGTH_END:]))


def write_iris_image_record(record: IrisImageRecord) -> bytes:
    """Return the bytes of a record; images are written as they are stored.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    images = ByteWriter()
    for image in record.images:
        body = _write_image(image)
        images.u32(len(body) + LENGTH_BYTES, "a representation's length")
        images.raw(body)
    writer = ByteWriter()
    writer.raw(MAGIC + VERSION_20)
    writer.u32(HEADER_BYTES + len(images.getvalue()), "a record length")
    writer.u16(len(record.images), "a number of representations")
    writer.u8(fit(record.certification, 1, "a certification flag"), "a certification flag")
    writer.u8(record.eyes if record.eye_count is None else record.eye_count, "a number of eyes")
    writer.raw(images.getvalue())
    return writer.getvalue()


def _read(reader: ByteReader) -> IrisImageRecord:
    count = reader.u16("a number of representations")
    certified, eyes = reader.u8("the certification flag"), reader.u8("a number of eyes")
    if certified > 1:
        raise RecordCorruptError(f"Record: expected a certification flag of 0 or 1, got {certified}.")
    if count == 0:
        raise RecordCorruptError("Record: expected at least one iris image, got none.")
    images = []
    for _ in range(count):
        length = reader.u32("a representation's length")
        if length < MIN_IMAGE_BYTES:
            raise RecordCorruptError(
                f"Record: expected representations of at least {MIN_IMAGE_BYTES} bytes, got {length}."
            )
        images.append(_read_image(ByteReader(reader.take(length - LENGTH_BYTES, "a representation"))))
    reader.finish("the record")
    return IrisImageRecord(tuple(images), eyes, certified)


def _read_image(reader: ByteReader) -> IrisImage:
    capture, qualities = read_capture(reader, certified=False)
    number, label = reader.u16("a representation number"), reader.u8("an eye label")
    if label > max(EyePosition):
        raise RecordCorruptError(f"Record: expected an eye label of 0, 1 or 2, got {label}.")
    image_type = reader.u8("an image type")
    compression, colour = format_meaning(reader.u8("an image format"))
    properties = reader.u8("image properties")
    width, height = reader.u16("an image width"), reader.u16("an image height")
    bits, distance = reader.u8("a depth"), reader.u16("a distance")
    if not 1 <= bits <= MAX_BITS:
        raise RecordCorruptError(f"Record: expected a depth of 1 to {MAX_BITS} bits, got {bits}.")
    roll, roll_uncertainty = reader.u16("a roll angle"), reader.u16("its uncertainty")
    x_min, x_max, y_min, y_max = (reader.u16("an iris centre") for _ in range(4))
    smallest, largest = reader.u16("an iris diameter"), reader.u16("an iris diameter")
    data = reader.take(reader.u32("an image length"), "an image")
    reader.finish("a representation")
    return IrisImage(
        data=data,
        compression=compression,
        width=width,
        height=height,
        eye=EyePosition(label),
        colour=colour,
        bits=bits,
        number=number,
        image_type=image_type,
        properties=properties,
        distance=distance,
        roll=roll,
        roll_uncertainty=roll_uncertainty,
        center=(x_min, x_max, y_min, y_max),
        diameter=(smallest, largest),
        qualities=qualities,
        capture=capture,
    )


def _write_image(image: IrisImage) -> bytes:
    if not 1 <= image.bits <= MAX_BITS:
        raise RecordUnsupportedError(f"Record: the format holds depths of 1 to {MAX_BITS} bits.")
    writer = ByteWriter()
    write_capture(writer, image.capture, image.qualities, certified=False)
    writer.u16(image.number, "a representation number")
    writer.u8(image.eye, "an eye label")
    writer.u8(image.image_type, "an image type")
    writer.u8(format_code(image), "an image format")
    writer.u8(image.properties, "image properties")
    writer.u16(image.width, "an image width")
    writer.u16(image.height, "an image height")
    writer.u8(image.bits, "a depth")
    writer.u16(image.distance, "a distance")
    writer.u16(image.roll, "a roll angle")
    writer.u16(image.roll_uncertainty, "its uncertainty")
    for value in image.center:
        writer.u16(value, "an iris centre")
    for value in image.diameter:
        writer.u16(value, "an iris diameter")
    writer.u32(len(image.data), "an image length")
    writer.raw(image.data)
    return writer.getvalue()
