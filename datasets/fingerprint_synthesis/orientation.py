"""Ridge orientation from loops and deltas.

The model is that of Sherlock and Monro (1993): every loop (core) adds half of its bearing, every delta takes
half of its bearing away. As Vizcaya and Gerhardt (1996) showed, real ridges bend faster round a core than
that; their piecewise linear correction of the bearings is a few harmonics here, drawn for each singularity,
so that two fingers of one class differ. An arch has no singularity and follows a sinusoid as in SFinGe
(Handbook of Fingerprint Recognition, chapter 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .classes import FingerClass
from .randomness import F32, smooth_field

CORE_BEND = {
    FingerClass.TENTED_ARCH: (0.15, 0.30),
    FingerClass.LEFT_LOOP: (0.30, 0.48),
    FingerClass.RIGHT_LOOP: (0.30, 0.48),
    FingerClass.WHORL: (0.10, 0.28),
}
"""Range of the first harmonic at the upper core, radians: how much steeper the ridges beside a core run than
in the Sherlock-Monro model (which gives 45 degrees there; real loops have legs of 60 to 75)."""

BEND_FADE = 40.0
"""Below the core the bend fades out over about this many pixels."""

TIP_BEND = (0.25, 0.55)
"""Range of the extra fall of ridges at the sides of the fingertip, radians: above the core
they follow the outline."""

TIP_REACH = 110.0
"""Distance from the middle line over which that fall builds up, pixels."""

HARMONIC_DEVIATION = 0.07
"""Standard deviation of the free second and third harmonics at each singularity, radians."""

WARP_SPACING = 110.0
"""Knot distance of the random displacement of the whole field, pixels."""

WARP_DEVIATION = 9.0
"""Standard deviation of that displacement, pixels."""

WOBBLE_SPACING = 26.0
"""Knot distance of the unsteadiness of ridges, pixels: about three ridges."""

WOBBLE_DEVIATION = 0.07
"""Standard deviation of that unsteadiness, radians."""

ARCH_HEIGHT = (0.8, 1.5)
"""Steepest slope of an arch's flanks (tangent), range."""

ARCH_SPREAD = 150.0
"""Half height over which an arch flattens towards the joint, pixels."""


@dataclass(frozen=True, slots=True)
class Singularities:
    """Where the cores and deltas of a finger are: (y, x) in master pixels; empty for an arch."""

    cores: tuple[tuple[float, float], ...]
    deltas: tuple[tuple[float, float], ...]


def draw_singularities(
    rng: np.random.Generator, finger_class: FingerClass, center: tuple[float, float]
) -> Singularities:
    """Return singularities of a class, the upper core near `center` (y, x); pixels at 500 ppi.

    The ranges follow what plain index-finger prints show: a loop's delta 4.5 to 9 mm from its core, a whorl's
    cores 1 to 3 mm apart with a delta on either side.
    """
    y = center[0] + rng.normal(0.0, 10.0)
    x = center[1] + rng.normal(0.0, 10.0)
    if finger_class is FingerClass.ARCH:
        return Singularities((), ())
    if finger_class is FingerClass.TENTED_ARCH:
        delta = (y + rng.uniform(45.0, 90.0), x + rng.normal(0.0, 4.0))
        return Singularities(((y, x),), (delta,))
    if finger_class is FingerClass.WHORL:
        gap = rng.uniform(16.0, 60.0)
        slant = rng.normal(0.0, 0.25 * gap)
        cores = ((y, x), (y + gap, x + slant))
        drop = rng.uniform(75.0, 135.0)
        left = (y + gap / 2 + drop + rng.normal(0.0, 18.0), x - rng.uniform(75.0, 125.0))
        right = (y + gap / 2 + drop + rng.normal(0.0, 18.0), x + rng.uniform(75.0, 125.0))
        return Singularities(cores, (left, right))
    side = 1.0 if finger_class is FingerClass.LEFT_LOOP else -1.0
    x -= side * rng.uniform(0.0, 20.0)
    delta = (y + rng.uniform(65.0, 135.0), x + side * rng.uniform(60.0, 120.0))
    return Singularities(((y, x),), (delta,))


def _arch(rng: np.random.Generator, y: F32, x: F32, center: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return the orientation of an arch (H, W), radians."""
    slope = rng.uniform(*ARCH_HEIGHT)
    top = center[0] - rng.uniform(20.0, 60.0)
    half_width = rng.uniform(150.0, 190.0)
    below = np.maximum(0.0, y - top) / ARCH_SPREAD
    height = slope * np.exp(-(below**2))
    across = np.clip((x - center[1]) / half_width, -1.0, 1.0)
    # Narrower the nearer the summit, as ridges stacked over one bump are.
    flank = np.sin(np.pi * across * (0.5 + 0.25 * np.exp(-below * 2.0)))
    return np.asarray(np.arctan(-height * flank), np.float64)


def orientation_field(
    rng: np.random.Generator,
    finger_class: FingerClass,
    singularities: Singularities,
    shape: tuple[int, int],
    center: tuple[float, float],
) -> F32:
    """Return the ridge orientation of a finger.

    Parameters
    ----------
    rng : numpy Generator
        Draws the corrections and the warp.
    finger_class : FingerClass
    singularities : Singularities
        As `draw_singularities` gives them.
    shape : (H, W)
    center : (y, x)
        Pixels; the summit of an arch.

    Returns
    -------
    float32 array (H, W)
        Radians from 0 to pi, counter-clockwise from the x axis as seen on the image.
    """
    grid_y, grid_x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    warp_y = WARP_DEVIATION * smooth_field(rng, shape, WARP_SPACING)
    warp_x = WARP_DEVIATION * smooth_field(rng, shape, WARP_SPACING)

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        # The warp displaces what is looked up; adding it at the singularity keeps that where it was asked.
        row = min(max(round(point[0]), 0), shape[0] - 1)
        column = min(max(round(point[1]), 0), shape[1] - 1)
        return point[0] + float(warp_y[row, column]), point[1] + float(warp_x[row, column])

    y = grid_y + warp_y
    x = grid_x + warp_x
    if finger_class is FingerClass.ARCH:
        angle = _arch(rng, y, x, center)
    else:
        angle = np.zeros(shape)
        for index, core in enumerate(singularities.cores):
            core_y, core_x = moved(core)
            bearing = np.arctan2(core_y - y, x - core_x)
            angle += 0.5 * bearing
            if index == 0:
                bend = rng.uniform(*CORE_BEND[finger_class])
                angle -= bend * np.cos(bearing) / (1.0 + np.exp((y - core_y - BEND_FADE) / (BEND_FADE / 2)))
            angle += _harmonics(rng, bearing)
        core_y, core_x = moved(singularities.cores[0])
        above = 1.0 / (1.0 + np.exp((y - core_y + BEND_FADE / 2) / (BEND_FADE / 2)))
        angle -= rng.uniform(*TIP_BEND) * above * np.tanh((x - core_x) / TIP_REACH)
        for delta in singularities.deltas:
            delta_y, delta_x = moved(delta)
            bearing = np.arctan2(delta_y - y, x - delta_x)
            angle -= 0.5 * bearing
            angle += _harmonics(rng, bearing)
    angle += WOBBLE_DEVIATION * smooth_field(rng, shape, WOBBLE_SPACING)
    return np.mod(angle, np.pi).astype(np.float32)


def _harmonics(rng: np.random.Generator, bearing: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the free correction at one singularity: periodic in the bearing, so the index stays as it is."""
    second, third = rng.normal(0.0, HARMONIC_DEVIATION, 2)
    phase_2, phase_3 = rng.uniform(0.0, 2 * np.pi, 2)
    total: npt.NDArray[np.float64] = second * np.cos(2 * bearing + phase_2) + third * np.cos(
        3 * bearing + phase_3
    )
    return total
