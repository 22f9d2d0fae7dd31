"""Ridge orientation of a finger in closed form, at any point.

Coordinates: px from the middle of the pattern, x to the right, y down. Angles: rad, counter-clockwise.
A finger's flow is one float64 array; the constants below say where each part of it lies. The model is that of
`datasets/fingerprint_synthesis/orientation.py` (Sherlock & Monro 1993, bearings corrected in the manner of
Vizcaya & Gerhardt 1996), with waves in place of splines, because few points of a finger are ever asked for.
"""

from __future__ import annotations

import math

from numba import njit

CORE_COUNT = 0
CORES = 1  # x, y of two
DELTA_COUNT = 5
DELTAS = 6  # x, y of two
CORE_BEND = 10
TIP_BEND = 11
HARMONICS = 12  # amplitude and phase of the second and third, of two cores and two deltas
ARCH_SLOPE = 28
ARCH_TOP = 29
ARCH_HALF_WIDTH = 30
PATTERN_SCALE = 31
PATTERN_ASPECT = 32  # height of the pattern in that of the ideal one, with its width
WAVES = 33  # four numbers each: frequency x and y (rad / px), phase, amplitude
WARP_X = 0  # numbers of the first wave of each field
WARP_Y = 2
ANGLE = 4
DENSITY = 10
CLARITY = 13
WAVE_COUNT = 16
LENGTH = WAVES + 4 * WAVE_COUNT

BEND_FADE = 40.0  # px below the core over which its bend fades, and above it the tip's bend builds up
TIP_REACH = 110.0  # px from the middle line over which ridges fall to the sides
ARCH_SPREAD = 150.0  # px over which an arch flattens towards the joint


@njit(nogil=True, cache=True)
def waves(flow, first, last, x, y):
    """Return the sum of the waves `first` to `last - 1` at a point."""
    total = 0.0
    for w in range(first, last):
        at = WAVES + 4 * w
        total += flow[at + 3] * math.cos(flow[at] * x + flow[at + 1] * y + flow[at + 2])
    return total


@njit(nogil=True, cache=True)
def _ideal(flow, u, v):
    """Return the orientation of the ideal pattern at a point of it."""
    cores = int(flow[CORE_COUNT])
    if cores == 0:
        below = max(0.0, v - flow[ARCH_TOP]) / ARCH_SPREAD
        across = min(max(u / flow[ARCH_HALF_WIDTH], -1.0), 1.0)
        flank = math.sin(math.pi * across * (0.5 + 0.25 * math.exp(-2.0 * below)))
        return -math.atan(flow[ARCH_SLOPE] * math.exp(-below * below) * flank)
    angle = 0.0
    for k in range(cores + int(flow[DELTA_COUNT])):
        is_core = k < cores
        at = CORES + 2 * k if is_core else DELTAS + 2 * (k - cores)
        harmonics = HARMONICS + 4 * (k if is_core else 2 + k - cores)
        bearing = math.atan2(flow[at + 1] - v, u - flow[at])
        angle += 0.5 * bearing if is_core else -0.5 * bearing
        angle += flow[harmonics] * math.cos(2.0 * bearing + flow[harmonics + 1])
        angle += flow[harmonics + 2] * math.cos(3.0 * bearing + flow[harmonics + 3])
        if k == 0:
            down = v - flow[at + 1]
            angle -= (
                flow[CORE_BEND] * math.cos(bearing) / (1.0 + math.exp((down - BEND_FADE) / (0.5 * BEND_FADE)))
            )
            above = 1.0 / (1.0 + math.exp((down + 0.5 * BEND_FADE) / (0.5 * BEND_FADE)))
            angle -= flow[TIP_BEND] * above * math.tanh((u - flow[at]) / TIP_REACH)
    return angle


@njit(nogil=True, cache=True)
def orientation(flow, x, y):
    """Return the orientation of ridges at a point; not reduced to half a turn."""
    u = (x + waves(flow, WARP_X, WARP_Y, x, y)) / flow[PATTERN_SCALE]
    v = (y + waves(flow, WARP_Y, ANGLE, x, y)) / (flow[PATTERN_SCALE] * flow[PATTERN_ASPECT])
    angle = _ideal(flow, u, v)
    # Lines that are stretched along y.
    angle = math.atan2(flow[PATTERN_ASPECT] * math.sin(angle), math.cos(angle))
    return angle + waves(flow, ANGLE, DENSITY, x, y)


@njit(nogil=True, cache=True)
def divergence(flow, x, y, angle, step):
    """Return how ridges spread along `angle` at a point, 1 / px: differences over `step` px to each side."""
    total = 0.0
    for side in range(4):
        sign = 1.0 if side < 2 else -1.0
        dx = sign * step if side % 2 == 0 else 0.0
        dy = sign * step if side % 2 == 1 else 0.0
        there = orientation(flow, x + dx, y + dy)
        # Tangents have no sense: take the one that agrees with the middle.
        sense = 1.0 if math.cos(there - angle) >= 0.0 else -1.0
        total += sense * (dx * math.cos(there) - dy * math.sin(there))
    return total / (2.0 * step * step)
