"""The shipped calibrations of irises: of this scorer, checked, and in order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from matcher.errors import CalibrationMissingError
from matcher.evaluate.witness import KEY, TOLERANCE
from matcher.evaluate.witness_iris import iris_scorer_witness
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.score.calibration import Calibration
from matcher.score.iris_scorer import IrisScorer, search_calibration
from matcher.score.tail_binomial import BinomialMaximum


@pytest.fixture(params=["full", "search"])
def calibration(request: pytest.FixtureRequest) -> Calibration:
    if request.param == "search":
        return search_calibration(EXTRACTOR_ID)
    return IrisScorer().calibration(EXTRACTOR_ID, EXTRACTOR_ID)


def test_it_is_of_this_scorer(calibration: Calibration) -> None:
    kept = calibration.provenance[KEY]
    assert iris_scorer_witness() == pytest.approx(kept, rel=TOLERANCE, abs=TOLERANCE), (
        "the scorer has changed: run `python -m tools.recalibrate_iris`"
    )


def test_it_says_what_it_stands_on(calibration: Calibration) -> None:
    stated = calibration.provenance
    assert sum(data["non_mated"] for data in stated["data"]) == calibration.non_mated > 400_000
    assert stated["support"]["fmr"] == pytest.approx(10 ** (-calibration.support_score / 10))
    low, high = stated["support"]["fmr_interval_95"]
    assert low <= stated["support"]["fmr"] <= high
    assert "binomial" in stated["tail_model"]
    assert isinstance(calibration.tail, BinomialMaximum)


def test_the_decade_held_back_was_predicted(calibration: Calibration) -> None:
    """To a quarter of it; to 6 at its end, where ten pairs are left and the tail claims more than they do."""
    errors = [check["predicted"] - check["observed"] for check in calibration.provenance["held_back_decade"]]
    assert max(abs(error) for error in errors[:3]) < 2.5
    assert abs(errors[3]) < 6.0


def test_scores_rise_strictly_to_the_highest(calibration: Calibration) -> None:
    values = [calibration.score(raw / 200).value for raw in range(1, 201)]
    assert all(after > before for before, after in pairwise(values))
    assert calibration.raw_at(60.0) < 0.3 < calibration.raw_at(200.0) <= 1.0


def test_other_extractors_have_none() -> None:
    for call in (
        lambda: search_calibration("nobody/7"),
        lambda: IrisScorer().calibration("iso", EXTRACTOR_ID),
    ):
        with pytest.raises(CalibrationMissingError):
            call()
