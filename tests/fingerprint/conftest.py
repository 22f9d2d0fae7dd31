"""The slow references, and ridge patterns whose minutiae are known."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from matcher.types import Image

REFERENCE = Path(__file__).resolve().parent.parent / "reference_extract.py"

Pattern = Callable[..., tuple[Image, npt.NDArray[Any]]]


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The module tests/reference_extract.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_extract", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dislocated(
    places: Sequence[tuple[float, float, int]],
    *,
    angle: float = 0.4,
    period: float = 9.0,
    bend: float = 0.0,
    shape: tuple[int, int] = (320, 300),
    margin: int = 24,
) -> tuple[Image, npt.NDArray[Any]]:
    """Draw waves with a dislocation at each place (x, y, sign), the AM-FM model of a fingerprint.

    angle : rad, of the waves' normal, y down. bend : curvature of the ridges, 1 / px. Around the pattern lies
    white paper, `margin` px wide, with round corners; none where it is 0.

    Returns the image and what is true: float (N, 4) of x, y, direction (rad, y up) and cos of the phase on
    the minutia's side, above 0 for an ending and below 0 for a bifurcation.
    """
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float64)

    def waves(x: Any, y: Any) -> Any:
        # Circles around a far centre where the pattern bends, straight lines where not.
        if bend == 0:
            return 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period
        cx = width / 2 - np.cos(angle) / bend
        cy = height / 2 - np.sin(angle) / bend
        return 2 * np.pi * np.hypot(x - cx, y - cy) / period

    phase = waves(x, y)
    truth = []
    for at_x, at_y, sign in places:
        phase = phase + sign * np.arctan2(y - at_y, x - at_x)
        step = 1e-3
        gradient = (
            waves(at_x + step, at_y) - waves(at_x, at_y),
            waves(at_x, at_y + step) - waves(at_x, at_y),
        )
        # There the spiral's phase rises with the waves': the extra ridge or valley is on that side (y down).
        side = np.arctan2(gradient[1], gradient[0]) - sign * np.pi / 2
        there = waves(at_x, at_y) + sign * side
        there += sum(s * np.arctan2(at_y - b, at_x - a) for a, b, s in places if (a, b) != (at_x, at_y))
        truth.append((at_x, at_y, -side % (2 * np.pi), np.cos(there)))
    if margin == 0:
        return Image(np.rint(128 - 100 * np.cos(phase)).astype(np.uint8)), np.array(truth).reshape(-1, 4)
    inside = (np.abs(x - width / 2) / (width / 2 - margin)) ** 4
    inside += (np.abs(y - height / 2) / (height / 2 - margin)) ** 4
    pixels = np.where(inside < 1, 128 - 100 * np.cos(phase), 245)
    return Image(np.rint(pixels).astype(np.uint8)), np.array(truth).reshape(-1, 4)


@pytest.fixture(scope="session")
def pattern() -> Pattern:
    """See `dislocated`."""
    return dislocated
