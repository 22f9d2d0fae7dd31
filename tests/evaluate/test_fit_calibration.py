"""tools/fit_calibration.py: score files of several sets to one calibration file without a sample's name."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.datasets.protocol import Pairs
from matcher.errors import ArgumentError
from matcher.evaluate.calibrate import ScoreSet, fmr_interval
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.scores_file import write_scores
from matcher.score.calibration import Calibration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_calibration_tool", ROOT / "tools/fit_calibration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def scores_file(path: Path, names: list[str], seed: int) -> np.ndarray:
    probe, reference = (v.astype(np.int32) for v in np.triu_indices(len(names), 1))
    finger = np.array([name.rsplit("_", 1)[0] for name in names])
    mated = finger[probe] == finger[reference]
    made = Pairs(probe, reference, mated)
    raw = (np.random.default_rng(seed).gamma(3, 1, len(probe)) + 9 * mated).astype(np.float32)
    write_scores(path, names, Comparisons(made.probe, made.reference, made.mated, raw), None)
    return raw[~mated]


def test_sets_are_pooled_and_named_and_samples_are_not(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fvc = [f"{f}_{i}.tif" for f in range(700, 712) for i in range(1, 5)]
    persons = [f"{p:03d}_{f}_{i}.tif" for p in range(5) for f in range(3) for i in range(1, 4)]
    one = scores_file(tmp_path / "one.csv", sorted(fvc), 1)
    two = scores_file(tmp_path / "two.csv", sorted(persons), 2)
    sets = [
        *("--set", "First", "fvc", str(tmp_path / "one.csv")),
        *("--set", "Second", "neurotechnology", str(tmp_path / "two.csv")),
    ]
    tool.main(["--pairing", "x/1", "x/1", "--scorer", "s", "--out", str(tmp_path), *sets])
    text = (tmp_path / "x-1--x-1.json").read_text()
    assert not any(name.split(".")[0] in text for name in fvc + persons)
    calibration = Calibration.from_json(json.loads(text))
    assert calibration.id in capsys.readouterr().out
    pooled = np.concatenate([one, two])
    assert calibration.non_mated == len(pooled)
    assert (pooled >= np.float32(calibration.support_raw)).sum() == 10
    data = calibration.provenance["data"]
    assert [d["set"] for d in data] == ["First", "Second"]
    assert [(d["fingers"], d["clusters"], d["cluster_unit"]) for d in data] == [
        (12, 12, "finger"),
        (15, 5, "person"),
    ]
    support = calibration.provenance["support"]
    low, high = support["fmr_interval_95"]
    assert low < support["fmr"] < high
    assert calibration.provenance["tail_exceedances"] >= 99


def test_interval_covers_the_rate_of_independent_pairs() -> None:
    rng = np.random.default_rng(3)
    one, two = (v.astype(np.int64) for v in np.triu_indices(60, 1))
    made = ScoreSet("s", "fvc", rng.random(len(one)), one, two, 60, 60, "finger")
    low, high = fmr_interval([made], 0.9, replicates=200)
    assert low < 0.1 < high
    assert high - low < 0.08


def test_a_set_read_by_the_wrong_layout_is_refused(tmp_path: Path) -> None:
    # By `folders`, both fingers of a person are one identity: its non-mated rows would be mated.
    scores_file(tmp_path / "s.csv", sorted(f"{p}/{f}_{i}.png" for p in "ab" for f in "12" for i in "12"), 1)
    with pytest.raises(ArgumentError, match="with itself"):
        ScoreSet.read("s", "folders", tmp_path / "s.csv")
