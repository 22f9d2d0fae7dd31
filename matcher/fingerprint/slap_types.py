"""What a slap is, and what is found on one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from matcher.errors import ArgumentError
from matcher.types import MAX_QUALITY, FingerPosition, Image


class SlapKind(StrEnum):
    """What was laid on the sensor at once (the 4-4-2 of identification slaps)."""

    RIGHT_FOUR = "right"
    LEFT_FOUR = "left"
    TWO_THUMBS = "thumbs"
    UNKNOWN = "unknown"


POSITIONS: dict[SlapKind, tuple[FingerPosition, ...]] = {
    SlapKind.RIGHT_FOUR: (
        FingerPosition.RIGHT_INDEX,
        FingerPosition.RIGHT_MIDDLE,
        FingerPosition.RIGHT_RING,
        FingerPosition.RIGHT_LITTLE,
    ),
    SlapKind.LEFT_FOUR: (
        FingerPosition.LEFT_LITTLE,
        FingerPosition.LEFT_RING,
        FingerPosition.LEFT_MIDDLE,
        FingerPosition.LEFT_INDEX,
    ),
    SlapKind.TWO_THUMBS: (FingerPosition.LEFT_THUMB, FingerPosition.RIGHT_THUMB),
}
"""Fingers of each kind from left to right, tips up, as the sensor's picture shows them."""


@dataclass(frozen=True, slots=True)
class SlapFinger:
    """One fingertip of a slap: a rectangle that need not be upright.

    Attributes
    ----------
    position : FingerPosition
    x, y : float
        Middle of the box, pixels at 500 ppi in the slap's image.
    width, height : float
        Across and along the finger, pixels.
    angle : float
        How far the finger is turned from upright, rad, counter-clockwise as seen on the image: positive leans
        its tip to the left. The tip lies in the direction (-sin(angle), -cos(angle)) of (x, y), y down.
    quality : int
        0 to 100, of the box's ridges (see `slap_crop.quality`).
    image : Image
        The box cut out and turned upright.
    suspected_wrong_hand : bool
        Whether the whole slap looks like the other hand's; the positions are those of the hand that was said.
    """

    position: FingerPosition
    x: float
    y: float
    width: float
    height: float
    angle: float
    quality: int
    image: Image
    suspected_wrong_hand: bool = False

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0 and math.isfinite(self.x + self.y + self.angle)):
            raise ArgumentError("SlapFinger: expected a finite box with positive sides.")
        if not 0 <= self.quality <= MAX_QUALITY:
            raise ArgumentError(f"SlapFinger.quality: expected 0 to {MAX_QUALITY}, got {self.quality}.")

    def corners(self) -> tuple[tuple[float, float], ...]:
        """Return the corners (x, y): of the upright finger upper left, then clockwise as seen."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        half = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return tuple(
            (
                self.x + i * self.width / 2 * cos + j * self.height / 2 * sin,
                self.y - i * self.width / 2 * sin + j * self.height / 2 * cos,
            )
            for i, j in half
        )


@dataclass(frozen=True, slots=True)
class Slap:
    """Everything that was read off a slap.

    Attributes
    ----------
    kind : SlapKind
        As said, or as found where UNKNOWN was said.
    fingers : tuple of SlapFinger
        From left to right, tips up.
    missing : tuple of FingerPosition
        Fingers of the kind that are not there, declared or found.
    angle : float
        Of the hand, rad, as `SlapFinger.angle`.
    suspected_wrong_hand : bool
    """

    kind: SlapKind
    fingers: tuple[SlapFinger, ...]
    missing: tuple[FingerPosition, ...]
    angle: float
    suspected_wrong_hand: bool
