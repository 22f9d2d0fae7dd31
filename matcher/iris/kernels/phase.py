"""The unwrapped iris with its contrast evened, its bands, their response to a filter, and packed bits."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def box_means(image, half_rows, half_angles, scratch, out):
    """Mean over boxes of 2 * half_rows + 1 rows and 2 * half_angles + 1 angles.

    Angles go round, rows beyond the ends count as the last one. image, scratch, out : float32 (R, A).
    """
    rows, angles = image.shape
    wide = np.float32(1.0 / (2 * half_angles + 1))
    for r in range(rows):
        # float64: a running sum in float32 would drift.
        total = 0.0
        for a in range(-half_angles, half_angles + 1):
            total += image[r, a % angles]
        for a in range(angles):
            scratch[r, a] = total * wide
            total += image[r, (a + half_angles + 1) % angles] - image[r, (a - half_angles) % angles]
    high = np.float32(1.0 / (2 * half_rows + 1))
    for r in range(rows):
        for a in range(angles):
            out[r, a] = np.float32(0)
        for step in range(-half_rows, half_rows + 1):
            near = min(max(r + step, 0), rows - 1)
            for a in range(angles):
                out[r, a] += scratch[near, a]
        for a in range(angles):
            out[r, a] *= high


@njit(nogil=True, cache=True)
def bands(texture, visible, weights, least, levels, support):
    """Mean texture of every band at every angle over what is visible.

    texture : float32 (R, A). visible : bool (R, A). weights : float32 (B, R), of sum 1 per band. least : a
    smaller visible share counts as this, so that a sliver does not speak for the band. levels, support :
    float32 (B, A): the mean, and the share of the band's weight that is visible.
    """
    rows, angles = texture.shape
    levels[:] = 0
    support[:] = 0
    for b in range(len(weights)):
        for r in range(rows):
            weight = weights[b, r]
            if weight < np.float32(1e-4):
                continue
            for a in range(angles):
                if visible[r, a]:
                    levels[b, a] += weight * texture[r, a]
                    support[b, a] += weight
        for a in range(angles):
            levels[b, a] /= max(support[b, a], least)


@njit(nogil=True, cache=True)
def respond(levels, support, wave, envelope, out, covered):
    """Circular convolution of every band with a filter, and the share of its envelope that is visible.

    levels, support : float32 (B, A). wave, envelope : float32 (A,), centred at 0; the envelope sums to 1.
    out, covered : float32 (B, A).
    """
    count, angles = levels.shape
    level = np.empty(2 * angles, np.float32)
    seen = np.empty(2 * angles, np.float32)
    for b in range(count):
        for a in range(angles):
            level[a] = levels[b, a]
            level[a + angles] = levels[b, a]
            seen[a] = support[b, a]
            seen[a + angles] = support[b, a]
            out[b, a] = np.float32(0)
            covered[b, a] = np.float32(0)
        for k in range(angles):
            if envelope[k] < np.float32(1e-5):
                continue
            value = wave[k]
            weight = envelope[k]
            start = (angles - k) % angles
            for a in range(angles):
                out[b, a] += value * level[start + a]
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
