"""Names of random streams, and numbers drawn straight from them: arrays instead of the kernels' loops.

The hash is that of `kernels/draw.py`; a person's key is the same whoever asks and in whatever order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.types import I64, U64

F64 = npt.NDArray[np.float64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)

UNIT = 2.0**-53
"""Of 53 random bits: a float64 from 0 to below 1."""


def _mixed(words: U64) -> U64:
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    mixed: U64 = words ^ (words >> np.uint64(31))
    return mixed


def branch(keys: U64, numbers: I64 | int) -> U64:
    """Return the keys of the branches `numbers` (not negative) of `keys`, uint64; the two broadcast."""
    with np.errstate(over="ignore"):
        return _mixed(
            np.asarray(keys, np.uint64) + GOLDEN * (np.asarray(numbers).astype(np.uint64) + np.uint64(1))
        )


def uniform(keys: U64) -> F64:
    """Return one number from 0 to below 1 for each key."""
    with np.errstate(over="ignore"):
        drawn: F64 = (_mixed(np.asarray(keys, np.uint64) + GOLDEN) >> np.uint64(11)).astype(np.float64) * UNIT
    return drawn


def normal(keys: U64) -> F64:
    """Return one normal deviate for each key."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(branch(keys, 0))))
    deviates: F64 = radius * np.cos(2.0 * np.pi * uniform(branch(keys, 1)))
    return deviates
