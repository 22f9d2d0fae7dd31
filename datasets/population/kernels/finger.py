"""A finger drawn from its stream: its class, its flow of ridges and its minutiae."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matcher.datasets.population.kernels import flow as f
from matcher.datasets.population.kernels.draw import between, joined, normal, uniform

ARCH = 0  # codes of `datasets/fingerprint_synthesis/classes.py`
TENTED_ARCH = 1
LEFT_LOOP = 2
RIGHT_LOOP = 3
WHORL = 4

MOST = 255  # minutiae of a finger

X = 0  # rows of a finger's minutiae, float64 (5, MOST)
Y = 1
DIRECTION = 2  # rad, counter-clockwise as seen, in the finger's own frame
CLARITY = 3  # deviates: how clear the minutia is, on all captures alike
ENDING = 4  # 1 ending, 0 bifurcation

HALF_WIDTH = 180.0  # of the skin that can touch a sensor, px
HALF_HEIGHT = 265.0
MIDDLE = 20.0  # of that skin below the middle of the pattern, px
ROUNDNESS = 3.0
DIVERGENCE_STEP = 12.0  # px: over more than a ridge


@njit(nogil=True, cache=True)
def draw_waves(state, flow, first, last, shortest, longest, deviation):
    """Draw waves whose sum has a deviation, their lengths px."""
    for w in range(first, last):
        at = f.WAVES + 4 * w
        frequency = 2.0 * math.pi / (shortest * (longest / shortest) ** uniform(state))
        heading = between(state, 0.0, 2.0 * math.pi)
        flow[at] = frequency * math.cos(heading)
        flow[at + 1] = frequency * math.sin(heading)
        flow[at + 2] = between(state, 0.0, 2.0 * math.pi)
        flow[at + 3] = deviation * math.sqrt(2.0 / (last - first))


@njit(nogil=True, cache=True)
def draw_flow(state, kind, spread, s, flow):
    """Draw the flow of a finger of class `kind`; `spread` is its size, 1 on average."""
    flow[:] = 0.0
    draw_waves(state, flow, f.WARP_X, f.WARP_Y, s.warp_shortest, 3.0 * s.warp_shortest, s.warp)
    draw_waves(state, flow, f.WARP_Y, f.ANGLE, s.warp_shortest, 3.0 * s.warp_shortest, s.warp)
    draw_waves(state, flow, f.ANGLE, f.DENSITY, s.bend_shortest, 4.0 * s.bend_shortest, s.bend)
    draw_waves(state, flow, f.DENSITY, f.CLARITY, 80.0, 320.0, s.density_field)
    draw_waves(state, flow, f.CLARITY, f.WAVE_COUNT, 60.0, 240.0, s.clarity_field)
    flow[f.PATTERN_SCALE] = spread * s.pattern_size * math.exp(s.pattern_spread * normal(state))
    flow[f.PATTERN_ASPECT] = s.pattern_aspect * math.exp(s.aspect_spread * normal(state))
    x = 10.0 * normal(state)
    y = 10.0 * normal(state)
    cores = 1
    deltas = 1
    bend_low, bend_high = 0.34, 0.50
    if kind == ARCH:
        cores, deltas = 0, 0
        flow[f.ARCH_SLOPE] = between(state, 0.6, 1.3)
        flow[f.ARCH_TOP] = -between(state, 10.0, 70.0)
        flow[f.ARCH_HALF_WIDTH] = between(state, 140.0, 200.0)
    elif kind == TENTED_ARCH:
        bend_low, bend_high = 0.20, 0.36
        flow[f.DELTAS] = x + 6.0 * normal(state)
        flow[f.DELTAS + 1] = y + between(state, 45.0, 100.0)
    elif kind == WHORL:
        cores, deltas = 2, 2
        bend_low, bend_high = 0.25, 0.45
        gap = between(state, 10.0, 110.0)
        flow[f.CORES + 2] = x + 0.25 * gap * normal(state)
        flow[f.CORES + 3] = y + gap
        drop = y + 0.5 * gap + between(state, 60.0, 140.0)
        flow[f.DELTAS] = x - between(state, 65.0, 135.0)
        flow[f.DELTAS + 1] = drop + 22.0 * normal(state)
        flow[f.DELTAS + 2] = x + between(state, 65.0, 135.0)
        flow[f.DELTAS + 3] = drop + 22.0 * normal(state)
    else:
        side = 1.0 if kind == LEFT_LOOP else -1.0
        x -= side * between(state, 0.0, 20.0)
        flow[f.DELTAS] = x + side * between(state, 45.0, 130.0)
        flow[f.DELTAS + 1] = y + between(state, 55.0, 145.0)
    flow[f.CORE_COUNT], flow[f.DELTA_COUNT] = cores, deltas
    flow[f.CORES], flow[f.CORES + 1] = x, y
    flow[f.CORE_BEND] = between(state, bend_low, bend_high)
    flow[f.TIP_BEND] = between(state, 0.2, 0.6)
    for k in range(8):
        at = f.HARMONICS + 2 * k
        amplitude, phase = s.harmonics * normal(state), between(state, 0.0, 2.0 * math.pi)
        flow[at] = amplitude * math.cos(phase)
        flow[at + 1] = -amplitude * math.sin(phase)


@njit(nogil=True, cache=True)
def draw_minutiae(state, flow, period, paired, spread, window, s, out):
    """Draw the minutiae of a finger into `out` (5, MOST). Returns their number.

    Where ridges spread along the flow, new ones must begin, where they close up, some must end: of minutiae
    that point along the flow there are div(t / period) more than of those against it, t the flow's tangent
    (ridges are the level lines of a phase, minutiae its dislocations). Real prints obey to a few per cent.
    `paired`: of either sense, per 10,000 px^2, beside those. window: float64 (4,) middle x, y and
    semi-axes of an ellipse; what lies outside is left out, and does not change the rest but at its edge.
    """
    half_width, half_height = HALF_WIDTH * spread, HALF_HEIGHT * spread
    wanted = int(4.0 * half_width * half_height * 1e-4 * s.most_crowded)
    count = 0
    key = state[0]
    for n in range(wanted):
        # Each has its own stream: what is passed over costs no more than its place.
        state[0] = joined(key, n)
        x = between(state, -half_width, half_width)
        y = between(state, -half_height, half_height) + MIDDLE
        along, across = (x - window[0]) / window[2], (y - window[1]) / window[3]
        if along * along + across * across > 1.0:
            continue
        edge = abs(x / half_width) ** ROUNDNESS + abs((y - MIDDLE) / half_height) ** ROUNDNESS
        luck = uniform(state)
        if edge > 1.0:
            continue
        both = paired * math.exp(f.waves(flow, f.DENSITY, f.CLARITY, x, y))
        if luck * s.most_crowded > 2.0 * both + s.most_demanded:
            continue
        spreading, sense = f.divergence(flow, x, y, DIVERGENCE_STEP)
        spreading *= s.carried * 1e4 / period
        demanded = min(abs(spreading), s.most_demanded)
        crowded = 2.0 * both + demanded
        if luck * s.most_crowded > crowded:
            continue
        side, opposed, kept = uniform(state), uniform(state), uniform(state)
        nearest, closest = 1e18, 0
        for k in range(count):
            dx, dy = out[X, k] - x, out[Y, k] - y
            apart = dx * dx + dy * dy
            if apart < nearest:
                nearest, closest = apart, k
        if nearest < s.hard_core**2 or kept < math.exp(-nearest / s.soft_core**2):
            continue
        angle = f.orientation(flow, x, y)
        if math.cos(angle - sense) < 0.0:
            angle += math.pi
        along_flow = side * crowded < both + (demanded if spreading > 0.0 else 0.0)
        if nearest < s.pair_reach**2 and opposed < s.pair_opposed:
            along_flow = math.cos(out[DIRECTION, closest] - angle) <= 0.0
        turn = normal(state) * (s.wild_angle if uniform(state) < s.wild_share else s.own_angle)
        out[X, count], out[Y, count] = x, y
        out[DIRECTION, count] = angle + turn + (0.0 if along_flow else math.pi)
        out[CLARITY, count] = s.own_clarity * normal(state)
        out[ENDING, count] = 1.0 if uniform(state) < s.endings else 0.0
        count += 1
        if count == MOST:
            break
    return count


@njit(nogil=True, cache=True)
def draw_class(state, shares):
    """Return a class drawn with cumulative shares (5,)."""
    drawn = uniform(state)
    for kind in range(len(shares) - 1):
        if drawn < shares[kind]:
            return kind
    return len(shares) - 1


@njit(nogil=True, cache=True)
def class_of(state, person, left, shares, ulnar_share, same_class):
    """Return the class of a finger on a hand; `person` is in the same state for all fingers of a person."""
    drawn = draw_class(person, shares)
    person_is_ulnar = uniform(person) < ulnar_share
    is_ulnar = uniform(state) < ulnar_share
    own = draw_class(state, shares)
    if uniform(state) < same_class:
        own, is_ulnar = drawn, person_is_ulnar
    if own in (LEFT_LOOP, RIGHT_LOOP):
        own = LEFT_LOOP if left == is_ulnar else RIGHT_LOOP
    return own


@njit(nogil=True, cache=True)
def new_state(key):
    """Return a stream that starts at `key`."""
    state = np.empty(1, np.uint64)
    state[0] = key
    return state
