"""ISO/IEC 19794-4:2005 finger image records, and ANSI INCITS 381-2004, which differs in its header.

bytes  header (big endian)                        bytes  each view
8      "FIR" 0 "010" 0                            4      its length
6      record length                              1      finger or palm position
4      product identifier (ANSI only)             1 + 1  number of views of it, number of this one
2 + 2  capture device, image acquisition level    1      quality
1      number of fingers                          1      impression type
1      scale unit                                 2 + 2  image width, height, pixels
2 x 4  scan resolution x, y; image resolution     1      reserved
1 + 1  bits a pixel, compression                         the image
2      reserved

What "number of fingers" counts, positions or views, writers disagree on: both are read.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.iso19794_4_record import (
    COMPRESSIONS,
    MAGIC,
    VERSION_10,
    FingerImage,
    FingerImageRecord,
    ImageFormat,
    check_frame,
    compression_of,
)
from matcher.formats.octets import ByteReader, ByteWriter
from matcher.formats.record import Capture, QualityBlock
from matcher.formats.stored_image import Compression

LENGTH_END = 14
"""Bytes of magic, version and the record's length."""

LENGTH_BITS = 48
VIEW_HEADER_BYTES = 14
UNDEFINED_QUALITY = 254


@dataclass(frozen=True, slots=True)
class Frame:
    """What the header says of every view's image."""

    scale_unit: int
    capture_resolution: tuple[int, int]
    x_resolution: int
    y_resolution: int
    bits: int
    compression: Compression

    @classmethod
    def of(cls, view: FingerImage) -> Frame:
        """Return the frame of a view."""
        return cls(
            view.scale_unit,
            view.capture_resolution,
            view.x_resolution,
            view.y_resolution,
            view.bits,
            view.compression,
        )


def read_iso_2005(data: bytes, image_format: ImageFormat) -> FingerImageRecord:
    """Read a record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(LENGTH_END, "magic and length")
    ansi = image_format is ImageFormat.ANSI_2004
    vendor = reader.u16("a product identifier") if ansi else 0
    product = reader.u16("a product identifier") if ansi else 0
    device, level = reader.u16("a capture device"), reader.u16("an acquisition level")
    count = reader.u8("a number of fingers")
    unit = reader.u8("a scale unit")
    scan_x, scan_y, x_resolution, y_resolution = (reader.u16("a resolution") for _ in range(4))
    bits, code = reader.u8("a depth"), reader.u8("a compression")
    reserved = reader.u16("reserved bytes")
    check_frame(bits, unit)
    frame = Frame(
        unit, (scan_x, scan_y), x_resolution, y_resolution, bits, compression_of(code, image_format)
    )
    views = []
    while reader.left:
        length = reader.u32("a view's length")
        if length < VIEW_HEADER_BYTES:
            raise RecordCorruptError(
                f"Record: expected views of at least {VIEW_HEADER_BYTES} bytes, got {length}."
            )
        views.append(_read_view(ByteReader(reader.take(length - 4, "a view")), frame))
    if not views:
        raise RecordCorruptError("Record: expected at least one finger view, got none.")
    record = FingerImageRecord(
        format=image_format,
        views=tuple(views),
        finger_count=count,
        device=device,
        acquisition_level=level,
        reserved=reserved,
        vendor=vendor,
        product=product,
    )
    if count not in (record.positions, len(views)):
        raise RecordCorruptError(
            f"Record: its header says {count} fingers, it holds {len(views)} views of {record.positions}."
        )
    return record


def write_iso_2005(record: FingerImageRecord) -> bytes:
    """Return the bytes of a record.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value, or views differ in resolution, depth or compression.
    """
    frames = {Frame.of(view) for view in record.views}
    if len(frames) != 1:
        raise RecordUnsupportedError(
            f"Record: {record.format} has one resolution, depth and compression for all views, "
            f"got {len(frames)}.",
            hint="Write one record for each, or use iso19794-4-2011.",
        )
    frame = frames.pop()
    known = COMPRESSIONS[record.format]
    if frame.compression not in known:
        raise RecordUnsupportedError(f"Record: {record.format} has no code for {frame.compression}.")
    header, views = ByteWriter(), ByteWriter()
    if record.format is ImageFormat.ANSI_2004:
        header.u16(record.vendor, "a product identifier")
        header.u16(record.product, "a product identifier")
    elif record.vendor or record.product:
        raise RecordUnsupportedError("Record: ISO/IEC 19794-4 has no field for a product identifier.")
    header.u16(record.device, "a capture device")
    header.u16(record.acquisition_level, "an acquisition level")
    header.u8(record.positions if record.finger_count is None else record.finger_count, "a number of fingers")
    header.u8(frame.scale_unit, "a scale unit")
    for value in (*frame.capture_resolution, frame.x_resolution, frame.y_resolution):
        header.u16(value, "a resolution")
    header.u8(frame.bits, "a depth")
    header.u8(known.index(frame.compression), "a compression")
    header.u16(record.reserved, "reserved bytes")
    for view in record.views:
        _write_view(views, view, sum(other.position == view.position for other in record.views))
    body = header.getvalue() + views.getvalue()
    writer = ByteWriter()
    writer.raw(MAGIC + VERSION_10)
    writer.number(LENGTH_END + len(body), LENGTH_BITS, "a record length")
    writer.raw(body)
    return writer.getvalue()


def _read_view(reader: ByteReader, frame: Frame) -> FingerImage:
    position, count = reader.u8("a position"), reader.u8("a number of views")
    number, quality = reader.u8("a view number"), reader.u8("a quality")
    impression = reader.u8("an impression type")
    width, height = reader.u16("an image width"), reader.u16("an image height")
    reserved = reader.u8("a reserved byte")
    return FingerImage(
        data=reader.take(reader.left, "an image"),
        compression=frame.compression,
        width=width,
        height=height,
        x_resolution=frame.x_resolution,
        y_resolution=frame.y_resolution,
        scale_unit=frame.scale_unit,
        bits=frame.bits,
        position=position,
        number=number,
        view_count=count,
        impression=impression,
        qualities=(QualityBlock(quality),),
        capture_resolution=frame.capture_resolution,
        reserved=reserved,
    )


def _write_view(writer: ByteWriter, view: FingerImage, count: int) -> None:
    if view.capture != Capture() or view.extended:
        raise RecordUnsupportedError(
            "Record: only iso19794-4-2011 says how a view was captured and holds extended data.",
        )
    if len(view.qualities) > 1 or any(q.vendor or q.algorithm for q in view.qualities):
        raise RecordUnsupportedError("Record: the format holds one quality a view, without who computed it.")
    writer.u32(VIEW_HEADER_BYTES + len(view.data), "a view's length")
    writer.u8(view.position, "a position")
    writer.u8(count if view.view_count is None else view.view_count, "a number of views")
    writer.u8(view.number, "a view number")
    writer.u8(view.qualities[0].value if view.qualities else UNDEFINED_QUALITY, "a quality")
    writer.u8(view.impression, "an impression type")
    writer.u16(view.width, "an image width")
    writer.u16(view.height, "an image height")
    writer.u8(view.reserved, "a reserved byte")
    writer.raw(view.data)
