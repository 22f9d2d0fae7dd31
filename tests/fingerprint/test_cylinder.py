"""Cylinder bits and the resident form: what the paper says, wherever and however the print lies."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.fingerprint.compared import MAX_RESIDENT_MINUTIAE, choose
from matcher.fingerprint.resident import resident
from matcher.types import MAX_COORDINATE, U64, FingerprintTemplate, Minutiae

SECTIONS = 5


@pytest.fixture(scope="module")
def scorer_reference() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "reference_scorer.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_scorer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scattered(count: int, seed: int = 0, side: int = 300, quality: int | None = None) -> Minutiae:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, side, (2, count)).astype(np.int16)
    direction = rng.integers(0, 256, count).astype(np.uint8)
    given = rng.integers(0, 101, count) if quality is None else np.full(count, quality)
    return Minutiae(x, y, direction, np.ones(count, np.uint8), given.astype(np.uint8))


def moved(minutiae: Minutiae, x: int, y: int) -> Minutiae:
    dx, dy = np.int16(x), np.int16(y)
    return Minutiae(minutiae.x + dx, minutiae.y + dy, minutiae.direction, minutiae.kind, minutiae.quality)


def quarter_turn(minutiae: Minutiae, side: int = 300) -> Minutiae:
    """Counter-clockwise as seen on the image."""
    x, y = minutiae.y, np.int16(side - 1) - minutiae.x
    return Minutiae(x, y, minutiae.direction + np.uint8(64), minutiae.kind, minutiae.quality)


def cylinders(minutiae: Minutiae) -> U64:
    """Return the bits of all minutiae's cylinders, uint64 (SECTIONS, N): of their words the low 52."""
    words = resident(FingerprintTemplate(minutiae, MAX_COORDINATE + 1, MAX_COORDINATE + 1, "test"))
    return words[1:].reshape(SECTIONS, len(minutiae)) & np.uint64((1 << 52) - 1)


def ones(words: np.ndarray) -> int:
    return sum(int(word).bit_count() for word in words.ravel())


@pytest.mark.parametrize(("count", "side"), [(1, 300), (2, 300), (7, 300), (25, 300), (40, 40), (30, 1000)])
def test_bits_are_the_references(scorer_reference: ModuleType, count: int, side: int) -> None:
    """Usual prints, all minutiae within each other's reach, and most out of it."""
    minutiae = scattered(count, count, side)
    found = cylinders(minutiae)
    expected = scorer_reference.cylinder_sets(
        minutiae.x.astype(float), minutiae.y.astype(float), minutiae.direction.astype(float)
    )
    assert found.shape == (SECTIONS, count)
    for i, cells in enumerate(expected):
        assert {(s, c) for s in range(SECTIONS) for c in range(64) if int(found[s, i]) >> c & 1} == cells
    assert count < 7 or ones(found) > 0


def test_every_instruction_set_gives_the_same_cylinders(tmp_path: Path) -> None:
    """Digest of bits and weights, in one process for each level that this processor has."""
    prints = [scattered(n, n, side) for n, side in ((0, 300), (1, 300), (45, 250), (128, 60), (255, 900))]
    fields = ("x", "y", "direction", "kind", "quality")
    np.savez(tmp_path / "p.npz", **{f"{i}.{f}": getattr(p, f) for i, p in enumerate(prints) for f in fields})
    program = (
        "import hashlib, numpy as np\n"
        "from matcher import _core\n"
        "from matcher.fingerprint.packed import packed\n"
        "from matcher.types import MAX_COORDINATE, FingerprintTemplate, Minutiae\n"
        f"saved = np.load({os.fspath(tmp_path / 'p.npz')!r})\n"
        "digest = hashlib.sha256()\n"
        f"for i in range({len(prints)}):\n"
        f"    minutiae = Minutiae(*(saved[f'{{i}}.{{name}}'] for name in {fields!r}))\n"
        "    side = MAX_COORDINATE + 1\n"
        "    words = packed(FingerprintTemplate(minutiae, side, side, 'test'))\n"
        "    digest.update(_core.fingerprint_expand(words).tobytes())\n"
        "    digest.update(np.ascontiguousarray(_core.fingerprint_features(words)).tobytes())\n"
        "print(_core.simd_level(), digest.hexdigest())\n"
    )
    levels = ["scalar", "avx2", "avx512"]
    said = dict(run(program, level) for level in levels[: levels.index(run(program, "")[0]) + 1])
    assert list(said) == levels[: len(said)]
    assert len(set(said.values())) == 1


def run(program: str, level: str) -> tuple[str, str]:
    environment = {**os.environ, "MATCHER_SIMD": level}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    name, digest = done.stdout.split()
    return name, digest


def test_moving_a_print_changes_no_bit() -> None:
    minutiae = scattered(40)
    assert np.array_equal(cylinders(minutiae), cylinders(moved(minutiae, 4321, 777)))


def test_turning_a_print_changes_no_bit_but_those_on_the_edge() -> None:
    minutiae = scattered(40)
    before, after = cylinders(minutiae), cylinders(quarter_turn(minutiae))
    assert ones(before ^ after) <= 0.002 * ones(before)


def test_a_lone_minutia_has_an_empty_cylinder() -> None:
    assert ones(cylinders(scattered(1))) == 0
    assert cylinders(scattered(0)).shape == (SECTIONS, 0)


@pytest.mark.parametrize("count", [0, 1, 45, 64, 65, 255])
def test_the_resident_form_keeps_minutiae_to_the_bit(scorer_reference: ModuleType, count: int) -> None:
    minutiae = scattered(count, side=MAX_COORDINATE + 1)
    words = resident(FingerprintTemplate(minutiae, MAX_COORDINATE + 1, MAX_COORDINATE + 1, "test"))
    kept = choose(minutiae)
    assert len(kept) == min(count, MAX_RESIDENT_MINUTIAE)
    assert words.dtype == np.uint64
    assert words.nbytes == 8 + 40 * len(kept)
    assert not words.flags.writeable
    unpacked = scorer_reference.unpack(words)
    assert np.array_equal(unpacked.index, kept)
    assert np.array_equal(unpacked.x, minutiae.x[kept])
    assert np.array_equal(unpacked.y, minutiae.y[kept])
    assert np.array_equal(unpacked.direction, minutiae.direction[kept])
    assert unpacked.cells.sum() == ones(words[1:] & np.uint64((1 << 52) - 1))


def test_the_median_finger_is_within_its_bytes() -> None:
    """Issue 2: at most 3 kB; 45 minutiae take 1.8 kB, the most kept (a rolled print) 5.1 kB."""
    assert resident(FingerprintTemplate(scattered(45), 300, 300, "test")).nbytes == 1808
    assert resident(FingerprintTemplate(scattered(255), 300, 300, "test")).nbytes == 5128


def test_the_best_are_kept_and_of_equals_the_most_central() -> None:
    minutiae = scattered(200, 3)
    kept = choose(minutiae)
    assert minutiae.quality[kept].min() >= np.delete(minutiae.quality, kept).max()
    unknown = scattered(200, 3, quality=0)
    kept = choose(unknown)
    away = np.hypot(unknown.x - np.median(unknown.x), unknown.y - np.median(unknown.y))
    assert away[kept].max() <= np.delete(away, kept).min()
