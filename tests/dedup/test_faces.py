"""Faces on the register's own scale: alike by every way of comparing, more mates for the same promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.face.extract import template_of

FACES, TWICE = 2100, 60
"""As many as are normalised at all, and how many of the people are there twice."""

FPIR = 0.05


@pytest.fixture(scope="module")
def lookalikes(people: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register of faces as alike as measured ones."""
    model = people.face(0).model
    first = generate_embeddings(FACES, seed=3)
    again = generate_embeddings(TWICE, seed=3, sample=1)
    register = {f"r{i:05d}": [template_of(one, model, 60)] for i, one in enumerate(first)}
    register |= {f"s{i:05d}": [template_of(one, model, 60)] for i, one in enumerate(again)}
    file: Path = people.write_ndjson(tmp_path_factory.mktemp("faces") / "r.ndjson", register)
    return file


def found_and_false(result: Any) -> tuple[int, int]:
    """Return how many of the pairs decided are mates, and how many are not."""
    ids = result.source.ids
    pairs = [(ids[p.probe], ids[p.candidate]) for p in result.pairs if p.verdict == "DUPLICATE"]
    mates = sum(one[1:] == two[1:] for one, two in pairs)
    return mates, len(pairs) - mates


def test_more_mates_are_found_for_the_same_promise(
    lookalikes: Path, run: Any, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the model's own calibration; and pairs nominated by blocks score as in the plain pass."""
    plain = run(lookalikes, tmp_path / "plain", fpir=FPIR, exhaustive=True)
    mates, false = found_and_false(plain)
    assert false <= 2 * plain.allowed.false_pairs
    (name,) = {pair.told["calibration"] for pair in plain.pairs}
    for key, value in {"INDEXED_RECORDS": 1, "LARGE_BLOCK_RECORDS": 512}.items():
        monkeypatch.setattr(f"matcher.dedup.run.{key}", value)
    indexed = run(lookalikes, tmp_path / "indexed", fpir=FPIR)
    assert pairs(indexed) == pairs(plain)
    scores = [[pair.score for pair in result.pairs] for result in (indexed, plain)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-9)
    monkeypatch.setattr("matcher.dedup.faces.FEWEST", FACES * 2)
    before = run(lookalikes, tmp_path / "before", fpir=FPIR)
    assert name not in {pair.told["calibration"] for pair in before.pairs}
    assert mates >= found_and_false(before)[0] + 5
