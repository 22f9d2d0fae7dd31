"""Iris comparison in plain NumPy, slow and straight from its description: the oracle.

Everything but the last division is integer; the division is made in float32, as the core makes it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

A = npt.NDArray[Any]

REACH = 15
"""Rotations to either side, angular steps."""

MINIMUM_SHARE = 8
"""One bit in so many must be valid in both codes."""


class Found(NamedTuple):
    """The best rotation; all 0 where there is none."""

    raw: float
    turn: int
    common: int
    differing: int


def bits(words: A) -> A:
    """Return bool (angles, bits of an angle) of uint8 or uint64 (angles,)."""
    width = 8 * words.dtype.itemsize
    return (words[:, None] >> np.arange(width).astype(words.dtype) & words.dtype.type(1)).astype(bool)


def compare(probe_code: A, probe_mask: A, candidate_code: A, candidate_mask: A) -> Found:
    """Return the best of 31 rotations of the probe; bits as `bits` gives them."""
    best = Found(0.0, 0, 0, 0)
    for turn in range(-REACH, REACH + 1):
        code, mask = (np.roll(side, -turn, axis=0) for side in (probe_code, probe_mask))
        valid = mask & candidate_mask
        common, differing = int(valid.sum()), int(((code != candidate_code) & valid).sum())
        if common < valid.size // MINIMUM_SHARE:
            continue
        # 1 - 2 HDnorm, HDnorm = 0.5 - (0.5 - d / n) sqrt(n / N): (n - 2 d) / sqrt(n N).
        raw = np.float32(common - 2 * differing) / np.sqrt(np.float32(common * valid.size))
        if raw > best.raw:
            best = Found(float(raw), turn, common, differing)
    return best
