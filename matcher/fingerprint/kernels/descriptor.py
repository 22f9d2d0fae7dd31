"""Weights of the Minutia Cylinder-Code (Cappelli, Ferrara & Maltoni, TPAMI 2010, section 3), not yet bits."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def cylinder_weights(
    x: np.ndarray,
    y: np.ndarray,
    angle: np.ndarray,
    kept: np.ndarray,
    cell_x: np.ndarray,
    cell_y: np.ndarray,
    sections: int,
    sigma_space: float,
    sigma_angle: float,
    reach: float,
    out: np.ndarray,
) -> None:
    """Add to `out[i, k * C + c]` what the neighbours of minutia `kept[i]` weigh in cell c of section k.

    x, y, angle: float64 (N,), px with y down, rad counter-clockwise with y up. kept: int64 (M,). cell_x,
    cell_y: float64 (C,) cell centres in the minutia's frame, px. reach: farthest neighbour, px. out: float32
    (M, sections * C), zeros.
    """
    n = x.shape[0]
    cells = cell_x.shape[0]
    step = 2.0 * math.pi / sections
    near2 = 9.0 * sigma_space * sigma_space
    of_angle = np.empty(sections)
    for number in range(kept.shape[0]):
        i = kept[number]
        cosine = math.cos(angle[i])
        sine = math.sin(angle[i])
        for j in range(n):
            dx = x[j] - x[i]
            dy = y[i] - y[j]
            if j == i or dx * dx + dy * dy > reach * reach:
                continue
            along = dx * cosine + dy * sine
            across = dy * cosine - dx * sine
            turn = angle[i] - angle[j]
            for k in range(sections):
                off = turn + math.pi - (k + 0.5) * step
                off -= 2.0 * math.pi * math.floor(off / (2.0 * math.pi) + 0.5)
                of_angle[k] = math.exp(-off * off / (2.0 * sigma_angle * sigma_angle))
            for c in range(cells):
                ex = cell_x[c] - along
                ey = cell_y[c] - across
                distance2 = ex * ex + ey * ey
                if distance2 > near2:
                    continue
                of_space = math.exp(-distance2 / (2.0 * sigma_space * sigma_space))
                for k in range(sections):
                    out[number, k * cells + c] += of_space * of_angle[k]
