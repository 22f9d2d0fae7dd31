"""Local descriptors of minutiae that neither translation nor rotation changes.

Minutia Cylinder-Code, bit form (Cappelli, Ferrara & Maltoni, "Minutia Cylinder-Code: A New Representation and
Matching Technique for Fingerprint Recognition", TPAMI 2010). Around each minutia, in its own frame, stands a
cylinder of 8 x 8 cells (the 52 inside the circle) by 5 sections of direction difference; a bit says whether
neighbours weigh enough there. Against the paper: no validity mask, because minutiae that came from an
exchange record have no image, and the mask gained nothing where there is one.

LIMITATIONS: minutiae alone; says nothing about where the print ends.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from matcher.types import DIRECTION_STEPS, U64, Minutiae

SECTIONS = 5
"""Direction sections of a cylinder (N_D)."""

GRID = 8
"""Cells along the cylinder's diameter (N_S)."""

RADIUS = 70.0
"""Radius of a cylinder, px at 500 ppi (R)."""

SIGMA_SPACE = 28.0 / 3.0
"""Spread of a neighbour over cells, px (sigma_S)."""

SIGMA_ANGLE = 2.0 * math.pi / 9.0
"""Spread of a neighbour over sections, rad (sigma_D)."""

THRESHOLD = 0.3
"""Weight from which a cell's bit is set; 1 is a neighbour at the very centre of the cell. Measured."""


def cell_centres() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the centres of the cells inside the circle, px in the minutia's frame, in bit order."""
    side = 2.0 * RADIUS / GRID
    line = (np.arange(GRID) + 0.5) * side - RADIUS
    along, across = np.meshgrid(line, line, indexing="ij")
    inside = along * along + across * across <= RADIUS * RADIUS
    return along[inside], across[inside]


def cylinders(minutiae: Minutiae) -> U64:
    """Return the cylinder bits of all minutiae.

    Parameters
    ----------
    minutiae : Minutiae
        All of the print: those that a cylinder is not kept for still fill their neighbours' cells.

    Returns
    -------
    uint64 array (SECTIONS, N)
        Bit c of `[k, i]` is cell c of section k around minutia i; bits from 52 on are zero.
    """
    from matcher.fingerprint.kernels.cylinder import cylinder_bits

    out = np.zeros((SECTIONS, len(minutiae)), np.uint64)
    cell_x, cell_y = cell_centres()
    cylinder_bits(
        minutiae.x.astype(np.float64),
        minutiae.y.astype(np.float64),
        minutiae.direction * (2.0 * math.pi / DIRECTION_STEPS),
        cell_x,
        cell_y,
        SECTIONS,
        SIGMA_SPACE,
        SIGMA_ANGLE,
        RADIUS + 3.0 * SIGMA_SPACE,
        THRESHOLD,
        out,
    )
    return out
