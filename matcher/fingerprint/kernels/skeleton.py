"""Minutia candidates on a skeleton by crossing number, and the ridges that leave them."""

from __future__ import annotations

import numpy as np
from numba import njit

ENDING = 1
BIFURCATION = 2

STOP_OPEN = -1
"""A traced branch that went on for the whole trace length."""

STOP_NONE = -2
"""No such branch."""

STOP_LOOP = -3
"""A branch that ended without meeting a minutia (a junction that was merged away)."""

CLUSTER_REACH = 3
"""How far from a junction's first pixel its others are looked for, px."""

CLUSTER_PIXELS = 16
"""Most pixels of one junction."""


@njit(nogil=True, cache=True)
def crossing_number(skeleton, y, x):
    """Half the number of changes between 0 and 1 around a pixel (Rutovitz)."""
    changes = 0
    previous = skeleton[y - 1, x - 1]
    for dy, dx in ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)):
        current = skeleton[y + dy, x + dx]
        changes += current != previous
        previous = current
    return changes // 2


@njit(nogil=True, cache=True)
def find_candidates(skeleton, ids, xs, ys, kinds):
    """List endings (crossing number 1) and bifurcations (3 or more); returns how many.

    ids : int32 (H, W), filled with candidate number + 1 at each candidate's pixel, 0 elsewhere. Junction
    pixels that touch are one candidate. At most len(xs) are listed.
    """
    height, width = skeleton.shape
    count = 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if not skeleton[y, x]:
                continue
            crossings = crossing_number(skeleton, y, x)
            if crossings != 1 and crossings < 3:
                continue
            kind = ENDING if crossings == 1 else BIFURCATION
            merged = 0
            if kind == BIFURCATION:
                for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                    other = ids[y + dy, x + dx]
                    if other and kinds[other - 1] == BIFURCATION:
                        merged = other
            if merged:
                ids[y, x] = merged
                continue
            if count == len(xs):
                return count
            xs[count] = x
            ys[count] = y
            kinds[count] = kind
            count += 1
            ids[y, x] = count
    return count


@njit(nogil=True, cache=True)
def _walk(skeleton, ids, own, y, x, length, path):
    """Follow a ridge from (y, x), clearing it behind; returns (steps, stop). The caller restores the path."""
    steps = 0
    while True:
        skeleton[y, x] = 0
        path[steps, 0] = y
        path[steps, 1] = x
        steps += 1
        found = ids[y, x]
        if found and found != own:
            return steps, found - 1
        if steps == length:
            return steps, STOP_OPEN
        next_y = -1
        next_x = -1
        for dy, dx in ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, -1), (-1, 1), (1, 1), (1, -1)):
            ny = y + dy
            nx = x + dx
            if not skeleton[ny, nx]:
                continue
            if ids[ny, nx]:
                next_y = ny
                next_x = nx
                break
            if next_y < 0:
                next_y = ny
                next_x = nx
        if next_y < 0:
            return steps, STOP_LOOP
        y = next_y
        x = next_x


@njit(nogil=True, cache=True)
def _starts(skeleton, ids, own, y, x, reach, cluster, starts):
    """List the pixels of a candidate, and the first pixels of the ridges that leave it; returns both counts.

    A junction may be several touching pixels: the branches of all of them are its branches. A diagonal step
    beside a straight one is the same ridge.
    """
    height, width = skeleton.shape
    pixels = 0
    for cy in range(max(y - reach, 1), min(y + reach + 1, height - 1)):
        for cx in range(max(x - reach, 1), min(x + reach + 1, width - 1)):
            if ids[cy, cx] == own and pixels < len(cluster):
                cluster[pixels, 0] = cy
                cluster[pixels, 1] = cx
                pixels += 1
    branches = 0
    for i in range(pixels):
        cy, cx = cluster[i]
        for dy, dx in ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, -1), (-1, 1), (1, 1), (1, -1)):
            ny = cy + dy
            nx = cx + dx
            if not skeleton[ny, nx] or ids[ny, nx] == own:
                continue
            if dy != 0 and dx != 0 and (skeleton[cy, nx] or skeleton[ny, cx]):
                continue
            known = branches == len(starts)
            for j in range(branches):
                if starts[j, 0] == ny and starts[j, 1] == nx:
                    known = True
            if not known:
                starts[branches, 0] = ny
                starts[branches, 1] = nx
                branches += 1
    return pixels, branches


@njit(nogil=True, cache=True)
def trace_branches(skeleton, ids, xs, ys, count, length, tangent, ends, stops, lengths):
    """Trace up to three branches of each candidate.

    length : px to follow a ridge. tangent : px after which its direction is read.
    ends : float32 (count, 3, 2): (dx, dy) of the point `tangent` steps along each branch, 0 without one.
    stops : int32 (count, 3): candidate met, or a STOP_ code. lengths : int32 (count, 3): steps walked.
    """
    path = np.empty((length, 2), np.int32)
    cluster = np.empty((CLUSTER_PIXELS, 2), np.int32)
    starts = np.empty((3, 2), np.int32)
    for i in range(count):
        y = ys[i]
        x = xs[i]
        for b in range(3):
            stops[i, b] = STOP_NONE
            lengths[i, b] = 0
            ends[i, b, 0] = 0
            ends[i, b, 1] = 0
        pixels, branches = _starts(skeleton, ids, i + 1, y, x, CLUSTER_REACH, cluster, starts)
        # The junction and the other branches' first pixels are taken away, or a walk would cross over.
        for j in range(pixels):
            skeleton[cluster[j, 0], cluster[j, 1]] = 0
        for j in range(branches):
            skeleton[starts[j, 0], starts[j, 1]] = 0
        for branch in range(branches):
            steps, stop = _walk(skeleton, ids, i + 1, starts[branch, 0], starts[branch, 1], length, path)
            at = min(tangent, steps) - 1
            ends[i, branch, 0] = path[at, 1] - x
            ends[i, branch, 1] = path[at, 0] - y
            stops[i, branch] = stop
            lengths[i, branch] = steps
            for s in range(1, steps):
                skeleton[path[s, 0], path[s, 1]] = 1
        for j in range(branches):
            skeleton[starts[j, 0], starts[j, 1]] = 1
        for j in range(pixels):
            skeleton[cluster[j, 0], cluster[j, 1]] = 1
