"""Independent units: what they claim together is what chance allows, and no less than the best of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import matcher.score as score_package
from matcher.score.fusion import PersonSum
from matcher.score.person import BEST_SHARE, load_person_calibration
from matcher.score.units import MAX_UNITS, UNIT_SUPPORT, unit_calibration


def together(scores: np.ndarray) -> np.ndarray:
    """Claims of persons (p) by the scores of n units each, (p, n)."""
    total = PersonSum(unit_calibration(), len(scores))
    for column in scores.T:
        total.take(column, np.ones(len(scores), bool))
    return total.scores()


def of(*scores: float) -> float:
    return float(together(np.array([scores]))[0])


def test_one_unit_keeps_its_score() -> None:
    assert [of(u) for u in (0.0, 17.5, 250.0)] == [0.0, 17.5, 250.0]


@pytest.mark.parametrize("units", [2, 3, 4])
def test_strangers_reach_a_claim_no_more_often_than_it_says(units: int) -> None:
    rng = np.random.default_rng(units)
    people = 400_000
    claimed = together(-10 * np.log10(rng.random((people, units))))
    for level in (5, 10, 20, 30):
        rate = 10 ** (-level / 10)
        assert (claimed >= level).mean() <= rate + 4 * np.sqrt(rate / people)
    # And it is no empty claim: within 3 dB of the rate.
    assert (claimed >= 10).mean() >= 0.05


@pytest.mark.parametrize("units", [2, 3, 5, MAX_UNITS])
def test_claims_rise_with_every_unit_and_stay_within_bounds(units: int) -> None:
    rng = np.random.default_rng(units)
    scores = rng.exponential(30.0, (300, units))
    claimed = together(scores)
    assert (claimed <= scores.sum(axis=1) + 1e-9).all()
    alone = scores.max(axis=1) + 10 * np.log10(BEST_SHARE / units)
    assert (claimed >= np.maximum(alone, 0) - 1e-9).all()
    more = scores.copy()
    more[np.arange(300), rng.integers(units, size=300)] += 5
    assert (together(more) >= claimed).all()


def test_two_fair_units_say_more_than_either() -> None:
    assert of(30, 30) > 45
    assert of(35, 35, 35) > of(35, 35) > 60


def test_above_their_support_units_count_half_and_are_marked() -> None:
    calibration = unit_calibration()
    limit = calibration.supported[0]
    assert limit == pytest.approx(of(UNIT_SUPPORT, UNIT_SUPPORT), abs=3)
    # 20 dB more of each of two units, by the tail models alone: at most 20 dB more together.
    assert of(UNIT_SUPPORT + 60, UNIT_SUPPORT + 60) - of(UNIT_SUPPORT + 40, UNIT_SUPPORT + 40) <= 20.1
    marks = calibration.extrapolated(np.array([limit - 0.1, limit + 0.1, 900.0]), np.array([2, 2, 1]))
    assert marks.tolist() == [False, True, False]


def test_the_support_of_units_is_within_that_of_every_modality() -> None:
    assert load_person_calibration().evidence.support >= UNIT_SUPPORT
    shipped = (Path(score_package.__file__).parent / "data").glob("*.json")
    others = [json.loads(p.read_text()) for p in shipped if p.name.startswith(("iris-", "face-"))]
    assert len(others) >= 2
    assert all(one["knots"]["score"][-1] >= UNIT_SUPPORT for one in others)


def test_it_stands_on_its_assumptions_alone() -> None:
    first, again = unit_calibration(), unit_calibration.__wrapped__()
    assert first.id == again.id != load_person_calibration().id
    assert first.correlation == 0.0
