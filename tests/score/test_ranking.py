"""Candidates: at or above the threshold, best first, the deleted left out before the list is cut."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.score.ranking import ranked
from matcher.types import Candidate, Score


def candidate(subject: int, value: float) -> Candidate:
    return Candidate(f"s{subject}", Score(value, 2 * value, "c", False), 0)


def test_order_threshold_ties_and_limit() -> None:
    scores = np.array([10.0, 30.0, 90.0, 30.0, 20.0, 29.9])
    compared = np.array([1, 1, 0, 1, 1, 1])

    def examine(subject: int, looked: int) -> Candidate | None:
        return candidate(subject, scores[subject])

    found = ranked(scores, compared, examine, 20.0, 10)
    assert [(c.subject_id, c.rank) for c in found] == [("s1", 1), ("s3", 2), ("s5", 3), ("s4", 4)]
    assert (found[0].score.value, found[0].score.raw, found[0].score.calibration) == (30.0, 60.0, "c")
    without = ranked(scores, compared, lambda s, n: None if s == 1 else examine(s, n), 20.0, 2)
    assert [(c.subject_id, c.rank) for c in without] == [("s3", 1), ("s5", 2)]
    # Nobody who was not compared is a candidate, even at threshold 0.
    assert "s2" not in [c.subject_id for c in ranked(scores, compared, examine, 0.0, 10)]


def test_only_as_many_are_looked_at_as_are_needed() -> None:
    scores = np.arange(100.0, 0.0, -1.0)
    looks: list[int] = []

    def examine(subject: int, looked: int) -> Candidate:
        assert looked == len(looks)
        looks.append(subject)
        return candidate(subject, scores[subject])

    found = ranked(scores, np.ones(100, int), examine, 0.0, 5)
    assert [c.subject_id for c in found] == [f"s{i}" for i in range(5)]
    assert len(looks) == 5


@pytest.mark.parametrize("seed", range(20))
def test_what_a_full_look_takes_away_changes_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bound = rng.integers(0, 60, 50).astype(float)
    full = bound - np.where(rng.random(50) < 0.3, rng.integers(0, 40, 50), 0)
    found = ranked(bound, np.ones(50, int), lambda s, n: candidate(s, full[s]), 10.0, 7)
    wanted = [s for s in np.lexsort((np.arange(50), -full)).tolist() if full[s] >= 10.0][:7]
    assert [c.score.value for c in found] == [full[s] for s in wanted]
    assert [c.rank for c in found] == list(range(1, 8))


def test_a_full_look_never_adds() -> None:
    found = ranked(np.array([20.0]), np.ones(1, int), lambda s, n: candidate(s, 25.0), 0.0, 1)
    assert found[0].score.value == 20.0
