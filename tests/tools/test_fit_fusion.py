"""tools/fit_fusion.py: from scores of fingers to the file of the calibration of persons."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.evaluate.persons import FingerScores
from matcher.score.person import FILE, PersonCalibration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location("fit_fusion_tool", ROOT / "tools/fit_fusion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fingers(
    title: str, persons: int, count: int, impressions: int, *, known: bool, scale: float
) -> FingerScores:
    """Independent fingers; a stranger's score is `scale` times what it should be, a mate's 40 to 90."""
    rng = np.random.default_rng(persons + count)
    at = np.array([(p, f, i) for p in range(persons) for f in range(count) for i in range(impressions)])
    mated = (at[:, None, :2] == at[None, :, :2]).all(axis=2)
    score = np.where(mated, rng.uniform(40, 90, mated.shape), scale * rng.exponential(4.343, mated.shape))
    score = np.triu(score, 1)
    return FingerScores(title, score + score.T, at[:, 0], at[:, 1] + 1, at[:, 2], known)


def test_the_own_scale_leaves_only_what_goes_together(tool: ModuleType) -> None:
    inflated = fingers("made up", 12, 4, 2, known=True, scale=2.0)
    assert (tool.strangers(inflated).scores >= 10).mean() > 0.2
    assert (tool.strangers(inflated, own_scale=True).scores >= 10).mean() == pytest.approx(0.1, abs=0.01)


def test_the_file_is_written_and_says_what_it_stands_on(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {
        "chimeric": fingers("chimeric", 1, 8, 3, known=False, scale=1.0),
        "real": fingers("real", 8, 4, 3, known=True, scale=1.0),
    }

    class Named:
        def __init__(self, title: str) -> None:
            self.title = title

    def scores(one: Named, *_: Any) -> tuple[FingerScores, Any]:
        return made[one.title], np.random.default_rng(1).uniform(40, 90, 200)

    monkeypatch.setattr(tool, "real_sets", lambda: [Named("chimeric"), Named("real")])
    monkeypatch.setattr(tool, "real_scores", scores)
    monkeypatch.setattr(
        tool, "synthetic_scores", lambda *_: fingers("synthetic", 8, 4, 2, known=True, scale=2.0)
    )
    monkeypatch.setattr(tool.FingerprintModality, "warm", lambda self: None)
    tool.main(["--out", str(tmp_path)])
    calibration = PersonCalibration.from_json(json.loads((tmp_path / FILE).read_text()))
    assert calibration.id in capsys.readouterr().out
    # Independent fingers: hardly any correlation, and claims that hold.
    assert calibration.correlation <= 0.2
    stated = calibration.provenance
    assert [entry["persons"] for entry in stated["data"]] == ["chimeric", 8, 8]
    assert set(stated["actual_over_nominal"]) == {"chimeric", "real", "synthetic"}
    assert len(stated["actual_over_nominal_out_of_sample"]) == 2


def test_without_real_data_it_says_so(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "real_sets", lambda: [])
    with pytest.raises(SystemExit):
        tool.main([])
    assert "no real data" in capsys.readouterr().err
