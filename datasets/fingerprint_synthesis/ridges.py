"""The ridge pattern itself, grown from a few points by Gabor filters tuned to orientation and period.

As in SFinGe (Cappelli, Erol, Maio and Maltoni 2000; Handbook of Fingerprint Recognition, section 6.4): points
on an empty picture, then the picture is filtered with each pixel's own filter until ridges cover it. Where
fronts meet out of phase, and where ridges diverge, minutiae arise by themselves.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .period import LIMITS
from .randomness import F32

ORIENTATIONS = 64
"""Filter directions in half a turn: steps of 2.8 degrees."""

PERIODS = 16
"""Filter periods, in even ratios over `period.LIMITS`: steps of 5.5 %."""

SIGMA_PER_PERIOD = 0.38
"""Standard deviation of the Gabor envelope per period: about three peaks (Handbook, section 6.4: 0.404). A
little less lets more minutiae stand."""

UNIT_RESPONSE = 32768.0
"""Response of each integer filter to a cosine of amplitude 1 of its own direction and period."""

GAIN = 3.0
"""Amplification a round before clipping: large enough for a single point to start a ridge."""

SETTLE_GAIN = 0.85
"""Amplification of the last filtering, whose cosine-like profile says how far a ridge's edge is."""

PIXELS_PER_SEED = (550.0, 1400.0)
"""Area for each starting point, pixels, range over fingers: sets, with the divergence of ridges, how many
minutiae there are (measured over 30 fingers: 0.17 to 0.30 a square millimetre, as on real fingers)."""

LEAST_CHANGE = 50.0
"""Blocks changing less than this (of 127) are at rest."""

MAX_ROUNDS = 60
"""Bound on filter rounds; a print is full after 15 to 25."""


@lru_cache(maxsize=1)
def gabor_bank() -> F32:
    """Return the filters, float32 (PERIODS * ORIENTATIONS, SIDE, SIDE), integers, zero mean, read-only."""
    from .kernels.grow import RADIUS, SIDE

    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].astype(np.float64)
    bank = np.empty((PERIODS * ORIENTATIONS, SIDE, SIDE), np.float32)
    for p, period in enumerate(np.geomspace(*LIMITS, PERIODS)):
        envelope = np.exp(-(x**2 + y**2) / (2 * (SIGMA_PER_PERIOD * period) ** 2))
        for o in range(ORIENTATIONS):
            theta = np.pi * o / ORIENTATIONS
            # Across the ridge: (sin, cos) in (x, y down) is at right angles to (cos, -sin).
            wave = np.cos(2 * np.pi / period * (x * np.sin(theta) + y * np.cos(theta)))
            kernel = envelope * wave
            kernel -= envelope * (kernel.sum() / envelope.sum())
            bank[p * ORIENTATIONS + o] = np.rint(kernel * (UNIT_RESPONSE / (kernel * wave).sum()))
    bank.flags.writeable = False
    return bank


def filter_index(orientation: F32, period: F32) -> npt.NDArray[np.uint16]:
    """Return the row of `gabor_bank` for each pixel, uint16 (H, W)."""
    o = np.rint(orientation * (ORIENTATIONS / np.pi)).astype(np.int32) % ORIENTATIONS
    steps = (PERIODS - 1) / np.log(LIMITS[1] / LIMITS[0])
    p = np.clip(np.rint(np.log(period / LIMITS[0]) * steps), 0, PERIODS - 1).astype(np.int32)
    return np.asarray(p * ORIENTATIONS + o, np.uint16)


def grow_ridges(
    rng: np.random.Generator, orientation: F32, period: F32, zone: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int8]:
    """Return the ridge pattern of a finger.

    Parameters
    ----------
    rng : numpy Generator
        Draws the starting points.
    orientation, period : float32 arrays (H, W)
        Radians and pixels; H and W multiples of 8.
    zone : bool array (H, W)
        Where the finger is; blocks of 8 x 8 pixels outside stay empty.

    Returns
    -------
    int8 array (H, W)
        From -127 (middle of a valley) to 127 (middle of a ridge), about zero at the edges between.
    """
    from .kernels.grow import BLOCK, LEVEL, RADIUS, grow, settle

    height, width = orientation.shape
    blocks = zone.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    allowed = np.asarray(np.any(blocks, axis=(1, 3)), np.uint8)
    places = np.flatnonzero(zone)
    count = max(1, round(len(places) / rng.uniform(*PIXELS_PER_SEED)))
    padded = np.zeros((height + 2 * RADIUS, width + 2 * RADIUS), np.float32)
    active = np.zeros(allowed.shape, np.uint8)
    for place in rng.choice(places, count, replace=False):
        y, x = divmod(int(place), width)
        padded[y + RADIUS - 1 : y + RADIUS + 2, x + RADIUS - 1 : x + RADIUS + 2] = LEVEL
        by, bx = y // BLOCK, x // BLOCK
        active[max(by - 1, 0) : by + 2, max(bx - 1, 0) : bx + 2] = 1
    active *= allowed
    index = filter_index(orientation, period)
    bank = gabor_bank()
    grow(padded, index, bank, GAIN / UNIT_RESPONSE, allowed, active, LEAST_CHANGE, MAX_ROUNDS)
    out = np.zeros((height, width), np.int8)
    settle(padded, index, bank, SETTLE_GAIN / UNIT_RESPONSE, out)
    out[~zone] = -int(LEVEL)
    return out
