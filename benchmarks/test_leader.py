"""LEADER by its parts, for comparing two versions of the code or of ONNX Runtime on one machine.

    python -m pytest -o addopts="" benchmarks/test_leader.py                        times
    python -m pytest -o addopts="" --benchmark-disable benchmarks/test_leader.py    each once

What was tried, and what it gave (FVC2002 DB1_B, 384 x 416 px, one busy core, ms CPU, median):

| form | ms | largest difference of the score map |
|---|---|---|
| the published graph, all optimisations of ONNX Runtime | 688 | 0 |
| GELU and layer normalisation as one operator, channels last, folded products | 277 | 1e-5 |
| + direction and type only around the minutiae | 217 | 1e-5 |
| + the widest blocks in 16 strips of rows (8 strips: 204) | 199 | 1e-5 |
| + both 5x5 convolutions of a stem as one 9x9 | 197 | 1e-5, not kept: no gain |
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from matcher.datasets.fingerprint_synthesis.finger import generate_finger
from matcher.datasets.fingerprint_synthesis.impression import generate_impression
from matcher.errors import ModelError
from matcher.fingerprint.leader import EXTRACTOR_ID, SCORE_THRESHOLD, extract_leader
from matcher.fingerprint.leader_network import LeaderNetwork, network, peaks
from matcher.models.cache import load_model
from matcher.models.registry import LEADER
from matcher.types import Image

SEED = 21


@pytest.fixture(scope="module")
def net() -> LeaderNetwork:
    """The network; skips where its file was not fetched."""
    try:
        return network()
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def image() -> Image:
    """A synthetic print."""
    return generate_impression(generate_finger(SEED), 1)


def test_extract(benchmark: BenchmarkFixture, net: LeaderNetwork, image: Image) -> None:
    template = benchmark(extract_leader, image)
    assert template.extractor == EXTRACTOR_ID


def test_network(benchmark: BenchmarkFixture, net: LeaderNetwork, image: Image) -> None:
    found = benchmark(net.find, image.pixels, SCORE_THRESHOLD)
    assert len(found.x) > 0


def test_load(benchmark: BenchmarkFixture, net: LeaderNetwork) -> None:
    assert benchmark(lambda: LeaderNetwork(load_model(LEADER)))


def test_peaks(benchmark: BenchmarkFixture) -> None:
    score = np.random.default_rng(SEED).random((384, 416), dtype=np.float32) ** 8
    xs, _, values = benchmark(peaks, score, SCORE_THRESHOLD)
    assert len(xs) == len(values) > 100
