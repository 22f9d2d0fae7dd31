"""What both editions of ISO/IEC 19794-5 say alike of a face: appearance, pose, landmark points.

number of points (2), gender, eye colour, hair colour (1 each), height (1, :2011 only), features (3),
expression (2), pose (3), its uncertainty (3); each point: type, code (1 each), x, y, z (2 each)
"""

from __future__ import annotations

from typing import Any

from matcher.errors import RecordUnsupportedError
from matcher.formats.iso19794_5_record import (
    COMPRESSIONS,
    POINT_BYTES,
    Angles,
    FaceFormat,
    FaceImage,
    FacePoint,
)
from matcher.formats.octets import ByteReader, ByteWriter

FEATURE_BITS = 24


def read_face_block(reader: ByteReader, *, with_height: bool) -> dict[str, Any]:
    """Read the block and its points; return them by the names of `FaceImage`.

    Raises
    ------
    RecordCorruptError
        If the record ends before, checked before any point is made.
    """
    count = reader.u16("a number of points")
    block: dict[str, Any] = {
        "gender": reader.u8("a gender"),
        "eye_colour": reader.u8("an eye colour"),
        "hair_colour": reader.u8("a hair colour"),
    }
    if with_height:
        block["subject_height"] = reader.u8("a height")
    block["features"] = int.from_bytes(reader.take(FEATURE_BITS // 8, "features"), "big")
    block["expression"] = reader.u16("an expression")
    block["pose"] = _angles(reader)
    block["pose_uncertainty"] = _angles(reader)
    points = ByteReader(reader.take(count * POINT_BYTES, "landmark points"))
    block["points"] = tuple(
        FacePoint(
            points.u8("a point type"),
            points.u8("a point code"),
            *(points.u16("a coordinate") for _ in range(3)),
        )
        for _ in range(count)
    )
    return block


def write_face_block(writer: ByteWriter, face: FaceImage, *, with_height: bool) -> None:
    """Write the block and its points.

    Raises
    ------
    RecordUnsupportedError
        If a field cannot hold its value.
    """
    writer.u16(len(face.points), "a number of points")
    writer.u8(face.gender, "a gender")
    writer.u8(face.eye_colour, "an eye colour")
    writer.u8(face.hair_colour, "a hair colour")
    if with_height:
        writer.u8(face.subject_height, "a height")
    writer.number(face.features, FEATURE_BITS, "features")
    writer.u16(face.expression, "an expression")
    for angles in (face.pose, face.pose_uncertainty):
        if len(angles) != 3:
            raise RecordUnsupportedError(f"Record: a pose has 3 angles, got {len(angles)}.")
        for angle in angles:
            writer.u8(angle, "an angle")
    for point in face.points:
        writer.u8(point.type, "a point type")
        writer.u8(point.code, "a point code")
        for value in (point.x, point.y, point.z):
            writer.u16(value, "a coordinate")


def data_type(face: FaceImage, face_format: FaceFormat) -> int:
    """Return the image data type of a face.

    Raises
    ------
    RecordUnsupportedError
        If the format has none for its compression.
    """
    known = COMPRESSIONS[face_format]
    if face.compression not in known:
        raise RecordUnsupportedError(
            f"Record: {face_format} has no code for {face.compression}.",
            hint="It holds " + ", ".join(known) + ".",
        )
    return known.index(face.compression)


def _angles(reader: ByteReader) -> Angles:
    return reader.u8("an angle"), reader.u8("an angle"), reader.u8("an angle")
