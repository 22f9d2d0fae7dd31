"""The gradient structure tensor summed over cells, and smoothing of fields on the cell grid."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def binomial(image, out):
    """3x3 binomial smoothing (1 2 1) of a float32 image; the border is copied."""
    height, width = image.shape
    for x in range(width):
        out[0, x] = image[0, x]
        out[height - 1, x] = image[height - 1, x]
    row = np.empty(width, np.float32)
    for y in range(1, height - 1):
        for x in range(width):
            row[x] = image[y - 1, x] + np.float32(2) * image[y, x] + image[y + 1, x]
        out[y, 0] = image[y, 0]
        out[y, width - 1] = image[y, width - 1]
        for x in range(1, width - 1):
            out[y, x] = (row[x - 1] + np.float32(2) * row[x] + row[x + 1]) * np.float32(1 / 16)


@njit(nogil=True, cache=True)
def cell_tensors(image, cell, tensors):
    """Sum the structure tensor of central differences over cells of `cell` px.

    tensors : float32 (3, rows, columns): sum of gx^2 - gy^2, of 2 gx gy, of gx^2 + gy^2 (y down). Pixels
    beyond the last whole cell belong to the last one.
    """
    height, width = image.shape
    rows, columns = tensors.shape[1], tensors.shape[2]
    tensors[:] = 0
    differences = np.empty(width, np.float32)
    products = np.empty(width, np.float32)
    energies = np.empty(width, np.float32)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            gx = image[y, x + 1] - image[y, x - 1]
            gy = image[y + 1, x] - image[y - 1, x]
            differences[x] = gx * gx - gy * gy
            products[x] = np.float32(2) * gx * gy
            energies[x] = gx * gx + gy * gy
        row = min(y // cell, rows - 1)
        for x in range(1, width - 1):
            column = min(x // cell, columns - 1)
            tensors[0, row, column] += differences[x]
            tensors[1, row, column] += products[x]
            tensors[2, row, column] += energies[x]


@njit(nogil=True, cache=True)
def smooth_field(field, weights, scratch, out):
    """Separable smoothing of a float32 (rows, columns) field with a symmetric 1-D kernel.

    weights : float32 (radius + 1,): centre first. Outside the grid counts as zero.
    """
    rows, columns = field.shape
    radius = len(weights) - 1
    for row in range(rows):
        for column in range(columns):
            total = weights[0] * field[row, column]
            for step in range(1, radius + 1):
                if column - step >= 0:
                    total += weights[step] * field[row, column - step]
                if column + step < columns:
                    total += weights[step] * field[row, column + step]
            scratch[row, column] = total
    for row in range(rows):
        for column in range(columns):
            total = weights[0] * scratch[row, column]
            for step in range(1, radius + 1):
                if row - step >= 0:
                    total += weights[step] * scratch[row - step, column]
                if row + step < rows:
                    total += weights[step] * scratch[row + step, column]
            out[row, column] = total
