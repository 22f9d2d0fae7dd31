"""The form that a fingerprint has in memory: what the scorer reads, made from the stored template.

Layout (`cpp/include/matcher/fingerprint_layout.h` is its one definition): a header word, then five planes of
one 64-bit word a minutia: 52 cylinder cells, and above them the minutia's position, direction and number.
8 + 40 n bytes for n minutiae, at most 128 of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.fingerprint.cylinder import cylinders
from matcher.types import I64, U64, FingerprintTemplate, Minutiae

MAX_RESIDENT_MINUTIAE: int = _core.RESIDENT_MINUTIAE
"""Minutiae that a comparison uses at most; of more, those of the highest quality, then the most central."""

_CELLS = np.uint64(_core.RESIDENT_CELLS)


def resident(template: FingerprintTemplate) -> U64:
    """Return what the scorer reads of a template.

    Parameters
    ----------
    template : FingerprintTemplate
        From any extractor; types and qualities may be unknown.

    Returns
    -------
    uint64 array (W,)
        Self-contained, read-only; W = 1 + 5 n, n = min(number of minutiae, 128).
    """
    minutiae = template.minutiae
    kept = choose(minutiae)
    n = len(kept)
    planes = cylinders(minutiae)[:, kept]
    x, y = minutiae.x[kept].astype(np.uint64), minutiae.y[kept].astype(np.uint64)
    direction = minutiae.direction[kept].astype(np.uint64)
    planes[0] |= (x & _low(12)) << _CELLS
    planes[1] |= (y & _low(12)) << _CELLS
    rest = direction | (x >> np.uint64(12)) << np.uint64(8) | (y >> np.uint64(12)) << np.uint64(10)
    planes[2] |= rest << _CELLS
    planes[3] |= kept.astype(np.uint64) << _CELLS
    header = _core.RESIDENT_MAGIC | _core.RESIDENT_VERSION << 16 | _core.RESIDENT_PLANES << 24 | n << 32
    words = np.concatenate([np.array([header], np.uint64), planes.ravel()])
    words.flags.writeable = False
    return words


def choose(minutiae: Minutiae) -> I64:
    """Return the numbers of the minutiae that a comparison uses, ascending."""
    n = len(minutiae)
    if n <= MAX_RESIDENT_MINUTIAE:
        return np.arange(n)
    x, y = minutiae.x.astype(np.float64), minutiae.y.astype(np.float64)
    from_centre: npt.NDArray[np.float64] = np.hypot(x - np.median(x), y - np.median(y))
    best_first = np.lexsort((from_centre, -minutiae.quality.astype(np.int64)))
    return np.sort(best_first[:MAX_RESIDENT_MINUTIAE])


def _low(bits: int) -> np.uint64:
    return np.uint64((1 << bits) - 1)
