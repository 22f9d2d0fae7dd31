"""Many prints in packed arrays, drawn finger by finger; templates are made of them when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.datasets.fingerprint_synthesis.classes import PROPORTION, SAME_CLASS, ULNAR_SHARE
from matcher.fingerprint.parameters import EXTRACTOR_ID, MIN_MINUTIAE
from matcher.types import (
    I64,
    MAX_MINUTIAE,
    MAX_QUALITY,
    U8,
    U64,
    FingerPosition,
    FingerprintTemplate,
    Minutiae,
)

from .people import People
from .print_settings import PrintSettings
from .streams import F64, branch, normal

SENSORS = (
    (388, 374, 0.2, 1.00, 1.00),  # optical, one finger
    (300, 300, 0.2, 0.87, 0.76),  # capacitive
    (640, 480, 0.2, 0.97, 1.14),  # optical, roomy
    (300, 480, 0.2, 0.97, 1.36),  # sweep: the finger is drawn over a line
    (328, 364, 0.2, 1.04, 1.00),  # optical, small
)
"""Sensors: width and height of their windows, px at 500 ppi; share of people who meet them; width and height
of what prints on them show, in the mean ones. Kinds and figures are those of the five sets at hand."""

FIELDS = 6
"""Rows of a print's minutiae: x, y, direction, kind, quality, number of the finger's minutia (0 false)."""

QUALITY_FIT = (-151.0, 5.84, 14.2, 1.127)
"""A template's quality of numba/1: constant, per logarithm of the count, per logarithm of the hull's area
(px^2), per mean quality of its minutiae. Least squares on the real sets, which explains 71 % of it."""

QUALITY_NOISE = 8.0
"""What that leaves: deviation."""

GRADE = 40
"""Branch of an encounter's key: noise of a sample's quality."""

I16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """N prints; minutiae of print i are `[offsets[i]:offsets[i + 1]]`.

    Attributes
    ----------
    number : int64 array (N,)
        The subject that each is a sample of.
    position : uint8 array (N,)
        `FingerPosition` codes.
    width, height : int16 array (N,)
        Of the image, px at 500 ppi.
    quality : uint8 array (N,)
        0 to 100.
    offsets : int64 array (N + 1,)
    x, y : int16 array (M,)
    direction, kind, minutia_quality : uint8 array (M,)
        As in `matcher.types.Minutiae`, best quality first.
    """

    number: I64
    position: U8
    width: I16
    height: I16
    quality: U8
    offsets: I64
    x: I16
    y: I16
    direction: U8
    kind: U8
    minutia_quality: U8

    def __len__(self) -> int:
        return len(self.number)

    def template(self, row: int, extractor: str = EXTRACTOR_ID) -> FingerprintTemplate:
        """Return one print as a template."""
        own = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return FingerprintTemplate(
            minutiae=Minutiae(
                self.x[own], self.y[own], self.direction[own], self.kind[own], self.minutia_quality[own]
            ),
            width=int(self.width[row]),
            height=int(self.height[row]),
            extractor=extractor,
            quality=int(self.quality[row]),
            position=FingerPosition(int(self.position[row])),
        )


@lru_cache(maxsize=1)
def _tables() -> tuple[F64, F64]:
    classes = np.cumsum(list(PROPORTION.values()))
    sensors = np.array(SENSORS, np.float64)
    sensors[:, 2] = np.cumsum(sensors[:, 2]) / sensors[:, 2].sum()
    return classes / classes[-1], sensors


def draw_prints(
    numbers: I64, people: People, encounters: U64, positions: I64, burden: F64, settings: PrintSettings
) -> Prints:
    """Return one capture of each of N fingers, in their order; those that show too little are left out.

    Parameters
    ----------
    numbers : int64 array (N,)
        Of the subjects; copied into the answer.
    people : People
        N of them: a person with ten fingers stands there ten times.
    encounters : uint64 array (N,)
        Keys of the encounters; those of one person and encounter are alike.
    positions : int64 array (N,)
        1 to 10.
    burden : float64 array (N,)
        How much poorer each capture is, deviates of clarity.
    settings : PrintSettings
    """
    from .kernels.prints import hull_areas, make_prints

    n = len(numbers)
    drawn = np.zeros((n, FIELDS, MAX_MINUTIAE), np.int16)
    sides = np.zeros((n, 4), np.int64)
    shares, sensors = _tables()
    make_prints(
        people.key,
        encounters,
        positions,
        people.size,
        people.period,
        people.wear,
        burden,
        shares,
        ULNAR_SHARE,
        SAME_CLASS,
        sensors,
        settings,
        drawn,
        sides,
    )
    kept = np.flatnonzero(sides[:, 2] >= MIN_MINUTIAE)
    drawn, sides = drawn[kept], sides[kept]
    counts = sides[:, 2]
    filled = np.arange(MAX_MINUTIAE) < counts[:, None]
    rows = [drawn[:, field][filled] for field in range(FIELDS)]
    areas = np.zeros(len(kept))
    hull_areas(drawn, counts, areas)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    mean = np.add.reduceat(np.append(rows[4], 0).astype(np.int64), offsets[:-1]) / np.maximum(counts, 1)
    constant, of_count, of_area, of_mean = QUALITY_FIT
    quality = constant + of_count * np.log(counts) + of_area * np.log(np.maximum(areas, 1.0)) + of_mean * mean
    noise = normal(branch(branch(encounters[kept], GRADE), positions[kept]))
    return Prints(
        number=numbers[kept],
        position=positions[kept].astype(np.uint8),
        width=sides[:, 0].astype(np.int16),
        height=sides[:, 1].astype(np.int16),
        quality=np.rint(quality + QUALITY_NOISE * noise).clip(1, MAX_QUALITY).astype(np.uint8),
        offsets=offsets,
        x=rows[0],
        y=rows[1],
        direction=rows[2].astype(np.uint8),
        kind=rows[3].astype(np.uint8),
        minutia_quality=rows[4].astype(np.uint8),
    )
