"""The stroma of one iris on the rubber sheet: fibres, collarette, crypts, contraction furrows, grain.

Names and places are those of anatomy (Kolb, "Gross anatomy of the eye"; Wildes, "Iris recognition: an
emerging biometric technology", 1997). Everything is fixed to the eye; only its stretching changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates

from ..fingerprint_synthesis.randomness import F32

ROWS = 128
"""Samples of the sheet from pupil to limbus."""

COLUMNS = 1024
"""Samples of the sheet in a full turn; an iris 300 px across has about 800 px around its middle."""

FIBRES = ((1.4, 3.5, 0.35), (3.0, 5.0, 0.5), (7.0, 6.0, 0.75), (15.0, 9.0, 0.7))
"""Radial fibres: width along the turn and length along the radius (standard deviations, samples), weight.
Fibres twice as long made strangers' codes too much alike: from ring to ring real irises are less regular."""

INNER_FIBRES = (2.4, 3.5, 0.7)
"""The same, of the pupillary zone's own."""

GRAIN = ((1.6, 0.25), (4.0, 0.5), (9.0, 0.6), (18.0, 0.5))
"""Grain that has no direction: size (standard deviation, samples, as seen on the eye) and weight."""

ROW_ASPECT = 0.75
"""Samples along the radius per sample along the turn for an equal length on the eye."""

WANDER = 9.0
"""How far fibres bend along the turn, samples."""

CRYPTS = 16.0
"""Mean number of crypts."""

FURROWS = 4.0
"""Mean number of contraction furrows."""


def make_texture(rng: np.random.Generator) -> F32:
    """Return an iris on the sheet, float32 (128, 1024), mean 0 and variance 1; columns are periodic."""
    radius = np.linspace(0.0, 1.0, ROWS, dtype=np.float32)[:, None]
    collarette = _ring(rng, 40.0, 0.045) + _ring(rng, 7.0, 0.012) + np.float32(rng.uniform(0.24, 0.38))
    inner = 1.0 / (1.0 + np.exp((radius - collarette) / 0.02))
    sheet = sum((weight * _noise(rng, length, width) for width, length, weight in FIBRES), _zeros())
    width, length, weight = INNER_FIBRES
    sheet = _bent(rng, sheet)
    # Fibres of the pupillary zone are finer, those of the ciliary zone coarser.
    sheet = sheet * (1.0 - 0.4 * inner) + inner * (weight * _noise(rng, length, width))
    sheet += sum((weight * _noise(rng, ROW_ASPECT * size, size) for size, weight in GRAIN), _zeros())
    strength = np.clip(1.0 + _ring(rng, 60.0, 0.5), 0.2, None)
    sheet += 1.3 * strength * np.exp(-(((radius - collarette) / 0.045) ** 2))
    sheet += rng.uniform(-0.5, 0.7) * inner
    sheet -= _crypts(rng, radius, collarette)
    sheet -= _furrows(rng, radius)
    # The ruff at the pupil's edge and the dark rim at the limbus.
    sheet -= 1.2 * np.exp(-((radius / 0.03) ** 2)) * np.clip(1.0 + _ring(rng, 6.0, 0.6), 0.0, None)
    sheet -= rng.uniform(0.6, 1.8) * np.clip((radius - 0.8) / 0.2, 0.0, 1.0) ** 2
    return np.ascontiguousarray((sheet - sheet.mean()) / sheet.std(), dtype=np.float32)


def _zeros() -> F32:
    return np.zeros((ROWS, COLUMNS), np.float32)


def _noise(rng: np.random.Generator, along_radius: float, along_turn: float) -> F32:
    """Return noise of variance 1 of the given standard deviations (samples), periodic along the turn."""
    # A margin of rows, so that the sheet's ends are like its middle.
    margin = int(3 * along_radius) + 1
    white = rng.standard_normal((ROWS + 2 * margin, COLUMNS), dtype=np.float32)
    smooth = gaussian_filter(white, (along_radius, along_turn), mode=("nearest", "wrap"), truncate=3.0)
    inside: F32 = smooth[margin:-margin]
    return inside * np.float32(2.0 * np.sqrt(np.pi * along_radius * along_turn))


def _ring(rng: np.random.Generator, size: float, deviation: float) -> F32:
    """Return a smooth periodic curve along the turn, float32 (1, 1024)."""
    white = rng.standard_normal((1, COLUMNS), dtype=np.float32)
    curve: F32 = gaussian_filter(white, (0.0, size), mode="wrap", truncate=3.0)
    return curve * np.float32(deviation * np.sqrt(2.0 * size * np.sqrt(np.pi)))


def _bent(rng: np.random.Generator, sheet: F32) -> F32:
    """Return the sheet with fibres that wander along the turn instead of running straight outwards."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    columns += np.float32(WANDER) * _noise(rng, 30.0, 25.0)
    bent: F32 = map_coordinates(sheet, [rows, columns], order=1, mode="grid-wrap")
    return bent


def _crypts(rng: np.random.Generator, radius: F32, collarette: F32) -> F32:
    """Return the depth of the lens-shaped openings, most of them just outside the collarette."""
    depth = _zeros()
    for _ in range(rng.poisson(CRYPTS)):
        at = rng.uniform(0.0, COLUMNS)
        middle = float(collarette[0, int(at)]) + rng.choice((-1.0, 1.0), p=(0.25, 0.75)) * abs(
            rng.normal(0.03, 0.1)
        )
        half_radius, half_turn = rng.uniform(0.03, 0.11), rng.uniform(6.0, 28.0)
        # Its own rows and columns alone: beyond them there is nothing of it.
        near = np.flatnonzero(np.abs(radius[:, 0] - middle) < 2.5 * half_radius)[:, None]
        turn = np.arange(int(at - 2.5 * half_turn), int(at + 2.5 * half_turn) + 1, dtype=np.float32)[None, :]
        away = (np.abs(radius[near[:, 0]] - middle) / half_radius) ** 1.4
        away = away + (np.abs(turn - np.float32(at)) / half_turn) ** 1.4
        hole = 1.0 / (1.0 + np.exp(np.clip((away - 1.0) / 0.12, -30.0, 30.0)))
        rim = np.exp(-(((away - 1.25) / 0.3) ** 2))
        depth[near, turn.astype(np.intp) % COLUMNS] += np.float32(rng.uniform(0.8, 2.6)) * (hole - 0.3 * rim)
    return depth


def _furrows(rng: np.random.Generator, radius: F32) -> npt.NDArray[np.float32]:
    """Return the depth of the arcs along which the ciliary zone folds when the pupil widens."""
    depth = _zeros()
    columns = np.arange(COLUMNS, dtype=np.float32)[None, :]
    for _ in range(rng.poisson(FURROWS)):
        middle = rng.uniform(0.5, 0.88) + _ring(rng, 80.0, 0.012)
        turn = (columns - rng.uniform(0.0, COLUMNS) + COLUMNS / 2) % COLUMNS - COLUMNS / 2
        reach = np.exp(-((turn / rng.uniform(60.0, 260.0)) ** 4))
        depth += np.float32(rng.uniform(0.5, 1.4)) * reach * np.exp(-(((radius - middle) / 0.014) ** 2))
    return depth
