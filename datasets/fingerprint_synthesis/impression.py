"""The spine: from a finger to one image of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.types import PPI, Image, ResolutionSource

from .contact import contact_depth, firmness
from .finger import Finger
from .placement import finger_coordinates
from .randomness import F32, checked_seed, stream
from .settings import HEIGHT, WIDTH, ImpressionSettings, draw_settings
from .skin import draw_scratches
from .tone import coverage, grey_levels


def generate_impression(
    finger: Finger,
    seed: int,
    *,
    difficulty: float | ImpressionSettings = 0.5,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> Image:
    """Return one impression of a finger.

    Parameters
    ----------
    finger : Finger
    seed : int
        0 to 2**63 - 1; with the finger's seed it names the impression: the same gives the same bytes.
    difficulty : float or ImpressionSettings
        0 to 1 draws settings from the seed (see `settings.draw_settings`); settings are taken as they are.
    height, width : int
        Of the image, pixels at 500 ppi; settings bring their own.

    Returns
    -------
    Image
        500 ppi, ridges dark.

    Raises
    ------
    ArgumentError
        For a seed, difficulty or size out of range.
    """
    key = (finger.seed, checked_seed("generate_impression: seed", seed))
    if isinstance(difficulty, ImpressionSettings):
        settings = difficulty
    else:
        settings = draw_settings(stream("settings", *key), difficulty, height, width)
    ys, xs, dy, dx = finger_coordinates(settings)
    ridges, marks = look_up(finger, ys, xs)
    depth = contact_depth(stream("outline", *key), settings, dy, dx)
    touch = firmness(stream("firmness", *key), settings, depth)
    scratches = draw_scratches(stream("scratches", *key), settings)
    ink = coverage(stream("ink", *key), settings, ridges, marks, scratches, depth, touch)
    pixels = grey_levels(stream("sensor", *key), settings, ink, depth, touch)
    return Image(pixels, PPI, ResolutionSource.CALLER)


def look_up(finger: Finger, ys: F32, xs: F32) -> tuple[F32, F32]:
    """Return ridges (-127 to 127) and marks (0 to 255) of a finger at positions, float32 arrays (H, W)."""
    from .kernels.sample import sample

    if ys.shape != xs.shape or ys.dtype != np.float32 or xs.dtype != np.float32:
        raise ArgumentError("look_up: expected two float32 arrays of one shape.")
    ridges = np.empty(ys.shape, np.float32)
    marks = np.empty(ys.shape, np.float32)
    sample(finger.ridges, finger.marks, contiguous(ys), contiguous(xs), ridges, marks)
    return ridges, marks


def contiguous(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array in C order, as the kernels are compiled for."""
    return np.ascontiguousarray(array)
