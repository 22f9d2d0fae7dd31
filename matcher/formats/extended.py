"""Extended data areas of a view: ridge counts, cores and deltas, zonal quality, and what vendors add.

An area is a type (2 bytes), a length (2 bytes) and data. The standard types are parsed where writing the
parsed form again gives the same bytes, and kept as vendor data otherwise: nothing is lost, and no odd area
makes the minutiae unreadable.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import RecordCorruptError, RecordError, RecordUnsupportedError
from matcher.formats.octets import ByteReader, ByteWriter, fit

RIDGE_COUNTS, CORES_DELTAS, ZONAL_QUALITY = 1, 2, 3
"""Standard area types (ISO/IEC 19794-2, ANSI INCITS 378; zonal quality ISO only)."""

HEADER_BYTES = 4
ANGLE_STATED = 1
"""Two-bit code before a core or delta that states its angles."""

COORDINATE_BITS = 14
POINT_COUNT_BITS = 4


@dataclass(frozen=True, slots=True)
class RidgeCounts:
    """Ridges crossed between pairs of minutiae.

    Attributes
    ----------
    method : int
        How pairs were chosen: 0 any, 1 four neighbours, 2 eight neighbours.
    edges : tuple of (first, second, count)
        Minutiae by their number in the view.
    """

    method: int
    edges: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class SingularPoint:
    """A core (no or one angle) or a delta (no or three angles), in the record's units."""

    x: int
    y: int
    angles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CoresDeltas:
    """Cores and deltas of a view."""

    cores: tuple[SingularPoint, ...]
    deltas: tuple[SingularPoint, ...]


@dataclass(frozen=True, slots=True)
class ZonalQuality:
    """Quality of each cell of the image.

    Attributes
    ----------
    cell_width, cell_height : int
        Pixels.
    bits : int
        Bits a cell, 1 to 8.
    cells : bytes
        The cells' qualities, rows from the top, packed high bit first.
    vendor, algorithm : int
        Who computes it (ISO/IEC 19794-2:2011 only).
    """

    cell_width: int
    cell_height: int
    bits: int
    cells: bytes
    vendor: int = 0
    algorithm: int = 0


@dataclass(frozen=True, slots=True)
class VendorData:
    """Any other area, as it is."""

    area_type: int
    data: bytes


ExtendedArea = RidgeCounts | CoresDeltas | ZonalQuality | VendorData


@dataclass(frozen=True, slots=True)
class AreaStyle:
    """How a family of formats writes its areas.

    Attributes
    ----------
    shared_angles : bool
        ANSI: one code beside the count says whether all points have angles. ISO: each point says it.
    zonal : bool
        Whether type 3 is zonal quality.
    zonal_vendor : bool
        Whether zonal quality names its algorithm.
    """

    shared_angles: bool
    zonal: bool
    zonal_vendor: bool


ANSI_STYLE = AreaStyle(shared_angles=True, zonal=False, zonal_vendor=False)
ISO_2005_STYLE = AreaStyle(shared_angles=False, zonal=True, zonal_vendor=False)
ISO_2011_STYLE = AreaStyle(shared_angles=False, zonal=True, zonal_vendor=True)


def read_areas(
    block: bytes, style: AreaStyle, *, bare_lengths: bool = False, mend: bool = False
) -> tuple[ExtendedArea, ...]:
    """Return the areas of an extended data block, without the length in front of it.

    Parameters
    ----------
    block : bytes
        The areas, end to end.
    style : AreaStyle
        Of the format.
    bare_lengths : bool
        Whether an area's length leaves out the four bytes of its header.
    mend : bool
        Whether the last area ends where the block does, whatever its length says.

    Raises
    ------
    RecordCorruptError
        If the areas do not fill the block.
    """
    reader = ByteReader(block)
    areas: list[ExtendedArea] = []
    while reader.left:
        area_type = reader.u16("an extended area's type")
        length = reader.u16("an extended area's length") - (0 if bare_lengths else HEADER_BYTES)
        if length < 0:
            raise RecordCorruptError(f"Record: expected an extended area of at least {HEADER_BYTES} bytes.")
        if mend and reader.left - length < HEADER_BYTES:
            length = reader.left
        data = reader.take(length, "an extended area")
        areas.append(_read_area(area_type, data, style))
    return tuple(areas)


def write_areas(areas: tuple[ExtendedArea, ...], style: AreaStyle, *, bare_lengths: bool = False) -> bytes:
    """Return the extended data block of `areas`; see `read_areas`.

    Raises
    ------
    RecordUnsupportedError
        If the style has no such area or a field cannot hold its value.
    """
    writer = ByteWriter()
    for area in areas:
        area_type, data = _write_area(area, style)
        writer.u16(area_type, "an extended area's type")
        writer.u16(len(data) + (0 if bare_lengths else HEADER_BYTES), "an extended area's length")
        writer.raw(data)
    return writer.getvalue()


def _read_area(area_type: int, data: bytes, style: AreaStyle) -> ExtendedArea:
    """Parse a standard area if that loses nothing, else keep it as it is."""
    opaque = VendorData(area_type, data)
    reader = ByteReader(data)
    area: ExtendedArea
    try:
        if area_type == RIDGE_COUNTS:
            area = _read_ridge_counts(reader)
        elif area_type == CORES_DELTAS:
            area = CoresDeltas(cores=_read_points(reader, style, 1), deltas=_read_points(reader, style, 3))
        elif area_type == ZONAL_QUALITY and style.zonal:
            area = _read_zonal(reader, style)
        else:
            return opaque
        return area if _write_area(area, style) == (area_type, data) else opaque
    except RecordError:
        return opaque


def _write_area(area: ExtendedArea, style: AreaStyle) -> tuple[int, bytes]:
    """Return type and data of an area."""
    writer = ByteWriter()
    if isinstance(area, VendorData):
        return area.area_type, area.data
    if isinstance(area, RidgeCounts):
        writer.u8(area.method, "a ridge count method")
        for edge in area.edges:
            for value in edge:
                writer.u8(value, "a ridge count entry")
        return RIDGE_COUNTS, writer.getvalue()
    if isinstance(area, CoresDeltas):
        _write_points(writer, area.cores, style, 1)
        _write_points(writer, area.deltas, style, 3)
        return CORES_DELTAS, writer.getvalue()
    if not style.zonal:
        raise RecordUnsupportedError("Record: the ANSI formats have no zonal quality.", hint="Leave it out.")
    if style.zonal_vendor:
        writer.u16(area.vendor, "a zonal quality vendor")
        writer.u16(area.algorithm, "a zonal quality algorithm")
    writer.u8(area.cell_width, "a zonal quality cell width")
    writer.u8(area.cell_height, "a zonal quality cell height")
    writer.u8(area.bits, "zonal quality bits")
    writer.raw(area.cells)
    return ZONAL_QUALITY, writer.getvalue()


def _read_ridge_counts(reader: ByteReader) -> RidgeCounts:
    method = reader.u8("a ridge count method")
    triples = reader.take(reader.left // 3 * 3, "ridge counts")
    edges = zip(triples[0::3], triples[1::3], triples[2::3], strict=True)
    return RidgeCounts(method=method, edges=tuple(edges))


def _read_zonal(reader: ByteReader, style: AreaStyle) -> ZonalQuality:
    vendor = reader.u16("a zonal quality vendor") if style.zonal_vendor else 0
    algorithm = reader.u16("a zonal quality algorithm") if style.zonal_vendor else 0
    width, height, bits = (reader.u8("zonal quality") for _ in range(3))
    return ZonalQuality(width, height, bits, reader.take(reader.left, "zonal quality"), vendor, algorithm)


def _read_points(reader: ByteReader, style: AreaStyle, angle_count: int) -> tuple[SingularPoint, ...]:
    """Read a count and that many points of 0 or `angle_count` angles."""
    head = reader.u8("a count of cores or deltas")
    count = head & ((1 << POINT_COUNT_BITS) - 1)
    points = []
    for _ in range(count):
        x, y = reader.u16("a core or delta"), reader.u16("a core or delta")
        stated = (head >> 6 if style.shared_angles else x >> COORDINATE_BITS) == ANGLE_STATED
        angles = tuple(reader.take(angle_count, "angles of a core or delta")) if stated else ()
        mask = (1 << COORDINATE_BITS) - 1
        points.append(SingularPoint(x & mask, y & mask, angles))
    return tuple(points)


def _write_points(
    writer: ByteWriter, points: tuple[SingularPoint, ...], style: AreaStyle, angle_count: int
) -> None:
    """Invert `_read_points`."""
    if any(len(point.angles) not in (0, angle_count) for point in points):
        raise RecordUnsupportedError(f"Record: a core or delta here has 0 or {angle_count} angles.")
    stated = [bool(point.angles) for point in points]
    if style.shared_angles and len(set(stated)) > 1:
        raise RecordUnsupportedError(
            "Record: in the ANSI formats either all cores (all deltas) state their angles or none does."
        )
    head = fit(len(points), POINT_COUNT_BITS, "a number of cores or deltas")
    writer.u8(head | (ANGLE_STATED << 6 if style.shared_angles and any(stated) else 0), "a count")
    for point in points:
        x = fit(point.x, COORDINATE_BITS, "a core's or delta's x")
        own = ANGLE_STATED << COORDINATE_BITS if point.angles and not style.shared_angles else 0
        writer.u16(own | x, "x")
        writer.u16(fit(point.y, COORDINATE_BITS, "a core's or delta's y"), "y")
        for angle in point.angles:
            writer.u8(angle, "an angle of a core or delta")
