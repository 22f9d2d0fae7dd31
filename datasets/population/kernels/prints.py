"""Prints by the thousand: for each its finger drawn anew, then one capture of it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matcher.datasets.population.kernels import capture as c
from matcher.datasets.population.kernels import finger as g
from matcher.datasets.population.kernels import flow as f
from matcher.datasets.population.kernels.draw import joined, normal, uniform

PERSON = 1  # branches of a person's key, and of a finger's and a capture's
CLASSES = 2
FINGER = 3
ENCOUNTER = 4
CAPTURE = 5

THUMB_SIZE = 1.15  # of fingers, index fingers 1: thumb, index, middle, ring, little
SIZES = (THUMB_SIZE, 1.0, 1.03, 1.0, 0.86)
LEFT_THUMB = 6  # ISO/IEC 19794-2: right hand 1 to 5, left hand 6 to 10


@njit(nogil=True, cache=True)
def make_prints(
    people,
    encounters,
    position,
    size,
    period,
    wear,
    burden,
    shares,
    ulnar_share,
    same_class,
    sensors,
    s,
    out,
    sides,
):
    """Draw one capture of each of N fingers.

    people, encounters: uint64 (N,) keys of the person and of the encounter. position: int64 (N,). size,
    period, wear, burden: float64 (N,) the person's finger size (1 on average), ridge period (px), wear, and
    how much poorer this capture is, deviates. shares: float64 (5,) cumulative shares of classes. sensors:
    float64 (S, 5) width, height, cumulative share, width and height of contacts. out: int16 (N, 6, M).
    sides: int64 (N, 4) image width, height, number of minutiae, class.
    """
    flow = np.empty(f.LENGTH)
    minutiae = np.empty((5, g.MOST))
    capture = np.empty(c.LENGTH)
    habit = np.empty(3)
    window = np.empty(4)
    for i in range(len(people)):
        person = g.new_state(joined(people[i], PERSON))
        person_density = s.person_density * normal(person)
        person_clearness = s.person_clearness * normal(person) - wear[i]
        for k in range(3):
            habit[k] = normal(person)
        finger_key = joined(joined(people[i], FINGER), position[i])
        state = g.new_state(finger_key)
        left = position[i] >= LEFT_THUMB
        kind = g.class_of(
            state, g.new_state(joined(people[i], CLASSES)), left, shares, ulnar_share, same_class
        )
        spread = size[i] * SIZES[(position[i] - 1) % 5]
        g.draw_flow(state, kind, spread, s, flow)
        paired = s.paired * math.exp(person_density + s.finger_density * normal(state))
        own_period = period[i] * math.exp(s.finger_period * normal(state))
        clearness = person_clearness + s.finger_clearness * normal(state)

        encounter = g.new_state(joined(encounters[i], ENCOUNTER))
        own_sensor = uniform(person)
        moved, drawn = uniform(encounter) >= s.same_sensor, uniform(encounter)
        sensor = sensors[choose(sensors[:, 2], drawn if moved else own_sensor)]
        clearness += s.encounter_clearness * normal(encounter)
        taking = g.new_state(joined(joined(encounters[i], CAPTURE), position[i]))
        c.draw_capture(taking, habit, spread, clearness, burden[i], sensor, s, capture)
        c.reach(capture, window)
        count = g.draw_minutiae(state, flow, own_period, paired, spread, window, s, minutiae)
        found = c.take(taking, flow, minutiae, count, wear[i], capture, s, out[i])
        sides[i, 0], sides[i, 1], sides[i, 2], sides[i, 3] = int(sensor[0]), int(sensor[1]), found, kind
        sort_by_quality(out[i], found)


@njit(nogil=True, cache=True)
def choose(shares, drawn):
    """Return the first place where cumulative `shares` exceed `drawn`, the last at most."""
    place = 0
    while place < len(shares) - 1 and drawn >= shares[place]:
        place += 1
    return place


@njit(nogil=True, cache=True)
def sort_by_quality(out, count):
    """Order minutiae as extractors do: best quality first, equals as they stood."""
    for k in range(1, count):
        at = k
        while at > 0 and out[4, at - 1] < out[4, at]:
            for row in range(out.shape[0]):
                held = out[row, at]
                out[row, at] = out[row, at - 1]
                out[row, at - 1] = held
            at -= 1


@njit(nogil=True, cache=True)
def hull_areas(drawn, counts, out):
    """Set `out[i]` to the area of the hull of print i's minutiae; drawn: int16 (N, 6, M)."""
    for i in range(len(counts)):
        out[i] = hull_area(drawn[i, 0], drawn[i, 1], counts[i])


@njit(nogil=True, cache=True)
def hull_area(x, y, count):
    """Return the area of the convex hull of points, px^2 (Jarvis's march: it has few corners)."""
    if count < 3:
        return 0.0
    first = 0
    for k in range(1, count):
        if x[k] < x[first] or (x[k] == x[first] and y[k] < y[first]):
            first = k
    total = 0.0
    at = first
    for _ in range(count):
        ahead = 0 if at != 0 else 1
        for k in range(count):
            turn = (float(x[ahead]) - x[at]) * (float(y[k]) - y[at]) - (float(y[ahead]) - y[at]) * (
                float(x[k]) - x[at]
            )
            if turn < 0.0 or (turn == 0.0 and _farther(x, y, at, k, ahead)):
                ahead = k
        total += float(x[at]) * y[ahead] - float(x[ahead]) * y[at]
        at = ahead
        if at == first:
            break
    return 0.5 * abs(total)


@njit(nogil=True, cache=True)
def _farther(x, y, at, k, ahead):
    one = (float(x[k]) - x[at]) ** 2 + (float(y[k]) - y[at]) ** 2
    return one > (float(x[ahead]) - x[at]) ** 2 + (float(y[ahead]) - y[at]) ** 2
