"""Finger minutiae records as the exchange formats mean them: frozen, in each format's own units.

A record keeps what its file says, so that reading and writing it again gives the same bytes. The formats'
conventions agree with `matcher.types`: origin at the upper left, x to the right, y down; angles
counter-clockwise from the positive x axis, pointing up the ridge that ends or up the valley between the
branches of a bifurcation (so does NIST's `mindtct` write ANSI INCITS 378). Reserved bits of a minutia read as
zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.formats.extended import ExtendedArea
from matcher.types import U8, frozen_array

U16 = npt.NDArray[np.uint16]

NO_DATE = b"\xff" * 9
"""Date and time of capture when nobody states it (ISO/IEC 19794-1:2011)."""

MAX_STATED_QUALITY = 100
"""Qualities above are codes: 254 not reported, 255 failed to compute."""


class Format(StrEnum):
    """The record formats that are read and written. The values are the names on the command line."""

    ISO_2005 = "iso-2005"
    """ISO/IEC 19794-2:2005, clause 7: 6 bytes a minutia."""
    ISO_2005_NORMAL = "iso-2005-normal"
    """The same header, but minutiae in the normal card size: 5 bytes, 0.01 mm."""
    ISO_2005_COMPACT = "iso-2005-compact"
    """The same header, but minutiae in the compact card size: 3 bytes, 0.1 mm."""
    ISO_2011 = "iso-2011"
    """ISO/IEC 19794-2:2011, clause 8."""
    ANSI_2004 = "ansi-2004"
    """ANSI INCITS 378-2004."""
    ANSI_2009 = "ansi-2009"
    """ANSI INCITS 378-2009."""
    ANSI_2009_AM1 = "ansi-2009-am1"
    """ANSI INCITS 378-2009 with Amendment 1: the same layout, version 035."""
    ANSI_2009_DRAFT = "ansi-2009-draft"
    """The draft of 2007 that NIST's tools write: version 030 with the capture equipment in two bytes."""
    CARD_NORMAL = "card-normal"
    """ISO/IEC 19794-2:2005, clause 8: data objects for a card, 5 bytes a minutia, 0.01 mm."""
    CARD_COMPACT = "card-compact"
    """The same with 3 bytes a minutia, 0.1 mm; ISO/IEC 19794-2:2011, clause 9, kept it."""

    @property
    def is_ansi(self) -> bool:
        """Whether it is one of the ANSI INCITS 378 family."""
        return self.value.startswith("ansi")

    @property
    def is_card(self) -> bool:
        """Whether it is data objects for a card, without a header."""
        return self.value.startswith("card")

    @property
    def is_compact(self) -> bool:
        """Whether minutiae take 3 bytes."""
        return self.value.endswith("compact")

    @property
    def angle_steps(self) -> int:
        """Angle units in a full turn: ANSI 2 degrees, ISO 1.40625, compact 5.625."""
        return 180 if self.is_ansi else 64 if self.is_compact else 256

    @property
    def fixed_resolution(self) -> int | None:
        """Minutia units per centimetre where the format fixes them, whatever the image's resolution."""
        return 100 if self.is_compact else 1000 if self.value.endswith("normal") else None


@dataclass(frozen=True, slots=True, eq=False)
class RecordMinutiae:
    """N minutiae in the units of their record.

    Attributes
    ----------
    x, y : uint16 array (N,)
        Pixels at the record's resolution, or units of 0.01 or 0.1 mm in card sizes.
    angle : uint8 array (N,)
        `Format.angle_steps` to a turn.
    kind : uint8 array (N,)
        `MinutiaKind` codes.
    quality : uint8 array (N,) or None
        0 to 100 and the codes 254, 255; in the 2004 and 2005 formats 0 means not reported. None where the
        layout has no room for it.
    """

    x: U16
    y: U16
    angle: U8
    kind: U8
    quality: U8 | None = None

    def __post_init__(self) -> None:
        dtypes = {"x": np.uint16, "y": np.uint16, "angle": np.uint8, "kind": np.uint8, "quality": np.uint8}
        for name, dtype in dtypes.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, frozen_array(f"RecordMinutiae.{name}", value, dtype, 1))
                if len(value) != len(self.x):
                    raise ArgumentError("RecordMinutiae: expected arrays of one length.")

    def __len__(self) -> int:
        return len(self.x)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordMinutiae):
            return NotImplemented
        if (self.quality is None) != (other.quality is None):
            return False
        names = ("x", "y", "angle", "kind") + (() if self.quality is None else ("quality",))
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in names)

    def __hash__(self) -> int:
        return hash((self.x.tobytes(), self.y.tobytes(), self.angle.tobytes()))


@dataclass(frozen=True, slots=True)
class QualityBlock:
    """One quality of a view: value 0 to 100 or 254, 255; who computes it, 0 where nobody says."""

    value: int
    vendor: int = 0
    algorithm: int = 0


@dataclass(frozen=True, slots=True)
class Capture:
    """How a view was captured (ISO/IEC 19794-2:2011 only).

    Attributes
    ----------
    date : bytes
        Nine bytes: year (2), month, day, hour, minute, second, millisecond (2); all ones: not stated.
    technology, vendor, device : int
        Of the capture device; 0 unknown.
    certificates : tuple of (authority, scheme)
        Certifications of the device.
    """

    date: bytes = NO_DATE
    technology: int = 0
    vendor: int = 0
    device: int = 0
    certificates: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FingerView:
    """One view of one finger.

    Attributes
    ----------
    minutiae : RecordMinutiae
        In the record's units.
    width, height : int
        Of the image, pixels at its resolution; 0 where the format does not say.
    x_resolution, y_resolution : int
        Of the image, pixels per centimetre.
    position : int
        Finger position code; 0 to 10 are `FingerPosition`.
    number : int
        Of the view among those of this finger, from 0.
    impression : int
        Impression type code; 0 is a live plain impression.
    qualities : tuple of QualityBlock
        One in most formats, any number in ISO/IEC 19794-2:2011.
    extended : tuple of ExtendedArea
        Ridge counts, cores and deltas, zonal quality, vendor data, in the file's order.
    capture : Capture
        How it was captured.
    ending_kind : int
        Where ridge endings are: 0 at the fork of the valley skeleton, 1 at the end of the ridge skeleton
        (ISO/IEC 19794-2:2011 only).
    bare_area_lengths : bool
        Whether the lengths of extended areas leave out their four header bytes. Writers of
        ISO/IEC 19794-2:2005 disagree; elsewhere always False.
    """

    minutiae: RecordMinutiae
    width: int
    height: int
    x_resolution: int
    y_resolution: int
    position: int = 0
    number: int = 0
    impression: int = 0
    qualities: tuple[QualityBlock, ...] = ()
    extended: tuple[ExtendedArea, ...] = ()
    capture: Capture = field(default=Capture())
    ending_kind: int = 0
    bare_area_lengths: bool = False

    @property
    def quality(self) -> int:
        """The first stated quality, 0 to 100; 0 where none is stated."""
        return next((q.value for q in self.qualities if q.value <= MAX_STATED_QUALITY), 0)


@dataclass(frozen=True, slots=True)
class FingerMinutiaeRecord:
    """A whole record.

    Attributes
    ----------
    format : Format
        How it was, or is to be, written.
    views : tuple of FingerView
        At least one.
    vendor, product : int
        CBEFF product identifier (ANSI only).
    device : int
        Capture device id (not in ISO/IEC 19794-2:2011, where each view has its own).
    certification : int
        Capture equipment certification bits; in ISO/IEC 19794-2:2011, whether views list certificates (0, 1).
    reserved : int
        The header's reserved byte.
    repairs : tuple of str
        What was read otherwise than the file says, in words; not part of equality, and not written.
    """

    format: Format
    views: tuple[FingerView, ...]
    vendor: int = 0
    product: int = 0
    device: int = 0
    certification: int = 0
    reserved: int = 0
    repairs: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.views:
            raise ArgumentError("FingerMinutiaeRecord: expected at least one view, got none.")
