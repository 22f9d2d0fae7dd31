"""The fit of persons: what was put in comes out, and the claims hold on people who were not fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.score.person import Evidence
from matcher.score.person_fit import (
    Strangers,
    actual_over_nominal,
    claims,
    fit_correlation,
    fit_evidence,
    fit_impression_cost,
    make_person_calibration,
    normal_quantile_of,
    tables,
)

EVIDENCE = Evidence(0.02, 0.022, 38.0, 2.3)


def persons(seed: int, count: int, fingers: int, correlation: float) -> np.ndarray:
    """Scores of non-mated persons whose fingers share one normal factor; each alone is calibrated."""
    from scipy.special import log_ndtr

    rng = np.random.default_rng(seed)
    z = np.sqrt(correlation) * rng.normal(size=(count, 1)) + np.sqrt(1 - correlation) * rng.normal(
        size=(count, fingers)
    )
    return -10.0 * log_ndtr(-z) / np.log(10.0)


def test_quantiles_go_both_ways() -> None:
    from scipy.special import ndtr

    u = np.array([0.5, 10.0, 30.0, 100.0])
    assert ndtr(-normal_quantile_of(u)) == pytest.approx(10 ** (-u / 10))


@pytest.mark.parametrize("correlation", [0.0, 0.4])
@pytest.mark.parametrize("fingers", [2, 4, 10])
def test_the_tables_say_the_rates_of_the_model(correlation: float, fingers: int) -> None:
    knots = tables(EVIDENCE, correlation, fingers)[fingers - 2]
    people = persons(1, 300_000, fingers, correlation)
    sums = EVIDENCE.log_likelihood_ratio(people).sum(axis=1)
    claimed = np.interp(sums, *knots)
    for level in (10.0, 20.0, 30.0):
        expected = len(people) * 10 ** (-level / 10)
        ratio = (claimed >= level).sum() / expected
        # The grid of the convolution is 0.25 dB a finger.
        assert ratio == pytest.approx(1.0, abs=0.08 + 4 / np.sqrt(expected))
    # What is shipped to callers claims less: the best finger has its share too.
    assert actual_over_nominal(claims(EVIDENCE, people, knots), 20.0) <= 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_the_correlation_is_found(correlation: float) -> None:
    found = fit_correlation([Strangers("made up", persons(2, 400_000, 2, correlation))], EVIDENCE)
    # The claims start below the model's by 1 dB, so somewhat less correlation is enough for them.
    assert correlation - 0.2 <= found <= correlation + 0.05


def test_too_few_strangers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="two fingers"):
        fit_correlation([Strangers("few", persons(2, 500, 2, 0.0))], EVIDENCE)


def test_claims_hold_on_strangers_who_were_not_fitted_to() -> None:
    fitted = [Strangers("one", persons(3, 200_000, 2, 0.3)), Strangers("two", persons(4, 200_000, 2, 0.0))]
    correlation = fit_correlation(fitted, EVIDENCE)
    knots = tables(EVIDENCE, correlation, 2)[0]
    held = np.concatenate([persons(5, 200_000, 2, 0.3), persons(6, 200_000, 2, 0.0)])
    for level, most in ((20.0, 1.5), (30.0, 1.5)):
        assert actual_over_nominal(claims(EVIDENCE, held, knots), level) <= most


def test_the_mated_side_takes_the_poorest_set() -> None:
    rng = np.random.default_rng(7)
    good, poor = rng.uniform(20, 120, 1000), np.concatenate([np.zeros(100), rng.uniform(20, 100, 900)])
    evidence = fit_evidence([good, poor], 38.0, 2.0)
    assert 0.1 < evidence.floor < 0.13
    # The widest spread: 120 dB are 27.6 nepers.
    assert evidence.density == pytest.approx((1 - evidence.floor) / 27.6, rel=0.03)
    assert fit_evidence([good], 38.0, 2.0).floor < 0.01


def test_several_comparisons_cost_at_least_a_choice() -> None:
    independent = [persons(8, 100_000, 4, 0.0)]
    together = [persons(9, 100_000, 4, 0.8)]
    assert 1.0 <= fit_impression_cost(independent) <= fit_impression_cost(together) < 4.0
    # With the cost paid, the claim holds.
    cost = fit_impression_cost(together)
    joint = np.cbrt((together[0] ** 3).sum(axis=1)) - cost * 10 * np.log10(4)
    for level in (20.0, 30.0):
        assert (joint >= level).mean() <= 1.05 * 10 ** (-level / 10)
    assert fit_impression_cost([np.zeros((10, 2))]) == 1.0


def test_a_calibration_is_made() -> None:
    made = make_person_calibration(0.2, EVIDENCE, {2: 50_000, 10: 100}, {"data": "made up"})
    assert made.supported[0] == pytest.approx(36.99)
    assert made.supported[8] == pytest.approx(10.0)
    assert made.supported[-1] == 0.0
    assert made.provenance == {"data": "made up"}
