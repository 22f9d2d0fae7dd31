"""Upper bounds of rates over draws of people: against plain loops, on people who are alike in groups."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.evaluate.calibrate import ScoreSet, make_calibration
from matcher.evaluate.conservative import BOUND, bootstrap, conservative
from matcher.evaluate.intervals import SEED
from matcher.score.calibration import Calibration
from matcher.score.tail_binomial import fit_binomial_maximum


def strangers(seed: int, people: int = 120) -> ScoreSet:
    """Every pair of people once; some people are like everybody, which no fit to others knows."""
    rng = np.random.default_rng(seed)
    likeness = rng.gamma(0.5, 0.6, people)
    one, two = (side.astype(np.int64) for side in np.triu_indices(people, 1))
    raw = rng.gamma(4.0, 0.3, len(one)) + likeness[one] + likeness[two]
    return ScoreSet("strangers", "lfw", raw, one, two, people, people, "person")


def fitted(scores: ScoreSet) -> Calibration:
    return make_calibration([scores], ("x", "x"), "s")


def test_the_bootstrap_is_that_of_plain_loops() -> None:
    scores = strangers(1, 24)
    knots, threshold = np.quantile(scores.raw, [0.1, 0.5, 0.9]), float(np.quantile(scores.raw, 0.7))
    rates, excesses = bootstrap(scores, knots, threshold, 5)
    rng = np.random.default_rng(SEED)
    for number in range(5):
        times = np.bincount(rng.integers(24, size=24), minlength=24)
        rows = [
            raw
            for raw, i, j in zip(scores.raw, scores.one, scores.two, strict=True)
            for _ in range(times[i] * times[j])
        ]
        assert rates[number] == pytest.approx([np.mean(np.array(rows) >= knot) for knot in knots])
        above = [raw - threshold for raw in rows if raw > threshold]
        assert excesses[number] == pytest.approx(np.mean(above))


def test_a_bound_promises_less_everywhere_and_says_how_much() -> None:
    scores = strangers(2)
    middle = fitted(scores)
    bound = conservative(middle, scores)
    raw = np.linspace(0.1, middle.support_raw * 1.5, 200)
    lower, higher = bound.scores(raw)[0], middle.scores(raw)[0]
    assert (np.diff(lower) > 0).all()
    assert (lower <= higher + 1e-9).all()
    assert bound.provenance[BOUND]["tail_widened_by"] > 1.0
    told = bound.provenance[BOUND]["given_up_db"]["20"]
    at = middle.raw_at(20.0)
    assert 0.3 < told == pytest.approx(20.0 - bound.scores(np.array([at]))[0][0], abs=0.05)
    assert bound.id != middle.id
    assert Calibration.from_json(bound.to_json()).id == bound.id


def test_it_holds_for_other_people_more_often_than_the_middle() -> None:
    broken = {"middle": 0, "bound": 0}
    for seed in range(20):
        scores, others = strangers(seed), np.sort(strangers(100 + seed).raw)
        middle = fitted(scores)
        for name, made in (("middle", middle), ("bound", conservative(middle, scores, replicates=40))):
            rate = 1.0 - np.searchsorted(others, made.raw_at(20.0)) / len(others)
            broken[name] += rate > 0.01
    assert broken["bound"] < broken["middle"]
    # Both groups of people are drawn: the difference of two has more spread than the bound knows of.
    assert broken["bound"] <= 6


def test_what_cannot_be_bounded_is_refused() -> None:
    scores = strangers(3)
    for confidence in (0.5, 1.0):
        with pytest.raises(ArgumentError, match=r"above 0\.5"):
            conservative(fitted(scores), scores, confidence=confidence)
    bits = ScoreSet("s", "lfw", scores.raw / 20.0, scores.one, scores.two, 120, 120, "person")
    other = make_calibration([bits], ("x", "x"), "s", fit_tail=fit_binomial_maximum)
    with pytest.raises(ArgumentError, match="generalised Pareto"):
        conservative(other, bits)


def test_some_comparisons_have_some_people() -> None:
    scores = strangers(4, 10)
    some = scores.taken((scores.one < 4) & (scores.two < 4))
    assert (some.clusters, len(some.raw)) == (4, 6)
    assert set(np.concatenate([some.one, some.two]).tolist()) == {0, 1, 2, 3}
    assert some.raw.tolist() == scores.raw[(scores.one < 4) & (scores.two < 4)].tolist()
