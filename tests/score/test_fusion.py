"""Several comparisons of a finger, several fingers of a person: what is claimed, and what may not be."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.score.calibration import load_calibration
from matcher.score.fusion import PersonSum, joint_score
from matcher.score.person import (
    BEST_SHARE,
    EXTRAPOLATED_WEIGHT,
    MAX_FINGERS_FUSED,
    Evidence,
    PersonCalibration,
    claim,
    load_person_calibration,
)

EVIDENCE = Evidence(0.02, 0.022, 38.0, 2.3)


def test_one_comparison_is_its_own_score() -> None:
    score = joint_score(
        np.array([40.0, -np.inf]), np.array([40.0**3, 0]), np.array([1, 0]), np.zeros(2, bool), 2.0
    )
    assert score.tolist() == [40.0, 0.0]


def test_hypotheses_pay_for_the_choice() -> None:
    best = np.array([40.0, 40.0, 5.0])
    score = joint_score(best, best**3, np.array([2, 10, 20]), np.ones(3, bool), 2.0)
    assert score == pytest.approx([40 - 10 * np.log10(2), 30.0, 0.0])


def test_impressions_of_one_finger_add_up() -> None:
    def joint(*scores: float) -> float:
        u = np.array(scores)
        return float(
            joint_score(
                u.max(keepdims=True), (u**3).sum(keepdims=True), np.array([len(u)]), np.zeros(1, bool), 2.0
            )[0]
        )

    assert joint(40, 40) == pytest.approx(40 * 2 ** (1 / 3) - 20 * np.log10(2))
    # Two fair impressions say more than one; a failed one takes away no more than its cost.
    assert joint(40, 40) > 40
    assert joint(40, 0) == pytest.approx(40 - 20 * np.log10(2))
    assert joint(40, 35) > joint(40, 20) > joint(40, 0)


def test_the_evidence_of_a_finger() -> None:
    u = np.arange(0.0, 200.0, 0.5)
    ratio = EVIDENCE.log_likelihood_ratio(u)
    assert (np.diff(ratio) > 0).all()
    # One bad finger of a mate takes away no more than the floor.
    assert ratio[0] > 10 * np.log10(EVIDENCE.floor)
    # Up to the support a dB is a dB, above it half of one.
    slope = np.diff(ratio) / 0.5
    assert slope[(u[:-1] > 32) & (u[:-1] < 37)] == pytest.approx(1.0, abs=0.05)
    assert slope[u[:-1] > 60] == pytest.approx(0.5, abs=0.01)
    # Of one score alone the same, to the last bit.
    assert [EVIDENCE.log_likelihood_ratio_of(float(one)) for one in u] == ratio.tolist()


@pytest.mark.parametrize(
    "wrong", [(0.0, 0.1, 38, 1), (1.0, 0.1, 38, 1), (0.1, 0, 38, 1), (0.1, 0.1, 38, 0.5)]
)
def test_evidence_is_checked(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ArgumentError):
        Evidence(*wrong)


def total(calibration: PersonCalibration, *scores: float) -> float:
    person = PersonSum(calibration, 1)
    for score in scores:
        u = np.array([score])
        person.add(u, u**3, np.ones(1, int), np.zeros(1, bool))
    return float(person.scores()[0])


def test_one_finger_keeps_its_score_and_none_is_nothing() -> None:
    calibration = load_person_calibration()
    assert total(calibration, 37.5) == 37.5
    assert total(calibration, 250.0) == 250.0
    assert total(calibration) == 0.0


def test_a_missing_finger_contributes_nothing() -> None:
    calibration = load_person_calibration()
    person = PersonSum(calibration, 2)
    u = np.array([30.0, 30.0])
    person.add(u, u**3, np.ones(2, int), np.zeros(2, bool))
    person.add(np.array([30.0, -np.inf]), np.array([30.0**3, 0.0]), np.array([1, 0]), np.zeros(2, bool))
    assert person.scores()[1] == 30.0
    assert person.scores()[0] > 35.0


@pytest.mark.parametrize("fingers", [2, 3, 5, 10, 20])
def test_the_shipped_claims_are_sane(fingers: int) -> None:
    calibration = load_person_calibration()
    rng = np.random.default_rng(fingers)
    for _ in range(200):
        u = rng.exponential(30.0, fingers)
        score = total(calibration, *u)
        # Never more than independent fingers would allow; never less than the best finger alone, which pays.
        assert score <= u.sum() + 1e-9
        assert score >= max(u.max() + 10 * np.log10(BEST_SHARE / fingers), 0.0) - 1e-9
        more = u.copy()
        more[rng.integers(fingers)] += 5.0
        assert total(calibration, *more) >= score


def test_poor_fingers_do_not_undo_a_good_one() -> None:
    calibration = load_person_calibration()
    assert total(calibration, 60.0, 0.0) >= 50.0 - 1e-9
    assert total(calibration, 60.0, *[0.0] * 9) >= 43.0 - 1e-1
    assert total(calibration, 60.0, 60.0) > 70.0


def test_the_shipped_file_survives_the_way_through_json() -> None:
    calibration = load_person_calibration()
    again = PersonCalibration.from_json(calibration.to_json())
    assert again.id == calibration.id
    assert calibration.id.startswith("person-")
    with pytest.raises(ArgumentError, match="format"):
        PersonCalibration.from_json({**calibration.to_json(), "format": 2})
    with pytest.raises(ArgumentError, match="missing"):
        PersonCalibration.from_json({"format": 1})
    with pytest.raises(ArgumentError, match="tables"):
        PersonCalibration(calibration.evidence, 0.1, (), (), ())
    with pytest.raises(ArgumentError, match="correlation"):
        PersonCalibration(
            calibration.evidence, 1.0, calibration.sums, calibration.scores, calibration.supported
        )


def test_the_shipped_calibration_says_what_it_stands_on() -> None:
    stated = load_person_calibration().provenance
    assert stated["finger_calibration"] == load_calibration("numba/1", "numba/1").id, (
        "the finger calibration has changed: run `python -m tools.fit_fusion`"
    )
    assert [entry["set"] for entry in stated["data"]]
    assert len(stated["actual_over_nominal_out_of_sample"]) == 2
    # The claims hold within a few times on every set they were fitted to, real persons among them.
    for ratios in stated["actual_over_nominal"].values():
        assert all(ratio <= 3.0 for ratio in ratios.values())


def test_scores_above_what_strangers_support_are_marked() -> None:
    calibration = load_person_calibration()
    assert len(calibration.supported) == MAX_FINGERS_FUSED - 1
    limit = calibration.supported[0]
    marks = calibration.extrapolated(np.array([limit - 1, limit + 1, 500.0]), np.array([2, 2, 1]))
    assert marks.tolist() == [False, True, False]


def test_above_the_table_a_claim_grows_as_the_evidence_does() -> None:
    calibration = load_person_calibration()
    sums, scores = calibration.sums[0], calibration.scores[0]
    far = np.array([sums[-1] + 10.0, sums[-1] + 20.0])
    low, high = claim(far, np.full(2, 1e4), np.zeros(2), 2, sums, scores)
    assert high - low == pytest.approx(10.0)
    # Within it, no faster than the fingers' own scores do, which count half above their support.
    steep = np.diff(scores) / np.diff(sums)
    assert steep.max() <= 1.0 / EXTRAPOLATED_WEIGHT


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("hypotheses", [2, 10])
def test_the_rate_of_a_choice_is_never_exceeded(correlation: float, hypotheses: int) -> None:
    """Non-mated scores that share a part; each alone has FMR = 10^(-score/10)."""
    rng = np.random.default_rng(3)
    people = 200_000
    shared = rng.random(people) < correlation
    common = rng.random(people)
    fmr = np.where(shared[:, None], common[:, None], rng.random((people, hypotheses)))
    best = (-10 * np.log10(fmr)).max(axis=1)
    fused = joint_score(best, best**3, np.full(people, hypotheses), np.ones(people, bool), 2.0)
    for claimed in (1e-1, 1e-2, 1e-3):
        rate = (fused >= -10 * np.log10(claimed)).mean()
        assert rate <= claimed + 4 * np.sqrt(claimed / people)
