"""Friction ridge position codes that ANSI/NIST-ITL (table 8) and ISO/IEC 19794-4 (table 7) share.

A code covers one finger, several (a slap), or a palm.
"""

from __future__ import annotations

from matcher.types import FingerPosition

RIGHT_THUMB_PLAIN = 11
LEFT_THUMB_PLAIN = 12
RIGHT_FOUR = 13
LEFT_FOUR = 14
BOTH_THUMBS = 15
ENTIRE_JOINT = 19
"""A finger with all its joints (EJI) or a fingertip; which finger stands in another field."""

_R = (
    FingerPosition.RIGHT_INDEX,
    FingerPosition.RIGHT_MIDDLE,
    FingerPosition.RIGHT_RING,
    FingerPosition.RIGHT_LITTLE,
)
_L = (
    FingerPosition.LEFT_INDEX,
    FingerPosition.LEFT_MIDDLE,
    FingerPosition.LEFT_RING,
    FingerPosition.LEFT_LITTLE,
)

SLAP_FINGERS: dict[int, tuple[FingerPosition, ...]] = {
    RIGHT_THUMB_PLAIN: (FingerPosition.RIGHT_THUMB,),
    LEFT_THUMB_PLAIN: (FingerPosition.LEFT_THUMB,),
    RIGHT_FOUR: _R,
    LEFT_FOUR: _L,
    BOTH_THUMBS: (FingerPosition.LEFT_THUMB, FingerPosition.RIGHT_THUMB),
    40: _R[0:2],
    41: _R[1:3],
    42: _R[2:4],
    43: _L[0:2],
    44: _L[1:3],
    45: _L[2:4],
    46: (FingerPosition.LEFT_INDEX, FingerPosition.RIGHT_INDEX),
    47: _R[0:3],
    48: _R[1:4],
    49: _L[0:3],
    50: _L[1:4],
}
"""Fingers of the plain and combined codes, from the thumb's side outwards within a hand (a missing one is
declared elsewhere); of two hands the left one first, as they lie on a platen."""

PALMS = frozenset(range(20, 39)) | frozenset(range(81, 87))
"""Codes of palms and their parts (20 to 38, and 81 to 86 since 2011)."""

SOLES = frozenset(range(60, 80))
"""Codes of soles and toes."""


def fingers_of(code: int) -> tuple[FingerPosition, ...]:
    """Return the fingers that a position code covers; none where it names no finger (0, 19, palms, soles)."""
    if FingerPosition.RIGHT_THUMB <= code <= FingerPosition.LEFT_LITTLE:
        return (FingerPosition(code),)
    return SLAP_FINGERS.get(code, ())


def position_name(code: int) -> str:
    """Return a position code in words."""
    if code <= max(FingerPosition):
        return FingerPosition(code).name.lower().replace("_", "-")
    if code in SLAP_FINGERS:
        names = {11: "plain-right-thumb", 12: "plain-left-thumb", 13: "right-four", 14: "left-four"}
        fingers = "+".join(position_name(finger) for finger in SLAP_FINGERS[code])
        return names.get(code, fingers)
    if code in PALMS:
        return f"palm-{code}"
    if code in SOLES:
        return f"sole-{code}"
    return "entire-joint" if code == ENTIRE_JOINT else f"position-{code}"
