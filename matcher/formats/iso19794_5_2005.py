"""ISO/IEC 19794-5:2005 face image records, clause 5.

bytes  header (big endian)                 bytes  each image
8      "FAC" 0 "010" 0                     4      its length
4      record length                       16     appearance, pose, landmark points (8 each); see `face_block`
2      number of images                    1 + 1  face image type, image data type
                                           2 + 2  width, height, pixels
                                           1 + 1  colour space, source type
                                           2 + 2  device type, quality
                                                  the image to the block's end
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.face_block import data_type, read_face_block, write_face_block
from matcher.formats.iso19794_5_record import (
    MAGIC,
    VERSION_10,
    FaceFormat,
    FaceImage,
    FaceImageRecord,
    compression_of,
)
from matcher.formats.octets import ByteReader, ByteWriter
from matcher.formats.record import Capture, QualityBlock

HEADER_BYTES = 14
LENGTH_BYTES = 4

MIN_IMAGE_BYTES = 32
"""Of an image's block without landmark points and image."""


def read_iso_2005(data: bytes) -> FaceImageRecord:
    """Read a record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(len(MAGIC + VERSION_10) + LENGTH_BYTES, "magic and length")
    count = reader.u16("a number of images")
    if count == 0:
        raise RecordCorruptError("Record: expected at least one face image, got none.")
    faces = []
    for _ in range(count):
        length = reader.u32("an image block's length")
        if length < MIN_IMAGE_BYTES:
            raise RecordCorruptError(
                f"Record: expected image blocks of at least {MIN_IMAGE_BYTES} bytes, got {length}."
            )
        faces.append(_read_face(ByteReader(reader.take(length - LENGTH_BYTES, "an image block"))))
    reader.finish("the record")
    return FaceImageRecord(FaceFormat.ISO_2005, tuple(faces))


def write_iso_2005(record: FaceImageRecord) -> bytes:
    """Return the bytes of a record.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    if record.certification or record.temporal:
        raise RecordUnsupportedError(
            "Record: iso19794-5-2005 has no field for certification or temporal semantics.",
            hint="Leave them 0.",
        )
    faces = ByteWriter()
    for face in record.faces:
        body = _write_face(face)
        faces.u32(len(body) + LENGTH_BYTES, "an image block's length")
        faces.raw(body)
    writer = ByteWriter()
    writer.raw(MAGIC + VERSION_10)
    writer.u32(HEADER_BYTES + len(faces.getvalue()), "a record length")
    writer.u16(len(record.faces), "a number of images")
    writer.raw(faces.getvalue())
    return writer.getvalue()


def _read_face(reader: ByteReader) -> FaceImage:
    block = read_face_block(reader, with_height=False)
    image_type = reader.u8("a face image type")
    compression = compression_of(reader.u8("an image data type"), FaceFormat.ISO_2005)
    width, height = reader.u16("an image width"), reader.u16("an image height")
    colour, source = reader.u8("a colour space"), reader.u8("a source type")
    device, quality = reader.u16("a device type"), reader.u16("a quality")
    return FaceImage(
        data=reader.take(reader.left, "an image"),
        compression=compression,
        width=width,
        height=height,
        image_type=image_type,
        colour_space=colour,
        source_type=source,
        device_type=device,
        qualities=(QualityBlock(quality),),
        **block,
    )


def _write_face(face: FaceImage) -> bytes:
    if (
        face.capture != Capture()
        or face.extended
        or face.subject_height
        or face.sampling
        or face.processing
        or face.cross_reference
    ):
        raise RecordUnsupportedError(
            "Record: iso19794-5-2005 has no field for capture, height, sampling, processing, cross reference "
            "or three-dimensional data.",
            hint="Leave them out.",
        )
    if len(face.qualities) > 1 or any(q.vendor or q.algorithm for q in face.qualities):
        raise RecordUnsupportedError("Record: iso19794-5-2005 holds one quality, and not whose it is.")
    writer = ByteWriter()
    write_face_block(writer, face, with_height=False)
    writer.u8(face.image_type, "a face image type")
    writer.u8(data_type(face, FaceFormat.ISO_2005), "an image data type")
    writer.u16(face.width, "an image width")
    writer.u16(face.height, "an image height")
    writer.u8(face.colour_space, "a colour space")
    writer.u8(face.source_type, "a source type")
    writer.u16(face.device_type, "a device type")
    writer.u16(face.qualities[0].value if face.qualities else 0, "a quality")
    writer.raw(face.data)
    return writer.getvalue()
