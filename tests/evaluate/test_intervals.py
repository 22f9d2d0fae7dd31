"""Bootstrap intervals: against a slow resampling, and against rates that are known."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.intervals import (
    MIN_REPLICATES,
    REPLICATES,
    Clusters,
    bootstrap,
    interval,
    replicate_count,
    rule_of_three,
)
from matcher.evaluate.rates import ScoreOrder, zero_fmr


def simulated(fingers: int, samples: int, seed: int) -> tuple[Comparisons, np.ndarray]:
    rng = np.random.default_rng(seed)
    finger = np.repeat(np.arange(fingers), samples)
    probe, reference = (v.astype(np.int32) for v in np.triu_indices(len(finger), 1))
    mated = finger[probe] == finger[reference]
    raw = rng.normal(0, 1, len(probe)) + np.where(mated, 3.0 + rng.normal(0, 0.5, fingers)[finger[probe]], 0)
    raw = raw.astype(np.float32)
    raw[np.flatnonzero(mated)[:2]] = np.nan
    return Comparisons(probe, reference, mated, raw), finger


def test_replicates_against_literal_resampling() -> None:
    comparisons, finger = simulated(6, 3, seed=1)
    # Two fingers a person: non-mated pairs inside a cluster occur.
    person = finger // 2
    clusters = Clusters.of([str(p) for p in person])
    seed, made = 4, []
    rng = np.random.default_rng(seed)
    for _ in range(40):
        drawn = rng.integers(clusters.count, size=clusters.count)
        non_mated, mated, failed = [], [], 0
        rows = zip(comparisons.probe, comparisons.reference, comparisons.mated, comparisons.raw, strict=True)
        for p, r, same, raw in rows:
            one, two = person[p], person[r]
            # Literal copies: each copy of one side meets each copy of the other; inside a person, itself.
            times = int((drawn == one).sum()) * (1 if one == two else int((drawn == two).sum()))
            if not same:
                non_mated += [raw] * times
            elif np.isnan(raw):
                failed += times
            else:
                mated += [raw] * times
        arrays = np.array(non_mated, np.float32), np.array(mated, np.float32)
        value = zero_fmr(ScoreOrder.of(*arrays).count(failed=failed))
        if value is not None:
            made.append(value)
    expected = tuple(np.percentile(made, (2.5, 97.5)))
    assert bootstrap(comparisons, clusters, replicates=40, seed=seed)["zero_fmr"] == pytest.approx(expected)


def test_same_seed_same_interval() -> None:
    comparisons, finger = simulated(12, 4, seed=2)
    clusters = Clusters.of([str(f) for f in finger])
    first, second = (bootstrap(comparisons, clusters, replicates=50) for _ in range(2))
    assert first == second
    assert bootstrap(comparisons, clusters, replicates=50, seed=1) != first


def test_clusters_make_the_interval_wider_than_comparisons_alone() -> None:
    comparisons, finger = simulated(20, 6, seed=3)
    over_fingers = bootstrap(comparisons, Clusters.of([str(f) for f in finger]), replicates=200)["eer"]
    over_samples = bootstrap(comparisons, Clusters.of([str(i) for i in range(len(finger))]), replicates=200)[
        "eer"
    ]
    assert over_fingers is not None
    assert over_samples is not None
    assert over_fingers[1] - over_fingers[0] > over_samples[1] - over_samples[0]


def test_rank_one_is_over_probes() -> None:
    comparisons, finger = simulated(8, 3, seed=4)
    probes = np.flatnonzero(np.arange(len(finger)) % 3 != 0).astype(np.int32)
    every = bootstrap(
        comparisons,
        Clusters.of([str(f) for f in finger]),
        rank_one=(probes, np.ones(len(probes), np.bool_)),
        replicates=20,
    )["rank1"]
    assert every == (1.0, 1.0)


def test_zero_errors_take_the_rule_of_three() -> None:
    assert interval(0.0, (0.0, 0.0), 300) == (0.0, 0.01)
    assert interval(0.1, (0.05, 0.2), 300) == (0.05, 0.2)
    assert interval(None, None, 300) is None
    assert rule_of_three(1) == 1.0


def test_replicates_fall_for_large_sets() -> None:
    assert replicate_count(10_000) == REPLICATES
    assert replicate_count(10**9) == MIN_REPLICATES
