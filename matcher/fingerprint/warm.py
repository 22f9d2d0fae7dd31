"""Compiles the fingerprint kernels by using them once."""

from __future__ import annotations

import contextlib

import numpy as np

from matcher.fingerprint.extractors import DEFAULT, find_extractor
from matcher.types import Image

SIDE = 225
"""Side of the pattern, px: small, yet with a print's worth of cells, and room for a printed line."""

PERIOD = 9.0
"""Its ridge period, px (the adult mean)."""

SPACING = 45
"""Distance of its minutiae, px."""

LINE = 4
"""Width of the line, px."""


def warm(extractor: str = DEFAULT) -> None:
    """Compile all that extraction and preparing for scorer and index need; load the extractor's model."""
    from matcher.errors import FailureToExtractError
    from matcher.fingerprint.descriptor import describe
    from matcher.fingerprint.extract import extract
    from matcher.fingerprint.resident import resident

    template = extract(pattern())
    if extractor != DEFAULT:
        # A network may see no finger in the pattern; it has run then all the same.
        with contextlib.suppress(FailureToExtractError):
            find_extractor(extractor).load()(pattern())
    resident(template)
    describe(template)


def pattern() -> Image:
    """Return a small ridge pattern with minutiae: parallel waves with dislocations, and a printed line.

    Each is a spiral phase around a point (the AM-FM model: Larkin & Fletcher, "A coherent framework for
    fingerprint analysis", Optics Express 2007).
    """
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    phase = 2 * np.pi * (0.6 * x + 0.8 * y) / PERIOD
    for row, at_y in enumerate(range(SPACING, SIDE, SPACING)):
        for column, at_x in enumerate(range(SPACING, SIDE, SPACING)):
            phase += (-1) ** (row + column) * np.arctan2(y - at_y, x - at_x)
    pixels = np.rint(128 - 100 * np.cos(phase)).astype(np.uint8)
    pixels[SIDE // 2 : SIDE // 2 + LINE] = 0
    return Image(pixels)
