"""The five classes of fingerprints and how often they occur."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from matcher.types import FingerPosition


class FingerClass(IntEnum):
    """Class of a ridge pattern (Henry's system in the five-class form of NIST)."""

    ARCH = 0
    TENTED_ARCH = 1
    LEFT_LOOP = 2
    RIGHT_LOOP = 3
    WHORL = 4


PROPORTION: dict[FingerClass, float] = {
    FingerClass.ARCH: 0.037,
    FingerClass.TENTED_ARCH: 0.029,
    FingerClass.LEFT_LOOP: 0.338,
    FingerClass.RIGHT_LOOP: 0.317,
    FingerClass.WHORL: 0.279,
}
"""Natural proportions (Wilson, Candela and Watson 1993, from 222 million fingers of the FBI; fractions)."""

ULNAR_SHARE = 0.916
"""Share of loops that open towards the little finger: left loops on left hands (about 60 of 65.5 %; Cummins
and Midlo, Finger Prints, Palms and Soles, 1943)."""

SAME_CLASS = 0.45
"""Probability that a finger takes the class (loops: ulnar or radial) drawn for its person instead of its own
draw; two fingers of a person then agree clearly more often than those of two persons, as in NIST SD4."""

LEFT_HAND = frozenset(
    {
        FingerPosition.LEFT_THUMB,
        FingerPosition.LEFT_INDEX,
        FingerPosition.LEFT_MIDDLE,
        FingerPosition.LEFT_RING,
        FingerPosition.LEFT_LITTLE,
    }
)


def draw_class(rng: np.random.Generator) -> FingerClass:
    """Return a class drawn in natural proportion."""
    shares = np.array(list(PROPORTION.values()))
    return list(PROPORTION)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def draw_hand_class(rng: np.random.Generator, subject_rng: np.random.Generator, left: bool) -> FingerClass:
    """Return a class for a finger of a known hand, correlated with its person's other fingers.

    Parameters
    ----------
    rng : numpy Generator
        Of the finger.
    subject_rng : numpy Generator
        Of the person: in the same state for each of their fingers.
    left : bool
        Whether the finger is on the left hand; ulnar loops are left loops there (as seen on the image).
    """
    drawn = draw_class(subject_rng)
    subject_is_ulnar = subject_rng.random() < ULNAR_SHARE
    is_ulnar = rng.random() < ULNAR_SHARE
    own = draw_class(rng)
    if rng.random() < SAME_CLASS:
        own, is_ulnar = drawn, subject_is_ulnar
    if own in (FingerClass.LEFT_LOOP, FingerClass.RIGHT_LOOP):
        own = FingerClass.LEFT_LOOP if left == is_ulnar else FingerClass.RIGHT_LOOP
    return own
