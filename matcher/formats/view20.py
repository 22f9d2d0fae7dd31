"""The finger view that the version " 20" formats share: ISO/IEC 19794-2:2005 and ANSI INCITS 378-2004.

    position (1), view number and impression type (4 + 4 bits), quality (1), number of minutiae (1), minutiae,
    extended data length (2), extended data areas

Image size and resolution stand once in the record's header.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import RecordCorruptError, RecordUnsupportedError
from matcher.formats.extended import HEADER_BYTES, AreaStyle, ExtendedArea, read_areas, write_areas
from matcher.formats.minutia_block import read_minutiae, write_minutiae
from matcher.formats.octets import ByteReader, ByteWriter, fit
from matcher.formats.record import FingerMinutiaeRecord, FingerView, QualityBlock

NUMBER_SHIFT = 4
IMPRESSION_MASK = 0x0F

MENDED = ("the lengths of the last extended data miss the record's end; read to the end",)
"""What a record says that was read so."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the header says of every view's image: pixels, and pixels per centimetre."""

    width: int
    height: int
    x_resolution: int
    y_resolution: int

    @classmethod
    def read(cls, reader: ByteReader) -> Frame:
        """Read the four header fields."""
        return cls(*(reader.u16("image size and resolution") for _ in range(4)))

    @classmethod
    def of(cls, view: FingerView) -> Frame:
        """Return the frame of a view."""
        return cls(view.width, view.height, view.x_resolution, view.y_resolution)

    def write(self, writer: ByteWriter) -> None:
        """Write the four header fields."""
        writer.u16(self.width, "an image width")
        writer.u16(self.height, "an image height")
        writer.u16(self.x_resolution, "a horizontal resolution")
        writer.u16(self.y_resolution, "a vertical resolution")


def common_frame(record: FingerMinutiaeRecord) -> Frame:
    """Return the frame of all views.

    Raises
    ------
    RecordUnsupportedError
        If views differ in it.
    """
    frames = {Frame.of(view) for view in record.views}
    if len(frames) != 1:
        raise RecordUnsupportedError(
            f"Record: {record.format} has one image size and resolution for all views, got {len(frames)}.",
            hint="Write one record for each, or use iso-2011 or ansi-2009.",
        )
    return frames.pop()


def read_views(
    reader: ByteReader, count: int, frame: Frame, *, size: int, angle_steps: int, style: AreaStyle, mend: bool
) -> tuple[FingerView, ...]:
    """Read the views up to the record's end.

    Parameters
    ----------
    reader : ByteReader
        At the first view.
    count : int
        Number of views, from the header.
    frame : Frame
        From the header.
    size : int
        Bytes a minutia.
    angle_steps : int
        Angle units in a turn.
    style : AreaStyle
        Of the extended areas.
    mend : bool
        Whether the last view's extended data end where the record does, if their lengths miss it by less than
        an area's header. (Such records exist: two of three in NIST's own test data.)

    Raises
    ------
    RecordCorruptError
        If there is no view, or the views contradict themselves.
    """
    if count == 0:
        raise RecordCorruptError("Record: expected at least one finger view, got none.")
    views = tuple(
        _read_view(reader, frame, size, angle_steps, style, mend and last)
        for last in [False] * (count - 1) + [True]
    )
    reader.finish("the record")
    return views


def _read_view(
    reader: ByteReader, frame: Frame, size: int, angle_steps: int, style: AreaStyle, mend: bool
) -> FingerView:
    position = reader.u8("a finger position")
    number_impression = reader.u8("a view number")
    quality = reader.u8("a finger quality")
    count = reader.u8("a number of minutiae")
    minutiae = read_minutiae(reader.take(count * size, "minutiae"), size, angle_steps)
    length = reader.u16("an extended data length")
    if mend and length and abs(reader.left - length) < HEADER_BYTES:
        areas, bare = read_areas(reader.take(reader.left, "extended data"), style, mend=True), False
    else:
        areas, bare = _read_areas_either_way(reader.take(length, "extended data"), style)
    return FingerView(
        minutiae=minutiae,
        width=frame.width,
        height=frame.height,
        x_resolution=frame.x_resolution,
        y_resolution=frame.y_resolution,
        position=position,
        number=number_impression >> NUMBER_SHIFT,
        impression=number_impression & IMPRESSION_MASK,
        qualities=(QualityBlock(quality),),
        extended=areas,
        bare_area_lengths=bare,
    )


def write_view(
    writer: ByteWriter, view: FingerView, *, size: int, angle_steps: int, style: AreaStyle
) -> None:
    """Write one view; see `read_views`.

    Raises
    ------
    RecordUnsupportedError
        If a field cannot hold its value.
    """
    writer.u8(view.position, "a finger position")
    number = fit(view.number, NUMBER_SHIFT, "a view number")
    impression = fit(view.impression, NUMBER_SHIFT, "an impression type")
    writer.u8(number << NUMBER_SHIFT | impression, "a view number")
    writer.u8(single_quality(view), "a finger quality")
    minutiae = write_minutiae(view.minutiae, size, angle_steps)
    writer.u8(len(view.minutiae), "a number of minutiae")
    writer.raw(minutiae)
    areas = write_areas(view.extended, style, bare_lengths=view.bare_area_lengths)
    writer.u16(len(areas), "an extended data length")
    writer.raw(areas)


def single_quality(view: FingerView) -> int:
    """Return the value of a view's only quality, 0 if it has none.

    Raises
    ------
    RecordUnsupportedError
        If it has several.
    """
    if len(view.qualities) > 1:
        raise RecordUnsupportedError(
            f"Record: the format holds one quality a view, got {len(view.qualities)}.", hint="Use iso-2011."
        )
    return view.qualities[0].value if view.qualities else 0


def _read_areas_either_way(block: bytes, style: AreaStyle) -> tuple[tuple[ExtendedArea, ...], bool]:
    """Read areas; for ISO also those whose lengths leave out their headers, as some writers do. Say which."""
    try:
        return read_areas(block, style), False
    except RecordCorruptError as error:
        if style.shared_angles:
            raise
        try:
            return read_areas(block, style, bare_lengths=True), True
        except RecordCorruptError:
            raise error from None
