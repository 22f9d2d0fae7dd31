"""A finger: the master pattern that every impression of it is taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.types import FingerPosition, frozen_array

from .classes import LEFT_HAND, FingerClass, draw_class, draw_hand_class
from .orientation import Singularities, draw_singularities, orientation_field
from .period import MEAN_LIMITS, draw_finger_period, draw_person_period, period_field
from .randomness import F32, checked_seed, stream
from .ridges import grow_ridges
from .skin import draw_marks

HEIGHT = 512
"""Rows of a master pattern, pixels at 500 ppi (26 mm)."""

WIDTH = 384
"""Columns of a master pattern, pixels at 500 ppi (19.5 mm)."""

CENTER = (212.0, 192.0)
"""Where the upper core lies on average (y, x), pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Finger:
    """The permanent pattern of one finger; arrays are read-only.

    Attributes
    ----------
    seed : int
        Names the finger: the same seed (and options) gives the same bytes.
    finger_class : FingerClass
    singularities : Singularities
    mean_period : float
        Mean ridge period asked for, pixels.
    ridges : int8 array (HEIGHT, WIDTH)
        -127 in the middle of a valley (and outside the finger) to 127 in the middle of a ridge.
    orientation : float32 array (HEIGHT, WIDTH)
        Radians, 0 to pi, counter-clockwise as seen.
    period : float32 array (HEIGHT, WIDTH)
        Pixels.
    marks : uint8 array (HEIGHT, WIDTH)
        Pores and permanent creases: how much of the skin is missing there, 0 to 255.
    """

    seed: int
    finger_class: FingerClass
    singularities: Singularities
    mean_period: float
    ridges: npt.NDArray[np.int8]
    orientation: F32
    period: F32
    marks: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name, dtype in {
            "ridges": np.int8,
            "orientation": np.float32,
            "period": np.float32,
            "marks": np.uint8,
        }.items():
            object.__setattr__(self, name, frozen_array(f"Finger.{name}", getattr(self, name), dtype, 2))
            if getattr(self, name).shape != self.ridges.shape:
                raise ArgumentError(f"Finger.{name}: expected the shape of the ridges, {self.ridges.shape}.")


def _zone() -> npt.NDArray[np.bool_]:
    """Return where a finger has skin: a rounded rectangle, bool (HEIGHT, WIDTH)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    across = (x - (WIDTH - 1) / 2) / (WIDTH / 2)
    along = (y - (HEIGHT - 1) / 2) / (HEIGHT / 2)
    inside: npt.NDArray[np.bool_] = np.abs(across) ** 4 + np.abs(along) ** 4 <= 1.0
    return inside


def generate_finger(
    seed: int, *, finger_class: FingerClass | None = None, mean_period: float | None = None
) -> Finger:
    """Make a finger from a seed.

    Parameters
    ----------
    seed : int
        0 to 2**63 - 1; the same seed and options give the same bytes.
    finger_class : FingerClass, optional
        By default drawn in natural proportion.
    mean_period : float, optional
        Mean ridge period, pixels, 7.2 to 11; by default drawn.

    Raises
    ------
    ArgumentError
        For a seed, class or period out of range.
    """
    seed = checked_seed("generate_finger: seed", seed)
    if finger_class is None:
        finger_class = draw_class(stream("class", seed))
    try:
        finger_class = FingerClass(finger_class)
    except ValueError:
        raise ArgumentError(f"generate_finger: expected a FingerClass, got {finger_class!r}.") from None
    drawn_period = draw_finger_period(stream("period", seed), draw_person_period(stream("person", seed)))
    period_mean = drawn_period if mean_period is None else float(mean_period)
    if not MEAN_LIMITS[0] <= period_mean <= MEAN_LIMITS[1]:
        raise ArgumentError(
            f"generate_finger: expected a mean period from {MEAN_LIMITS[0]} to {MEAN_LIMITS[1]} pixels, "
            f"got {period_mean}."
        )
    shape = (HEIGHT, WIDTH)
    singularities = draw_singularities(stream("singularities", seed), finger_class, CENTER)
    orientation = orientation_field(stream("orientation", seed), finger_class, singularities, shape, CENTER)
    period = period_field(stream("local period", seed), period_mean, singularities, shape)
    ridges = grow_ridges(stream("ridges", seed), orientation, period, _zone())
    marks = draw_marks(stream("marks", seed), ridges, period_mean)
    return Finger(seed, finger_class, singularities, period_mean, ridges, orientation, period, marks)


def generate_subject(
    seed: int,
    positions: Sequence[FingerPosition | int] = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX),
) -> dict[FingerPosition, Finger]:
    """Make the fingers of one person, alike in class (mirrored between hands) and in ridge period.

    Parameters
    ----------
    seed : int
        0 to 2**63 - 1, names the person.
    positions : sequence of FingerPosition
        Without repetition; UNKNOWN is refused. By default both index fingers.

    Raises
    ------
    ArgumentError
        For a seed or positions out of range.
    """
    seed = checked_seed("generate_subject: seed", seed)
    try:
        wanted = [FingerPosition(position) for position in positions]
    except ValueError:
        raise ArgumentError("generate_subject: expected finger positions from 1 to 10.") from None
    if not wanted or len(set(wanted)) != len(wanted) or FingerPosition.UNKNOWN in wanted:
        raise ArgumentError(
            f"generate_subject: expected different positions from 1 to 10, got {[int(p) for p in wanted]}."
        )
    person_period = draw_person_period(stream("person period", seed))
    fingers = {}
    for position in wanted:
        rng = stream("finger of person", seed, int(position))
        finger_class = draw_hand_class(rng, stream("person class", seed), position in LEFT_HAND)
        fingers[position] = generate_finger(
            int(rng.integers(0, 2**63 - 1)),
            finger_class=finger_class,
            mean_period=draw_finger_period(rng, person_period),
        )
    return fingers
