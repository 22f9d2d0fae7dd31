"""The binary ridge picture and its skeleton."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import parameters as p
from matcher.fingerprint.kernels import components, thinning
from matcher.types import F32, U8


def binarise(enhanced: F32, mask: npt.NDArray[np.bool_]) -> U8:
    """Return 1 on ridges inside the mask, 0 elsewhere, without specks and pores, uint8 (H, W)."""
    inside = np.repeat(np.repeat(mask, p.CELL, 0), p.CELL, 1)
    binary = ((enhanced > 0) & inside).astype(np.uint8)
    components.remove_small(binary, 1, p.SPOT_AREA, True)
    components.remove_small(binary, 0, p.HOLE_AREA, False)
    return binary


def thin(binary: U8) -> U8:
    """Return the 8-connected skeleton, uint8 (H, W) of 0 and 1, its border 0."""
    skeleton = binary.copy()
    skeleton[[0, -1]] = 0
    skeleton[:, [0, -1]] = 0
    thinning.thin(skeleton, thinning.DELETIONS)
    return skeleton
