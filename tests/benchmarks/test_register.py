"""The benchmark of a whole register runs at its smallest size, and what it measures feeds `matcher plan`."""

from __future__ import annotations

from benchmarks.plan_rates import measure as measure_rates
from benchmarks.register import measure
from matcher.plan.rates import rates_of
from matcher.types import Modality

SIZES = (140, 160)
"""Subjects: beyond 128 a search is no longer exhaustive by itself."""

FIGURES = {
    "figures": {"extract_ms_median": 30.0},
    "iris": {"figures": {"extract_ms_median": 60.0}},
    "face": {"figures": {"detection_ms": 7.0, "alignment_ms": 0.2, "embedding_ms": 9.0}},
}


def test_a_register_is_measured() -> None:
    """Mates are found, strangers are not, and an exhaustive search says the same."""
    found = measure(SIZES, [Modality.FINGERPRINT], probes=10, others=10, threads=1)
    first, second = found["sizes"]
    assert second["subjects"] > first["subjects"] > 130
    assert second["mated"]["probes"] > 5
    assert second["mated"]["lost"] == 0
    assert second["mated"]["fnir"] <= 0.4
    assert second["non_mated"]["fpir"] <= 0.2
    assert second["exhaustive"]["agreed"] == second["exhaustive"]["searches"]
    assert second["hot_bytes_per_subject"] > 0


def test_rates_can_be_planned_with() -> None:
    """What is written can be read back."""
    rates = rates_of(measure_rates(SIZES, 8, FIGURES))
    assert rates.samples == {"fingerprint": 2, "iris": 2, "face": 1}
    assert rates.extract_seconds["face"] == (7.0 + 0.2 + 9.0) / 1e3
    assert 0 < rates.verify_seconds < 1
