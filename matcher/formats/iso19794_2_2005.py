"""ISO/IEC 19794-2:2005 finger minutiae records (with Cor.1:2009), clause 7.

    offset  bytes  header field (big endian)
    0       8      "FMR" 0 " 20" 0
    8       4      record length
    12      2      capture equipment certification (4 bits) and device id (12 bits)
    14      8      image width, height (pixels), x and y resolution (pixels/cm)
    22      1      number of views
    23      1      reserved
    24      ...    views, see `matcher.formats.view20`

The same header also carries minutiae in the card sizes of clause 8 (NIST's MINEX II used it so). Nothing in
the header says which size it is: the one whose views fill the record exactly is taken, the full size first.
"""

from __future__ import annotations

from matcher.errors import RecordCorruptError
from matcher.formats.extended import ISO_2005_STYLE
from matcher.formats.minutia_block import COMPACT, FULL, NO_QUALITY
from matcher.formats.octets import ByteReader, ByteWriter, fit
from matcher.formats.record import FingerMinutiaeRecord, Format
from matcher.formats.view20 import MENDED, Frame, common_frame, read_views, write_view

MAGIC = b"FMR\x00 20\x00"
HEADER_BYTES = 24
DEVICE_BITS = 12
CERTIFICATION_BITS = 4

SIZES = {Format.ISO_2005: FULL, Format.ISO_2005_NORMAL: NO_QUALITY, Format.ISO_2005_COMPACT: COMPACT}
"""Bytes a minutia, in the order in which they are tried."""


def read_iso_2005(data: bytes, record_format: Format | None = None) -> FingerMinutiaeRecord:
    """Read a record whose magic and length are known to fit.

    Parameters
    ----------
    data : bytes
        The whole record.
    record_format : Format, optional
        The minutia size, if it is known.

    Raises
    ------
    RecordCorruptError
        If its content contradicts itself.
    """
    candidates = tuple(SIZES) if record_format is None else (record_format,)
    first: RecordCorruptError | None = None
    for candidate, mend in [(c, False) for c in candidates] + [(candidates[0], True)]:
        try:
            return _read(data, candidate, mend=mend)
        except RecordCorruptError as error:
            first = first or error
    assert first is not None
    raise first


def _read(data: bytes, record_format: Format, *, mend: bool) -> FingerMinutiaeRecord:
    reader = ByteReader(data)
    reader.take(len(MAGIC) + 4, "magic and length")
    device = reader.u16("a device id")
    frame = Frame.read(reader)
    count = reader.u8("a number of views")
    reserved = reader.u8("the reserved byte")
    views = read_views(
        reader,
        count,
        frame,
        size=SIZES[record_format],
        angle_steps=record_format.angle_steps,
        style=ISO_2005_STYLE,
        mend=mend,
    )
    return FingerMinutiaeRecord(
        format=record_format,
        views=views,
        device=device & ((1 << DEVICE_BITS) - 1),
        certification=device >> DEVICE_BITS,
        reserved=reserved,
        repairs=MENDED if mend else (),
    )


def write_iso_2005(record: FingerMinutiaeRecord) -> bytes:
    """Return the bytes of a record of one of the `SIZES`.

    Raises
    ------
    RecordUnsupportedError
        If the format cannot hold a value.
    """
    views = ByteWriter()
    for view in record.views:
        write_view(
            views,
            view,
            size=SIZES[record.format],
            angle_steps=record.format.angle_steps,
            style=ISO_2005_STYLE,
        )
    writer = ByteWriter()
    writer.raw(MAGIC)
    writer.u32(HEADER_BYTES + len(views.getvalue()), "a record length")
    certification = fit(record.certification, CERTIFICATION_BITS, "certification bits")
    writer.u16(certification << DEVICE_BITS | fit(record.device, DEVICE_BITS, "a device id"), "a device id")
    common_frame(record).write(writer)
    writer.u8(len(record.views), "a number of views")
    writer.u8(record.reserved, "the reserved byte")
    writer.raw(views.getvalue())
    return writer.getvalue()
