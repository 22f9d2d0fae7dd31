"""The C++ scorer: what the slow reference says, at every instruction set, however prints lie."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from matcher.errors import ArgumentError
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import (
    FingerprintProbe,
    FingerprintScore,
    paired,
    score,
    score_many,
    simd_level,
)
from matcher.types import FingerprintTemplate, Minutiae

Impression = Callable[..., FingerprintTemplate]
Words = npt.NDArray[np.uint64]


def packed(forms: list[Words]) -> tuple[Words, npt.NDArray[np.int64]]:
    offsets = np.cumsum([0] + [len(form) for form in forms]).astype(np.int64)
    return np.concatenate(forms), offsets


@pytest.fixture(scope="module")
def gallery(impression: Impression) -> list[Words]:
    """Second impressions of 60 fingers, of 8 to 67 minutiae."""
    return [resident(impression(f, 2, count=8 + f, noise=0.5, turn=f % 20)) for f in range(60)]


@pytest.mark.parametrize("count", [2, 3, 5, 9, 16, 17, 33, 48, 64, 90, 140])
@pytest.mark.parametrize(("other", "turn"), [(0, 12), (0, 128), (1000, 0)])
def test_scores_are_the_references(
    reference: ModuleType, impression: Impression, count: int, other: int, turn: int
) -> None:
    """The same finger, upside down too, and another one; counts around the vectors' lengths and the cap."""
    one = resident(impression(count, 1, count=count, noise=0.5, quality=50))
    two = resident(impression(count + other, 2, count=count + 3, noise=0.5, turn=turn, shift=(9, -14)))
    expected = reference.compare(one, two)
    pairs = expected.pop("pairs")
    found = score(FingerprintProbe(one), two)
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert {(int(i), int(j)) for i, j in paired(FingerprintProbe(one), two)} == pairs


def test_every_instruction_set_gives_the_same_bits(impression: Impression, tmp_path: Path) -> None:
    """Digest of many scores, in one process for each level that this processor has."""
    prints = [impression(f, s, count=2 + f, noise=0.5, turn=9 * s) for f in range(80) for s in (0, 1)]
    words, offsets = packed([resident(template) for template in prints])
    np.savez(tmp_path / "gallery.npz", words=words, offsets=offsets)
    program = (
        "import hashlib, numpy as np\n"
        "from matcher.score.fingerprint import FingerprintProbe, score_many, simd_level\n"
        f"gallery = np.load({os.fspath(tmp_path / 'gallery.npz')!r})\n"
        "words, offsets = gallery['words'], gallery['offsets']\n"
        "digest = hashlib.sha256()\n"
        "for first, last in zip(offsets[:-1], offsets[1:]):\n"
        "    digest.update(score_many(FingerprintProbe(words[first:last]), words, offsets).tobytes())\n"
        "print(simd_level(), digest.hexdigest())\n"
    )
    best = _run(program, "").split()
    levels = ["scalar", "avx2", "avx512"]
    known = levels[: levels.index(best[0]) + 1]
    said = {level: _run(program, level).split() for level in known}
    assert {level: answer[0] for level, answer in said.items()} == {level: level for level in known}
    assert {answer[1] for answer in said.values()} == {best[1]}


def test_an_unknown_instruction_set_is_refused() -> None:
    program = (
        "from matcher.errors import ArgumentError\n"
        "from matcher.score.fingerprint import simd_level\n"
        "try: simd_level()\n"
        "except ArgumentError as error: print(error)\n"
    )
    assert "expected scalar, avx2 or avx512, got 'sse9'" in _run(program, "sse9")
    assert simd_level() in ("scalar", "avx2", "avx512")


def test_mated_scores_stand_above_all_others(impression: Impression, gallery: list[Words]) -> None:
    words, offsets = packed(gallery)
    for finger in range(10, 60, 7):
        probe = FingerprintProbe(impression(finger, 1, count=8 + finger, noise=0.5))
        scores = score_many(probe, words, offsets)
        others = np.delete(scores, finger)
        assert scores[finger] > 2 * others.max()
        assert (scores >= 0).all()


@pytest.mark.parametrize("turn", [0, 64, 128, 192])
def test_a_print_may_lie_anywhere(impression: Impression, turn: int) -> None:
    """Quarter turns keep the pixels' grid: the same minutiae, so the same comparison but for rounding."""
    probe = FingerprintProbe(impression(3, 0, noise=0.3))
    still = score(probe, resident(impression(3, 1, noise=0.3)))
    moved = score(probe, resident(impression(3, 1, noise=0.3, turn=turn, shift=(140, -180))))
    assert moved.raw == pytest.approx(still.raw, rel=0.02)
    assert moved.paired == still.paired


def test_a_print_with_itself_pairs_every_minutia(impression: Impression) -> None:
    template = impression(5)
    pairs = paired(FingerprintProbe(template), resident(template))
    assert pairs.tolist() == [[i, i] for i in range(40)]
    assert pairs.dtype == np.int64


def test_pairs_are_numbered_as_in_the_templates(impression: Impression) -> None:
    """Beyond the cap the best are kept; their pairs still name the template's minutiae."""
    template = impression(5, count=200)
    m = template.minutiae
    quality = np.full(200, 10, np.uint8)
    quality[::2] = 90
    better = FingerprintTemplate(Minutiae(m.x, m.y, m.direction, m.kind, quality), 1000, 1000, "test")
    probe = FingerprintProbe(better)
    assert probe.minutia_count == 128
    pairs = paired(probe, resident(better))
    assert np.array_equal(pairs[:, 0], pairs[:, 1])
    assert set(range(0, 200, 2)) <= set(pairs[:, 0].tolist())


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_minutiae_score_nothing(impression: Impression, count: int) -> None:
    nothing = FingerprintScore(0.0, 0.0, 0.0, 0.0, 0)
    full, few = impression(1), impression(1, count=count)
    for one, two in ((full, few), (few, full), (few, few)):
        assert score(FingerprintProbe(one), resident(two)) == nothing
        assert paired(FingerprintProbe(one), resident(two)).shape == (0, 2)


def test_small_templates_score_no_higher_by_chance() -> None:
    """One calibration serves all sizes: the non-mated tail must not rise where minutiae are few."""
    rng = np.random.default_rng(11)
    tails = {}
    for count in (5, 10, 20, 40, 60):
        forms = []
        for _ in range(60):
            radius = 17 * np.sqrt(count)
            place = np.rint(rng.uniform(0, 2 * radius, (count, 2))).astype(np.int16)
            flow = (place[:, 0] // 8 + rng.integers(0, 12) + 128 * rng.integers(0, 2, count)) % 256
            none = np.zeros(count, np.uint8)
            minutiae = Minutiae(place[:, 0], place[:, 1], flow.astype(np.uint8), none, none)
            forms.append(resident(FingerprintTemplate(minutiae, 600, 600, "test")))
        words, offsets = packed(forms)
        scores = [
            score_many(FingerprintProbe(form), words, offsets, rows=np.arange(i + 1, 60))
            for i, form in enumerate(forms)
        ]
        tails[count] = float(np.quantile(np.concatenate(scores), 0.99))
    assert max(tails.values()) < 2 * tails[40], tails


def test_threads_and_rows_change_nothing(impression: Impression, gallery: list[Words]) -> None:
    many = gallery * 20
    words, offsets = packed(many)
    probe = FingerprintProbe(impression(7, 1, noise=0.5))
    alone = score_many(probe, words, offsets)
    assert alone.dtype == np.float32
    assert np.array_equal(score_many(probe, words, offsets, threads=3), alone)
    rows = np.random.default_rng(0).permutation(len(many))[:500]
    assert np.array_equal(score_many(probe, words, offsets, rows=rows, threads=2), alone[rows])
    singles = [score(probe, form).raw for form in gallery]
    assert np.array_equal(alone[: len(gallery)], np.array(singles, np.float32))
    assert score_many(probe, words, offsets, rows=np.zeros(0, np.int64)).shape == (0,)
    assert score_many(probe, words[:0], np.zeros(1, np.int64)).shape == (0,)


def test_wrong_arguments_are_refused(impression: Impression, gallery: list[Words]) -> None:
    words, offsets = packed(gallery)
    probe = FingerprintProbe(impression(7))
    calls: list[Callable[[], Any]] = [
        lambda: FingerprintProbe(words.astype(np.int64)),  # type: ignore[arg-type]
        lambda: FingerprintProbe("template"),  # type: ignore[arg-type]
        lambda: score(probe, words.reshape(1, -1)),
        lambda: score_many(probe, words, offsets.astype(np.int32)),  # type: ignore[arg-type]
        lambda: score_many(probe, words, offsets[:0]),
        lambda: score_many(probe, words, offsets, threads=0),
        lambda: score_many(probe, words, offsets, rows=np.array([len(gallery)])),
        lambda: score_many(probe, words, offsets, rows=np.array([-1])),
        lambda: score_many(probe, words, offsets - 1),
        lambda: score_many(probe, words, offsets[::-1]),
        lambda: score_many(probe, words, np.array([0, 2**62])),
    ]
    for call in calls:
        with pytest.raises(ArgumentError):
            call()


def test_a_probe_holds_its_own_copy(impression: Impression) -> None:
    words = np.array(resident(impression(2)))
    probe = FingerprintProbe(words)
    before = score(probe, resident(impression(2, 1, noise=0.3)))
    digest = hashlib.sha256(words).hexdigest()
    words[:] = 0
    assert score(probe, resident(impression(2, 1, noise=0.3))) == before
    assert hashlib.sha256(words).hexdigest() != digest


def _run(program: str, level: str) -> str:
    environment = {**os.environ, "MATCHER_SIMD": level}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
