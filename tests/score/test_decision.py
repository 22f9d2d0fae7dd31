"""Thresholds from rates, and the decision as a step of its own."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.score.decision import (
    decide,
    threshold_for_fmr,
    threshold_for_fpir,
    threshold_for_search,
    threshold_for_verification,
)
from matcher.types import Score


def test_a_rate_is_a_threshold() -> None:
    assert threshold_for_fmr(1e-4) == pytest.approx(40)
    assert threshold_for_fpir(1e-2, 1_000_000) == pytest.approx(80)
    assert threshold_for_fpir(1e-2, 0) == pytest.approx(20)
    assert threshold_for_fpir(1.0, 1) == 0


def test_one_of_the_two_is_asked_for() -> None:
    assert threshold_for_verification(None, None) == pytest.approx(40)
    assert threshold_for_verification(1e-2, None) == pytest.approx(20)
    assert threshold_for_verification(None, 12.5) == 12.5
    assert threshold_for_search(None, None, 100) == pytest.approx(40)
    assert threshold_for_search(1e-3, None, 100) == pytest.approx(50)
    assert threshold_for_search(None, 12.5, 100) == 12.5
    for rate, threshold in ((0.1, 3.0), (None, -1.0), (None, 1001.0), (None, float("nan")), (0.0, None)):
        with pytest.raises(ArgumentError):
            threshold_for_verification(rate, threshold)
        with pytest.raises(ArgumentError):
            threshold_for_search(rate, threshold, 10)


@pytest.mark.parametrize("fpir", [0.0, -1.0, 1.1, float("nan")])
def test_what_is_no_rate_is_refused(fpir: float) -> None:
    with pytest.raises(ArgumentError):
        threshold_for_fpir(fpir, 10)


def test_a_score_at_the_threshold_is_accepted() -> None:
    score = Score(40.0, 1.0, "c", False)
    assert decide(score, 40.0).accepted
    assert not decide(score, np.nextafter(40.0, 41.0)).accepted


def test_searches_of_strangers_return_somebody_at_the_rate_that_was_asked_for() -> None:
    rng = np.random.default_rng(5)
    subjects, searches, fpir = 500, 4000, 0.05
    best = -10 * np.log10(rng.random((searches, subjects)).min(axis=1))
    rate = (best >= threshold_for_fpir(fpir, subjects)).mean()
    assert rate == pytest.approx(fpir, abs=4 * np.sqrt(fpir / searches))
