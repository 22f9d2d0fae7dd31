"""Slow plain versions of the eye generator's kernels, and an unwrapping of its pictures by their truth."""

from __future__ import annotations

import math

import numpy as np


def place(radius: float, angle: float, pupil: np.ndarray) -> tuple[float, float]:
    """Return (v, u) of a point of the rubber sheet: what `locate` inverts."""
    center_v, center_u, semi_one, semi_two, turn = pupil
    # The ellipse's polar form, by scaling the unit direction until it satisfies the ellipse's equation.
    along = math.cos(angle) * math.cos(turn) + math.sin(angle) * math.sin(turn)
    across = math.sin(angle) * math.cos(turn) - math.cos(angle) * math.sin(turn)
    edge = 1.0 / math.sqrt((along / semi_one) ** 2 + (across / semi_two) ** 2)
    v = (1 - radius) * (center_v + edge * math.sin(angle)) + radius * math.sin(angle)
    u = (1 - radius) * (center_u + edge * math.cos(angle)) + radius * math.cos(angle)
    return v, u


def read_sheet(sheet: np.ndarray, radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the sheet at each place, bilinear, columns periodic."""
    rows, columns = sheet.shape
    texture = np.empty(radius.shape, np.float32)
    for index, r in np.ndenumerate(radius):
        y = min(max(float(r), 0.0), 1.0) * (rows - 1)
        x = (float(angle[index]) / (2 * math.pi) * columns) % columns
        y0 = min(math.floor(y), rows - 2)
        x0 = math.floor(x)
        weights = {
            (y0, x0): (1 - (y - y0)) * (1 - (x - x0)),
            (y0, x0 + 1): (1 - (y - y0)) * (x - x0),
            (y0 + 1, x0): (y - y0) * (1 - (x - x0)),
            (y0 + 1, x0 + 1): (y - y0) * (x - x0),
        }
        texture[index] = sum(w * float(sheet[a, b % columns]) for (a, b), w in weights.items())
    return texture


def unwrap(pixels: np.ndarray, truth: object, rows: int = 24, columns: int = 256) -> np.ndarray:
    """Return the iris of a picture as its truth's circles say, NaN where it is hidden, the tilt undone."""
    sheet = np.full((rows, columns), np.nan)
    for i in range(rows):
        r = (i + 0.5) / rows
        for j in range(columns):
            angle = 2 * math.pi * j / columns - math.radians(truth.tilt)
            c, s = math.cos(angle), math.sin(angle)
            radius = (1 - r) * truth.pupil_radius + r * truth.limbus_radius
            y = round((1 - r) * truth.pupil_y + r * truth.limbus_y + radius * s)
            x = round((1 - r) * truth.pupil_x + r * truth.limbus_x + radius * c)
            inside = 0 <= y < pixels.shape[0] and 0 <= x < pixels.shape[1]
            if inside and truth.iris[y, x]:
                sheet[i, j] = pixels[y, x]
    return sheet
