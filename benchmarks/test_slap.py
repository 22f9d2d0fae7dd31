"""CPU time of slaps: making one, and finding its fingers."""

from __future__ import annotations

from typing import Any

from matcher.datasets.fingerprint_synthesis import generate_slap
from matcher.fingerprint.slap import segment_slap
from matcher.fingerprint.slap_types import POSITIONS, SlapKind


def test_making_a_slap(benchmark: Any) -> None:
    """Grow four fingers and lay them on a sensor of 1600 x 1500 pixels."""
    generate_slap(0, SlapKind.RIGHT_FOUR)
    seeds = iter(range(1, 1_000_000))
    slap = benchmark.pedantic(lambda: generate_slap(next(seeds), SlapKind.RIGHT_FOUR), rounds=5)
    assert slap.image.pixels.shape == (1500, 1600)
    assert len(slap.fingers) == 4


def test_finding_its_fingers(benchmark: Any) -> None:
    """Segment a slap of 1600 x 1500 pixels."""
    slap = generate_slap(2, SlapKind.LEFT_FOUR, difficulty=0.3)
    fingers = benchmark.pedantic(lambda: segment_slap(slap.image, slap.kind), rounds=7, warmup_rounds=1)
    assert [finger.position for finger in fingers] == list(POSITIONS[SlapKind.LEFT_FOUR])
