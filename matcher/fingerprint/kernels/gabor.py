"""Contextual Gabor filtering: each pixel by the filter of its own orientation and period."""

from __future__ import annotations

import numpy as np
from numba import njit

KERNEL_SIZE = 23
"""Side of the filters, px. A constant at compile time, so that the inner loop becomes vector code."""


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def contextual_filter(padded, orientation, period, mask, bank, cell, out):
    """Filter every pixel inside the mask with `bank[period, orientation]`.

    padded : float32 (H + K, W + K): the image with K // 2 px of zeros before and the rest after.
    orientation, period : uint8 (rows, columns) indexes into the bank, one a `cell` x `cell` px square.
    mask : bool, same shape. bank : float32 (periods, orientations, K, K). out : float32 (H, W), 0 outside the mask.

    Re-association is allowed here: the sum over K * K products is what the vector unit is for.
    """
    height, width = out.shape
    for y in range(height):
        row = y // cell
        for x in range(width):
            column = x // cell
            if not mask[row, column]:
                out[y, x] = 0
                continue
            kernel = bank[period[row, column], orientation[row, column]]
            total = np.float32(0)
            for v in range(KERNEL_SIZE):
                for u in range(KERNEL_SIZE):
                    total += padded[y + v, x + u] * kernel[v, u]
            out[y, x] = total
