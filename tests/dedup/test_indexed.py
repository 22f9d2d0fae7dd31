"""Large registers: pairs that irises and faces nominate, scored as lists, against the plain pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.dedup.blocks import UNKNOWN
from matcher.dedup.nominate import Comparison, RecordProbe
from matcher.dedup.pairwise import PairScorer
from matcher.dedup.run import WORK
from matcher.dedup.work import WorkFolder
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition

SMALL_BLOCK = 16


def opened_blocks(out: Path, size: int) -> Any:
    """Return the blocks that a run packed."""
    (folder,) = (out / WORK / "comparisons").iterdir()
    work = WorkFolder(folder.parent, folder.name)
    work.folder = folder
    return Comparison(work, 1 << 30, (0.0,) * 8, size).blocks()


@pytest.fixture
def hard(people: Any, duplicated: Any) -> Any:
    """The register with duplicates, some of whose records have little, several samples or no positions."""
    register = dict(duplicated)
    register["one finger"] = [people.finger(10, 1, FingerPosition.RIGHT_INDEX)]
    register["unknown fingers"] = [people.finger(12, 1), people.finger(13, 1), people.finger(12, 2)]
    register["one eye"] = [people.eye(16, 1, EyePosition.RIGHT), people.eye(16, 2)]
    register["face only"] = [people.face(9, 1)]
    register["swapped"] = [
        people.finger(22, 1, FingerPosition.LEFT_INDEX),
        people.finger(23, 1, FingerPosition.RIGHT_INDEX),
    ]
    return register


def test_irises_and_faces_nominate_what_the_plain_pass_finds(
    people: Any, hard: Any, run: Any, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pairs, scores and clusters, over many small blocks; far fewer pairs are scored."""
    source = people.write_ndjson(tmp_path / "r.ndjson", hard)
    plain = run(source, tmp_path / "plain", exhaustive=True)
    for name, value in {"INDEXED_RECORDS": 1, "LARGE_BLOCK_RECORDS": SMALL_BLOCK}.items():
        monkeypatch.setattr(f"matcher.dedup.run.{name}", value)
    indexed = run(source, tmp_path / "indexed")
    assert pairs(indexed) == pairs(plain)
    assert {pair[1] for pair in pairs(plain)} >= {"one finger", "unknown fingers", "one eye", "swapped"}
    assert [p.score for p in indexed.pairs if p.verdict == "DUPLICATE"] == [
        p.score for p in plain.pairs if p.verdict == "DUPLICATE"
    ]
    assert indexed.clusters == plain.clusters
    assert indexed.histogram.sum() < 0.5 * plain.histogram.sum()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_list_of_pairs_scores_as_the_search_does(
    people: Any, hard: Any, run: Any, tmp_path: Path, swapped: bool
) -> None:
    """Every pair of two blocks, of records with several samples and unknown positions too."""
    run(people.write_ndjson(tmp_path / "r.ndjson", hard), tmp_path / "out")
    block = opened_blocks(tmp_path / "out", 2048)[0]
    assert any((rows.position == UNKNOWN).any() for rows in block.rows.values())
    count = block.end
    probe, candidate = (axis.ravel() for axis in np.mgrid[:count, :count])
    scores = PairScorer(block, block).scores(probe, candidate, swapped=swapped).reshape(count, count)
    for one in range(count):
        expected, compared = RecordProbe(block, one).scores(block, 0, swapped=swapped)
        np.testing.assert_allclose(scores[one], np.where(compared, expected, 0.0), atol=1e-9)


@pytest.fixture
def printed(people: Any) -> Any:
    """Records of fingers alone: some people twice, with hands swapped, one finger, or unknown positions."""
    right, left = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX
    register = {
        f"r{i:03d}": [people.finger(2 * i, 0, right), people.finger(2 * i + 1, 0, left)] for i in range(60)
    }
    register["again"] = [people.finger(10, 1, right), people.finger(11, 1, left)]
    register["swapped"] = [people.finger(20, 1, left), people.finger(21, 1, right)]
    register["one finger"] = [people.finger(31, 1, left)]
    register["unknown"] = [people.finger(40, 1)]
    register["face"] = [people.face(9)]
    return register


def test_fingers_nominate_what_the_plain_pass_finds(
    people: Any, printed: Any, run: Any, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Votes of minutiae find the same pairs with the same scores, and a fraction of the pairs is scored."""
    source = people.write_ndjson(tmp_path / "r.ndjson", printed)
    plain = run(source, tmp_path / "plain", exhaustive=True)
    for name, value in {"INDEXED_RECORDS": 1, "LARGE_BLOCK_RECORDS": 32, "MOST_COMPARED": 0}.items():
        monkeypatch.setattr(f"matcher.dedup.run.{name}", value)
    monkeypatch.setattr("matcher.dedup.fingers.FEWEST", 3)
    indexed = run(source, tmp_path / "indexed")
    assert "describe-places" in indexed.seconds
    assert "describe-places" not in plain.seconds
    assert {pair[1] for pair in pairs(plain)} == {"again", "swapped", "one finger", "unknown"}
    assert pairs(indexed) == pairs(plain)
    scores = [{(p.probe, p.candidate): p.score for p in found.pairs} for found in (plain, indexed)]
    assert scores[1].items() <= scores[0].items()
    assert indexed.histogram.sum() < 0.5 * plain.histogram.sum()
