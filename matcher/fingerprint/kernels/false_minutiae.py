"""Removal of the false minutiae that breaks, spurs, bridges, lakes, islands and the border of the print make.

The structures are those of the Handbook of Fingerprint Recognition, section 3.6.2 (2nd ed.: 3.8).
"""

from __future__ import annotations

import numpy as np
from numba import njit

ENDING = 1
BIFURCATION = 2


@njit(nogil=True, cache=True)
def mark_structures(kinds, stops, lengths, count, spur, island, bridge, alive):
    """Clear `alive` (bool) for spurs, islands, bridges and lakes found by following the skeleton.

    spur, island, bridge : px; the longest connecting ridge that makes each of them.
    """
    for i in range(count):
        for b in range(3):
            j = stops[i, b]
            if j < 0:
                continue
            steps = lengths[i, b]
            if kinds[i] == ENDING and kinds[j] == ENDING:
                if steps <= island:
                    alive[i] = False
                    alive[j] = False
            elif kinds[i] == BIFURCATION and kinds[j] == BIFURCATION:
                twice = 0
                for c in range(3):
                    if stops[i, c] == j:
                        twice += 1
                if steps <= bridge or (twice > 1 and steps <= island):
                    alive[i] = False
                    alive[j] = False
            elif steps <= spur:
                alive[i] = False
                alive[j] = False


@njit(nogil=True, cache=True)
def mark_breaks(xs, ys, kinds, directions, count, reach, cosine, alive):
    """Clear `alive` for pairs of endings that face each other over a gap: one ridge, broken.

    directions : float32 (count, 2), unit (dx, dy), y down, into the ridge. reach : px, longest gap.
    cosine : least alignment of each ridge with the gap.
    """
    for i in range(count):
        if kinds[i] != ENDING:
            continue
        for j in range(i + 1, count):
            if kinds[j] != ENDING:
                continue
            dx = np.float32(xs[j] - xs[i])
            dy = np.float32(ys[j] - ys[i])
            distance = np.sqrt(dx * dx + dy * dy)
            if distance > reach or distance == 0:
                continue
            first = -(directions[i, 0] * dx + directions[i, 1] * dy) / distance
            second = (directions[j, 0] * dx + directions[j, 1] * dy) / distance
            if first >= cosine and second >= cosine:
                alive[i] = False
                alive[j] = False


@njit(nogil=True, cache=True)
def mark_border(xs, ys, directions, kinds, count, mask, cell, margin, ahead, alive):
    """Clear `alive` where the mask of the print ends within `margin` px, or ahead of an ending.

    mask : bool (rows, columns) of `cell` px. ahead : px; looked at from the minutia away from its ridge,
    where a ridge that is only cut off would have gone on.
    """
    rows, columns = mask.shape
    for i in range(count):
        for k in range(16):
            angle = np.float32(k * np.pi / 8)
            x = int(xs[i] + margin * np.cos(angle)) // cell
            y = int(ys[i] + margin * np.sin(angle)) // cell
            if x < 0 or y < 0 or x >= columns or y >= rows or not mask[y, x]:
                alive[i] = False
        if kinds[i] == ENDING:
            x = int(xs[i] - ahead * directions[i, 0]) // cell
            y = int(ys[i] - ahead * directions[i, 1]) // cell
            if x < 0 or y < 0 or x >= columns or y >= rows or not mask[y, x]:
                alive[i] = False
