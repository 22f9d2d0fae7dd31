"""The C++ iris comparison: what the slow reference says, at every instruction set, for any masks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, CalibrationMissingError, TemplateCorruptError
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.score.iris import IrisProbe, score, score_many, search_score, search_score_many
from matcher.score.iris_record import RESIDENT_WORDS, SEARCH_WORDS, resident, search_records
from matcher.score.iris_scorer import IrisScorer
from matcher.template.iris_codec import encode_iris

REFERENCE = Path(__file__).resolve().parent.parent / "reference_iris_score.py"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The module tests/reference_iris_score.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_iris_score", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def eye(
    seed: int, sample: int = 0, *, turn: int = 0, errors: float = 0.25, masked: float = 0.3
) -> IrisTemplate:
    """A made-up eye: independent bits, of which a share differs in samples other than 0."""
    rng, other = np.random.default_rng(seed), np.random.default_rng([seed, sample, 1])
    arrays: list[Any] = []
    for dtype, bits in ((np.uint64, 64), (np.uint8, 8)):
        code = rng.random((ANGLES, bits)) < 0.5
        code ^= other.random(code.shape) < (errors if sample else 0.0)
        mask = other.random(code.shape) >= masked
        for plane in (code & mask, mask):
            words = np.packbits(plane, axis=1, bitorder="little").view(dtype).reshape(ANGLES)
            arrays.append(np.roll(words, turn))
    return IrisTemplate(*arrays, extractor="test")


def expected(reference: ModuleType, probe: IrisTemplate, candidate: IrisTemplate, full: bool) -> Any:
    names = ("code", "mask") if full else ("search_code", "search_mask")
    sides = [reference.bits(getattr(side, name)) for side in (probe, candidate) for name in names]
    return reference.compare(*sides)


@pytest.mark.parametrize("turn", [-15, -7, -1, 0, 1, 8, 15, 16])
@pytest.mark.parametrize("masked", [0.0, 0.3, 0.6, 0.9])
def test_scores_are_the_references(reference: ModuleType, turn: int, masked: float) -> None:
    one, two, other = eye(1, 1, masked=masked), eye(1, 2, turn=turn, masked=masked), eye(2, masked=masked)
    probe = IrisProbe(one)
    for candidate in (one, two, other):
        for full, compare in ((True, score), (False, search_score)):
            found = compare(probe, resident(candidate))
            assert (found.raw, found.turn, found.common, found.differing) == expected(
                reference, one, candidate, full
            )
    if masked < 0.9:
        found = score(probe, resident(two))
        assert (abs(turn) > 15) == (found.raw < 0.1)
        if abs(turn) <= 15:
            assert found.turn == -turn
            # Two samples with errors in a quarter of the bits each.
            assert found.hamming == pytest.approx(2 * 0.25 * 0.75, abs=0.02)


def test_itself_is_one_and_its_opposite_nothing() -> None:
    whole = eye(3, masked=0.0)
    assert score(IrisProbe(whole), resident(whole)).raw == 1.0
    assert search_score(IrisProbe(whole), resident(whole)).raw == 1.0
    # Every angle alike: all rotations disagree everywhere.
    ones, zeros = np.full(ANGLES, 2**64 - 1, np.uint64), np.zeros(ANGLES, np.uint64)
    bright = IrisTemplate(ones, ones, ones.astype(np.uint8), ones.astype(np.uint8), "test")
    dark = IrisTemplate(zeros, ones, zeros.astype(np.uint8), ones.astype(np.uint8), "test")
    for compare in (score, search_score):
        found = compare(IrisProbe(bright), resident(dark))
        assert (found.raw, found.turn, found.common, found.differing, found.hamming) == (0, 0, 0, 0, 0.5)
        assert compare(IrisProbe(dark), resident(dark)).raw == 1.0


@pytest.mark.parametrize(("angles", "claimed"), [(31, False), (32, True)])
def test_too_few_valid_bits_claim_nothing(angles: int, claimed: bool) -> None:
    """An eighth of the bits, 32 whole angles, is the least."""
    mask = np.zeros(ANGLES, np.uint64)
    mask[:angles] = 2**64 - 1
    code = np.random.default_rng(4).integers(0, 2**64, ANGLES, np.uint64) & mask
    template = IrisTemplate(code, mask, code.astype(np.uint8), mask.astype(np.uint8), "test")
    for compare in (score, search_score):
        found = compare(IrisProbe(template), resident(template))
        assert found.raw == (pytest.approx((32 / 256) ** 0.5) if claimed else 0.0)


def test_empty_masks_score_nothing(reference: ModuleType) -> None:
    none = np.zeros(ANGLES, np.uint64)
    blind = IrisTemplate(none, none, none.astype(np.uint8), none.astype(np.uint8), "test")
    for one, two in ((blind, blind), (blind, eye(1)), (eye(1), blind)):
        assert score(IrisProbe(one), resident(two)).raw == 0.0
        assert search_score(IrisProbe(one), resident(two)).raw == 0.0
        assert expected(reference, one, two, True).raw == 0.0


def test_many_are_what_each_is() -> None:
    templates = [eye(s % 5, s, turn=s % 9 - 4) for s in range(40)]
    forms = [resident(t) for t in templates]
    words, offsets = np.concatenate(forms), np.arange(41, dtype=np.int64) * RESIDENT_WORDS
    records = np.stack([form[:SEARCH_WORDS] for form in forms])
    probe = IrisProbe(forms[0])
    alone = np.array([score(probe, form).raw for form in forms], np.float32)
    searched = np.array([search_score(probe, form).raw for form in forms], np.float32)
    for threads in (1, 3):
        assert np.array_equal(score_many(probe, words, offsets, threads=threads), alone)
        assert np.array_equal(search_score_many(probe, records, threads=threads), searched)
    rows = np.array([7, 7, 0, 39])
    assert np.array_equal(score_many(probe, words, offsets, rows=rows), alone[rows])
    assert np.array_equal(search_score_many(probe, records, rows=rows), searched[rows])
    assert len(score_many(probe, words, offsets, rows=rows[:0])) == 0
    # The engine's form of it, with unused room behind the rows.
    room = np.concatenate([words, np.zeros(1000, np.uint64)])
    assert np.array_equal(IrisScorer().score(probe, room, offsets, rows, 1), alone[rows])


def test_wrong_arrays_are_refused() -> None:
    form = resident(eye(1))
    probe = IrisProbe(form)
    for damaged in (form[:-1], np.concatenate([form, form]), form[:0]):
        with pytest.raises(TemplateCorruptError, match=str(RESIDENT_WORDS)):
            IrisProbe(damaged)
        with pytest.raises(TemplateCorruptError, match=str(RESIDENT_WORDS)):
            score(probe, damaged)
    for wrong in (form.astype(np.int64), form.reshape(2, -1), form.tolist()):
        with pytest.raises(ArgumentError, match="uint64"):
            IrisProbe(wrong)
    offsets = np.array([0, RESIDENT_WORDS])
    for bad in ([0, 575], [1, 577], [-1, 575], [2**62, 2**62 + RESIDENT_WORDS], [RESIDENT_WORDS, 0]):
        with pytest.raises((ArgumentError, TemplateCorruptError)):
            score_many(probe, form, np.array(bad))
    for rows in ([-1], [1], [2**62]):
        with pytest.raises(ArgumentError, match="rows"):
            score_many(probe, form, offsets, rows=np.array(rows))
        with pytest.raises(ArgumentError, match="rows"):
            search_score_many(probe, form[None, :SEARCH_WORDS], rows=np.array(rows))
    with pytest.raises(ArgumentError, match="offsets"):
        score_many(probe, form, offsets[:0])
    with pytest.raises(ArgumentError, match="threads"):
        score_many(probe, form, offsets, threads=0)
    with pytest.raises(ArgumentError, match="64 words"):
        search_score_many(probe, form[None])
    with pytest.raises(ArgumentError, match="256"):
        search_records(np.zeros((1, 255), np.uint8), np.zeros((1, 255), np.uint8))
    with pytest.raises(ArgumentError, match="masks"):
        search_records(np.zeros((1, 256), np.uint8), np.zeros((2, 256), np.uint8))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), dense=st.integers(0, 3))
def test_any_words_compare_as_their_masked_bits(seed: int, dense: int) -> None:
    """Code bits that the mask leaves out have no effect, whatever the words hold."""
    rng = np.random.default_rng(seed)

    def words() -> Any:
        made = rng.integers(0, 2**64, RESIDENT_WORDS, np.uint64)
        for _ in range(dense):
            made |= rng.integers(0, 2**64, RESIDENT_WORDS, np.uint64)
        return made

    def masked(form: Any) -> Any:
        out = form.copy()
        blocks = out[:SEARCH_WORDS].reshape(-1, 2, 8)
        blocks[:, 0] &= blocks[:, 1]
        out[SEARCH_WORDS:-ANGLES] &= out[-ANGLES:]
        return out

    one, two = words(), words()
    for compare in (score, search_score):
        found = compare(IrisProbe(one), two)
        assert found == compare(IrisProbe(masked(one)), masked(two))
        assert 0.0 <= found.raw <= 1.0
        # The other way round the same, turned back.
        back = compare(IrisProbe(two), one)
        assert back.raw == found.raw


def test_every_instruction_set_gives_the_same_bits(tmp_path: Path) -> None:
    forms = np.stack([resident(eye(s % 9, s, turn=s % 31 - 15, masked=s % 10 / 10)) for s in range(60)])
    np.save(tmp_path / "forms.npy", forms)
    program = (
        "import hashlib, numpy as np\n"
        "from matcher.score.iris import IrisProbe, score_many, search_score_many\n"
        "from matcher.score.fingerprint import simd_level\n"
        f"forms = np.load({os.fspath(tmp_path / 'forms.npy')!r})\n"
        "offsets = np.arange(len(forms) + 1) * forms.shape[1]\n"
        "records = np.ascontiguousarray(forms[:, :64])\n"
        "digest = hashlib.sha256()\n"
        "for form in forms:\n"
        "    digest.update(score_many(IrisProbe(form), forms.reshape(-1), offsets).tobytes())\n"
        "    digest.update(search_score_many(IrisProbe(form), records).tobytes())\n"
        "print(simd_level(), digest.hexdigest())\n"
    )
    best = run(program, "").split()
    levels = ["scalar", "avx2", "avx512"]
    known = levels[: levels.index(best[0]) + 1]
    said = {level: run(program, level).split() for level in known}
    assert {level: answer[0] for level, answer in said.items()} == {level: level for level in known}
    assert {answer[1] for answer in said.values()} == {best[1]}


def run(program: str, level: str) -> str:
    made = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MATCHER_SIMD": level},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


def test_forms_of_many_are_those_of_each() -> None:
    scorer = IrisScorer()
    eyes = [eye(seed) for seed in range(3)]
    for (small, full), stored, one in zip(
        scorer.both(eyes), scorer.stored([encode_iris(one) for one in eyes]), eyes, strict=True
    ):
        assert np.array_equal(small, scorer.quick.resident(one))
        assert np.array_equal(full, scorer.resident(one))
        assert np.array_equal(stored, full)


def test_scorer_has_the_engines_methods() -> None:
    scorer = IrisScorer()
    template = eye(1)
    words = scorer.resident(template)
    assert words.dtype == np.uint64
    assert words.shape == (RESIDENT_WORDS,)
    assert not words.flags.writeable
    for source in (template, words):
        raw = scorer.score(scorer.prepare(source), words, np.array([0, len(words)]), np.array([0]), 1)
        assert raw.dtype == np.float32
        assert raw[0] == score(IrisProbe(template), words).raw > 0.6
    with pytest.raises(CalibrationMissingError, match="nobody/7"):
        scorer.calibration("nobody/7", "nobody/7")
