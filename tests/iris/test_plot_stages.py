"""The picture of an extraction: contours and what is hidden are drawn where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from matcher.errors import ArgumentError
from matcher.fingerprint.picture import MAX_BYTES, WIDTH
from matcher.iris import parameters as p
from matcher.iris.panels import OTHER
from matcher.iris.plot_stages import LIMBUS, PUPIL, plot_stages
from matcher.iris.trace import Trace
from matcher.iris.types import ANGLES, IrisTemplate

SIDE = (300, 400)
CENTRE, RADII = (150.0, 120.0), (30.0, 90.0)


def made_up() -> tuple[np.ndarray, Trace, IrisTemplate]:
    """An even picture; circles around (150, 120); the quarter of the iris to the lower right hidden."""
    angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    trace = Trace()
    for stage, radius in zip(("pupil", "limbus"), RADII, strict=True):
        trace.record(stage, (np.array(CENTRE) + radius * circle).astype(np.float32))
    visible = np.tile(np.arange(ANGLES) >= ANGLES // 4, (64, 1))
    trace.record("sheet", np.tile(100 + 50 * np.sin(8 * angle), (64, 1)).astype(np.float32))
    trace.record("visible", visible)
    rng = np.random.default_rng(1)
    mask = np.where(visible[0], ~np.uint64(0), np.uint64(0))
    code = rng.integers(0, 1 << 64, ANGLES, dtype=np.uint64) & mask
    octets = np.zeros(ANGLES, np.uint8)
    return np.full(SIDE, 128, np.uint8), trace, IrisTemplate(code, mask, octets, octets, p.EXTRACTOR_ID, 61)


def places(rgb: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    """The (x, y) of all pixels that are near a colour."""
    y, x = np.nonzero(np.abs(rgb - np.array(colour)).max(axis=2) < 30)
    return np.stack([x, y], axis=1)


def hexadecimal(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_contours_and_hidden_parts_are_where_they_are(tmp_path: Path) -> None:
    pixels, trace, template = made_up()
    path = tmp_path / "stages.png"
    plot_stages(pixels, trace, template, path)
    assert path.stat().st_size <= MAX_BYTES
    with Picture.open(path) as read:
        rgb = np.asarray(read.convert("RGB")).astype(int)
    assert rgb.shape[1] <= WIDTH
    pupil, limbus = (places(rgb, hexadecimal(colour)) for colour in (PUPIL, LIMBUS))
    spans = [np.ptp(points[:, 0]) for points in (pupil, limbus)]
    assert spans[1] / spans[0] == pytest.approx(RADII[1] / RADII[0], rel=0.06)
    scale = spans[1] / (2 * RADII[1])
    middle = (limbus.min(axis=0) + limbus.max(axis=0)) / 2
    # Tinted grey lies to the lower right of the middle, between the contours, and nowhere else there.
    tint = places(rgb, tuple(round(0.55 * 128 + 0.45 * part) for part in OTHER))
    # The contours' own edges have mixed colours: they are left out.
    away = np.hypot(*(tint - middle).T) / scale
    tint = tint[(away > RADII[0] + 3) & (away < RADII[1] - 3)]
    away = np.hypot(*(tint - middle).T) / scale
    assert (tint - middle).min() > -3 * scale
    assert away.min() < RADII[0] + 5
    assert away.max() > RADII[1] - 5
    quarter = np.pi / 4 * (RADII[1] ** 2 - RADII[0] ** 2) * scale**2
    assert 0.8 * quarter < len(tint) < quarter


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    pixels, trace, template = made_up()
    with pytest.raises(ArgumentError, match="Cannot write"):
        plot_stages(pixels, trace, template, tmp_path / "no" / "x.png")
