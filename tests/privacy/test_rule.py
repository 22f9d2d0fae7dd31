"""The plain rule: what it stands for, how wide its numbers are, what it refuses."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher import _core
from matcher.errors import ArgumentError
from matcher.privacy.rule import MAX_BITS, MINIMUM_DIVISOR, Rule, rule_for

CASES = [(0.2285, 2048, 0.35), (0.25, 2048, 0.35), (0.19, 16384, 0.45), (0.2, 12800, 0.4), (0.3, 512, 0.5)]


def test_the_minimum_is_the_plain_matchers() -> None:
    assert MINIMUM_DIVISOR == _core.IRIS_MINIMUM_SHARE


@pytest.mark.parametrize(("threshold", "bits", "share"), CASES)
def test_what_the_rule_accepts_the_plain_score_accepts(threshold: float, bits: int, share: float) -> None:
    rule = rule_for(threshold, bits, share)
    md = np.arange(1, bits + 1)
    # The least cd that the rule accepts at each md.
    cd = (rule.slope * md + rule.offset) // rule.scale + 1
    assert rule.matches(cd, md)[md >= rule.minimum].all()
    assert not rule.matches(cd - 1, md).any()
    assert (cd / np.sqrt(md * bits) > threshold)[md >= rule.minimum].all()
    # And it is no stricter than a tangent has to be: at the typical share they meet.
    typical = int(share * bits)
    assert cd[typical - 1] / np.sqrt(typical * bits) < threshold * 1.02 + 1 / np.sqrt(typical * bits)


@pytest.mark.parametrize(("threshold", "bits", "share"), CASES)
def test_widths_hold_at_every_corner_and_no_narrower_does(threshold: float, bits: int, share: float) -> None:
    rule = rule_for(threshold, bits, share)
    corners = [(0, 0), (bits, bits), (-bits, bits)]
    x = [rule.scale * cd - rule.slope * md - rule.offset - 1 for cd, md in corners]
    half = 1 << rule.width - 1
    assert all(-half <= value < half for value in x)
    assert not all(-half // 2 <= value < half // 2 for value in x)
    assert rule.bits < 1 << rule.md_width
    assert rule.narrow == (bits == 2048 or bits == 512)


def test_an_all_masked_pair_never_matches(rng: np.random.Generator) -> None:
    for _ in range(200):
        threshold, share = rng.uniform(0.01, 0.6), rng.uniform(0.2, 1.0)
        rule = rule_for(threshold, int(rng.choice([2048, 4096, 16384])), share)
        md = np.arange(rule.minimum)
        assert not rule.matches(md, md).any()


@pytest.mark.parametrize(
    "parts",
    [
        (0, 1, 0, 0, 1),
        (MAX_BITS + 1, 1, 0, 0, 1),
        (2048, 0, 0, 0, 1),
        (2048, 1, -1, 0, 1),
        (2048, 1, 0, -1, 1),
        (2048, 1, 0, 0, 0),
        (2048, 1, 0, 0, 2049),
        (16384, 3, 1, 0, 1),
        (16384, 1 << 18, 1, 0, 1),
    ],
)
def test_rules_that_cannot_be_computed_are_refused(parts: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ArgumentError):
        Rule(*parts)


@pytest.mark.parametrize(("threshold", "bits", "share"), [(0.0, 2048, 0.3), (0.2, 4, 0.3), (0.2, 2048, 0.0)])
def test_thresholds_out_of_range_are_refused(threshold: float, bits: int, share: float) -> None:
    with pytest.raises(ArgumentError):
        rule_for(threshold, bits, share)


def test_every_pair_of_a_small_code(reference: ModuleType) -> None:
    rule = Rule(bits=40, scale=4, slope=1, offset=9, minimum=5)
    cd, md = reference.every_pair(40)
    wanted = [4 * c > m + 9 and m >= 5 for c, m in zip(cd, md, strict=True)]
    assert rule.matches(cd, md).tolist() == wanted
