"""Error rates against slow loops over every threshold that the definitions speak of."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from matcher.evaluate.rates import (
    ScoreOrder,
    allowed_false_matches,
    eer,
    fnmr_at_fmr,
    zero_fmr,
)


def slow_thresholds(non_mated: list[float], mated: list[float]) -> list[float]:
    return [*sorted({*non_mated, *mated}), float("inf")]


def slow_fnmr(non_mated: list[float], mated: list[float], failed: int, allowed: int) -> float:
    for t in slow_thresholds(non_mated, mated):
        if sum(s >= t for s in non_mated) <= allowed:
            return (failed + sum(s < t for s in mated)) / (failed + len(mated))
    raise AssertionError


def slow_eer(non_mated: list[float], mated: list[float], failed: int) -> float:
    best: tuple[Fraction, Fraction] | None = None
    for t in slow_thresholds(non_mated, mated):
        fmr = Fraction(sum(s >= t for s in non_mated), len(non_mated))
        fnmr = Fraction(failed + sum(s < t for s in mated), failed + len(mated))
        found = (abs(fmr - fnmr), -(fmr + fnmr) / 2)
        best = found if best is None else min(best, found)
    assert best is not None
    return float(-best[1])


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("step", [0.0, 0.5, 4.0])
def test_rates_against_slow_loops(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    non_mated = rng.normal(10, 2, rng.integers(1, 300)).astype(np.float32)
    mated = rng.normal(14, 3, rng.integers(1, 60)).astype(np.float32)
    if step:
        non_mated, mated = np.round(non_mated / step) * step, np.round(mated / step) * step
    failed = int(rng.integers(0, 4))
    counts = ScoreOrder.of(non_mated, mated).count(failed=failed)
    lists = non_mated.tolist(), mated.tolist()
    assert eer(counts) == pytest.approx(slow_eer(*lists, failed), rel=1e-15)
    assert zero_fmr(counts) == slow_fnmr(*lists, failed, 0)
    for fmr in ("1e-1", "1e-2", "1e-3"):
        allowed = int(Fraction(fmr) * len(non_mated))
        expected = slow_fnmr(*lists, failed, allowed) if allowed >= 1 else None
        assert fnmr_at_fmr(counts, fmr) == expected


def test_weights_are_repetitions() -> None:
    rng = np.random.default_rng(3)
    non_mated = rng.integers(0, 20, 50).astype(np.float32)
    mated = rng.integers(5, 30, 20).astype(np.float32)
    nw, mw = rng.integers(0, 4, 50), rng.integers(0, 4, 20)
    weighted = ScoreOrder.of(non_mated, mated).count(nw, mw, failed=2)
    repeated = ScoreOrder.of(np.repeat(non_mated, nw), np.repeat(mated, mw)).count(failed=2)
    for figure in (eer, zero_fmr, lambda c: fnmr_at_fmr(c, "1e-1")):
        assert figure(weighted) == figure(repeated)


@pytest.mark.parametrize(
    ("fmr", "n", "allowed"),
    [
        ("1e-3", 3000, 3),
        ("1e-4", 120000, 12),
        ("1e-3", 2999, 2),
        ("1e-2", 29, 0),
        ("1e-2", 99, 0),
        ("1e-2", 100, 1),
    ],
)
def test_allowed_false_matches_is_exact(fmr: str, n: int, allowed: int) -> None:
    assert allowed_false_matches(fmr, n) == allowed


def test_all_right_all_wrong_all_tied() -> None:
    low, high = np.array([1.0, 2.0], np.float32), np.array([3.0, 4.0], np.float32)
    assert eer(ScoreOrder.of(low, high).count()) == 0.0
    assert zero_fmr(ScoreOrder.of(low, high).count()) == 0.0
    assert eer(ScoreOrder.of(high, low).count()) == 1.0
    tied = ScoreOrder.of(np.ones(4, np.float32), np.ones(2, np.float32)).count()
    assert zero_fmr(tied) == 1.0
    assert eer(tied) == 0.5


def test_nothing_to_state_is_none() -> None:
    nothing, some = np.empty(0, np.float32), np.ones(3, np.float32)
    for counts in (ScoreOrder.of(nothing, some).count(), ScoreOrder.of(some, nothing).count()):
        assert eer(counts) is None
    assert zero_fmr(ScoreOrder.of(nothing, some).count()) is None
    assert zero_fmr(ScoreOrder.of(some, nothing).count()) is None
    assert zero_fmr(ScoreOrder.of(some, nothing).count(failed=2)) == 1.0
