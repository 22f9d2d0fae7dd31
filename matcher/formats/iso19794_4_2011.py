"""ISO/IEC 19794-4:2011 finger image records, clause 8.

bytes  header (big endian)                 bytes  each view
8      "FIR" 0 "020" 0                     4      its length
4      record length                              capture and qualities, see `capture_block`
2      number of views                     1 + 1  position, view number
1      whether views list certificates     1      scale unit
1      number of positions                 2 x 4  scan resolution x, y; image resolution x, y
                                           1 + 1  bits a pixel, compression
                                           1      impression type
                                           2 + 2  image width, height, pixels
                                           4      image length; the image
                                                  extended data to the view's end
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.capture_block import read_capture, write_capture
from matcher.formats.iso19794_4_record import (
    COMPRESSIONS,
    MAGIC,
    VERSION_20,
    FingerImage,
    FingerImageRecord,
    ImageFormat,
    check_frame,
    compression_of,
)
from matcher.formats.octets import ByteReader, ByteWriter, fit

HEADER_BYTES = 16
LENGTH_BYTES = 4

MIN_VIEW_BYTES = 41
"""Of a view without qualities, certificates, image and extended data."""


def read_iso_2011(data: bytes) -> FingerImageRecord:
    """Read a record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(len(MAGIC + VERSION_20) + LENGTH_BYTES, "magic and length")
    count, certified = reader.u16("a number of views"), reader.u8("the certification flag")
    positions = reader.u8("a number of positions")
    if certified > 1:
        raise RecordCorruptError(f"Record: expected a certification flag of 0 or 1, got {certified}.")
    if count == 0:
        raise RecordCorruptError("Record: expected at least one finger view, got none.")
    views = []
    for _ in range(count):
        length = reader.u32("a view's length")
        if length < MIN_VIEW_BYTES:
            raise RecordCorruptError(
                f"Record: expected views of at least {MIN_VIEW_BYTES} bytes, got {length}."
            )
        views.append(_read_view(ByteReader(reader.take(length - LENGTH_BYTES, "a view")), bool(certified)))
    reader.finish("the record")
    return FingerImageRecord(
        format=ImageFormat.ISO_2011, views=tuple(views), finger_count=positions, certification=certified
    )


def write_iso_2011(record: FingerImageRecord) -> bytes:
    """Return the bytes of a record; one with certificates must have `certification` 1.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    if record.vendor or record.product or record.device or record.acquisition_level or record.reserved:
        raise RecordUnsupportedError(
            "Record: iso19794-4-2011 has no field for a product, device or acquisition level in the header.",
            hint="Leave them 0; each view has a device of its own.",
        )
    certified = fit(record.certification, 1, "a certification flag")
    views = ByteWriter()
    for view in record.views:
        body = _write_view(view, bool(certified))
        views.u32(len(body) + LENGTH_BYTES, "a view's length")
        views.raw(body)
    writer = ByteWriter()
    writer.raw(MAGIC + VERSION_20)
    writer.u32(HEADER_BYTES + len(views.getvalue()), "a record length")
    writer.u16(len(record.views), "a number of views")
    writer.u8(certified, "a certification flag")
    positions = record.positions if record.finger_count is None else record.finger_count
    writer.u8(positions, "a number of positions")
    writer.raw(views.getvalue())
    return writer.getvalue()


def _read_view(reader: ByteReader, certified: bool) -> FingerImage:
    capture, qualities = read_capture(reader, certified)
    position, number = reader.u8("a position"), reader.u8("a view number")
    unit = reader.u8("a scale unit")
    scan_x, scan_y, x_resolution, y_resolution = (reader.u16("a resolution") for _ in range(4))
    bits, code = reader.u8("a depth"), reader.u8("a compression")
    check_frame(bits, unit)
    compression = compression_of(code, ImageFormat.ISO_2011)
    impression = reader.u8("an impression type")
    width, height = reader.u16("an image width"), reader.u16("an image height")
    data = reader.take(reader.u32("an image length"), "an image")
    return FingerImage(
        data=data,
        compression=compression,
        width=width,
        height=height,
        x_resolution=x_resolution,
        y_resolution=y_resolution,
        scale_unit=unit,
        bits=bits,
        position=position,
        number=number,
        impression=impression,
        qualities=qualities,
        capture_resolution=(scan_x, scan_y),
        capture=capture,
        extended=reader.take(reader.left, "extended data"),
    )


def _write_view(view: FingerImage, certified: bool) -> bytes:
    known = COMPRESSIONS[ImageFormat.ISO_2011]
    if view.compression not in known:
        raise RecordUnsupportedError(f"Record: iso19794-4-2011 has no code for {view.compression}.")
    if view.view_count is not None or view.reserved:
        raise RecordUnsupportedError(
            "Record: iso19794-4-2011 has no field for a number of views or a reserved byte in a view.",
            hint="Leave them out.",
        )
    writer = ByteWriter()
    write_capture(writer, view.capture, view.qualities, certified)
    writer.u8(view.position, "a position")
    writer.u8(view.number, "a view number")
    writer.u8(view.scale_unit, "a scale unit")
    for value in (*view.capture_resolution, view.x_resolution, view.y_resolution):
        writer.u16(value, "a resolution")
    writer.u8(view.bits, "a depth")
    writer.u8(known.index(view.compression), "a compression")
    writer.u8(view.impression, "an impression type")
    writer.u16(view.width, "an image width")
    writer.u16(view.height, "an image height")
    writer.u32(len(view.data), "an image length")
    writer.raw(view.data)
    writer.raw(view.extended)
    return writer.getvalue()
