"""The plan's arithmetic, and the demonstration at a small size."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.errors import ArgumentError
from matcher.privacy.demo import demonstrate
from matcher.privacy.plan import plan


def test_a_plan_is_the_arithmetic_that_it_states() -> None:
    found = plan(1_000_000, 8_640, eyes=2, rotations=31, comparisons_per_core=6.2e6)
    assert found.comparisons_per_day == 1e6 * 2 * 31 * 8640
    # 6.2 million a second on the mean: one core's work, at half load two cores.
    assert found.cores == 2
    assert found.memory_bytes == 1e6 * 2 * 8192
    assert found.search_s == pytest.approx(5.0)
    assert found.network_bits_per_second == pytest.approx(6.2e6 * 82)
    assert plan(2_000_000, 8_640).memory_bytes == 2 * plan(1_000_000, 8_640).memory_bytes
    assert plan(1, 1).cores == 1
    with pytest.raises(ArgumentError):
        plan(0, 1)


def test_the_demonstration_holds(tmp_path: Path) -> None:
    told: list[str] = []
    found = demonstrate(tmp_path, 60, 4, told.append)
    assert [claim.text for claim in found.claims if not claim.held] == []
    assert len(found.claims) == 4
    assert "mates found: 4 of 4" in found.lines
    assert told
