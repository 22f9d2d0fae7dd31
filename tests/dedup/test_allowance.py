"""The false pairs allowed are shared among kinds of pairs, and never exceeded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.dedup.allowance import MASKS, MOST_FPIR, WEIGHTS, Kind, allowance, holdings, kind_of
from matcher.dedup.modes import Asked
from matcher.dedup.settings import HYPOTHESES_DB, MIN_THRESHOLD, Settings

FINGERS, EYES, FACE = 1, 2, 4


def counted(held: np.ndarray, asked: Asked) -> dict[Kind, int]:
    """Count the pairs of each kind one by one."""
    found = dict.fromkeys(Kind, 0)
    for one, two in itertools.combinations(range(len(held)), 2):
        if two >= asked.first_new and (asked.within_new or one < asked.first_new):
            kind = kind_of(int(held[one] & held[two]))
            if kind is not None:
                found[kind] += 1
    return {kind: count for kind, count in found.items() if count}


@given(
    st.lists(st.integers(0, MASKS - 1), min_size=2, max_size=30),
    st.integers(0, 29),
    st.booleans(),
    st.sampled_from([1e-6, 1e-3, 0.3, 1.0]),
)
def test_no_more_is_let_through_than_one_threshold_would(
    masks: list[int], first_new: int, within: bool, fpir: float
) -> None:
    """Pairs of each kind are those of a plain count; their false pairs together stay within the allowed."""
    held = np.array(masks, np.uint8)
    asked = Asked(min(first_new, len(held) - 1), within or first_new == 0)
    settings = Settings(fpir=fpir)
    found = allowance(held, asked, settings)
    assert {kind: one.pairs for kind, one in found.kinds.items()} == counted(held, asked)
    whole = 10.0 ** (-settings.threshold(len(held)) / 10.0) * asked.pairs(len(held))
    assert found.false_pairs <= whole * (1 + 1e-9)
    for one in found.kinds.values():
        assert 0.0 < one.fmr <= 10.0 ** (-MIN_THRESHOLD / 10.0) * (1 + 1e-9)
        assert one.fmr * len(held) <= MOST_FPIR * (1 + 1e-9)


def test_records_of_one_kind_have_one_threshold() -> None:
    """A register of fingers, or one where everybody has everything, is judged as before."""
    settings = Settings(fpir=1e-3)
    for mask in (FINGERS, FINGERS | EYES | FACE):
        found = allowance(np.full(1000, mask, np.uint8), Asked(), settings)
        assert len(found.kinds) == 1
        assert found.threshold == pytest.approx(60.0 + HYPOTHESES_DB)
        assert found.false_pairs == pytest.approx(0.4995)


def test_pairs_with_little_to_compare_pass_at_less_and_the_others_pay() -> None:
    """Four records of 10,000 have but a face: their share is bounded, and what is left goes to the others."""
    held = np.full(10_000, FINGERS | EYES | FACE, np.uint8)
    held[::2500] = FACE
    found = allowance(held, Asked(), Settings(fpir=1e-3))
    face, several = found.kinds[Kind.FACE], found.kinds[Kind.SEVERAL]
    # 4 x 9,996 + 6 pairs; seven eighths of the five false pairs would be more than one in two searches.
    assert face.pairs == 39_990
    assert face.fmr * 10_000 == pytest.approx(MOST_FPIR)
    assert face.threshold == pytest.approx(43.01, abs=0.01)
    assert several.false_pairs == pytest.approx(found.false_pairs - face.false_pairs)
    assert found.false_pairs == pytest.approx(5.0, rel=1e-3)
    assert found.threshold == several.threshold > 70.0
    by_mask = found.thresholds()
    assert by_mask[FACE] == face.threshold
    assert by_mask[EYES | FACE] == by_mask[FINGERS | EYES] == several.threshold
    assert by_mask[0] == by_mask[FINGERS] == np.inf


def test_kinds_and_holdings_are_told_from_templates() -> None:
    """Bits of modalities; weights for every kind."""
    told = [{"record": 0, "modality": "FINGERPRINT"}, {"record": 0, "modality": "IRIS"}]
    told += [{"record": 2, "modality": "FACE"}, {"record": 2, "modality": "FACE"}]
    assert holdings(told, 3).tolist() == [FINGERS | EYES, 0, FACE]
    assert [kind_of(mask) for mask in (0, FINGERS, EYES, FACE)] == [None, Kind.FINGERS, Kind.EYES, Kind.FACE]
    assert {kind_of(mask) for mask in (3, 5, 6, 7)} == {Kind.SEVERAL}
    assert set(WEIGHTS) == set(Kind)
