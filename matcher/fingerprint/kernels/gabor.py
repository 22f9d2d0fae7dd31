"""Contextual Gabor filtering: each tile of pixels by the filter of its own orientation and period."""

from __future__ import annotations

import numpy as np
from numba import njit

KERNEL_SIZE = 23
"""Side of the filters, px. A constant at compile time, so that the inner loop becomes vector code."""

TILE = 8
"""Side of the square of pixels that share a filter, px. Eight sums run side by side, one a column."""


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
            for j in range(TILE):
                y = row * TILE + j
                s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
                for v in range(KERNEL_SIZE):
                    line = padded[y + v, left : left + TILE + KERNEL_SIZE]
                    taps = kernel[v]
                    for u in range(KERNEL_SIZE):
                        tap = taps[u]
                        s0 += line[u] * tap
                        s1 += line[u + 1] * tap
                        s2 += line[u + 2] * tap
                        s3 += line[u + 3] * tap
                        s4 += line[u + 4] * tap
                        s5 += line[u + 5] * tap
                        s6 += line[u + 6] * tap
                        s7 += line[u + 7] * tap
                sums = out[y, left : left + TILE]
                sums[0] = s0
                sums[1] = s1
                sums[2] = s2
                sums[3] = s3
                sums[4] = s4
                sums[5] = s5
                sums[6] = s6
                sums[7] = s7
