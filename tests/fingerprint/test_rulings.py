"""Printed lines go, ridges stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.fingerprint import rulings
from matcher.fingerprint.kernels import rulings as kernels
from matcher.fingerprint.rulings import remove_rulings
from matcher.types import U8


def ridges(height: int = 400, width: int = 420, seed: int = 0) -> U8:
    """Curved ridges of 9 px period on grey paper, with a bare border."""
    y, x = np.mgrid[:height, :width].astype(float)
    phase = np.hypot(x - width / 2, 1.3 * (y - height / 2)) * 2 * np.pi / 9
    noise = np.random.default_rng(seed).normal(0, 5, (height, width))
    print_ = np.where(np.hypot(x - width / 2, y - height / 2) < 0.35 * height, 60 * np.sin(phase) - 60, 0)
    return np.clip(200 + print_ + noise, 0, 255).astype(np.uint8)


def drawn(pixels: U8, start: float, slope: float, thickness: int = 5, turned: bool = False) -> U8:
    """Draw a dark line across, at row `start + slope * column`; or down, where turned."""
    out = pixels.copy()
    view = out.T if turned else out
    for x in range(view.shape[1]):
        y = round(start + slope * x)
        view[max(y, 0) : max(y + thickness, 0), x] = 20
    return out


def dislike(one: U8, other: U8) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("start", "slope"), [(300, 0.0), (200, 0.045), (120, -0.03), (0, 0.0), (395, 0.0)])
def test_a_line_is_taken_out_and_what_it_crossed_is_bridged(start: float, slope: float, turned: bool) -> None:
    """Wherever it runs, askew by up to 2.9 degrees, through the print, beside it, or along the edge."""
    clean = ridges()
    ruled = drawn(clean, start, slope, turned=turned)
    mended = remove_rulings(ruled)
    assert mended.dtype == np.uint8
    assert dislike(mended, clean) < 0.5 * dislike(ruled, clean)
    assert np.mean(mended != clean) < 0.05


def test_ridges_alone_are_left_as_they_are() -> None:
    for seed in range(4):
        clean = ridges(seed=seed)
        assert remove_rulings(clean) is clean


def test_straight_ridges_and_edges_of_a_print_are_no_lines() -> None:
    """Parallel ridges have neighbours; an edge is darker than one side only."""
    y, _ = np.mgrid[:400, :400]
    waves = np.clip(150 + 80 * np.sin(y * 2 * np.pi / 9), 0, 255).astype(np.uint8)
    assert remove_rulings(waves) is waves
    half = np.where(y < 200, 230, 60).astype(np.uint8)
    assert remove_rulings(half) is half


def test_short_lines_stay() -> None:
    """A stroke of a letter, or a scar, is shorter than 9.8 mm."""
    clean = ridges()
    stroke = clean.copy()
    stroke[30:35, 100:240] = 20
    assert remove_rulings(stroke) is stroke


@pytest.mark.parametrize("shape", [(64, 64), (64, 900), (900, 64), (197, 198), (17, 400)])
def test_any_shape_goes_through(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 200, np.uint8)
    assert remove_rulings(flat) is flat
    ruled = flat.copy()
    ruled[shape[0] // 2 : shape[0] // 2 + 3] = 10
    assert remove_rulings(ruled).shape == shape


def marked_slowly(dark: U8, slopes: list[float], half: int, least: float) -> U8:
    """`mark_lines` by looking at every segment."""
    height, width = dark.shape
    lines = np.zeros_like(dark)
    need = int(np.ceil(least * (2 * half + 1)))
    for slope in slopes:
        shift = np.array([int(np.floor(float(np.float32(slope)) * x + 0.5)) for x in range(width)])
        for start in range(-2 * width, height + 2 * width):
            for x in range(half, width - half):
                along = np.arange(x - half, x + half + 1)
                rows = start + shift[along]
                inside = (rows >= 0) & (rows < height)
                spots = [(r, c) for r, c in zip(rows[inside], along[inside], strict=True) if dark[r, c]]
                if len(spots) >= need:
                    for r, c in spots:
                        lines[r, c] = 1
    return lines


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), slope=st.sampled_from([0.0, 0.05, -0.1, 0.3]))
def test_marking_is_the_slow_reference(seed: int, slope: float) -> None:
    rng = np.random.default_rng(seed)
    dark = (rng.random((9, 30)) < 0.5).astype(np.uint8)
    for x in range(30):
        y = int(np.floor(float(np.float32(slope)) * x + 0.5)) + 4
        if 0 <= y < 9 and rng.random() < 0.95:
            dark[y, x] = 1
    slopes = np.array([0.0, slope], np.float32)
    found = np.zeros_like(dark)
    kernels.mark_lines(dark, slopes, 6, 0.85, found)
    assert np.array_equal(found, marked_slowly(dark, [0.0, slope], 6, 0.85))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_bridges_are_interpolated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (12, 5)).astype(np.uint8)
    erased = rng.random((12, 5)) < 0.6
    expected = pixels.astype(float)
    rows = np.arange(12)
    for x in range(5):
        kept = ~erased[:, x]
        if kept.any():
            expected[~kept, x] = np.interp(rows[~kept], rows[kept], pixels[kept, x])
    found = pixels.copy()
    kernels.bridge(found, erased)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9


def test_what_a_line_must_be_darker_than_is_the_darker_side() -> None:
    small = np.full((40, 3), 100, np.uint8)
    small[:20] = 200
    flank = rulings._darker_flank(small)
    near, far = rulings.FLANK
    slow = np.array(
        [
            min(
                np.mean([small[abs(y - d), 0] for d in range(near, far + 1)]),
                np.mean([small[y + d if y + d < 40 else 78 - y - d, 0] for d in range(near, far + 1)]),
            )
            for y in range(40)
        ]
    )
    assert np.allclose(flank[:, 0], slow)
