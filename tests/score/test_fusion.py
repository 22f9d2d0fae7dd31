"""The best of many comparisons pays for having been chosen: its FMR claim holds, whatever the correlation."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.score.fusion import best_comparison


def test_the_formula_and_its_limits() -> None:
    best = np.array([40.0, 40.0, 40.0, 5.0, -np.inf])
    fused = best_comparison(best, np.array([1, 2, 10, 20, 0]))
    assert fused == pytest.approx([40.0, 40 - 10 * np.log10(2), 30.0, 0.0, 0.0])


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("hypotheses", [2, 10])
def test_the_claimed_rate_is_never_exceeded(correlation: float, hypotheses: int) -> None:
    """Non-mated scores of one person that share a part; each alone has FMR = 10^(-score/10)."""
    rng = np.random.default_rng(3)
    people = 200_000
    shared = rng.random(people) < correlation
    common = rng.random(people)
    fmr = np.where(shared[:, None], common[:, None], rng.random((people, hypotheses)))
    fused = best_comparison((-10 * np.log10(fmr)).max(axis=1), np.full(people, hypotheses))
    for claimed in (1e-1, 1e-2, 1e-3):
        rate = (fused >= -10 * np.log10(claimed)).mean()
        assert rate <= claimed + 4 * np.sqrt(claimed / people)
