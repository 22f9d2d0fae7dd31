"""The calibrated scale: exact where data are, monotone everywhere, honest beyond, refused where unchecked."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from matcher.errors import ArgumentError, CalibrationMissingError
from matcher.score.calibration import (
    SUPPORT_EXCEEDANCES,
    Calibration,
    load_calibration,
    pairing_slug,
    threshold_for_fmr,
)
from matcher.score.fit import KNOT_STEP, fit_calibration, hold_back_decade
from matcher.score.tail import GeneralisedPareto, fit_generalised_pareto

N = 60_000


def sample(kind: str, n: int = N, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return {
        "exponential": lambda: rng.exponential(2.0, n),
        "gamma": lambda: rng.gamma(5.0, 1.0, n),
        "lognormal": lambda: rng.lognormal(0.0, 0.5, n),
        "normal": lambda: np.abs(rng.normal(0.0, 1.0, n)),
        "mostly zero": lambda: np.where(rng.random(n) < 0.6, 0.0, rng.gamma(4.0, 1.0, n)),
        "coarse": lambda: np.round(rng.gamma(4.0, 1.0, n) * 4) / 4,
        "heavy": lambda: rng.pareto(4.0, n),
    }[kind]()


KINDS = ["exponential", "gamma", "lognormal", "normal", "mostly zero", "coarse", "heavy"]


def fit(scores: np.ndarray) -> Calibration:
    return fit_calibration(scores, pairing=("one/1", "one/1"), scorer="test")


@pytest.mark.parametrize("kind", KINDS)
def test_score_is_the_rate_that_was_counted(kind: str) -> None:
    scores = sample(kind)
    calibration = fit(scores)
    for raw, value in zip(calibration.knot_raw[1:], calibration.knot_score[1:], strict=True):
        assert value == -10 * math.log10((scores >= raw).sum() / N)
    # Between knots the line stays within one step, or within the jump that ties make.
    there = np.unique(scores[(scores > 0) & (scores <= calibration.support_raw)])[:: max(1, N // 500)]
    counted = np.array([-10 * math.log10((scores >= raw).sum() / N) for raw in there])
    values, extrapolated = calibration.scores(there)
    jump = np.diff(calibration.knot_score).max()
    assert np.abs(values - counted).max() <= max(KNOT_STEP, jump)
    assert not extrapolated.any()


@pytest.mark.parametrize("kind", KINDS)
def test_support_limit_is_the_highest_score_with_ten_exceedances(kind: str) -> None:
    scores = sample(kind)
    calibration = fit(scores)
    assert (scores >= calibration.support_raw).sum() >= SUPPORT_EXCEEDANCES
    assert (scores > calibration.support_raw).sum() < SUPPORT_EXCEEDANCES
    above = np.nextafter(calibration.support_raw, math.inf)
    values, extrapolated = calibration.scores(np.array([calibration.support_raw, above]))
    assert extrapolated.tolist() == [False, True]
    assert values[1] - values[0] < 1e-9  # no step at the joint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_ranking_is_lost(kind: str, dtype: type) -> None:
    calibration = fit(sample(kind))
    rng = np.random.default_rng(2)
    spread = rng.random(20_000) * calibration.support_raw * rng.choice([0.5, 1.0, 3.0, 20.0], 20_000)
    raw = np.unique(spread.astype(dtype))
    # Neighbours in float32 too, at the joint and at a knot.
    near = np.array([calibration.support_raw, calibration.knot_raw[3]], np.float32)
    raw = np.unique(np.concatenate([raw, near, np.nextafter(near, np.float32(1e9))]).astype(dtype))
    assert (np.diff(calibration.scores(raw)[0]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_raw_at_is_the_inverse(kind: str) -> None:
    calibration = fit(sample(kind))
    for value in (0.0, 0.3, 7.0, calibration.support_score, 45.0, 90.0, 150.0):
        assert calibration.score(calibration.raw_at(value)).value == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "coarse"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_decade_held_back_is_predicted(kind: str, seed: int) -> None:
    # 10 exceedances alone have a standard deviation of 1.4 on this scale; claims may be low, not high.
    checks = hold_back_decade(sample(kind, seed=seed))
    assert [check.predicted_at for check in checks] == [50, 30, 20, 10]
    assert max(check.error for check in checks) < 3.0
    assert min(check.error for check in checks) > -5.0


def test_the_check_sees_a_tail_that_the_fit_does_not() -> None:
    # One in a thousand pairs are look-alikes: the part below the decade held back knows nothing of them.
    scores = sample("normal")
    scores[:60] = np.random.default_rng(1).normal(12.0, 1.0, 60)
    assert max(check.error for check in hold_back_decade(scores)) > 10.0


@pytest.mark.parametrize("shape", [0.0, 0.1, 0.4])
def test_tail_fit_finds_the_parameters(shape: float) -> None:
    rng = np.random.default_rng(7)
    u = rng.random(40_000)
    excess = -np.log(u) if shape == 0.0 else (u**-shape - 1) / shape
    scores = 5.0 + 2.0 * excess
    full = fit_generalised_pareto(scores, 5.0)
    assert full.scale == pytest.approx(2.0, rel=0.05)
    assert full.shape == pytest.approx(shape, abs=0.03)
    limit = float(np.quantile(scores, 0.8))
    part = fit_generalised_pareto(
        scores, 5.0, censored_above=limit, censored_count=int((scores > limit).sum())
    )
    assert part.scale == pytest.approx(2.0, rel=0.05)
    assert part.shape == pytest.approx(shape, abs=0.06)


def test_tail_fit_agrees_with_scipy() -> None:
    from scipy.stats import genpareto

    scores = np.random.default_rng(8).pareto(3.0, 5000)
    shape, _, scale = genpareto.fit(scores, floc=0.0)
    ours = fit_generalised_pareto(scores, 0.0)
    assert ours.shape == pytest.approx(shape, abs=2e-3)
    assert ours.scale == pytest.approx(scale, rel=2e-3)
    at = np.array([0.5, 2.0, 20.0])
    assert ours.log10_survival(at) == pytest.approx(
        genpareto.logsf(at, ours.shape, 0, ours.scale) / math.log(10)
    )


def test_a_tail_with_an_end_is_taken_as_exponential() -> None:
    scores = np.random.default_rng(9).beta(2, 8, N)
    calibration = fit(scores)
    assert calibration.tail.shape == 0.0
    assert calibration.score(2.0).value < 1000.0  # beyond the end, still a finite claim
    assert max(check.error for check in hold_back_decade(scores)) < 1.0


def test_calibrated_scores_of_new_comparisons_keep_their_promise() -> None:
    calibration = fit(sample("gamma", seed=1))
    fresh = calibration.scores(sample("gamma", n=1_000_000, seed=99))[0]
    for threshold in (10, 20, 30, 40, 50):
        kept = float((fresh >= threshold).mean()) / 10 ** (-threshold / 10)
        # Above the support (37.8) the tail speaks: it may promise too little, never too much.
        assert (0.5 if threshold < calibration.support_score else 0.0) < kept < 1.6


def test_json_form_round_trips_and_names_itself_by_content() -> None:
    scores = sample("gamma")
    calibration = fit(scores)
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again.id == calibration.id
    raw = np.linspace(0, 50, 999)
    assert np.array_equal(again.scores(raw)[0], calibration.scores(raw)[0])
    scores[0] += 1.0
    assert fit(scores).id != calibration.id


@pytest.mark.parametrize("key", ["pairing", "scorer", "knots", "tail", "non_mated", "provenance", "format"])
def test_a_damaged_file_is_a_typed_error(key: str) -> None:
    value: dict[str, Any] = fit(sample("gamma")).to_json()
    del value[key]
    with pytest.raises(ArgumentError, match="Calibration"):
        Calibration.from_json(value)


def test_bad_values_are_typed_errors() -> None:
    calibration = fit(sample("gamma"))
    with pytest.raises(ArgumentError, match="finite raw"):
        calibration.scores(np.array([1.0, np.nan], np.float32))
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(ArgumentError):
            calibration.raw_at(value)
    tail = calibration.tail
    knots = np.array([0.0, 1.0])
    for raw, score in ((knots, knots[:1]), (knots[::-1], knots), (knots, knots + 1), (knots * np.nan, knots)):
        with pytest.raises(ArgumentError):
            Calibration(("a", "a"), "s", raw, score, tail, 1000)
    with pytest.raises(ArgumentError, match="starts at or below"):
        Calibration(("a", "a"), "s", knots, knots, GeneralisedPareto(2.0, 1.0, 0.0), 1000)
    for parameters in ((0.0, 0.0, 0.0), (0.0, 1.0, -0.1), (math.nan, 1.0, 0.0)):
        with pytest.raises(ArgumentError):
            GeneralisedPareto(*parameters)


def test_too_few_or_impossible_scores_are_typed_errors() -> None:
    for scores in (sample("gamma", n=999), -sample("gamma"), np.full(N, np.nan)):
        with pytest.raises(ArgumentError, match="Calibration"):
            fit(scores)
    with pytest.raises(ArgumentError, match="Tail fit"):
        fit(np.ones(N))


@pytest.mark.parametrize(("fmr", "score"), [(1.0, 0.0), (0.1, 10.0), (1e-4, 40.0), (1e-12, 120.0)])
def test_a_threshold_is_asked_for_as_a_rate(fmr: float, score: float) -> None:
    assert threshold_for_fmr(fmr) == pytest.approx(score)


@pytest.mark.parametrize("fmr", [0.0, -0.1, 1.1, math.nan])
def test_no_rate_no_threshold(fmr: float) -> None:
    with pytest.raises(ArgumentError, match="FMR"):
        threshold_for_fmr(fmr)


def test_a_pairing_without_calibration_is_an_error_in_both_orders() -> None:
    for pairing in (("numba/1", "nobody/7"), ("nobody/7", "numba/1")):
        with pytest.raises(CalibrationMissingError, match="nobody/7") as raised:
            load_calibration(*pairing)
        assert "fit_calibration" in str(raised.value)
    assert pairing_slug("numba/1", "iso") == pairing_slug("iso", "numba/1") == "iso--numba-1"
