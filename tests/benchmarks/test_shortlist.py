"""The benchmark of the fingerprint shortlist runs at its smallest size, and counts losses as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import figures_shortlist
from benchmarks.fingerprint_shortlist import SHARES, descriptors, measure
from benchmarks.shortlist_plot import plot
from benchmarks.shortlist_prints import Pair, RealPrints, enrolments
from benchmarks.shortlist_ranks import Ranks, wilson
from matcher.types import FingerprintTemplate

PEOPLE, IMPRESSIONS = 6, 3


@pytest.fixture(scope="module")
def prints() -> RealPrints:
    """Synthetic prints in place of real ones: people beyond the gallery, both fingers, three impressions."""
    templates: list[FingerprintTemplate] = []
    places: dict[tuple[int, int], list[int]] = {}
    for sample in range(IMPRESSIONS):
        for number, position, template in enrolments(5_000, 5_000 + PEOPLE, sample=sample):
            places.setdefault((number, position), []).append(len(templates))
            templates.append(template)
    finger = np.zeros(len(templates), np.int64)
    for number, own in enumerate(places.values()):
        finger[own] = number
    from benchmarks.shortlist_prints import all_scores

    pairs = [
        Pair("made up", first, second)
        for person in range(5_000, 5_000 + PEOPLE)
        for first, second in zip(places.get((person, 2), []), places.get((person, 7), []), strict=False)
    ]
    return RealPrints(templates, finger, ["made up"] * len(templates), all_scores(templates), pairs)


def test_the_smallest_run_finds_the_mates(prints: RealPrints, tmp_path: Path) -> None:
    found = measure([60, 120], distinct=60, probes=20, real=prints)
    assert [size["subjects"] for size in found["sizes"]] == [60, 120]
    for size in found["sizes"]:
        lost = size["lost"]
        assert lost["made up"]["mates"] == lost["real"]["mates"] > 10
        assert lost["synthetic"]["mates"] > 8
        assert lost["all"]["lost"] == 0  # The list is longer than the gallery.
        assert size["lost_by_share"][str(max(SHARES))]["all"]["lost"] <= 0.2 * lost["all"]["mates"]
        assert 250 < size["bytes_a_finger"] < 900
        assert size["search_ms_median"] >= size["shortlist_ms_median"] > 0
    assert found["penetration"]["mean"] < 0.3
    plot(found, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_descriptors_are_of_both_fingers() -> None:
    known = descriptors(12)
    assert set(known) <= set(range(12))
    assert sum(len(fingers) for fingers in known.values()) > 20


def test_a_mate_behind_the_list_is_lost() -> None:
    ranks = Ranks()
    for place in (0.001, 0.004, 0.02):
        ranks.add("one", place)
    ranks.add("synthetic", 0.5)
    lost = ranks.lost(0.004)
    assert {title: (of["lost"], of["mates"]) for title, of in lost.items()} == {
        "one": (1, 3),
        "synthetic": (1, 1),
        "real": (1, 3),
        "all": (2, 4),
    }
    assert Ranks().lost(0.1)["all"]["mates"] == 0


def test_wilson_is_the_textbooks() -> None:
    low, high = wilson(0, 100)
    assert low == 0.0
    assert high == pytest.approx(0.0370, abs=1e-4)
    assert wilson(10, 100) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))


def test_the_smallest_figures_judge_nothing() -> None:
    found = figures_shortlist.measure(smallest=True)
    assert set(found["figures"]) == set(found["bars"]) == {bar.key for bar in figures_shortlist.BARS}
    assert {bar["met"] for bar in found["bars"].values()} == {None}
    assert found["small"]["sizes"][0]["lost"]["synthetic"]["mates"] > 8
