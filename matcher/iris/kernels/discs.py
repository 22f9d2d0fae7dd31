"""Votes of gradients for the centres of dark discs, and how well a circle follows an edge."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def vote(image, least, radii, votes):
    """Let every gradient vote for the centres of the dark discs on whose edge it may lie.

    A gradient points from dark to bright, so a disc's centre lies against it. A circle collects votes in
    proportion to its radius, chance those in proportion to the root of it: a vote weighs 1 / sqrt(radius).

    image : float32 (H, W). least : gradient that votes, grey levels per px. radii : float32 (R,),
    px, rising. votes : float32 (R, rows, columns), cells of 2 px; filled here.
    """
    height, width = image.shape
    rows, columns = votes.shape[1], votes.shape[2]
    votes[:] = 0
    square = least * least
    weights = np.float32(1) / np.sqrt(radii)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            gx = (image[y, x + 1] - image[y, x - 1]) * np.float32(0.5)
            gy = (image[y + 1, x] - image[y - 1, x]) * np.float32(0.5)
            power = gx * gx + gy * gy
            if power < square:
                continue
            size = np.sqrt(power)
            ux = gx / size
            uy = gy / size
            for i in range(len(radii)):
                radius = radii[i]
                column = int(np.floor(x - ux * radius + np.float32(0.5))) >> 1
                row = int(np.floor(y - uy * radius + np.float32(0.5))) >> 1
                if column < 0 or row < 0 or column >= columns or row >= rows:
                    break
                votes[i, row, column] += weights[i]


@njit(nogil=True, cache=True)
def peaks(votes, apart, found):
    """Find the highest cells over all radii, each at least `apart` cells from those before it.

    votes : float32 (R, rows, columns); cleared around each peak, two radii up and down. apart : float32 (R,),
    cells. found : float32 (K, 4): votes, number of the radius, row, column; returns how many there are.
    """
    bins, rows, columns = votes.shape
    for k in range(len(found)):
        best = np.float32(0)
        at_bin = 0
        at_row = 0
        at_column = 0
        for b in range(bins):
            for row in range(rows):
                for column in range(columns):
                    if votes[b, row, column] > best:
                        best = votes[b, row, column]
                        at_bin = b
                        at_row = row
                        at_column = column
        if best <= 0:
            return k
        found[k, 0] = best
        found[k, 1] = at_bin
        found[k, 2] = at_row
        found[k, 3] = at_column
        reach = int(apart[at_bin])
        for b in range(max(at_bin - 2, 0), min(at_bin + 3, bins)):
            for row in range(max(at_row - reach, 0), min(at_row + reach + 1, rows)):
                for column in range(max(at_column - reach, 0), min(at_column + reach + 1, columns)):
                    votes[b, row, column] = 0
    return len(found)
