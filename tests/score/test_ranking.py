"""Candidates: at or above the threshold, best first, the deleted left out before the list is cut."""

from __future__ import annotations

import numpy as np

from matcher.gallery.search import Tally
from matcher.score.fusion import best_comparison
from matcher.score.ranking import NOT_COMPARED, ranked, score_of


def tally_of(values: list[float]) -> Tally:
    tally = Tally.of(len(values))
    tally.value[:] = values
    tally.raw[:] = np.array(values) * 2
    tally.hypotheses[:] = np.isfinite(values)
    tally.calibrations.append("c")
    return tally


def test_order_threshold_ties_and_limit() -> None:
    tally = tally_of([10.0, 30.0, -np.inf, 30.0, 20.0, 29.9])
    fused = best_comparison(tally.value, tally.hypotheses)
    names = ["s0", "s1", "s2", "s3", "s4", "s5"]
    found = ranked(tally, fused, names.__getitem__, 20.0, 10)
    assert [(c.subject_id, c.rank) for c in found] == [("s1", 1), ("s3", 2), ("s5", 3), ("s4", 4)]
    assert (found[0].score.value, found[0].score.raw, found[0].score.calibration) == (30.0, 60.0, "c")
    gone = [None if name == "s1" else name for name in names]
    assert [c.subject_id for c in ranked(tally, fused, gone.__getitem__, 20.0, 2)] == ["s3", "s5"]
    # Nobody who was not compared is a candidate, even at threshold 0.
    assert "s2" not in [c.subject_id for c in ranked(tally, fused, names.__getitem__, 0.0, 10)]


def test_no_comparison_is_no_evidence() -> None:
    tally = tally_of([-np.inf])
    score = score_of(tally, best_comparison(tally.value, tally.hypotheses), 0)
    assert (score.value, score.calibration, score.extrapolated) == (0.0, NOT_COMPARED, False)
