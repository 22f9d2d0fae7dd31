"""A probe's embedding against candidates in their resident form."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matcher.face.kernels.similarity import dot


@njit(nogil=True, cache=True)
def score_rows(probe, probe_head, probe_inverse, values, heads, inverses, offsets, rows, smallest, out):
    """Write -log((1 - cosine) / 2) of the probe with each of `rows`; return the first misfit, or -1.

    A resident form is words of 8 bytes: one with head and inverse length, then the values, padded by zeros.
    probe : int8 (P,), P a multiple of 8. values : int8 (8 W,), heads : uint32 (2 W,), inverses : float32
    (2 W,), the same W words seen as values, as heads (the even ones) and as inverse lengths (the odd ones).
    offsets : int64 (N + 1,), words. rows : int64 (M,), inside. smallest : least 1 - cosine. out : float32
    (M,), written.
    """
    size = len(probe)
    for i in range(len(rows)):
        start = offsets[rows[i]]
        if 8 * (offsets[rows[i] + 1] - start) != size + 8 or heads[2 * start] != probe_head:
            return i
        product = dot(probe, values[8 * start + 8 : 8 * start + 8 + size])
        cosine = float(product) * float(probe_inverse) * float(inverses[2 * start + 1])
        out[i] = np.float32(-math.log(max(1.0 - cosine, smallest) / 2.0))
    return -1
