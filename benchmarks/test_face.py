"""Faces by their parts, for comparing two versions of the code or of ONNX Runtime on one machine.

    python -m pytest -o addopts="" benchmarks/test_face.py                        times
    python -m pytest -o addopts="" --benchmark-disable benchmarks/test_face.py    each once

The picture is drawn, and told where its face is. What was tried, and what it gave, is in LOG_FACE.md.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from matcher.errors import ModelError
from matcher.face.align import FACE_SHAPE, aligned, look_again
from matcher.face.detect import Detector, Faces, load_detector
from matcher.face.extract import extract
from matcher.face.model import FaceModel, load_face_model
from matcher.face.quality import assess
from matcher.models.cache import load_model
from matcher.models.converted import convert_dlib
from matcher.models.registry import DLIB_FACE
from matcher.score.face import FaceProbe, resident, score_many
from matcher.types import U8, ColourImage

WIDTH, HEIGHT = 640, 480
"""The picture of the issue's row "detection 640x480"."""

PLACE = FACE_SHAPE * 1.7 + np.array([220.0, 140.0])
"""Five points of the face in it, 60 px between the eyes."""

CANDIDATES = 8192
"""One chunk of a search."""


@pytest.fixture(scope="module")
def pixels() -> U8:
    """A picture with detail of every size."""
    rng = np.random.default_rng(5)
    grey = sum(
        np.kron(rng.normal(0, 1, (HEIGHT // cell, WIDTH // cell, 3)), np.ones((cell, cell, 1)))
        for cell in (4, 16, 40, 160)
    )
    return np.asarray((128 + 30 * grey).clip(0, 255), np.uint8)


@pytest.fixture(scope="module")
def yunet() -> Detector:
    """The default detector; skips where its file was not fetched."""
    try:
        return load_detector()
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model() -> FaceModel:
    """The default model; skips where its file was not fetched."""
    try:
        return load_face_model()
    except ModelError as error:
        pytest.skip(str(error))


class Told:
    """The default detector's time, and a face where it is told: a drawn one is none."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def find(self, pixels: U8) -> Faces:
        """Return the one face."""
        self._detector.find(pixels)
        box = np.array([[230, 150, 140, 190]], np.float32)
        return Faces(box, PLACE.astype(np.float32)[None], np.full(1, 0.9, np.float32))


def test_detection(benchmark: BenchmarkFixture, yunet: Detector, pixels: U8) -> None:
    assert len(benchmark(yunet.find, pixels)) < 100


def test_second_look(benchmark: BenchmarkFixture, yunet: Detector, pixels: U8) -> None:
    assert benchmark(look_again, pixels, PLACE, yunet).shape == (5, 2)


@pytest.mark.parametrize("eyes", [30, 60, 120], ids=lambda eyes: f"{eyes} px")
def test_alignment(benchmark: BenchmarkFixture, model: FaceModel, pixels: U8, eyes: int) -> None:
    """Faces smaller than the crop, nearly its size, and as large as the picture."""
    place = PLACE[2] + (PLACE - PLACE[2]) * (eyes / 60)
    assert benchmark(aligned, pixels, place, model.manifest).shape == (150, 150, 3)


def test_embedding(benchmark: BenchmarkFixture, model: FaceModel, pixels: U8) -> None:
    crop = aligned(pixels, PLACE, model.manifest)[None]
    assert np.linalg.norm(benchmark(model.embed, crop)) == pytest.approx(1.0, abs=1e-5)


def test_quality(benchmark: BenchmarkFixture, pixels: U8) -> None:
    assert 0 <= benchmark(assess, pixels, PLACE, 0.9).overall <= 100


def test_extract(benchmark: BenchmarkFixture, yunet: Detector, model: FaceModel, pixels: U8) -> None:
    template = benchmark(extract, ColourImage(pixels), model=model, detector=Told(yunet))
    assert template.model == model.id


def test_comparisons(benchmark: BenchmarkFixture) -> None:
    rng = np.random.default_rng(1)
    from matcher.face.extract import template_of

    vectors = rng.normal(0, 1, (CANDIDATES, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    templates = [template_of(vector, "0" * 64) for vector in vectors]
    forms = [resident(template) for template in templates]
    words, offsets = np.concatenate(forms), np.arange(CANDIDATES + 1) * len(forms[0])
    raw = benchmark(score_many, FaceProbe(templates[7]), words, offsets)
    assert int(np.argmax(raw)) == 7


def test_conversion(benchmark: BenchmarkFixture) -> None:
    try:
        data = load_model(DLIB_FACE)
    except ModelError as error:
        pytest.skip(str(error))
    assert len(benchmark(convert_dlib, data)) > 22_000_000
