"""Damaged resident forms: a typed error or a score, never a crash, whatever the bits say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import TemplateCorruptError
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, paired, score, score_many
from matcher.types import FingerprintTemplate

Impression = Callable[..., FingerprintTemplate]
Words = npt.NDArray[np.uint64]

WORD = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def sound(impression: Impression) -> Words:
    return resident(impression(4, count=30))


def damages(words: Words) -> dict[str, Words]:
    def with_header(value: int) -> Words:
        damaged = np.array(words)
        damaged[0] = value
        return damaged

    header = int(words[0])
    return {
        "empty": words[:0],
        "no planes": words[:1],
        "cut": words[:-1],
        "longer": np.append(words, words[-1:]),
        "another magic": with_header(header ^ 1),
        "another version": with_header(header ^ 1 << 16),
        "more planes": with_header(header + (1 << 24)),
        "more minutiae": with_header(header + (1 << 32)),
        "255 minutiae": with_header(header | 0xFF << 32),
        "reserved bits": with_header(header | 1 << 63),
    }


def test_damaged_headers_and_lengths_are_refused(sound: Words) -> None:
    probe = FingerprintProbe(sound)
    for name, damaged in damages(sound).items():
        for call in (
            lambda damaged=damaged: FingerprintProbe(damaged),
            lambda damaged=damaged: score(probe, damaged),
            lambda damaged=damaged: paired(probe, damaged),
        ):
            with pytest.raises(TemplateCorruptError) as caught:
                call()
            assert caught.value.reason == "TEMPLATE_CORRUPT", name


@pytest.mark.parametrize("threads", [1, 4])
def test_one_damaged_candidate_among_many_is_reported(sound: Words, threads: int) -> None:
    """From whichever thread meets it; the process goes on."""
    probe = FingerprintProbe(sound)
    words = np.tile(sound, 2000)
    offsets = np.arange(2001, dtype=np.int64) * len(sound)
    words[1777 * len(sound)] ^= np.uint64(1)
    with pytest.raises(TemplateCorruptError):
        score_many(probe, words, offsets, threads=threads)
    rows = np.delete(np.arange(2000), 1777)
    assert (score_many(probe, words, offsets, rows=rows, threads=threads) > 0).all()


@settings(max_examples=300, deadline=None)
@given(header=WORD, body=st.lists(WORD, max_size=40))
def test_any_words_give_a_typed_error_or_a_score(sound: Words, header: int, body: list[int]) -> None:
    words = np.array([header, *body], np.uint64)
    try:
        found = score(FingerprintProbe(sound), words)
    except TemplateCorruptError:
        return
    assert found.raw >= 0


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 128),
    density=st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]),
)
def test_any_planes_give_a_finite_score(sound: Words, seed: int, count: int, density: float) -> None:
    """Sound headers over arbitrary bits: all cells set, none, all minutiae in one place or far apart."""
    rng = np.random.default_rng(seed)
    bits = rng.random((5 * count, 64)) < density
    planes = (bits.astype(np.uint64) << np.arange(64, dtype=np.uint64)).sum(1, dtype=np.uint64)
    header = int(sound[0]) & ~(0xFF << 32) | count << 32
    words = np.concatenate([np.array([header], np.uint64), planes])
    for one, two in ((words, words), (words, sound), (sound, words)):
        probe = FingerprintProbe(one)
        found = score(probe, two)
        assert np.isfinite([found.raw, found.local, found.relaxed, found.consensus]).all()
        assert found.raw >= 0
        assert len(paired(probe, two)) == found.paired <= min(probe.minutia_count, 128)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(1, 150), bit=st.integers(0, 63))
def test_a_flipped_bit_in_the_planes_moves_the_score_a_little(sound: Words, position: int, bit: int) -> None:
    probe = FingerprintProbe(sound)
    damaged = np.array(sound)
    damaged[position] ^= np.uint64(1) << np.uint64(bit)
    assert score(probe, damaged).raw > 0.5 * score(probe, sound).raw
