"""Search descriptors: the paper's weights, unmoved by motions, alike for impressions of one finger."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.datasets.population.population import Population
from matcher.errors import ArgumentError, ModelMissingError
from matcher.fingerprint import descriptor_codebook
from matcher.fingerprint.compared import MAX_RESIDENT_MINUTIAE, choose
from matcher.fingerprint.descriptor import describe, features, neighbourhoods, prepare
from matcher.fingerprint.descriptor_codebook import FARTHEST, Codebook, load_codebook
from matcher.types import FingerprintTemplate, Minutiae, Modality


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "reference_votes.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_votes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scattered(count: int, seed: int = 0, side: int = 260, offset: int = 100) -> FingerprintTemplate:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(offset, offset + side, (2, count)).astype(np.int16)
    direction = rng.integers(0, 256, count).astype(np.uint8)
    quality = rng.integers(0, 101, count).astype(np.uint8)
    minutiae = Minutiae(x, y, direction, np.ones(count, np.uint8), quality)
    return FingerprintTemplate(minutiae, 600, 600, "iso")


def moved(template: FingerprintTemplate, dx: int, dy: int, *, quarter: bool = False) -> FingerprintTemplate:
    m = template.minutiae
    x, y, direction = m.x, m.y, m.direction
    if quarter:  # counter-clockwise as seen
        x, y, direction = y, np.int16(599) - x, direction + np.uint8(64)
    minutiae = Minutiae(x + np.int16(dx), y + np.int16(dy), direction, m.kind, m.quality)
    return FingerprintTemplate(minutiae, 700, 700, template.extractor)


@pytest.mark.parametrize("count", [0, 1, 2, 30, MAX_RESIDENT_MINUTIAE + 20])
def test_features_are_the_references(reference: ModuleType, count: int) -> None:
    template = scattered(count, count)
    m = template.minutiae
    weights = reference.cylinder_features(
        m.x.astype(float),
        m.y.astype(float),
        m.direction * (2 * math.pi / 256),
        choose(m),
    )
    expected = np.sqrt(weights)
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-6)
    found = features(template)
    assert found.shape == (min(count, MAX_RESIDENT_MINUTIAE), 5 * 52)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_motion_changes_nothing() -> None:
    template = scattered(40)
    expected = describe(template)
    for other in (moved(template, 50, -30), moved(template, 3, 90, quarter=True)):
        found = describe(other)
        np.testing.assert_array_equal(found.lists, expected.lists)
        np.testing.assert_array_equal(found.codes, expected.codes)


def test_lists_and_codes_are_the_nearest_centres() -> None:
    template, book = scattered(25, 3), load_codebook()
    vectors, found = neighbourhoods(template, book), describe(template)
    assert len(found) == len(vectors) == 25
    assert found.bytes == 25 * 13
    for vector, of_list, code in zip(vectors.astype(float), found.lists, found.codes, strict=True):
        assert ((book.coarse - vector) ** 2).sum(axis=1).argmin() == of_list
        parts = ((book.centres - vector.reshape(16, 1, -1)) ** 2).sum(axis=2).argmin(axis=1)
        assert [int(code[p // 2]) >> 4 * (p % 2) & 15 for p in range(16)] == parts.tolist()


def test_a_probe_looks_into_the_nearest_lists_and_measures_distances() -> None:
    template, book = scattered(25, 4), load_codebook()
    probe, own, vectors = (
        prepare(template, probed_lists=9),
        describe(template),
        neighbourhoods(template, book),
    )
    assert probe.lists.shape == (25, 9)
    np.testing.assert_array_equal(probe.lists[:, 0], own.lists)
    for i, vector in enumerate(vectors):
        apart = ((book.coarse - vector) ** 2).sum(axis=1)
        assert apart[probe.lists[i]].max() <= np.sort(apart)[8] + 1e-5
        back = book.centres[np.arange(16), [int(own.codes[i, p // 2]) >> 4 * (p % 2) & 15 for p in range(16)]]
        parts = [int(own.codes[i, p // 2]) >> 4 * (p % 2) & 15 for p in range(16)]
        said = int(probe.bases[i]) + int(probe.tables[i, np.arange(16), parts].sum())
        exact = book.scale * ((back.ravel() - vector) ** 2).sum()
        assert said == pytest.approx(min(exact, FARTHEST), abs=9) or said >= FARTHEST
    assert prepare(template, probed_lists=10**6).lists.shape == (25, book.lists)
    with pytest.raises(ArgumentError, match="at least one list"):
        prepare(template, probed_lists=0)


def test_minutiae_without_neighbours_say_nothing() -> None:
    lonely = scattered(1)
    assert len(describe(lonely)) == 0
    assert len(prepare(lonely)) == 0
    assert len(describe(scattered(0))) == 0


def test_impressions_of_a_finger_share_lists_and_strangers_do_not() -> None:
    people = Population(3, modalities=(Modality.FINGERPRINT,))
    enrolled, again = people.subjects(0, 30), people.probes(0, 30)
    one = {(p.number, int(f.position)): describe(f) for p in enrolled for f in p.fingers}
    two = {(p.number, int(f.position)): prepare(f) for p in again for f in p.fingers}

    def shared(probe_key: tuple[int, int], key: tuple[int, int]) -> float:
        return float(np.isin(one[key].lists, two[probe_key].lists).mean())

    common = sorted(set(one) & set(two))
    mated = np.array([shared(key, key) for key in common])
    strangers = np.array([shared(key, common[(n + 2) % len(common)]) for n, key in enumerate(common)])
    assert np.median(mated) > np.median(strangers) + 0.15


def test_the_codebook_is_checked_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    book = load_codebook()
    again = Codebook.of(book.arrays())
    assert again.id == book.id
    assert (np.diff(book.weights.astype(int)) <= 0).all()
    assert book.weights[0] > 0 == book.weights[FARTHEST]
    changed = book.arrays() | {"mean": book.mean + np.float32(0.01)}
    assert Codebook.of(changed).id != book.id
    with pytest.raises(ValueError, match="shapes"):
        Codebook.of(book.arrays() | {"mean": book.mean[:-1]})
    with pytest.raises(ValueError, match="255"):
        Codebook.of(book.arrays() | {"weights": np.ones(256, np.uint8)})
    monkeypatch.setattr(descriptor_codebook, "FILE", "nothing.npz")
    load_codebook.cache_clear()
    try:
        with pytest.raises(ModelMissingError, match="codebook"):
            load_codebook()
    finally:
        load_codebook.cache_clear()
