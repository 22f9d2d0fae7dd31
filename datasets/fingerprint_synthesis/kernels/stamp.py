"""Drawing strokes (creases, scratches) and dots (pores: strokes of no length) into a picture."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

REACH = 2.5
"""How far from its middle line a stroke is drawn, in its standard deviations."""


@njit(nogil=True, cache=True)
def stamp(canvas: npt.NDArray[np.uint8], strokes: npt.NDArray[np.float32]) -> None:
    """Raise `canvas` (H, W) to each stroke's Gaussian cross-section where that is higher.

    Parameters
    ----------
    canvas : uint8 array (H, W), changed in place
    strokes : float32 array (N, 6): y0, x0, y1, x1, standard deviation across (pixels), height (0 to 255)
    """
    height, width = canvas.shape
    for n in range(strokes.shape[0]):
        y0, x0, y1, x1, sigma, top = strokes[n]
        reach = REACH * sigma
        dy = y1 - y0
        dx = x1 - x0
        squared = dy * dy + dx * dx
        for y in range(max(0, int(min(y0, y1) - reach)), min(height, int(max(y0, y1) + reach) + 2)):
            for x in range(max(0, int(min(x0, x1) - reach)), min(width, int(max(x0, x1) + reach) + 2)):
                along = 0.0
                if squared > 0.0:
                    along = min(1.0, max(0.0, ((y - y0) * dy + (x - x0) * dx) / squared))
                ey = y - (y0 + along * dy)
                ex = x - (x0 + along * dx)
                value = top * math.exp(-0.5 * (ey * ey + ex * ex) / (sigma * sigma))
                if value > canvas[y, x]:
                    canvas[y, x] = np.uint8(value)
