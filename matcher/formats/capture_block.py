"""How a view was captured, as the ISO/IEC 19794 parts of 2011 begin each view (19794-1:2011).

date and time (9), device technology (1), vendor (2), id (2);
number of qualities (1), each: value (1), vendor (2), algorithm (2);
where the record's header says so: number of certificates (1), each: authority (2), scheme (1)
"""

from __future__ import annotations

from matcher.errors import RecordUnsupportedError
from matcher.formats.octets import ByteReader, ByteWriter
from matcher.formats.record import NO_DATE, Capture, QualityBlock


def read_capture(reader: ByteReader, certified: bool) -> tuple[Capture, tuple[QualityBlock, ...]]:
    """Read capture and qualities.

    Raises
    ------
    RecordCorruptError
        If the view ends before.
    """
    date = reader.take(len(NO_DATE), "a capture date")
    technology = reader.u8("a device technology")
    vendor, device = reader.u16("a device vendor"), reader.u16("a device id")
    qualities = tuple(
        QualityBlock(
            reader.u8("a quality"), reader.u16("a quality vendor"), reader.u16("a quality algorithm")
        )
        for _ in range(reader.u8("a number of qualities"))
    )
    certificates: tuple[tuple[int, int], ...] = ()
    if certified:
        certificates = tuple(
            (reader.u16("a certification authority"), reader.u8("a certification scheme"))
            for _ in range(reader.u8("a number of certificates"))
        )
    return Capture(date, technology, vendor, device, certificates), qualities


def write_capture(
    writer: ByteWriter, capture: Capture, qualities: tuple[QualityBlock, ...], certified: bool
) -> None:
    """Write capture and qualities.

    Raises
    ------
    RecordUnsupportedError
        If a field cannot hold its value, or there are certificates and `certified` is false.
    """
    if capture.certificates and not certified:
        raise RecordUnsupportedError(
            "Record: a view lists certificates, but the record's certification flag is 0.",
            hint="Set certification to 1.",
        )
    if len(capture.date) != len(NO_DATE):
        raise RecordUnsupportedError(
            f"Record: a capture date has {len(NO_DATE)} bytes, got {len(capture.date)}."
        )
    writer.raw(capture.date)
    writer.u8(capture.technology, "a device technology")
    writer.u16(capture.vendor, "a device vendor")
    writer.u16(capture.device, "a device id")
    writer.u8(len(qualities), "a number of qualities")
    for quality in qualities:
        writer.u8(quality.value, "a quality")
        writer.u16(quality.vendor, "a quality vendor")
        writer.u16(quality.algorithm, "a quality algorithm")
    if certified:
        writer.u8(len(capture.certificates), "a number of certificates")
        for authority, scheme in capture.certificates:
            writer.u16(authority, "a certification authority")
            writer.u8(scheme, "a certification scheme")
