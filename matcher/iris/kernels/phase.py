"""Bands of the unwrapped iris, their response to log-Gabor filters, and bits of its phase."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def bands(grey, visible, weights, levels, support):
    """Mean grey level of every band at every angle, relative to the visible part of its row.

    grey : float32 (R, A). visible : bool (R, A). weights : float32 (B, R), of sum 1 per band.
    levels, support : float32 (B, A): the band's mean over what is visible (0 where nothing is), and the
    share of its weight that is.
    """
    rows, angles = grey.shape
    means = np.zeros(rows, np.float32)
    for r in range(rows):
        total = np.float32(0)
        count = 0
        for a in range(angles):
            if visible[r, a]:
                total += grey[r, a]
                count += 1
        if count > 0:
            means[r] = total / np.float32(count)
    levels[:] = 0
    support[:] = 0
    for b in range(len(weights)):
        for r in range(rows):
            weight = weights[b, r]
            if weight < np.float32(1e-4):
                continue
            for a in range(angles):
                if visible[r, a]:
                    levels[b, a] += weight * (grey[r, a] - means[r])
                    support[b, a] += weight
        for a in range(angles):
            # A sliver of a band must not speak for all of it.
            levels[b, a] /= max(support[b, a], np.float32(0.15))


@njit(nogil=True, cache=True)
def respond(levels, support, real, imaginary, envelope, out, covered):
    """Circular convolution of every band with a complex filter, and the share of its envelope that is seen.

    levels, support : float32 (B, A). real, imaginary, envelope : float32 (A,): the filter centred at 0.
    out : float32 (2, B, A): real and imaginary part. covered : float32 (B, A).
    """
    count, angles = levels.shape
    double = np.empty(2 * angles, np.float32)
    seen = np.empty(2 * angles, np.float32)
    for b in range(count):
        for a in range(angles):
            double[a] = levels[b, a]
            double[a + angles] = levels[b, a]
            seen[a] = support[b, a]
            seen[a + angles] = support[b, a]
        for a in range(angles):
            out[0, b, a] = np.float32(0)
            out[1, b, a] = np.float32(0)
            covered[b, a] = np.float32(0)
        for k in range(angles):
            if envelope[k] < np.float32(1e-5):
                continue
            re = real[k]
            im = imaginary[k]
            weight = envelope[k]
            start = (angles - k) % angles
            for a in range(angles):
                out[0, b, a] += re * double[start + a]
                out[1, b, a] += im * double[start + a]
                covered[b, a] += weight * seen[start + a]


@njit(nogil=True, cache=True)
def pack(bits, valid, code, mask):
    """Bits of every angle into one word each, the first bit lowest; invalid bits are 0.

    bits, valid : bool (K, A), K at most 64. code, mask : uint64 (A,).
    """
    count, angles = bits.shape
    for a in range(angles):
        word = np.uint64(0)
        known = np.uint64(0)
        for k in range(count):
            if valid[k, a]:
                known |= np.uint64(1) << np.uint64(k)
                if bits[k, a]:
                    word |= np.uint64(1) << np.uint64(k)
        code[a] = word
        mask[a] = known
