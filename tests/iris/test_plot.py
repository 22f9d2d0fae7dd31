"""The picture of an extraction shows contours, mask and code, and is small enough to load at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from matcher.errors import ArgumentError
from matcher.fingerprint.picture import MAX_BYTES
from matcher.iris.extract import extract
from matcher.iris.plot import plot
from matcher.iris.trace import Trace
from matcher.types import Image


def test_plot(drawn: Any, tmp_path: Path) -> None:
    eye, draw = drawn
    image, trace = Image(draw(eye())), Trace()
    template = extract(image, trace=trace)
    plot(image, trace, template, tmp_path / "eye.png")
    assert (tmp_path / "eye.png").stat().st_size <= MAX_BYTES
    rgb = np.asarray(Picture.open(tmp_path / "eye.png").convert("RGB")).astype(int)
    reddish = (rgb[:, :, 0] > rgb[:, :, 1] + 60) & (rgb[:, :, 0] > rgb[:, :, 2] + 60)
    blueish = (rgb[:, :, 2] > rgb[:, :, 0] + 60) & (rgb[:, :, 2] > rgb[:, :, 1] + 20)
    half = rgb.shape[1] // 2
    assert reddish[:, half:].mean() > 0.01
    assert blueish[:, half:].mean() > 0.05
    greenish = (rgb[:, :, 1] > rgb[:, :, 0] + 60) & (rgb[:, :, 1] > rgb[:, :, 2] + 40)
    assert greenish[:, :half].sum() > 200


def test_a_path_that_cannot_be_written(drawn: Any, tmp_path: Path) -> None:
    eye, draw = drawn
    pixels, trace = draw(eye()), Trace()
    template = extract(pixels, trace=trace)
    with pytest.raises(ArgumentError):
        plot(pixels, trace, template, tmp_path / "no" / "eye.png")
