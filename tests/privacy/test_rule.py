"""The plain rule: what it stands for, how wide its numbers are, what it refuses."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher import _core
from matcher.errors import ArgumentError
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import FULL_BITS
from matcher.privacy.encode import IrisForm
from matcher.privacy.records import PRIVATE, iris_rule
from matcher.privacy.rule import (
    FITTED_SCALE,
    FITTED_SLOPE,
    MAX_BITS,
    MINIMUM_DIVISOR,
    Rule,
    fitted_raw,
    fitted_rule,
    rule_for,
)
from matcher.score.calibration import load_calibration

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


@pytest.mark.parametrize("bits", [40, 64])
@pytest.mark.parametrize("threshold", [0.01, 0.0625, 0.1, 0.37])
def test_the_fitted_rule_is_its_scores_threshold(reference: ModuleType, bits: int, threshold: float) -> None:
    cd, md = reference.every_pair(bits)
    raw = fitted_raw(cd.astype(np.float64), md.astype(np.float64), bits)
    # A score is a whole number of quarter bits: what lies between two of them counts as the higher one.
    assert (fitted_rule(threshold, bits).matches(cd, md) == (raw >= threshold)).all()


@pytest.mark.parametrize(("threshold", "bits"), [(0.0, 2048), (1.01, 2048), (0.1, 4), (0.1, MAX_BITS + 1)])
def test_fitted_thresholds_out_of_range_are_refused(threshold: float, bits: int) -> None:
    with pytest.raises(ArgumentError):
        fitted_rule(threshold, bits)


@pytest.mark.parametrize("pairs", [False, True])
def test_the_search_codes_rule_keeps_its_calibrations_promise(pairs: bool) -> None:
    name = EXTRACTOR_ID + PRIVATE[pairs]
    calibration = load_calibration(name, name)
    assert calibration.scorer == "iris-private/1"
    assert calibration.non_mated > 400_000
    rules = [iris_rule(EXTRACTOR_ID, fmr, IrisForm(pairs=pairs)) for fmr in (1e-3, 1e-4, 1e-6)]
    assert rules[0].offset < rules[1].offset < rules[2].offset
    for rule, promised in zip(rules, (30.0, 40.0, 60.0), strict=True):
        assert (rule.scale, rule.slope, rule.narrow) == (FITTED_SCALE, FITTED_SLOPE, True)
        # The least score that is accepted, and the greatest that is not.
        accepted, refused = (k / (FITTED_SCALE * rule.bits) for k in (rule.offset + 1, rule.offset))
        scores = calibration.score(accepted).value, calibration.score(refused).value
        assert scores[0] >= promised - 1e-6 > scores[1] - 1e-3
    assert iris_rule(EXTRACTOR_ID, 1e-4, IrisForm(FULL_BITS)).scale == 256
    with pytest.raises(ArgumentError):
        iris_rule(EXTRACTOR_ID, 1e-4, IrisForm(4096))


def test_every_pair_of_a_small_code(reference: ModuleType) -> None:
    rule = Rule(bits=40, scale=4, slope=1, offset=9, minimum=5)
    cd, md = reference.every_pair(40)
    wanted = [4 * c > m + 9 and m >= 5 for c, m in zip(cd, md, strict=True)]
    assert rule.matches(cd, md).tolist() == wanted
