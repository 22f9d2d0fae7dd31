"""The unwrapped iris: rows from the pupil to the limbus, columns counter-clockwise (a rubber sheet)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.iris.eyelids import between_lids
from matcher.iris.occlusion import hidden
from matcher.iris.reduce import Mask
from matcher.iris.segment import Eye
from matcher.types import F32


@dataclass(frozen=True, slots=True)
class Sheet:
    """The iris between its contours.

    Attributes
    ----------
    grey : float32 (64, 256)
        Grey levels; 0 outside the image.
    visible : bool (64, 256)
        Iris, not lids, lashes, reflections or what lies outside the image.
    open : bool (64, 256)
        Inside the image and between the lids.
    """

    grey: F32
    visible: Mask
    open: Mask


def unwrap(eye: Eye) -> Sheet:
    """Take the iris's samples, and mark what hides it."""
    between = between_lids(eye.samples, eye.upper, eye.lower)
    visible = np.asarray(between & ~hidden(eye.samples, between), np.bool_)
    return Sheet(eye.samples.grey, visible, between)
