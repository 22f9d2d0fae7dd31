"""ANSI INCITS 378 finger minutiae records: 2004, 2009, its Amendment 1, and the draft of 2007.

    2004             2009             field (big endian)
    offset  bytes    offset  bytes
    0       8        0       8        "FMR" 0, then " 20" 0; 2009 "030" 0; Amendment 1 "035" 0
    8       2 or 6   8       4        record length; in 2004 two zero bytes precede a length above 65,535
    10      2        12      2        CBEFF product identifier: owner
    12      2        14      2        CBEFF product identifier: type
    14      2        16      3        capture equipment certification (4 bits; 8) and device id (12 bits; 16)
    16      8        -       -        image size and resolution (2009: in each view)
    24      1        19      1        number of views
    25      1        20      1        reserved

The 2007 draft differs from 2009 in two bytes (not three) of certification and device id. A view of 2009 is:
position (1), view number (1), impression type (1), quality (1), quality algorithm owner (2) and id (2), image
width, height (2 + 2), x and y resolution (2 + 2), number of minutiae (1), minutiae, extended data length (2),
areas.
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError
from matcher.formats.extended import ANSI_STYLE, read_areas, write_areas
from matcher.formats.minutia_block import FULL, read_minutiae, write_minutiae
from matcher.formats.octets import ByteReader, ByteWriter, fit
from matcher.formats.record import FingerMinutiaeRecord, FingerView, Format, QualityBlock
from matcher.formats.view20 import MENDED, Frame, common_frame, read_views, single_quality, write_view

MAGIC_2004 = b"FMR\x00 20\x00"
MAGIC_2009 = b"FMR\x00030\x00"
MAGIC_2009_AM1 = b"FMR\x00035\x00"

MAGICS_2009 = {
    Format.ANSI_2009: MAGIC_2009,
    Format.ANSI_2009_AM1: MAGIC_2009_AM1,
    Format.ANSI_2009_DRAFT: MAGIC_2009,
}

HEADER_2004_BYTES = 26
MAX_SHORT_LENGTH = 0xFFFF
WIDE_LENGTH_BYTES = 4
"""How much longer the header of 2004 is when the length does not fit into two bytes."""

DEVICE_BITS = 12
CERTIFICATION_BITS = 4
ANGLE_STEPS = Format.ANSI_2004.angle_steps

NOT_REPORTED = 254
"""Quality code of 2009: not reported."""


def read_ansi_2004(data: bytes) -> FingerMinutiaeRecord:
    """Read a 2004 record whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    try:
        return _read_ansi_2004(data, mend=False)
    except RecordCorruptError as error:
        try:
            return _read_ansi_2004(data, mend=True)
        except RecordCorruptError:
            raise error from None


def _read_ansi_2004(data: bytes, *, mend: bool) -> FingerMinutiaeRecord:
    reader = ByteReader(data)
    reader.take(len(MAGIC_2004), "magic")
    if reader.u16("a record length") == 0:
        reader.u32("a record length")
    vendor, product = reader.u16("a product owner"), reader.u16("a product type")
    device = reader.u16("a device id")
    frame = Frame.read(reader)
    count = reader.u8("a number of views")
    reserved = reader.u8("the reserved byte")
    views = read_views(reader, count, frame, size=FULL, angle_steps=ANGLE_STEPS, style=ANSI_STYLE, mend=mend)
    return FingerMinutiaeRecord(
        format=Format.ANSI_2004,
        views=views,
        vendor=vendor,
        product=product,
        device=device & ((1 << DEVICE_BITS) - 1),
        certification=device >> DEVICE_BITS,
        reserved=reserved,
        repairs=MENDED if mend else (),
    )


def write_ansi_2004(record: FingerMinutiaeRecord) -> bytes:
    """Return the bytes of a 2004 record.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    body = ByteWriter()
    body.u16(record.vendor, "a product owner")
    body.u16(record.product, "a product type")
    _write_short_device(body, record)
    common_frame(record).write(body)
    body.u8(len(record.views), "a number of views")
    body.u8(record.reserved, "the reserved byte")
    for view in record.views:
        write_view(body, view, size=FULL, angle_steps=ANGLE_STEPS, style=ANSI_STYLE)
    writer = ByteWriter()
    writer.raw(MAGIC_2004)
    length = len(MAGIC_2004) + 2 + len(body.getvalue())
    if length <= MAX_SHORT_LENGTH:
        writer.u16(length, "a record length")
    else:
        writer.u16(0, "a record length")
        writer.u32(length + WIDE_LENGTH_BYTES, "a record length")
    writer.raw(body.getvalue())
    return writer.getvalue()


def read_ansi_2009(data: bytes, record_format: Format) -> FingerMinutiaeRecord:
    """Read a record of one of the `MAGICS_2009` whose magic and length are known to fit.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    reader = ByteReader(data)
    reader.take(len(MAGIC_2009) + 4, "magic and length")
    vendor, product = reader.u16("a product owner"), reader.u16("a product type")
    if record_format is Format.ANSI_2009_DRAFT:
        device = reader.u16("a device id")
        certification, device = device >> DEVICE_BITS, device & ((1 << DEVICE_BITS) - 1)
    else:
        certification, device = reader.u8("certification bits"), reader.u16("a device id")
    count = reader.u8("a number of views")
    if count == 0:
        raise RecordCorruptError("Record: expected at least one finger view, got none.")
    reserved = reader.u8("the reserved byte")
    views = tuple(_read_view_2009(reader) for _ in range(count))
    reader.finish("the record")
    return FingerMinutiaeRecord(
        format=record_format,
        views=views,
        vendor=vendor,
        product=product,
        device=device,
        certification=certification,
        reserved=reserved,
    )


def write_ansi_2009(record: FingerMinutiaeRecord) -> bytes:
    """Return the bytes of a record of one of the `MAGICS_2009`.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    body = ByteWriter()
    body.u16(record.vendor, "a product owner")
    body.u16(record.product, "a product type")
    if record.format is Format.ANSI_2009_DRAFT:
        _write_short_device(body, record)
    else:
        body.u8(record.certification, "certification bits")
        body.u16(record.device, "a device id")
    body.u8(len(record.views), "a number of views")
    body.u8(record.reserved, "the reserved byte")
    for view in record.views:
        _write_view_2009(body, view)
    writer = ByteWriter()
    writer.raw(MAGICS_2009[record.format])
    writer.u32(len(MAGIC_2009) + 4 + len(body.getvalue()), "a record length")
    writer.raw(body.getvalue())
    return writer.getvalue()


def _write_short_device(writer: ByteWriter, record: FingerMinutiaeRecord) -> None:
    certification = fit(record.certification, CERTIFICATION_BITS, "certification bits")
    writer.u16(certification << DEVICE_BITS | fit(record.device, DEVICE_BITS, "a device id"), "a device id")


def _read_view_2009(reader: ByteReader) -> FingerView:
    position = reader.u8("a finger position")
    number = reader.u8("a view number")
    impression = reader.u8("an impression type")
    quality = QualityBlock(
        reader.u8("a finger quality"), reader.u16("a quality vendor"), reader.u16("a quality algorithm")
    )
    frame = Frame.read(reader)
    count = reader.u8("a number of minutiae")
    minutiae = read_minutiae(reader.take(count * FULL, "minutiae"), FULL, ANGLE_STEPS)
    block = reader.take(reader.u16("an extended data length"), "extended data")
    return FingerView(
        minutiae=minutiae,
        width=frame.width,
        height=frame.height,
        x_resolution=frame.x_resolution,
        y_resolution=frame.y_resolution,
        position=position,
        number=number,
        impression=impression,
        qualities=(quality,),
        extended=read_areas(block, ANSI_STYLE),
    )


def _write_view_2009(writer: ByteWriter, view: FingerView) -> None:
    writer.u8(view.position, "a finger position")
    writer.u8(view.number, "a view number")
    writer.u8(view.impression, "an impression type")
    single_quality(view)
    quality = view.qualities[0] if view.qualities else QualityBlock(NOT_REPORTED)
    writer.u8(quality.value, "a finger quality")
    writer.u16(quality.vendor, "a quality vendor")
    writer.u16(quality.algorithm, "a quality algorithm")
    Frame.of(view).write(writer)
    minutiae = write_minutiae(view.minutiae, FULL, ANGLE_STEPS, unstated=NOT_REPORTED)
    writer.u8(len(view.minutiae), "a number of minutiae")
    writer.raw(minutiae)
    areas = write_areas(view.extended, ANSI_STYLE)
    writer.u16(len(areas), "an extended data length")
    writer.raw(areas)
