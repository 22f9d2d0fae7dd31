"""The integro-differential operator: where the mean over arcs of a circle rises most with its radius."""

from __future__ import annotations

import numpy as np
from numba import njit

from matcher.iris.kernels.polar import bilinear, eased


@njit(nogil=True, cache=True)
def score_circles(image, centres, cosines, sines, split, radii, reach, limit, least, scores, even):
    """Score circles whose arcs on both sides lie on a rise from dark to bright (Daugman 1993).

    The rise at one ray is the mean of `reach[r]` samples from radius r on less that of as many before it,
    eased so that single glints and lashes weigh little. Per circle both sides are averaged over their
    rays that lie in the image, and the score is their geometric mean (0 where one does not rise): both must
    be there. `even` is the score times both sides' mean over root mean square: the limbus rises on every ray
    of a side, texture inside the iris strongly on some.

    image : float32 (H, W). centres : float32 (C, 2) of x, y. cosines, sines : float32 (A,); rays up to
    `split` are the right side's, the others the left's. radii : float32 (R,), px, evenly spaced.
    reach : int64 (R,). least : least share of a side's rays that must lie in the image.
    scores, even : float32 (C, R); 0 where the samples do not reach.
    """
    height, width = image.shape
    angles = len(cosines)
    count = len(radii)
    sums = np.empty((2, count), np.float32)
    squares = np.empty((2, count), np.float32)
    rays = np.empty((2, count), np.float32)
    profile = np.empty(count, np.float32)
    for c in range(len(centres)):
        sums[:] = 0
        squares[:] = 0
        rays[:] = 0
        for a in range(angles):
            side = 0 if a < split else 1
            for r in range(count):
                profile[r] = bilinear(
                    image,
                    height,
                    width,
                    centres[c, 0] + radii[r] * cosines[a],
                    centres[c, 1] + radii[r] * sines[a],
                )
            for r in range(count):
                half = reach[r]
                if r < half or r + half > count:
                    continue
                before = np.float32(0)
                after = np.float32(0)
                for i in range(half):
                    before += profile[r - 1 - i]
                    after += profile[r + i]
                rise = (after - before) / np.float32(half)
                if rise == rise:
                    gain = eased(rise, limit)
                    sums[side, r] += gain
                    squares[side, r] += gain * gain
                    rays[side, r] += 1
        for r in range(count):
            right = sums[0, r] / max(rays[0, r], 1)
            left = sums[1, r] / max(rays[1, r], 1)
            enough_right = rays[0, r] >= least * split
            enough_left = rays[1, r] >= least * (angles - split)
            if right > 0 and left > 0 and enough_right and enough_left:
                scores[c, r] = np.sqrt(right * left)
                alike_right = right / np.sqrt(squares[0, r] / rays[0, r])
                alike_left = left / np.sqrt(squares[1, r] / rays[1, r])
                even[c, r] = scores[c, r] * alike_right * alike_left
            else:
                scores[c, r] = 0
                even[c, r] = 0
