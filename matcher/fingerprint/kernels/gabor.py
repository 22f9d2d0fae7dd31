"""Contextual Gabor filtering: each tile of pixels by the filter of its own orientation and period."""

from __future__ import annotations

import numpy as np
from numba import njit

KERNEL_SIZE = 23
"""Side of the filters, px. A constant at compile time, so that the inner loop becomes vector code."""

TILE = 4
"""Side of the square of pixels that share a filter, px. Eight sums run at once: four columns, two rows."""


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def contextual_filter(padded, orientation, period, mask, bank, out):
    """Filter every tile inside the mask with `bank[period, orientation]`.

    padded : float32 (H + K - 1, W + K - 1): the image with K // 2 px of zeros around.
    orientation, period : uint8 (rows, columns) indexes into the bank, one a tile; H = TILE * rows.
    mask : bool, same shape. bank : float32 (periods, orientations, K, K).
    out : float32 (H, W), 0 outside the mask.

    Re-association is allowed here: the sum over K * K products is what the vector unit is for.
    """
    rows, columns = mask.shape
    zero = np.float32(0)
    for row in range(rows):
        for column in range(columns):
            left = column * TILE
            if not mask[row, column]:
                for j in range(TILE):
                    for i in range(TILE):
                        out[row * TILE + j, left + i] = zero
                continue
            kernel = bank[period[row, column], orientation[row, column]]
            for j in range(0, TILE, 2):
                y = row * TILE + j
                s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
                for v in range(KERNEL_SIZE):
                    line = padded[y + v, left : left + TILE + KERNEL_SIZE]
                    next_line = padded[y + v + 1, left : left + TILE + KERNEL_SIZE]
                    taps = kernel[v]
                    for u in range(KERNEL_SIZE):
                        tap = taps[u]
                        s0 += line[u] * tap
                        s1 += line[u + 1] * tap
                        s2 += line[u + 2] * tap
                        s3 += line[u + 3] * tap
                        s4 += next_line[u] * tap
                        s5 += next_line[u + 1] * tap
                        s6 += next_line[u + 2] * tap
                        s7 += next_line[u + 3] * tap
                sums = out[y, left : left + TILE]
                sums[0] = s0
                sums[1] = s1
                sums[2] = s2
                sums[3] = s3
                sums = out[y + 1, left : left + TILE]
                sums[0] = s4
                sums[1] = s5
                sums[2] = s6
                sums[3] = s7
