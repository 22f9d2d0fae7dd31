"""Actual over nominal FMR, on scores whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.figures_fingerprint import pooled
from benchmarks.out_of_sample import Prints, actual_over_nominal, finger_name, of_sets
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.modality import Gallery


class Drawn:
    """A modality whose non-mated scores are drawn from an exponential law; `lift` raises those of group 1."""

    def __init__(self, lift: float) -> None:
        self.lift = lift

    def resident(self, template: tuple[int, int]) -> npt.NDArray[np.uint64]:
        return np.array(template, np.uint64)

    def scorer(self, template: tuple[int, int]) -> Callable[..., npt.NDArray[np.float32]]:
        def score(gallery: Gallery, rows: npt.NDArray[np.int64], threads: int) -> npt.NDArray[np.float32]:
            rng = np.random.default_rng(template[0])
            scores = rng.exponential(2.0, len(gallery))[rows]
            groups = gallery.words.reshape(-1, 2)[rows, 1]
            return (scores + self.lift * ((groups > 0) | (template[1] > 0))).astype(np.float32)

        return score


def prints() -> Prints:
    """100 fingers x 2 of a fitted group, and as many of another."""
    templates: list[Any] = [(n, int(n >= 200)) for n in range(400)]
    return Prints(templates, [str(n // 2) for n in range(400)], np.arange(400) < 200)


def test_the_promise_is_kept_where_both_groups_are_alike() -> None:
    found = actual_over_nominal(prints(), Drawn(0.0))  # type: ignore[arg-type]
    assert found["fitted_comparisons"] == 200 * 199 // 2 - 100
    assert found["tested_comparisons"] == 400 * 399 // 2 - 200 - found["fitted_comparisons"]
    for score in ("20", "30"):
        low, high = found[score]["interval"]
        assert low <= found[score]["ratio"] <= high
        assert 0.5 < found[score]["ratio"] < 2.0, score
    assert found["20"]["exceedances"] > 300


def test_a_broken_promise_is_seen() -> None:
    """Scores lifted by ln(4) times their scale are reached four times as often."""
    found = actual_over_nominal(prints(), Drawn(2.0 * np.log(4.0)))  # type: ignore[arg-type]
    assert found["20"]["ratio"] == pytest.approx(4.0, rel=0.15)
    assert found["20"]["interval"][0] > 2.0


def test_the_finger_of_two_sets_is_one() -> None:
    assert finger_name("FVC2002 DB3_B", "108") == finger_name("FVC2004 DB3_B", "102")
    assert finger_name("FVC2002 DB3_B", "102") != finger_name("FVC2004 DB3_B", "102")


def test_failures_are_left_out_of_the_prints() -> None:
    def result(first: int) -> Any:
        samples = [SimpleNamespace(identity=str(n // 2)) for n in range(80)]
        items = [SimpleNamespace(template=None if n == 7 else (first + n, 0)) for n in range(80)]
        return SimpleNamespace(
            dataset=SimpleNamespace(samples=samples), extractions=SimpleNamespace(items=items)
        )

    found = of_sets(["one", "two"], [result(0), result(80)], "two", Drawn(0.0))  # type: ignore[arg-type]
    assert found["fitted_comparisons"] == 79 * 78 // 2 - 39
    assert found["fitted_comparisons"] + found["tested_comparisons"] == 158 * 157 // 2 - 78


def test_pooling_has_one_threshold() -> None:
    """Two sets that are perfect by themselves, on scales that are not the same."""
    n = 2000

    def of(low: float) -> Any:
        raw = np.concatenate([np.full(n, low), np.full(10, low + 1)]).astype(np.float32)
        raw[-1] = np.nan
        sides = np.zeros(n + 10, np.int32)
        return SimpleNamespace(comparisons=Comparisons(sides, sides, np.arange(n + 10) >= n, raw))

    assert pooled([of(1.0)])["fnmr_at_fmr_1e-3"] == pytest.approx(0.1)
    both = pooled([of(1.0), of(3.0)])
    assert both["fnmr_at_fmr_1e-3"] == pytest.approx(11 / 20)
