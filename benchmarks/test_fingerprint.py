"""Each step of the fingerprint path by itself, for comparing two versions of the code on one machine.

    python -m pytest -o addopts="" benchmarks                       times
    python -m pytest -o addopts="" --benchmark-disable benchmarks   each once: shows that it runs

Seeded synthetic prints; every benchmark asserts its answer. `benchmarks.figures` fills the README's table.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from matcher.datasets.fingerprint_synthesis.finger import generate_finger
from matcher.datasets.fingerprint_synthesis.impression import generate_impression
from matcher.evaluate.modality import Gallery
from matcher.fingerprint.extract import extract
from matcher.fingerprint.resident import resident
from matcher.score.calibration import load_calibration
from matcher.score.fingerprint import FingerprintProbe, score_many
from matcher.template.codec import decode_template, encode_template
from matcher.types import FingerprintTemplate, Image

SEED = 21
FINGERS = 4
GALLERY = 1000
"""Candidates of the search: the fingers' templates, repeated."""


@pytest.fixture(scope="module")
def images() -> list[tuple[Image, Image]]:
    """Return two impressions of each of a few synthetic fingers."""
    fingers = [generate_finger(SEED + number) for number in range(FINGERS)]
    return [(generate_impression(f, 1), generate_impression(f, 2)) for f in fingers]


@pytest.fixture(scope="module")
def templates(images: list[tuple[Image, Image]]) -> list[tuple[FingerprintTemplate, FingerprintTemplate]]:
    """Return their templates."""
    return [(extract(one), extract(two)) for one, two in images]


def test_extract(benchmark: BenchmarkFixture, images: list[tuple[Image, Image]]) -> None:
    template = benchmark(extract, images[0][0])
    assert template == extract(images[0][0])


def test_decode_and_expand(
    benchmark: BenchmarkFixture, templates: list[tuple[FingerprintTemplate, FingerprintTemplate]]
) -> None:
    data = encode_template(templates[0][0])
    words = benchmark(lambda: resident(decode_template(data)))
    assert np.array_equal(words, resident(templates[0][0]))


def test_prepare_probe(
    benchmark: BenchmarkFixture, templates: list[tuple[FingerprintTemplate, FingerprintTemplate]]
) -> None:
    words = resident(templates[0][0])
    assert benchmark(FingerprintProbe, words).minutia_count > 0


def test_search_a_thousand(
    benchmark: BenchmarkFixture, templates: list[tuple[FingerprintTemplate, FingerprintTemplate]]
) -> None:
    gallery = Gallery.of([resident(two) for _, two in templates] * (GALLERY // FINGERS))
    probe = FingerprintProbe(templates[1][0])
    scores = benchmark(score_many, probe, gallery.words, gallery.offsets)
    assert set(np.flatnonzero(scores == scores.max()) % FINGERS) == {1}


def test_calibrate_a_million(benchmark: BenchmarkFixture) -> None:
    calibration = load_calibration("numba/1", "numba/1")
    raw = np.random.default_rng(SEED).gamma(3.0, 3.0, 1_000_000).astype(np.float32)
    values, _ = benchmark(calibration.scores, raw)
    assert np.array_equal(np.argsort(values, kind="stable"), np.argsort(raw, kind="stable"))
