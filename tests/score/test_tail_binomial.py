"""The iris tail: the highest of binomials, fitted, continued and inverted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from matcher.errors import ArgumentError
from matcher.score.calibration import Calibration
from matcher.score.fit import fit_calibration, hold_back_decade
from matcher.score.tail import GeneralisedPareto
from matcher.score.tail_binomial import BinomialMaximum, fit_binomial_maximum

N = 300_000


def highest(degrees: float, rotations: float, n: int = N, seed: int = 1) -> np.ndarray:
    """Raw scores of the distribution itself, by its inverse."""
    raw = np.linspace(0.0, 0.9, 100_001)
    survival = BinomialMaximum(0.0, degrees, rotations).log10_survival(raw)
    drawn = np.log10(np.random.default_rng(seed).random(n))
    return np.interp(-drawn, -survival, raw)


def test_survival_is_that_of_the_lowest_of_binomials() -> None:
    tail = BinomialMaximum(0.1, 200.0, 8.0)
    for errors in (30, 60, 80, 89):
        raw = 1 - 2 * errors / 200
        one = stats.binom.cdf(errors, 200, 0.5)
        start = stats.binom.cdf(90, 200, 0.5)
        expected = np.log10(1 - (1 - one) ** 8) if one > 1e-12 else np.log10(8 * one)
        expected -= np.log10(1 - (1 - start) ** 8)
        assert tail.log10_survival(np.array([raw]))[0] == pytest.approx(expected, rel=1e-6)


def test_survival_falls_strictly_to_the_end() -> None:
    for degrees in (60.0, 250.0, 700.0):
        tail = BinomialMaximum(0.1, degrees, 9.0)
        survival = tail.log10_survival(np.linspace(0.1, 1.0, 5001))
        assert survival[0] == 0.0
        assert (np.diff(survival) < 0).all()
        for value in (-0.5, -3.0, -12.0):
            raw = tail.raw_at(value)
            assert tail.log10_survival(np.array([raw]))[0] == pytest.approx(value, abs=1e-9)
        assert tail.raw_at(-1e6) == 1.0


@pytest.mark.parametrize(("degrees", "rotations"), [(249, 8), (120, 3), (700, 12)])
def test_fit_finds_degrees_of_freedom(degrees: int, rotations: int) -> None:
    scores = highest(degrees, rotations)
    threshold = float(np.quantile(scores, 0.5))
    full = fit_binomial_maximum(scores, threshold)
    assert full.degrees == pytest.approx(degrees, rel=0.05)
    assert full.rotations == pytest.approx(rotations, rel=0.25)
    limit = float(np.quantile(scores, 0.99))
    beyond = int((scores > limit).sum())
    part = fit_binomial_maximum(scores, threshold, censored_above=limit, censored_count=beyond)
    assert part.degrees == pytest.approx(degrees, rel=0.07)


def test_the_decade_held_back_is_predicted() -> None:
    # 10 exceedances alone have a standard deviation of 1.4 on this scale, and the limits join them.
    errors = []
    for seed in range(1, 7):
        checks = hold_back_decade(highest(230, 9, N // 3, seed), fit_tail=fit_binomial_maximum, tail_rate=0.1)
        assert [check.predicted_at for check in checks] == [50, 30, 20, 10]
        assert set(checks[0].parameters) == {"degrees", "rotations"}
        assert checks[0].parameters["degrees"] == pytest.approx(230, rel=0.06)
        errors.append([check.error for check in checks])
    assert np.abs(errors).max() < 5.0
    assert np.abs(np.mean(errors, axis=0)).max() < 2.0


def test_a_calibration_keeps_its_tail() -> None:
    scores = highest(230, 9, N // 3)
    made = fit_calibration(
        scores, pairing=("a", "a"), scorer="test", fit_tail=fit_binomial_maximum, tail_rate=0.1
    )
    assert "binomial" in made.provenance["tail_model"]
    again = Calibration.from_json(json.loads(json.dumps(made.to_json())))
    assert again.id == made.id
    assert isinstance(again.tail, BinomialMaximum)
    raw = np.linspace(0.0, 1.0, 1001)
    values, extrapolated = again.scores(raw)
    assert (np.diff(values[raw >= again.floor]) > 0).all()
    assert extrapolated.sum() == (raw > again.support_raw).sum() > 0
    for value in (10.0, 45.0, 60.0, 90.0):
        assert again.score(again.raw_at(value)).value == pytest.approx(value, abs=1e-6)
    # The true rate at a score that the data do not reach.
    raw60 = 1 - 2 * 70 / 230
    true = -10 * np.log10(-np.expm1(9 * np.log1p(-stats.binom.cdf(70, 230, 0.5))))
    assert again.score(raw60).value == pytest.approx(true, rel=0.1)


def test_unknown_models_and_wrong_numbers_are_refused() -> None:
    made = fit_calibration(highest(230, 9, 2000), pairing=("a", "a"), scorer="test")
    assert isinstance(made.tail, GeneralisedPareto)
    for tail in ({"model": "wishes"}, {"model": "binomial maximum", "threshold_raw": 0.2, "degrees": -1}):
        with pytest.raises(ArgumentError):
            Calibration.from_json({**made.to_json(), "tail": tail})
    for numbers in ((1.0, 200.0, 9.0), (0.1, 0.0, 9.0), (0.1, 200.0, 0.5), (0.1, float("nan"), 9.0)):
        with pytest.raises(ArgumentError, match="BinomialMaximum"):
            BinomialMaximum(*numbers)
    with pytest.raises(ArgumentError, match="at least 20"):
        fit_binomial_maximum(np.linspace(0, 0.5, 30), 0.4)
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        fit_binomial_maximum(np.linspace(0, 3.0, 300), 0.4)
