"""Ridge growth: iterated contextual Gabor filtering, only where the picture still changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

RADIUS = 7
"""Half side of a Gabor filter, pixels: 2.2 sigma of the filter for a 9-pixel period."""

SIDE = 2 * RADIUS + 1
"""Side of a Gabor filter, pixels."""

BLOCK = 8
"""Side of the squares in which activity is tracked, pixels; at least RADIUS, so that one ring is enough."""

LEVEL = 127.0
"""Ridge and valley amplitude of the growing picture; integers, so that float32 sums are exact."""

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[Any]


# One running sum per filter column: the inner loop carries no dependence, so it becomes SIMD without leave to
# reorder sums, three times as fast as one sum. Unsigned indices spare the test for negative ones.
@njit(nogil=True, cache=True)
def response(padded: Floats, y: int, x: int, filters: Floats, sums: Floats) -> float:
    """Return the dot product of a filter with the picture around (y, x); `sums` (SIDE,) is scratch."""
    for j in range(SIDE):
        sums[j] = 0.0
    for i in range(SIDE):
        for j in range(SIDE):
            sums[j] += padded[np.uint64(y + i), np.uint64(x + j)] * filters[np.uint64(i), np.uint64(j)]
    total = np.float32(0.0)
    for j in range(SIDE):
        total += sums[j]
    return float(total)


@njit(nogil=True, cache=True)
def grow(
    padded: Floats,
    kernel_index: npt.NDArray[np.uint16],
    bank: Floats,
    gain: float,
    allowed: Bytes,
    active: Bytes,
    least_change: float,
    max_rounds: int,
) -> int:
    """Filter the active blocks again and again until none changes; return the number of block updates.

    Parameters
    ----------
    padded : float32 array (H + 2 * RADIUS, W + 2 * RADIUS), integers from -LEVEL to LEVEL; changed in place
    kernel_index : uint16 array (H, W), row of `bank` for each pixel; H and W multiples of BLOCK
    bank : float32 array (N, SIDE, SIDE), integers
    gain : factor on a filter's response before it is rounded and clipped to LEVEL
    allowed, active : uint8 arrays (H / BLOCK, W / BLOCK), nonzero where ridges may grow / do at first
    least_change : a block whose pixels all change less than this wakes nobody
    max_rounds : bound on rounds
    """
    rows, columns = allowed.shape
    following = padded.copy()
    sums = np.empty(SIDE, np.float32)
    changed = np.zeros_like(allowed)
    updates = 0
    for _ in range(max_rounds):
        any_active = False
        for by in range(rows):
            for bx in range(columns):
                changed[by, bx] = 0
                if active[by, bx] == 0:
                    continue
                any_active = True
                updates += 1
                largest = np.float32(0.0)
                for y in range(by * BLOCK, by * BLOCK + BLOCK):
                    for x in range(bx * BLOCK, bx * BLOCK + BLOCK):
                        value = np.rint(response(padded, y, x, bank[kernel_index[y, x]], sums) * gain)
                        value = min(max(value, -LEVEL), LEVEL)
                        largest = max(largest, abs(value - padded[y + RADIUS, x + RADIUS]))
                        following[y + RADIUS, x + RADIUS] = value
                if largest >= least_change:
                    changed[by, bx] = 1
        if not any_active:
            break
        for by in range(rows):
            for bx in range(columns):
                if active[by, bx] != 0:
                    for y in range(by * BLOCK + RADIUS, by * BLOCK + BLOCK + RADIUS):
                        for x in range(bx * BLOCK + RADIUS, bx * BLOCK + BLOCK + RADIUS):
                            padded[y, x] = following[y, x]
        for by in range(rows):
            for bx in range(columns):
                awake = False
                if allowed[by, bx] != 0:
                    for ny in range(max(by - 1, 0), min(by + 2, rows)):
                        for nx in range(max(bx - 1, 0), min(bx + 2, columns)):
                            awake = awake or changed[ny, nx] != 0
                active[by, bx] = 1 if awake else 0
    return updates


@njit(nogil=True, cache=True)
def settle(
    padded: Floats, kernel_index: npt.NDArray[np.uint16], bank: Floats, gain: float, out: npt.NDArray[np.int8]
) -> None:
    """Write one more filtering of the whole picture, unclipped up to int8, into `out` (H, W)."""
    sums = np.empty(SIDE, np.float32)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            value = np.rint(response(padded, y, x, bank[kernel_index[y, x]], sums) * gain)
            out[y, x] = np.int8(min(max(value, -LEVEL), LEVEL))
