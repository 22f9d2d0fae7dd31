"""What is kept of one eye.

The unwrapped iris is sampled at 256 angles; each angle has 64 bits in the full code and 8 in the search
code. Bits are kept angle by angle, so that turning the eye by one step of 360/256 = 1.41 degrees turns the
array by one element: +-15 steps cover +-21 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from matcher.errors import ArgumentError
from matcher.types import MAX_QUALITY, U8, U64, frozen_array

ANGLES = 256
"""Angular samples of the unwrapped iris in a full turn, counter-clockwise as seen on the image."""

FULL_BITS = 64 * ANGLES
"""Bits of the full code: 2,048 B, and as many of its mask."""

SEARCH_BITS = 8 * ANGLES
"""Bits of the search code: 256 B, and as many of its mask."""


class EyePosition(IntEnum):
    """Eye codes of ISO/IEC 19794-6:2011: the person's own right and left."""

    UNKNOWN = 0
    RIGHT = 1
    LEFT = 2


@dataclass(frozen=True, slots=True, eq=False)
class IrisTemplate:
    """What is kept of one iris sample.

    Attributes
    ----------
    code, mask : uint64 array (256,)
        The full code, one word an angle; a mask bit is 1 where the code bit is valid. Code bits that are not
        valid are 0.
    search_code, search_mask : uint8 array (256,)
        The shorter code that 1:N passes read, one byte an angle; the same rules.
    extractor : str
        Who encoded it: "iris-numba/1" ...; 1 to 32 ASCII characters. Codes of different extractors never
        compare.
    quality : int
        Of the whole sample, 0 to 100.
    position : EyePosition
        The eye, UNKNOWN if nobody said.
    """

    code: U64
    mask: U64
    search_code: U8
    search_mask: U8
    extractor: str
    quality: int = 0
    position: EyePosition = field(default=EyePosition.UNKNOWN)

    def __post_init__(self) -> None:
        for name, dtype in (
            ("code", np.uint64),
            ("mask", np.uint64),
            ("search_code", np.uint8),
            ("search_mask", np.uint8),
        ):
            array = frozen_array(f"IrisTemplate.{name}", getattr(self, name), dtype, 1)
            if len(array) != ANGLES:
                raise ArgumentError(f"IrisTemplate.{name}: expected {ANGLES} elements, got {len(array)}.")
            object.__setattr__(self, name, array)
        if (self.code & ~self.mask).any() or (self.search_code & ~self.search_mask).any():
            raise ArgumentError("IrisTemplate: expected code bits of 0 wherever the mask is 0.")
        if not (1 <= len(self.extractor) <= 32 and self.extractor.isascii() and self.extractor.isprintable()):
            raise ArgumentError("IrisTemplate.extractor: expected 1 to 32 printable ASCII characters.")
        if not 0 <= self.quality <= MAX_QUALITY:
            raise ArgumentError(f"IrisTemplate.quality: expected 0 to {MAX_QUALITY}, got {self.quality}.")
        object.__setattr__(self, "position", EyePosition(self.position))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IrisTemplate):
            return NotImplemented
        arrays = ("code", "mask", "search_code", "search_mask")
        plain = ("extractor", "quality", "position")
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in arrays) and all(
            getattr(self, n) == getattr(other, n) for n in plain
        )

    def __hash__(self) -> int:
        return hash((self.code.tobytes(), self.extractor))
