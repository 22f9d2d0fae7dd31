"""The slow scorer, and minutiae of made-up fingers with impressions of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.types import FingerprintTemplate, Minutiae

REFERENCE = Path(__file__).resolve().parent.parent / "reference_scorer.py"

SIDE = 1000
"""Side of the images, px: prints may be moved and turned in it."""

Impression = Callable[..., FingerprintTemplate]


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The module tests/reference_scorer.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_scorer", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def impression() -> Impression:
    """Return a function that makes impressions of made-up fingers."""
    return make_impression


def make_impression(
    finger: int,
    sample: int = 0,
    *,
    count: int = 40,
    turn: int = 0,
    shift: tuple[int, int] = (0, 0),
    noise: float = 0.0,
    quality: int = 0,
) -> FingerprintTemplate:
    """Minutiae of a made-up finger: `count` in a disc, directions along a whorl-like flow, either way.

    turn : rotation about the disc's centre, direction units. shift : px. noise : 0 exact; 1 moves by 2 px
    and 6 degrees, leaves out a fifth and adds as many false ones.
    """
    rng = np.random.default_rng(finger)
    spots: list[tuple[float, float]] = []
    radius = 17.0 * np.sqrt(max(count, 1))
    while len(spots) < count:
        at = rng.uniform(-radius, radius, 2)
        if np.hypot(*at) < radius and all(np.hypot(at[0] - x, at[1] - y) > 8 for x, y in spots):
            spots.append((float(at[0]), float(at[1])))
    place = np.array(spots).reshape(-1, 2)
    bend = rng.uniform(-0.5, 0.5)
    angle = np.arctan2(place[:, 1], place[:, 0]) * (1 + bend) + np.pi * rng.integers(0, 2, count)
    other = np.random.default_rng([finger, sample, 7])
    if noise:
        keep = other.random(count) > 0.2 * noise
        place = place[keep] + other.normal(0, 2 * noise, (keep.sum(), 2))
        angle = angle[keep] + other.normal(0, np.deg2rad(6) * noise, keep.sum())
        false = other.uniform(-radius, radius, (int(0.2 * noise * count), 2)) * 0.7
        place = np.concatenate([place, false])
        angle = np.concatenate([angle, other.uniform(0, 2 * np.pi, len(false))])
    t = turn * 2 * np.pi / 256
    # y up here, down on the image.
    turned = place @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    x = np.clip(np.rint(turned[:, 0]) + SIDE // 2 + shift[0], 0, SIDE - 1).astype(np.int16)
    y = np.clip(np.rint(-turned[:, 1]) + SIDE // 2 + shift[1], 0, SIDE - 1).astype(np.int16)
    direction = (np.rint(angle * 128 / np.pi).astype(int) + turn) % 256
    n = len(x)
    minutiae = Minutiae(
        x, y, direction.astype(np.uint8), np.zeros(n, np.uint8), np.full(n, quality, np.uint8)
    )
    return FingerprintTemplate(minutiae, SIDE, SIDE, "test")
