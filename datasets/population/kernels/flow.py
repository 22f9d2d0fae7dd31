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
HARMONICS = 12  # cosine and sine parts of the second and third, of two cores and two deltas
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
NEAREST = 1e-6  # px: there is no bearing at a core itself
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
    # Bearings are summed as products of unit vectors: half of a sum modulo 2 pi is an orientation modulo pi.
    sum_cos, sum_sin = 1.0, 0.0
    angle = 0.0
    for k in range(cores + int(flow[DELTA_COUNT])):
        is_core = k < cores
        at = CORES + 2 * k if is_core else DELTAS + 2 * (k - cores)
        harmonics = HARMONICS + 4 * (k if is_core else 2 + k - cores)
        along, up = u - flow[at], flow[at + 1] - v
        inverse = 1.0 / math.sqrt(max(along * along + up * up, NEAREST * NEAREST))
        cos, sin = along * inverse, up * inverse
        cos_2, sin_2 = cos * cos - sin * sin, 2.0 * cos * sin
        angle += flow[harmonics] * cos_2 + flow[harmonics + 1] * sin_2
        angle += flow[harmonics + 2] * (cos * cos_2 - sin * sin_2)
        angle += flow[harmonics + 3] * (sin * cos_2 + cos * sin_2)
        if k == 0:
            down = -up
            angle -= flow[CORE_BEND] * cos / (1.0 + math.exp((down - BEND_FADE) / (0.5 * BEND_FADE)))
            above = 1.0 / (1.0 + math.exp((down + 0.5 * BEND_FADE) / (0.5 * BEND_FADE)))
            angle -= flow[TIP_BEND] * above * math.tanh(along / TIP_REACH)
        sin = sin if is_core else -sin
        sum_cos, sum_sin = sum_cos * cos - sum_sin * sin, sum_cos * sin + sum_sin * cos
    return angle + 0.5 * math.atan2(sum_sin, sum_cos)


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
def divergence(flow, x, y, step):
    """Return how ridges spread at a point, 1 / px, and along which of their two senses, rad.

    Differences over `step` px to each side.
    """
    along = orientation(flow, x + step, y)
    total = math.cos(along)
    for side in range(1, 4):
        dx = -1.0 if side == 1 else 0.0
        dy = 0.0 if side == 1 else (1.0 if side == 2 else -1.0)
        there = orientation(flow, x + step * dx, y + step * dy)
        # Tangents have no sense: take the one that agrees with the first.
        sense = 1.0 if math.cos(there - along) >= 0.0 else -1.0
        total += sense * (dx * math.cos(there) - dy * math.sin(there))
    return total / (2.0 * step), along
