"""ISO/IEC 19794-2:2011 finger minutiae records (with Cor.1:2012), clause 8.

bytes  header (big endian)                   bytes  each view
8      "FMR" 0 "030" 0                       4      its length
4      record length                         9      capture date and time
2      number of views                       1      capture device technology
1      whether views list certificates       2 + 2  capture device vendor, device id
                                             1      number of qualities, each: value (1), vendor (2), id (2)
                                             1      number of certificates, each: authority (2), scheme (1);
                                                    only if the header says so
                                             1 + 1  finger position, view number
                                             2 + 2  x and y resolution, pixels/cm
                                             1      impression type
                                             2 + 2  image width, height, pixels
                                             1      bytes a minutia (4 bits: 5 or 6), ending kind (4 bits)
                                             1      number of minutiae; minutiae
                                             2      extended data length; areas
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError
from matcher.formats.capture_block import read_capture, write_capture
from matcher.formats.extended import ISO_2011_STYLE, read_areas, write_areas
from matcher.formats.minutia_block import FULL, NO_QUALITY, read_minutiae, write_minutiae
from matcher.formats.octets import ByteReader, ByteWriter, fit
from matcher.formats.record import FingerMinutiaeRecord, FingerView, Format

MAGIC = b"FMR\x00030\x00"
HEADER_BYTES = 15
MIN_VIEW_BYTES = 34
"""Of a view without qualities, certificates, minutiae and areas."""

LENGTH_BYTES = 4
SIZE_SHIFT = 4
ENDING_MASK = 0x0F
ANGLE_STEPS = Format.ISO_2011.angle_steps


def looks_like_iso_2011(data: bytes) -> bool:
    """Return whether the views' lengths add up to the record's: what tells it from ANSI INCITS 378-2009."""
    count = int.from_bytes(data[12:14], "big")
    position = HEADER_BYTES
    for _ in range(count):
        length = int.from_bytes(data[position : position + LENGTH_BYTES], "big")
        if length < MIN_VIEW_BYTES or position + length > len(data):
            return False
        position += length
    return count > 0 and position == len(data)


def read_iso_2011(data: bytes) -> FingerMinutiaeRecord:
    """Read a record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(len(MAGIC) + LENGTH_BYTES, "magic and length")
    count = reader.u16("a number of views")
    certified = reader.u8("the certification flag")
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
    return FingerMinutiaeRecord(format=Format.ISO_2011, views=tuple(views), certification=certified)


def write_iso_2011(record: FingerMinutiaeRecord) -> bytes:
    """Return the bytes of a record; one with certificates must have `certification` 1.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    certified = fit(record.certification, 1, "a certification flag")
    views = ByteWriter()
    for view in record.views:
        body = _write_view(view, bool(certified))
        views.u32(len(body) + LENGTH_BYTES, "a view's length")
        views.raw(body)
    writer = ByteWriter()
    writer.raw(MAGIC)
    writer.u32(HEADER_BYTES + len(views.getvalue()), "a record length")
    writer.u16(len(record.views), "a number of views")
    writer.u8(certified, "a certification flag")
    writer.raw(views.getvalue())
    return writer.getvalue()


def _read_view(reader: ByteReader, certified: bool) -> FingerView:
    capture, qualities = read_capture(reader, certified)
    position, number = reader.u8("a finger position"), reader.u8("a view number")
    x_resolution, y_resolution = reader.u16("a resolution"), reader.u16("a resolution")
    impression = reader.u8("an impression type")
    width, height = reader.u16("an image width"), reader.u16("an image height")
    size_ending = reader.u8("a minutia size")
    size = size_ending >> SIZE_SHIFT
    if size not in (FULL, NO_QUALITY):
        raise RecordCorruptError(f"Record: expected {NO_QUALITY} or {FULL} bytes a minutia, got {size}.")
    count = reader.u8("a number of minutiae")
    minutiae = read_minutiae(reader.take(count * size, "minutiae"), size, ANGLE_STEPS)
    block = reader.take(reader.u16("an extended data length"), "extended data")
    reader.finish("a view")
    return FingerView(
        minutiae=minutiae,
        width=width,
        height=height,
        x_resolution=x_resolution,
        y_resolution=y_resolution,
        position=position,
        number=number,
        impression=impression,
        qualities=qualities,
        extended=read_areas(block, ISO_2011_STYLE),
        capture=capture,
        ending_kind=size_ending & ENDING_MASK,
    )


def _write_view(view: FingerView, certified: bool) -> bytes:
    writer = ByteWriter()
    write_capture(writer, view.capture, view.qualities, certified)
    writer.u8(view.position, "a finger position")
    writer.u8(view.number, "a view number")
    writer.u16(view.x_resolution, "a resolution")
    writer.u16(view.y_resolution, "a resolution")
    writer.u8(view.impression, "an impression type")
    writer.u16(view.width, "an image width")
    writer.u16(view.height, "an image height")
    size = NO_QUALITY if view.minutiae.quality is None else FULL
    writer.u8(size << SIZE_SHIFT | fit(view.ending_kind, SIZE_SHIFT, "an ending kind"), "a minutia size")
    minutiae = write_minutiae(view.minutiae, size, ANGLE_STEPS)
    writer.u8(len(view.minutiae), "a number of minutiae")
    writer.raw(minutiae)
    areas = write_areas(view.extended, ISO_2011_STYLE)
    writer.u16(len(areas), "an extended data length")
    writer.raw(areas)
    return writer.getvalue()
