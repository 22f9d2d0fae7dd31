"""The scorer alone, on made-up minutiae of known number: comparisons a second, preparation, expansion.

Bar (issue 2): at least 80,000 comparisons a second on one core at the settings of the accuracy figures, which
`matcher evaluate` measures on real templates.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, paired, score, score_many, simd_level
from matcher.types import FingerprintTemplate, Minutiae

SEED = 5
MINUTIAE = 45
"""Of every print: the median finger of the issue."""
GALLERY = 2000
SIDE = 400
"""Of the images, px."""


def made_up(rng: np.random.Generator) -> FingerprintTemplate:
    """Return a print of minutiae at random places, directions along a flow, either way."""
    x, y = rng.integers(0, SIDE, (2, MINUTIAE))
    flow = np.arctan2(y - SIDE / 2, x - SIDE / 2) * 128 / np.pi + 128 * rng.integers(0, 2, MINUTIAE)
    none = np.zeros(MINUTIAE, np.uint8)
    direction = (np.rint(flow).astype(int) % 256).astype(np.uint8)
    minutiae = Minutiae(x.astype(np.int16), y.astype(np.int16), direction, none, none)
    return FingerprintTemplate(minutiae, SIDE, SIDE, "made up")


def another_impression(template: FingerprintTemplate, rng: np.random.Generator) -> FingerprintTemplate:
    """Move every minutia by up to 2 px, and leave out a few."""
    m = template.minutiae
    keep = rng.random(MINUTIAE) > 0.15
    x = np.clip(m.x + rng.integers(-2, 3, MINUTIAE), 0, SIDE - 1).astype(np.int16)
    y = np.clip(m.y + rng.integers(-2, 3, MINUTIAE), 0, SIDE - 1).astype(np.int16)
    kept = Minutiae(x[keep], y[keep], m.direction[keep], m.kind[keep], m.quality[keep])
    return FingerprintTemplate(kept, SIDE, SIDE, "made up")


@pytest.fixture(scope="module")
def templates() -> list[FingerprintTemplate]:
    """Return the gallery's templates."""
    rng = np.random.default_rng(SEED)
    return [made_up(rng) for _ in range(GALLERY)]


@pytest.fixture(scope="module")
def probe(templates: list[FingerprintTemplate]) -> FingerprintProbe:
    """Return another impression of candidate 7."""
    return FingerprintProbe(another_impression(templates[7], np.random.default_rng(SEED + 1)))


def test_search(
    benchmark: BenchmarkFixture, templates: list[FingerprintTemplate], probe: FingerprintProbe
) -> None:
    forms = [resident(template) for template in templates]
    words = np.concatenate(forms)
    offsets: npt.NDArray[np.int64] = np.cumsum([0] + [len(form) for form in forms]).astype(np.int64)
    scores = benchmark(score_many, probe, words, offsets)
    assert scores.argmax() == 7
    assert scores[7] > 3 * np.delete(scores, 7).max()
    benchmark.extra_info.update(simd=simd_level(), bytes_a_finger=forms[0].nbytes, comparisons=GALLERY)


def test_prepare_probe(benchmark: BenchmarkFixture, templates: list[FingerprintTemplate]) -> None:
    words = resident(templates[0])
    assert benchmark(FingerprintProbe, words).minutia_count == MINUTIAE


def test_expand(benchmark: BenchmarkFixture, templates: list[FingerprintTemplate]) -> None:
    """From the template's minutiae to the resident form: cylinders, packing."""
    assert benchmark(resident, templates[0]).nbytes == 8 + 40 * MINUTIAE


def test_pair(
    benchmark: BenchmarkFixture, templates: list[FingerprintTemplate], probe: FingerprintProbe
) -> None:
    candidate = resident(templates[7])
    pairs = benchmark(paired, probe, candidate)
    assert len(pairs) == score(probe, candidate).paired >= 0.8 * probe.minutia_count
