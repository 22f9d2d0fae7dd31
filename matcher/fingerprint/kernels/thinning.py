"""Parallel thinning to an 8-connected skeleton (Guo & Hall, CACM 1989, algorithm A1), by table."""

from __future__ import annotations

import numpy as np
from numba import njit


def _deletion_tables():
    """Tables over the 8 neighbours' bits for the two half passes.

    Bit 0 is north, then clockwise: N, NE, E, SE, S, SW, W, NW.
    """
    tables = np.zeros((2, 256), np.bool_)
    for code in range(256):
        north, north_east, east, south_east, south, south_west, west, north_west = (
            (code >> bit) & 1 for bit in range(8)
        )
        crossings = (
            ((not north) and (north_east or east))
            + ((not east) and (south_east or south))
            + ((not south) and (south_west or west))
            + ((not west) and (north_west or north))
        )
        pairs_1 = (north_west or north) + (north_east or east) + (south_east or south) + (south_west or west)
        pairs_2 = (north or north_east) + (east or south_east) + (south or south_west) + (west or north_west)
        if crossings == 1 and 2 <= min(pairs_1, pairs_2) <= 3:
            tables[0, code] = not ((north or north_east or not south_east) and east)
            tables[1, code] = not ((south or south_west or not north_west) and west)
    return tables


DELETIONS = _deletion_tables()


@njit(nogil=True, cache=True)
def neighbour_code(image, y, x):
    """The 8 neighbours as bits: N, NE, E, SE, S, SW, W, NW."""
    return (
        image[y - 1, x]
        | image[y - 1, x + 1] << 1
        | image[y, x + 1] << 2
        | image[y + 1, x + 1] << 3
        | image[y + 1, x] << 4
        | image[y + 1, x - 1] << 5
        | image[y, x - 1] << 6
        | image[y - 1, x - 1] << 7
    )


@njit(nogil=True, cache=True)
def thin(image, deletions):
    """Thin a uint8 (H, W) image of 0 and 1 in place. The outermost pixels must be 0.

    Only pixels that are still set are looked at again: ridges are some five pixels wide, three passes do.
    """
    height, width = image.shape
    active = np.empty(height * width, np.int32)
    count = 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if image[y, x]:
                active[count] = y * width + x
                count += 1
    doomed = np.empty(count, np.int32)
    changed = True
    while changed:
        changed = False
        for half in range(2):
            dying = 0
            for i in range(count):
                y, x = divmod(active[i], width)
                if deletions[half, neighbour_code(image, y, x)]:
                    doomed[dying] = active[i]
                    dying += 1
            for i in range(dying):
                y, x = divmod(doomed[i], width)
                image[y, x] = 0
            if dying:
                changed = True
                kept = 0
                for i in range(count):
                    y, x = divmod(active[i], width)
                    if image[y, x]:
                        active[kept] = active[i]
                        kept += 1
                count = kept
