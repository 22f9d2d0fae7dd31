"""The benchmark of the service runs, and what it says of a few people hangs together."""

from __future__ import annotations

import pytest

from benchmarks.figures_service import BARS, PLACES, SMALLEST
from benchmarks.service import CALLERS, FIGURES, run


def test_every_row_has_its_place() -> None:
    assert [bar.key for bar in BARS] == list(PLACES)
    assert {part for part, _, _ in PLACES.values()} == set(FIGURES)


@pytest.mark.parametrize("part", sorted(FIGURES))
def test_the_benchmark_of_the_service_runs(full_size: bool, part: str) -> None:
    if not full_size:
        pytest.skip("starts a server: `make soak`; the smallest figures start one")
    found = run(SMALLEST, [part])[part]
    for _, name, figure in (place for place in PLACES.values() if place[0] == part):
        assert found[name][figure] > 0
        assert found[name]["server_cpu_s"] > 0
    if part == "secured":
        assert found[f"verify_{CALLERS}"]["accepted"] > 0.9
    if part == "beside":
        assert found["searches_per_s"] > 0
