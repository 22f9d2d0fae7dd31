"""Accuracy over folds: by hand, against plain loops, failures on the wrong side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.evaluate.folds import best_threshold, fold_accuracies, fold_report


def accuracy(raw: list[float], mated: list[bool], t: float) -> float:
    return sum((score >= t) == same for score, same in zip(raw, mated, strict=True)) / len(raw)


@given(st.lists(st.tuples(st.integers(0, 6).map(float) | st.just(-np.inf), st.booleans()), min_size=1))
def test_the_threshold_is_the_best_of_all(rows: list[tuple[float, bool]]) -> None:
    raw, mated = [r for r, _ in rows], [m for _, m in rows]
    t = best_threshold(np.array(raw), np.array(mated))
    candidates = [*sorted({r for r in raw if np.isfinite(r)}), np.inf]
    best = max(accuracy(raw, mated, c) for c in candidates)
    equal = [c for c in candidates if accuracy(raw, mated, c) == best]
    assert t == equal[-1]


def test_each_fold_is_judged_by_the_others() -> None:
    # Fold 0 alone would take 5, fold 1 alone 2: each gets the other's.
    raw = np.array([5.0, 4.0, 2.0, 1.0])
    mated = np.array([True, False, True, False])
    fold = np.array([0, 0, 1, 1], np.int32)
    first, second = fold_accuracies(raw, mated, fold)
    assert (first.threshold, first.accuracy) == (2.0, 0.5)
    assert (second.threshold, second.accuracy) == (5.0, 0.5)
    report = fold_report(raw, mated, fold)
    assert report["accuracy"] == 0.5
    assert report["standard_error"] == 0.0
    assert [one["pairs"] for one in report["folds"]] == [2, 2]


def test_a_failure_is_a_rejection() -> None:
    raw = np.array([np.nan, np.nan, 1.0, 0.0])
    mated = np.array([True, False, True, False])
    (only,) = fold_accuracies(raw, mated, np.zeros(4, np.int32))
    assert (only.accuracy, only.threshold) == (0.75, 1.0)
    report = fold_report(raw, mated, np.zeros(4, np.int32))
    assert (report["standard_error"], report["threshold_from"]) == (None, "the same pairs")


def test_nothing_but_failures() -> None:
    report = fold_report(np.full(2, np.nan), np.array([True, False]), np.zeros(2, np.int32))
    assert report["accuracy"] == pytest.approx(0.5)
    assert report["folds"][0]["threshold"] is None
