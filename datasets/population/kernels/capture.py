"""One capture of a finger: which of its minutiae are reported, where, and which others that it has not."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matcher.datasets.population.kernels import finger as g
from matcher.datasets.population.kernels import flow as f
from matcher.datasets.population.kernels.draw import between, normal, poisson, uniform

CENTRE_X = 0  # of a capture, float64 (LENGTH,): the finger's point in the middle of the contact, px
CENTRE_Y = 1
SEMI_WIDTH = 2  # of the contact's ellipse, px
SEMI_HEIGHT = 3
ROTATION = 4  # of the finger, rad, counter-clockwise as seen
AT_X = 5  # the image's point in the middle of the contact, px
AT_Y = 6
IMAGE_WIDTH = 7
IMAGE_HEIGHT = 8
CLEARNESS = 9  # deviates: how clear the whole capture is
JITTER = 10  # px
TURN_NOISE = 11  # rad
STRETCH = 12  # xx, xy, yx, yy
BLOTCHES = 16  # waves of clarity that this capture alone has: frequencies, phase, amplitude
BLOTCH_COUNT = 3
SKIN = 28  # waves of displacement, x then y
SKIN_COUNT = 2
RAGGED = 44  # outline: amplitude and phase of three harmonics
LENGTH = 50

EXTRA = 0  # code of a false minutia in place of the number of a true one
ROUND = 2.0 * math.pi
DIRECTIONS = 256
MOST_QUALITY = 90.0
LARGEST_LOSS = 3.0  # deviates of clarity lost right at the outline
SHRINKAGE = 0.15  # a poor capture's contact, logarithm of each axis for a deviate
MARGIN = 20.0  # px round a contact within which minutiae are drawn: beyond, none keeps others away


@njit(nogil=True, cache=True)
def draw_capture(state, habit, spread, clearness, burden, sensor, s, out):
    """Draw how a finger is put on a sensor.

    habit: float64 (3,) deviates of this person's way: place x, y and turn. clearness: deviates, of person and
    finger. burden: how much poorer than usual, deviates. sensor: float64 (5,) image
    width, height, share, width and height of contacts.
    """
    for k in range(out.shape[0]):
        out[k] = 0.0
    out[CENTRE_X] = s.habit_share * habit[0] * s.place_x + normal(state) * s.place_x
    out[CENTRE_Y] = s.place_middle + s.habit_share * habit[1] * s.place_y + normal(state) * s.place_y
    # The harder the press, the larger the contact; the smaller, the less certain where it lies.
    press = normal(state)
    out[SEMI_WIDTH] = (
        s.semi_width * sensor[3] * spread * math.exp(s.semi_spread * (0.8 * press + 0.6 * normal(state)))
    )
    out[SEMI_HEIGHT] = (
        s.semi_height * spread * math.exp(1.2 * s.semi_spread * (0.8 * press + 0.6 * normal(state)))
    )
    if uniform(state) < s.partial_share:
        out[SEMI_WIDTH] *= between(state, 0.6, 1.0)
        out[SEMI_HEIGHT] *= between(state, 0.45, 0.8)
        out[CENTRE_Y] += 60.0 * normal(state)
        out[CENTRE_X] += 20.0 * normal(state)
    turn = s.turned if uniform(state) < s.turned_share else s.turn
    out[ROTATION] = s.turn * s.habit_share * habit[2] + turn * normal(state)
    out[IMAGE_WIDTH], out[IMAGE_HEIGHT] = sensor[0], sensor[1]
    out[AT_X] = 0.5 * sensor[0] + 0.06 * sensor[0] * normal(state)
    out[AT_Y] = 0.5 * sensor[1] + 0.06 * sensor[1] * normal(state)
    shown = math.exp(-SHRINKAGE * burden)
    out[SEMI_WIDTH] *= shown
    out[SEMI_HEIGHT] *= shown
    out[CLEARNESS] = clearness - burden + s.capture_clearness * normal(state)
    out[JITTER] = s.jitter * math.exp(0.25 * normal(state))
    out[TURN_NOISE] = s.turn_noise * math.exp(0.25 * normal(state))
    for k in range(4):
        out[STRETCH + k] = s.stretch * normal(state)
    _draw_waves(state, out, BLOTCHES, BLOTCH_COUNT, 60.0, 240.0, s.capture_clarity)
    skin = s.skin * math.exp(s.skin_spread * normal(state))
    _draw_waves(state, out, SKIN, 2 * SKIN_COUNT, 220.0, 600.0, skin * math.sqrt(2.0))
    for k in range(3):
        out[RAGGED + 2 * k] = s.ragged / (k + 1) * normal(state)
        out[RAGGED + 2 * k + 1] = between(state, 0.0, ROUND)


@njit(nogil=True, cache=True)
def _draw_waves(state, out, first, count, shortest, longest, deviation):
    for w in range(count):
        frequency = ROUND / (shortest * (longest / shortest) ** uniform(state))
        heading = between(state, 0.0, ROUND)
        out[first + 4 * w] = frequency * math.cos(heading)
        out[first + 4 * w + 1] = frequency * math.sin(heading)
        out[first + 4 * w + 2] = between(state, 0.0, ROUND)
        out[first + 4 * w + 3] = deviation * math.sqrt(2.0 / count)


@njit(nogil=True, cache=True)
def _waves(out, first, count, x, y):
    total = 0.0
    for w in range(count):
        at = first + 4 * w
        total += out[at + 3] * math.cos(out[at] * x + out[at + 1] * y + out[at + 2])
    return total


@njit(nogil=True, cache=True)
def depth(capture, u, v):
    """Return how far inside the contact's outline a point (u, v) lies, px; below 0 outside."""
    along, across = u / capture[SEMI_WIDTH], v / capture[SEMI_HEIGHT]
    radius = math.sqrt(along * along + across * across)
    if radius < 1e-6:
        return min(capture[SEMI_WIDTH], capture[SEMI_HEIGHT])
    bearing = math.atan2(across, along)
    outline = 1.0
    for k in range(3):
        outline += capture[RAGGED + 2 * k] * math.cos((k + 1) * bearing + capture[RAGGED + 2 * k + 1])
    return (outline / radius - 1.0) * math.sqrt(u * u + v * v)


@njit(nogil=True, cache=True)
def reach(capture, window):
    """Set `window` (4,): middle and semi-axes of an ellipse that holds the whole contact and a margin."""
    outline = 1.0
    for k in range(3):
        outline += abs(capture[RAGGED + 2 * k])
    window[0], window[1] = capture[CENTRE_X], capture[CENTRE_Y]
    window[2] = outline * capture[SEMI_WIDTH] + MARGIN
    window[3] = outline * capture[SEMI_HEIGHT] + MARGIN


@njit(nogil=True, cache=True)
def clarity_at(flow, capture, x, y, u, v, s):
    """Return how clear ridges are at a finger's point (x, y), (u, v) from the contact's middle, deviates."""
    inside = depth(capture, u, v)
    loss = LARGEST_LOSS * math.exp(-max(inside, 0.0) / s.edge_reach)
    return (
        capture[CLEARNESS]
        + f.waves(flow, f.CLARITY, f.WAVE_COUNT, x, y)
        + _waves(capture, BLOTCHES, BLOTCH_COUNT, u, v)
        - loss
    )


@njit(nogil=True, cache=True)
def image_point(capture, u, v):
    """Return where a point (u, v) of the contact falls in the image: skin displaced, turned, moved."""
    du = _waves(capture, SKIN, SKIN_COUNT, u, v)
    dv = _waves(capture, SKIN + 4 * SKIN_COUNT, SKIN_COUNT, u, v)
    du += capture[STRETCH] * u + capture[STRETCH + 1] * v
    dv += capture[STRETCH + 2] * u + capture[STRETCH + 3] * v
    u, v = u + du, v + dv
    cos, sin = math.cos(capture[ROTATION]), math.sin(capture[ROTATION])
    return capture[AT_X] + cos * u + sin * v, capture[AT_Y] - sin * u + cos * v


@njit(nogil=True, cache=True)
def take(state, flow, minutiae, count, wear, capture, s, out):
    """Write what a capture shows of a finger's minutiae into `out`. Returns the number of minutiae.

    out: int16 (6, M): x, y, direction, kind, quality, the finger's minutia from 1, or EXTRA.
    """
    most = out.shape[1]
    found = 0
    for m in range(count):
        x, y = minutiae[g.X, m], minutiae[g.Y, m]
        u, v = x - capture[CENTRE_X], y - capture[CENTRE_Y]
        if depth(capture, u, v) <= 0.0:
            continue
        luck, far, other_kind = uniform(state), uniform(state), uniform(state)
        shift_x, shift_y, turn, grade = normal(state), normal(state), normal(state), normal(state)
        clarity = clarity_at(flow, capture, x, y, u, v, s) + minutiae[g.CLARITY, m]
        if luck > 1.0 / (1.0 + math.exp(-s.seen - s.seen_slope * clarity)):
            continue
        px, py = image_point(capture, u, v)
        px += capture[JITTER] * shift_x
        py += capture[JITTER] * shift_y
        turn *= capture[TURN_NOISE] * (3.0 if far < s.far_share else 1.0)
        direction = minutiae[g.DIRECTION, m] + capture[ROTATION] + turn
        if far > 1.0 - s.flip_share:
            direction += math.pi
        ending = minutiae[g.ENDING, m] > 0.5
        if other_kind < s.kind_flips:
            ending = not ending
        quality = s.quality_middle + s.quality_slope * clarity + s.quality_noise * grade
        found = _put(out, found, px, py, direction, ending, quality, m + 1, capture)
        if found == most:
            return found
    area = math.pi * capture[SEMI_WIDTH] * capture[SEMI_HEIGHT] * 1e-4
    rate = s.extra * math.exp(wear - s.extra_clearness * capture[CLEARNESS])
    for _ in range(poisson(state, min(area * rate, 150.0))):
        radius, bearing = math.sqrt(uniform(state)), between(state, 0.0, ROUND)
        u = radius * capture[SEMI_WIDTH] * math.cos(bearing)
        v = radius * capture[SEMI_HEIGHT] * math.sin(bearing)
        x, y = u + capture[CENTRE_X], v + capture[CENTRE_Y]
        clarity = clarity_at(flow, capture, x, y, u, v, s)
        luck = uniform(state)
        angle = f.orientation(flow, x, y) + capture[ROTATION] + s.extra_turn * normal(state)
        if uniform(state) < 0.5:
            angle += math.pi
        ending = uniform(state) < s.endings
        quality = s.quality_middle + s.quality_slope * (clarity - s.extra_grade)
        quality += s.quality_noise * normal(state)
        # Where ridges are clear, nothing is added.
        if depth(capture, u, v) <= 0.0 or luck > 1.0 / (1.0 + math.exp(s.seen_slope * clarity)):
            continue
        px, py = image_point(capture, u, v)
        if not _is_free(out, found, px, py, s.extra_apart):
            continue
        found = _put(out, found, px, py, angle, ending, quality, EXTRA, capture)
        if found == most:
            return found
    return found


@njit(nogil=True, cache=True)
def _is_free(out, found, px, py, apart):
    for k in range(found):
        dx, dy = out[0, k] - px, out[1, k] - py
        if dx * dx + dy * dy < apart * apart:
            return False
    return True


@njit(nogil=True, cache=True)
def _put(out, found, px, py, direction, ending, quality, number, capture):
    x, y = math.floor(px + 0.5), math.floor(py + 0.5)
    if x < 0 or y < 0 or x >= capture[IMAGE_WIDTH] or y >= capture[IMAGE_HEIGHT]:
        return found
    out[0, found] = np.int16(x)
    out[1, found] = np.int16(y)
    out[2, found] = np.int16(math.floor(direction * (DIRECTIONS / ROUND) + 0.5) % DIRECTIONS)
    out[3, found] = np.int16(1 if ending else 2)
    out[4, found] = np.int16(math.floor(min(max(quality, 1.0), MOST_QUALITY) + 0.5))
    out[5, found] = np.int16(number)
    return found + 1
