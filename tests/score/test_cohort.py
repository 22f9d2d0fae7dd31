"""Normalisation by a cohort: the highest scores against sorting, and what the register then promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.score.cohort import (
    BINS,
    LEFT_OUT,
    LOWEST,
    WIDTH,
    counted,
    highest_scores,
    normalised,
    register_calibration,
)
from matcher.types import F32

PAIRS = 4_000_000


def plainly(scores: F32, count: int) -> tuple[float, float]:
    """Return mean and deviation of the highest scores but for the two highest, by sorting."""
    kept = sorted(scores.tolist(), reverse=True)[LEFT_OUT : LEFT_OUT + count]
    return float(np.mean(kept)), float(np.std(kept))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(64, 300))
def test_the_highest_scores_are_those_of_plain_sorting(seed: int, size: int) -> None:
    """Of every sample, ties among them too; and as if one of them had not been there."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 40, (3, size)) / 8).astype(np.float32)
    found = highest_scores(scores)
    for row in range(3):
        assert (found.mean[row], found.deviation[row]) == pytest.approx(plainly(scores[row], found.count))
        for place in np.flatnonzero(scores[row] >= found.least[row])[:5].tolist():
            changed = found.without(np.array([row]), np.array([float(scores[row, place])]))
            expected = plainly(np.delete(scores[row], place), found.count)
            np.testing.assert_allclose(np.ravel(changed), expected, atol=1e-6)


def test_strangers_of_the_crowd_and_of_the_lonely_are_alike_after_it() -> None:
    """A sample with many look-alikes passes a threshold as often as one with none; before, ten times."""
    rng = np.random.default_rng(1)
    level = np.full((600, 600), 2.0)
    level[:300, :300], level[300:, 300:] = 3.0, 3.8
    raw = level + rng.normal(0, 0.4, (600, 600))
    raw = np.triu(raw, 1) + np.triu(raw, 1).T - np.eye(600)
    found = highest_scores(raw.astype(np.float32))
    scores = normalised(
        raw, found.mean[:, None], found.deviation[:, None], found.mean[None, :], found.deviation[None, :]
    )
    shares = []
    for values in (raw, scores):
        most = float(np.quantile(values[np.triu_indices(600, 1)], 0.999))
        lonely, crowd = (values[:300, :300] >= most).mean(), (values[300:, 300:] >= most).mean()
        shares.append((lonely, crowd))
    assert shares[0][1] > 10 * max(shares[0][0], 1e-5)
    assert shares[1][1] < 3 * max(shares[1][0], 1e-5)


@pytest.mark.parametrize("mates", [0, 300, 3000])
def test_a_register_promises_what_its_strangers_do(mates: int) -> None:
    """Mates make the claim smaller and never larger; even where they are many it stays of use."""
    rng = np.random.default_rng(2)
    strangers = rng.gumbel(-3.0, 0.75, PAIRS)
    counts = counted(strangers) + counted(rng.normal(8.0, 3.0, mates))
    calibration = register_calibration(counts, 2500, "face-x", "face-cosine/1 normalised", "x" * 64)
    fresh = rng.gumbel(-3.0, 0.75, PAIRS)
    for level in (20.0, 30.0, 40.0, 50.0):
        rate = (fresh >= calibration.raw_at(level)).mean() * 10 ** (level / 10)
        assert rate < 1.0 + 3.0 * np.sqrt(10 ** (level / 10) / PAIRS)
        if mates < 1000 or level <= 30.0:
            assert rate > (0.8 if mates == 0 else 0.2)
    assert calibration.provenance["counted_to_rate"] >= 1e-5
    values, beyond = calibration.scores(np.array([LOWEST, 0.0, 5.0, 30.0]))
    assert (np.diff(values) > 0).all()
    assert beyond.tolist() == [False, False, beyond[2], True]


def test_scores_beyond_the_histogram_count_in_its_last_bins() -> None:
    """Nothing is lost at the ends."""
    counts = counted(np.array([-1e9, LOWEST, LOWEST + WIDTH * 1.5, 1e9]))
    assert (counts[0], counts[1], counts[BINS - 1]) == (2, 1, 1)
