"""Reading a master picture at displaced positions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

OUTSIDE = -127.0
"""Value of ridges beyond the master picture: the middle of a valley."""


@njit(nogil=True, cache=True)
def cubic(t: float, before: float, left: float, right: float, after: float) -> float:
    """Return the Catmull-Rom value at `t` (0 to 1) between `left` and `right`."""
    return left + 0.5 * t * (
        right
        - before
        + t * (2.0 * before - 5.0 * left + 4.0 * right - after + t * (3.0 * (left - right) + after - before))
    )


@njit(nogil=True, cache=True)
def sample(
    ridges: npt.NDArray[np.int8],
    marks: npt.NDArray[np.uint8],
    ys: npt.NDArray[np.float32],
    xs: npt.NDArray[np.float32],
    ridges_out: npt.NDArray[np.float32],
    marks_out: npt.NDArray[np.float32],
) -> None:
    """Write `ridges` (bicubic) and `marks` (bilinear, both (H, W)) at (ys, xs); outside: valley, no marks."""
    height, width = ridges.shape
    rows = np.empty(4, np.float32)
    for i in range(ys.shape[0]):
        for j in range(ys.shape[1]):
            y = ys[i, j]
            x = xs[i, j]
            if not (1.0 <= y < height - 2 and 1.0 <= x < width - 2):
                ridges_out[i, j] = OUTSIDE
                marks_out[i, j] = 0.0
                continue
            y0 = int(y)
            x0 = int(x)
            ty = y - y0
            tx = x - x0
            for k in range(4):
                r = y0 - 1 + k
                rows[k] = cubic(tx, ridges[r, x0 - 1], ridges[r, x0], ridges[r, x0 + 1], ridges[r, x0 + 2])
            ridges_out[i, j] = cubic(ty, rows[0], rows[1], rows[2], rows[3])
            top = marks[y0, x0] * (1.0 - tx) + marks[y0, x0 + 1] * tx
            low = marks[y0 + 1, x0] * (1.0 - tx) + marks[y0 + 1, x0 + 1] * tx
            marks_out[i, j] = top * (1.0 - ty) + low * ty
