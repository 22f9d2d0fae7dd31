"""The pictures: written as PNG of bounded size, with every mark where it belongs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from matcher.errors import ArgumentError
from matcher.fingerprint import picture, plot
from matcher.fingerprint.extract import extract
from matcher.fingerprint.trace import Trace
from matcher.types import FingerprintTemplate, Image, Minutiae, MinutiaKind


def template_of(rows: list[tuple[int, int, int, int, int]], side: int = 200) -> FingerprintTemplate:
    """Rows: x, y, direction, kind, quality."""
    columns = np.array(rows).reshape(-1, 5).T
    dtypes = (np.int16, np.int16, np.uint8, np.uint8, np.uint8)
    minutiae = Minutiae(*(c.astype(d) for c, d in zip(columns, dtypes, strict=True)))
    return FingerprintTemplate(minutiae, side, side, "numba/1")


def pixels_of(path: Path) -> np.ndarray:
    with Picture.open(path) as read:
        assert read.format == "PNG"
        return np.asarray(read.convert("RGB")).astype(int)


def centres(rgb: np.ndarray, colour: str) -> np.ndarray:
    """The mean (x, y) of all pixels that are near a colour."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    y, x = np.nonzero(np.abs(rgb - wanted).max(axis=2) < 40)
    return np.array([x.mean(), y.mean()]) if len(x) else np.array([np.nan, np.nan])


def test_the_stages_are_drawn(pattern: Any, tmp_path: Path) -> None:
    image, _ = pattern([(100, 100, 1), (200, 100, -1), (100, 200, -1), (200, 200, 1)], shape=(300, 303))
    trace = Trace()
    template = extract(image, trace=trace)
    plot.plot_trace(image, trace, template, tmp_path / "stages.png")
    rgb = pixels_of(tmp_path / "stages.png")
    assert (tmp_path / "stages.png").stat().st_size <= picture.MAX_BYTES
    assert rgb.shape[1] <= picture.WIDTH
    # Eight panels, none of them empty.
    high, wide = rgb.shape[0] // 2, rgb.shape[1] // 4
    for row in range(2):
        for column in range(4):
            panel = rgb[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
            assert panel.std() > 10, (row, column)


def test_marks_are_where_the_minutiae_are(tmp_path: Path) -> None:
    """An ending on the left print and a bifurcation on the right one: colours tell them apart."""
    corners = [(10, 10, 0, 0, 0), (190, 190, 0, 0, 0)]
    one = template_of([(60, 140, 64, MinutiaKind.ENDING, 100), *corners])
    other = template_of([(150, 50, 0, MinutiaKind.BIFURCATION, 100), *corners])
    paper = plot.blank(one)
    path = tmp_path / "pair.png"
    plot.plot_pair(paper, one, paper, other, np.array([[0, 0]]), path, "title")
    rgb = pixels_of(path)
    wide = 2 * 200 + plot.GAP
    scale = rgb.shape[1] / wide
    top = rgb.shape[0] - 200 * scale
    ending, fork = (centres(rgb, colours[1]) for colours in (picture.ENDING, picture.BIFURCATION))
    # The tick draws the mean of each mark along its direction: up, and to the right.
    assert ending == pytest.approx([60 * scale, top + (140 - 3) * scale], abs=4 * scale)
    assert ending[1] < top + 140 * scale
    assert fork == pytest.approx([(200 + plot.GAP + 150 + 3) * scale, top + 50 * scale], abs=4 * scale)
    assert fork[0] > (200 + plot.GAP + 150) * scale
    # The line passes half way between both.
    middle = rgb[int(top) :, int((60 + 376) / 2 * scale)]
    assert np.flatnonzero(middle.min(axis=1) < 200).mean() == pytest.approx(95 * scale, abs=3 * scale)


def test_without_pairs_there_is_no_line(tmp_path: Path) -> None:
    rows = [(60, 100, 64, 1, 100), (10, 10, 0, 1, 50), (190, 190, 0, 2, 0)]
    template = template_of(rows)
    path = tmp_path / "pair.png"
    paper = plot.blank(template)
    plot.plot_pair(paper, template, paper, template, np.zeros((0, 2), np.int64), path, "title")
    rgb = pixels_of(path)
    scale = rgb.shape[1] / (400 + plot.GAP)
    assert (rgb[int(rgb.shape[0] - 195 * scale) :, int(206 * scale) : int(220 * scale)] > 250).all()


def test_no_minutiae_and_unequal_sizes(tmp_path: Path) -> None:
    empty = template_of([], 120)
    some = template_of([(90, 80, 10, 2, 40)], 300)
    none = np.zeros((0, 2), np.int64)
    plot.plot_pair(plot.blank(empty), empty, plot.blank(some), some, none, tmp_path / "pair.png", "")
    assert pixels_of(tmp_path / "pair.png").shape[1] == picture.WIDTH


def test_a_picture_of_noise_is_made_smaller(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900), np.uint8)
    template = template_of([(5, 5, 0, 1, 50), (890, 890, 0, 1, 50)], 900)
    path = tmp_path / "pair.png"
    plot.plot_pair(Image(noise), template, Image(noise), template, np.array([[0, 0]]), path, "noise")
    assert path.stat().st_size <= picture.MAX_BYTES
    assert pixels_of(path).shape[1] < picture.WIDTH


def test_a_path_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    template = template_of([(60, 100, 64, 1, 100)])
    paper = plot.blank(template)
    with pytest.raises(ArgumentError, match="Cannot write"):
        plot.plot_pair(paper, template, paper, template, np.array([[0, 0]]), tmp_path, "title")
