"""Packed fingerprints: expanded they are the resident form to the last bit, and score as it does."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.errors import TemplateCorruptError
from matcher.fingerprint.packed import expanded, is_packed, packed
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, score_many
from matcher.score.scorer import FingerprintScorer, PackedFingerprintScorer
from matcher.types import FingerprintTemplate, Minutiae


def print_of(seed: int, count: int, side: int = 400) -> FingerprintTemplate:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, side, (2, count)).astype(np.int16)
    direction = rng.integers(0, 256, count).astype(np.uint8)
    quality = rng.integers(0, 101, count).astype(np.uint8)
    minutiae = Minutiae(x, y, direction, np.zeros(count, np.uint8), quality)
    return FingerprintTemplate(minutiae, side, side, "made up")


@pytest.mark.parametrize("side", [120, 400, 900, 16384])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 44, 45, 127, 128, 129, 255])
def test_expanded_it_is_the_resident_form(count: int, side: int) -> None:
    for seed in range(8):
        template = print_of(seed, count, side)
        words = packed(template)
        assert words.nbytes == 8 + -(-5 * count // 8) * 8
        assert is_packed(words)
        assert not is_packed(resident(template))
        assert (expanded(words) == resident(template)).all()


def test_crowded_prints_with_minutiae_on_one_place() -> None:
    for seed in range(50):
        template = print_of(seed, 120, 60)
        assert (expanded(packed(template)) == resident(template)).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_scores_are_those_of_the_resident_form(threads: int) -> None:
    """Candidates of both forms stand side by side."""
    templates = [print_of(seed, 30 + seed % 90) for seed in range(600)]
    probe = FingerprintProbe(resident(templates[3]))
    scores = []
    for form in (lambda i, t: resident(t), lambda i, t: packed(t), lambda i, t: (packed, resident)[i % 2](t)):
        forms = [form(i, t) for i, t in enumerate(templates)]
        offsets = np.cumsum([0, *(len(f) for f in forms)]).astype(np.int64)
        scores.append(score_many(probe, np.concatenate(forms), offsets, threads=threads))
    assert (scores[0] == scores[1]).all()
    assert (scores[0] == scores[2]).all()
    assert scores[0].argmax() == 3


def test_a_gallery_scorer_prepares_what_lies_in_memory() -> None:
    template, other = print_of(1, 50), print_of(2, 50)
    plain, small = FingerprintScorer(), PackedFingerprintScorer()
    offsets, rows = np.array([0, len(packed(other))], np.int64), np.zeros(1, np.int64)
    for source in (template, packed(template), resident(template)):
        raw = small.score(small.prepare(source), packed(other), offsets, rows, 1)
        words = resident(other)
        expected = plain.score(plain.prepare(template), words, np.array([0, len(words)]), rows, 1)
        assert raw == expected


def test_what_is_no_packed_form_is_refused() -> None:
    good = packed(print_of(1, 40))
    wrong = [good[:-1], np.append(good, np.uint64(0)), good[:0], resident(print_of(1, 40))]
    for bit in (0, 9, 17, 25, 33, 41, 60):
        changed = good.copy()
        changed[0] ^= np.uint64(1) << np.uint64(bit)
        wrong.append(changed)
    for words in wrong:
        with pytest.raises(TemplateCorruptError):
            expanded(words)
    # More minutiae to be compared than a resident form has room for.
    many = packed(print_of(1, 200)).copy()
    content = many.view(np.uint8)[8:].copy()
    content[400:800].view("<u2")[:] &= np.uint16(0x7FFF)
    many.view(np.uint8)[8:] = content
    with pytest.raises(TemplateCorruptError):
        expanded(many)


def test_any_coordinates_are_safe_to_expand() -> None:
    rng = np.random.default_rng(1)
    for count in (1, 17, 128):
        words = packed(print_of(1, count)).copy()
        words[1:] = rng.integers(0, 2**63, len(words) - 1, dtype=np.uint64)
        assert len(expanded(words)) <= 1 + 5 * count
