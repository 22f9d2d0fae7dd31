"""Grey levels of each cell of a print: how strong its contrast is, and how much of it is ridge."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def cell_grey(pixels, normalised, mask, cell, deviation, ridge_share):
    """Standard deviation of the grey levels, and share of pixels darker than their surroundings.

    pixels, normalised : float32 (H, W), whole cells; `normalised` is positive where a pixel is darker.
    mask : bool (rows, columns).
    deviation, ridge_share : float32 (rows, columns); 0 outside the mask.
    """
    rows, columns = mask.shape
    area = cell * cell
    for row in range(rows):
        for column in range(columns):
            deviation[row, column] = 0
            ridge_share[row, column] = 0
            if not mask[row, column]:
                continue
            total = np.float32(0)
            squares = np.float32(0)
            dark = 0
            # Levels are whole numbers of 8 bits: float32 sums of 64 of their squares are exact.
            for y in range(row * cell, row * cell + cell):
                for x in range(column * cell, column * cell + cell):
                    value = pixels[y, x]
                    total += value
                    squares += value * value
                    if normalised[y, x] > 0:
                        dark += 1
            mean = total / area
            deviation[row, column] = np.sqrt(max(squares / area - mean * mean, 0.0))
            ridge_share[row, column] = dark / area
