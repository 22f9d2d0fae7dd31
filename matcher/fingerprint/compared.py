"""Which minutiae of a print are compared: all of most prints, the best of a rolled one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.types import I64, Minutiae

MAX_RESIDENT_MINUTIAE: int = _core.RESIDENT_MINUTIAE
"""Minutiae that a comparison uses at most; of more, those of the highest quality, then the most central."""


def choose(minutiae: Minutiae) -> I64:
    """Return the numbers of the minutiae that a comparison uses, ascending."""
    n = len(minutiae)
    if n <= MAX_RESIDENT_MINUTIAE:
        return np.arange(n)
    x, y = minutiae.x.astype(np.float64), minutiae.y.astype(np.float64)
    from_centre: npt.NDArray[np.float64] = np.hypot(x - np.median(x), y - np.median(y))
    best_first = np.lexsort((from_centre, -minutiae.quality.astype(np.int64)))
    return np.sort(best_first[:MAX_RESIDENT_MINUTIAE])
