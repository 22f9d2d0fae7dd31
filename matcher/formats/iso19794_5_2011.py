"""ISO/IEC 19794-5:2011 face image records, clause 5.

bytes  header (big endian)                 bytes  each representation
8      "FAC" 0 "030" 0                     4      its length
4      record length                              capture and qualities, see `capture_block`
2      number of representations           17     appearance, pose, landmark points (8 each); see `face_block`
1      certification flag                  1 + 1  face image type, image data type
2      temporal semantics                  2 + 2  width, height, pixels
                                           1 + 2  spatial sampling level, processing after acquisition
                                           1 + 1  cross reference, colour space
                                           4      image length; the image
                                                  three-dimensional data to the representation's end

A face record holds no certificates, whatever its flag says.
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.capture_block import read_capture, write_capture
from matcher.formats.face_block import data_type, read_face_block, write_face_block
from matcher.formats.iso19794_5_record import (
    MAGIC,
    VERSION_30,
    FaceFormat,
    FaceImage,
    FaceImageRecord,
    compression_of,
)
from matcher.formats.octets import ByteReader, ByteWriter, fit

HEADER_BYTES = 17
LENGTH_BYTES = 4

MIN_FACE_BYTES = 51
"""Of a representation without qualities, landmark points, image and three-dimensional data."""


def read_iso_2011(data: bytes) -> FaceImageRecord:
    """Read a record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(len(MAGIC + VERSION_30) + LENGTH_BYTES, "magic and length")
    count, certified = reader.u16("a number of representations"), reader.u8("the certification flag")
    temporal = reader.u16("temporal semantics")
    if certified > 1:
        raise RecordCorruptError(f"Record: expected a certification flag of 0 or 1, got {certified}.")
    if count == 0:
        raise RecordCorruptError("Record: expected at least one face image, got none.")
    faces = []
    for _ in range(count):
        length = reader.u32("a representation's length")
        if length < MIN_FACE_BYTES:
            raise RecordCorruptError(
                f"Record: expected representations of at least {MIN_FACE_BYTES} bytes, got {length}."
            )
        faces.append(_read_face(ByteReader(reader.take(length - LENGTH_BYTES, "a representation"))))
    reader.finish("the record")
    return FaceImageRecord(FaceFormat.ISO_2011, tuple(faces), certified, temporal)


def write_iso_2011(record: FaceImageRecord) -> bytes:
    """Return the bytes of a record.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    certified = fit(record.certification, 1, "a certification flag")
    faces = ByteWriter()
    for face in record.faces:
        body = _write_face(face)
        faces.u32(len(body) + LENGTH_BYTES, "a representation's length")
        faces.raw(body)
    writer = ByteWriter()
    writer.raw(MAGIC + VERSION_30)
    writer.u32(HEADER_BYTES + len(faces.getvalue()), "a record length")
    writer.u16(len(record.faces), "a number of representations")
    writer.u8(certified, "a certification flag")
    writer.u16(record.temporal, "temporal semantics")
    writer.raw(faces.getvalue())
    return writer.getvalue()


def _read_face(reader: ByteReader) -> FaceImage:
    capture, qualities = read_capture(reader, certified=False)
    block = read_face_block(reader, with_height=True)
    image_type = reader.u8("a face image type")
    compression = compression_of(reader.u8("an image data type"), FaceFormat.ISO_2011)
    width, height = reader.u16("an image width"), reader.u16("an image height")
    sampling, processing = reader.u8("a sampling level"), reader.u16("the processing")
    cross, colour = reader.u8("a cross reference"), reader.u8("a colour space")
    data = reader.take(reader.u32("an image length"), "an image")
    return FaceImage(
        data=data,
        compression=compression,
        width=width,
        height=height,
        image_type=image_type,
        colour_space=colour,
        qualities=qualities,
        capture=capture,
        sampling=sampling,
        processing=processing,
        cross_reference=cross,
        extended=reader.take(reader.left, "three-dimensional data"),
        **block,
    )


def _write_face(face: FaceImage) -> bytes:
    if face.source_type or face.device_type:
        raise RecordUnsupportedError(
            "Record: iso19794-5-2011 has no field for source and device type beside the image.",
            hint="Say them in `capture`.",
        )
    writer = ByteWriter()
    write_capture(writer, face.capture, face.qualities, certified=False)
    write_face_block(writer, face, with_height=True)
    writer.u8(face.image_type, "a face image type")
    writer.u8(data_type(face, FaceFormat.ISO_2011), "an image data type")
    writer.u16(face.width, "an image width")
    writer.u16(face.height, "an image height")
    writer.u8(face.sampling, "a sampling level")
    writer.u16(face.processing, "the processing")
    writer.u8(face.cross_reference, "a cross reference")
    writer.u8(face.colour_space, "a colour space")
    writer.u32(len(face.data), "an image length")
    writer.raw(face.data)
    writer.raw(face.extended)
    return writer.getvalue()
