"""Cosines of int8 embeddings with the best kept on the way: exact, integer until the last step.

Best lists: `score` float32 (k,) descending, `row` int64 (k,), -1 where there is none yet; entries start at
the lowest score that is wanted. Equal scores are ordered by row.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def dot(probe, candidate):
    """Return the inner product, int32, of two int8 (D,): at most 4,096 * 127 * 127 < 2**31.

    Products of 16 bits and sums of 32, cast back at each step, are what the compiler turns into one
    instruction for 16 values; numba's own promotion to 64 bits is six times slower.
    """
    total = np.int32(0)
    for i in range(probe.shape[0]):
        total = np.int32(total + np.int32(np.int16(probe[i]) * np.int16(candidate[i])))
    return total


@njit(nogil=True, cache=True)
def offer(score, row, best_score, best_row):
    """Put a candidate into the best list if it is good enough and not there yet; the list stays ordered."""
    at = len(best_score)
    while at > 0:
        other = best_row[at - 1]
        if best_score[at - 1] > score or (best_score[at - 1] == score and 0 <= other <= row):
            break
        at -= 1
    if at == len(best_score) or (at > 0 and best_score[at - 1] == score and best_row[at - 1] == row):
        return
    for i in range(len(best_score) - 1, at, -1):
        best_score[i] = best_score[i - 1]
        best_row[i] = best_row[i - 1]
    best_score[at] = score
    best_row[at] = row


@njit(nogil=True, cache=True)
def lives(row, alive, allowed, filtered):
    """Return whether a row is not deleted and passes the filter: bit `row % 8` of byte `row // 8`."""
    if not alive[row]:
        return False
    if not filtered:
        return True
    byte = row >> 3
    return byte < len(allowed) and (allowed[byte] >> (row & 7)) & 1 == 1


@njit(nogil=True, cache=True)
def scan(probe, inverse, values, inverses, rows, alive, allowed, filtered, best_score, best_row):
    """Compare a probe, int8 (D,), with every living row of values, int8 (N, D).

    inverse, inverses : float32, float32 (N,), one over the lengths. rows : int32 (N,).
    Returns how many lived.
    """
    compared = 0
    for i in range(len(rows)):
        row = np.int64(rows[i])
        if lives(row, alive, allowed, filtered):
            compared += 1
            score = np.float32(dot(probe, values[i])) * (inverse * inverses[i])
            if score >= best_score[-1]:
                offer(score, row, best_score, best_row)
    return compared


@njit(nogil=True, cache=True)
def rescore(probe, inverse, places, values, inverses, rows, alive, allowed, filtered, best_score, best_row):
    """Compare a probe with the rows at places, int64 (r,), -1 for none; returns how many lived."""
    compared = 0
    for place in places:
        if place < 0:
            continue
        row = np.int64(rows[place])
        if lives(row, alive, allowed, filtered):
            compared += 1
            score = np.float32(dot(probe, values[place])) * (inverse * inverses[place])
            if score >= best_score[-1]:
                offer(score, row, best_score, best_row)
    return compared


@njit(nogil=True, cache=True)
def inverse_lengths(values, out):
    """Write one over the length of each row of values, int8 (N, D), float32 (N,)."""
    for i in range(len(values)):
        out[i] = np.float32(1.0 / np.sqrt(np.float64(dot(values[i], values[i]))))
