"""The nouns that travel between stages: frozen, checked when built, plain NumPy inside.

Coordinates are pixels at 500 ppi, x to the right, y down, origin at the top left pixel's centre.
Minutia directions are integers in units of 2*pi/256 rad (ISO/IEC 19794-2: 1.40625 degrees),
counter-clockwise from the positive x axis *as seen on the image* (y up). A direction points from the minutia
into the ridge that ends there, or into the valley between the two branches of a bifurcation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.person import MatchWarning, PersonPart

PPI = 500.0
"""Resolution that every stage after image reading works at, pixels per inch."""

DIRECTION_STEPS = 256
"""Direction units in a full turn."""

MAX_MINUTIAE = 255
"""Most minutiae a template holds (one count byte, as in ISO/IEC 19794-2)."""

MAX_COORDINATE = 16383
"""Largest coordinate, pixels at 500 ppi (14 bits, as in ISO/IEC 19794-2)."""

MAX_QUALITY = 100
"""Qualities run from 0 (worst) to 100 (best) (ISO/IEC 29794-1)."""

U8 = npt.NDArray[np.uint8]
I16 = npt.NDArray[np.int16]
F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


class ResolutionSource(IntEnum):
    """Where an image's resolution was taken from."""

    CALLER = 1
    FILE = 2
    ASSUMED = 3


class MinutiaKind(IntEnum):
    """Minutia type codes of ISO/IEC 19794-2."""

    OTHER = 0
    ENDING = 1
    BIFURCATION = 2


class Modality(IntEnum):
    """What was captured. Codes are part of the stored form."""

    FINGERPRINT = 1
    IRIS = 2
    FACE = 3


class FingerPosition(IntEnum):
    """Finger position codes of ISO/IEC 19794-2 and ANSI/NIST-ITL."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10


def frozen_array(name: str, value: npt.NDArray[Any], dtype: npt.DTypeLike, ndim: int) -> npt.NDArray[Any]:
    """Return `value` as a read-only C-contiguous array of exactly `dtype`; never a silent lossy cast.

    Raises
    ------
    ArgumentError
        If `value` is no array of that dtype and number of dimensions.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype) or value.ndim != ndim:
        got = f"{value.dtype} with {value.ndim} dimensions" if isinstance(value, np.ndarray) else type(value)
        raise ArgumentError(
            f"{name}: expected an array of {np.dtype(dtype)} with {ndim} dimensions, got {got}."
        )
    if value.flags.writeable or not value.flags.c_contiguous:
        value = np.array(value, order="C", copy=True)
        value.flags.writeable = False
    return value


@dataclass(frozen=True, slots=True)
class Image:
    """A grey image at 500 ppi.

    Attributes
    ----------
    pixels : uint8 array (H, W)
        0 black (ridge, on a print), 255 white.
    native_ppi : float
        Resolution before resampling to 500 ppi.
    resolution_source : ResolutionSource
        Who said so; ASSUMED means that nobody did and 500 was taken.
    """

    pixels: U8
    native_ppi: float = PPI
    resolution_source: ResolutionSource = ResolutionSource.ASSUMED

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", frozen_array("Image.pixels", self.pixels, np.uint8, 2))
        if not (np.isfinite(self.native_ppi) and self.native_ppi > 0):
            raise ArgumentError(f"Image.native_ppi: expected a positive number, got {self.native_ppi}.")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class ColourImage:
    """A colour picture as it was taken, upright: faces have no resolution in the world.

    Attributes
    ----------
    pixels : uint8 array (H, W, 3)
        Red, green, blue.
    """

    pixels: U8

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", frozen_array("ColourImage.pixels", self.pixels, np.uint8, 3))
        if self.pixels.shape[2] != 3 or min(self.pixels.shape) < 1:
            raise ArgumentError(
                f"ColourImage.pixels: expected an array of shape (H, W, 3), got {self.pixels.shape}."
            )

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


_MINUTIAE_DTYPES: dict[str, npt.DTypeLike] = {
    "x": np.dtype(np.int16),
    "y": np.dtype(np.int16),
    "direction": np.dtype(np.uint8),
    "kind": np.dtype(np.uint8),
    "quality": np.dtype(np.uint8),
}
_LAST_KIND = max(MinutiaKind)


@dataclass(frozen=True, slots=True, eq=False)
class Minutiae:
    """N minutiae in stored units, so that a stored and a fresh template score alike.

    Attributes
    ----------
    x, y : int16 array (N,)
        Pixels at 500 ppi, 0 to 16383.
    direction : uint8 array (N,)
        Units of 2*pi/256 rad, counter-clockwise, see the module's text.
    kind : uint8 array (N,)
        `MinutiaKind` codes.
    quality : uint8 array (N,)
        0 to 100.
    """

    x: I16
    y: I16
    direction: U8
    kind: U8
    quality: U8

    def __post_init__(self) -> None:
        for name, dtype in _MINUTIAE_DTYPES.items():
            given = getattr(self, name)
            array = frozen_array(f"Minutiae.{name}", given, dtype, 1)
            if array is not given:
                object.__setattr__(self, name, array)
        n = len(self.x)
        if not n == len(self.y) == len(self.direction) == len(self.kind) == len(self.quality):
            raise ArgumentError("Minutiae: expected five arrays of one length.")
        if n > MAX_MINUTIAE:
            raise ArgumentError(
                f"Minutiae: expected at most {MAX_MINUTIAE}, got {n}.",
                hint="Keep those of the highest quality.",
            )
        # Templates come by here thousands of times a second: the greatest of some dozen numbers is found
        # sooner in bytes than by an array's method.
        if n and int(np.bitwise_or.reduce(self.x | self.y)) & ~MAX_COORDINATE:
            raise ArgumentError(f"Minutiae: expected coordinates from 0 to {MAX_COORDINATE}.")
        kind, quality = max(self.kind.tobytes(), default=0), max(self.quality.tobytes(), default=0)
        if kind > _LAST_KIND:
            raise ArgumentError(f"Minutiae.kind: expected codes 0 to 2, got {kind}.")
        if quality > MAX_QUALITY:
            raise ArgumentError(f"Minutiae.quality: expected 0 to {MAX_QUALITY}, got {quality}.")

    def __len__(self) -> int:
        return len(self.x)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Minutiae):
            return NotImplemented
        names = ("x", "y", "direction", "kind", "quality")
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in names)

    def __hash__(self) -> int:
        return hash((self.x.tobytes(), self.y.tobytes(), self.direction.tobytes()))


@dataclass(frozen=True, slots=True)
class FingerprintTemplate:
    """What is kept of one fingerprint sample.

    Attributes
    ----------
    minutiae : Minutiae
        In image coordinates at 500 ppi.
    width, height : int
        Of the image that the minutiae came from, pixels at 500 ppi, 1 to 16384.
    extractor : str
        Who found the minutiae: "numba/1", "iso", "ansi" ...; 1 to 32 ASCII characters. Chooses the
        calibration.
    quality : int
        Of the whole sample, 0 to 100.
    position : FingerPosition
        The finger, UNKNOWN if nobody said.
    """

    minutiae: Minutiae
    width: int
    height: int
    extractor: str
    quality: int = 0
    position: FingerPosition = field(default=FingerPosition.UNKNOWN)

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_COORDINATE + 1 and 1 <= self.height <= MAX_COORDINATE + 1):
            raise ArgumentError(
                f"FingerprintTemplate: expected sides from 1 to {MAX_COORDINATE + 1}, "
                f"got {self.width} x {self.height}."
            )
        if not (1 <= len(self.extractor) <= 32 and self.extractor.isascii() and self.extractor.isprintable()):
            raise ArgumentError("FingerprintTemplate.extractor: expected 1 to 32 printable ASCII characters.")
        if not 0 <= self.quality <= MAX_QUALITY:
            raise ArgumentError(
                f"FingerprintTemplate.quality: expected 0 to {MAX_QUALITY}, got {self.quality}."
            )
        minutiae = self.minutiae
        if len(minutiae) and (
            np.maximum.reduce(minutiae.x) >= self.width or np.maximum.reduce(minutiae.y) >= self.height
        ):
            raise ArgumentError("FingerprintTemplate: a minutia lies outside the image.")
        given: Any = self.position
        if not isinstance(given, FingerPosition):
            object.__setattr__(self, "position", FingerPosition(self.position))


@dataclass(frozen=True, slots=True)
class Score:
    """A calibrated comparison score.

    Attributes
    ----------
    value : float
        -10 * log10(FMR): 40 means that one non-mated comparison in 10,000 scores this high.
    raw : float
        What the scorer gave before calibration; comparable only under the same calibration.
    calibration : str
        Id of the calibration that made `value`.
    extrapolated : bool
        Whether `value` lies above what the calibration's non-mated data support and comes from its tail
        model.
    """

    value: float
    raw: float
    calibration: str
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One subject that a search returned, best first; rank starts at 1.

    `parts` says what each finger, eye or face of the probe gave, `warnings` what looks wrong with labels or
    samples.
    """

    subject_id: str
    score: Score
    rank: int
    parts: tuple[PersonPart, ...] = ()
    warnings: tuple[MatchWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """A score held against a threshold: accepted when `score.value >= threshold`."""

    accepted: bool
    score: Score
    threshold: float
