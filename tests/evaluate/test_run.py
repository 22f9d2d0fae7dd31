"""The whole evaluation on numbers: the report against a second program that reads only the scores file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.datasets.load import load
from matcher.datasets.protocol import Impostors
from matcher.errors import ArgumentError, CalibrationMissingError
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.plots import write_plots
from matcher.evaluate.run import Evaluation, evaluate
from matcher.evaluate.scores_file import read_scores, write_scores
from matcher.score.calibration import Calibration

CONTRACT = {
    "dataset",
    "modality",
    "extractor",
    "images",
    "identities",
    "failures_to_extract",
    "mated",
    "non_mated",
    "eer",
    "fnmr_at_fmr",
    "zero_fmr",
    "rank1",
    "intervals",
    "extract_ms_median",
    "comparisons_per_second_core",
    "template_bytes_median",
    "resident_bytes_median",
    "definitions",
}


@pytest.fixture
def result(number_set: Path, number_modality: Any) -> Evaluation:
    return evaluate(load("neurotechnology", number_set), number_modality)


def again(path: Path, column: str) -> dict[str, Any]:
    """Compute the figures from the file alone, the slow way."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    place = rows[0].index(column)
    mated = [float(r[place] or "-inf") for r in rows[1:] if r[2] == "1"]
    non_mated = [float(r[place]) for r in rows[1:] if r[2] == "0"]
    thresholds = [*sorted({*mated, *non_mated}), float("inf")]
    n, m = len(non_mated), len(mated)
    fmr = [sum(s >= t for s in non_mated) for t in thresholds]
    # A failure is never >= t, and so a miss at every t.
    fnmr = [sum(not (s >= t and s > float("-inf")) for s in mated) for t in thresholds]

    def at(allowed: int) -> float:
        return next(fn / m for f, fn in zip(fmr, fnmr, strict=True) if f <= allowed)

    gap = min(abs(f * m - fn * n) for f, fn in zip(fmr, fnmr, strict=True))
    finger = {name: name.rsplit("_", 1)[0] for r in rows[1:] for name in r[:2]}
    first = {f: min(k for k, v in finger.items() if v == f) for f in finger.values()}
    best: dict[str, dict[bool, float]] = {}
    for r in rows[1:]:
        for probe, gallery in (r[:2], r[1::-1]):
            if first[finger[gallery]] == gallery and first[finger[probe]] != probe:
                scores = best.setdefault(probe, {True: float("-inf"), False: float("-inf")})
                mate = r[2] == "1"
                scores[mate] = max(scores[mate], float(r[place] or "-inf"))
    return {
        "mated": m,
        "non_mated": n,
        "eer": max(
            (f / n + fn / m) / 2 for f, fn in zip(fmr, fnmr, strict=True) if abs(f * m - fn * n) == gap
        ),
        "fnmr_at_fmr": {"1e-2": at(n // 100) if n >= 100 else None, "1e-3": None, "1e-4": None},
        "zero_fmr": at(0),
        "rank1": sum(s[True] > s[False] for s in best.values()) / len(best),
    }


@pytest.mark.parametrize("column", ["raw", "score"])
def test_every_figure_comes_again_from_the_scores_file(
    result: Evaluation, tmp_path: Path, column: str
) -> None:
    path = tmp_path / "scores.csv"
    write_scores(path, [s.name for s in result.dataset.samples], result.comparisons, result.score)
    expected = again(path, column)
    assert {key: result.report[key] for key in expected} == expected


def test_report_holds_the_contract(result: Evaluation) -> None:
    report = result.report
    assert set(report) >= CONTRACT
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["images"], report["identities"], report["failures_to_extract"]) == (45, 15, 2)
    assert report["failure_reasons"] == {"EXTRACT_BLANK": 1, "IMAGE_CORRUPT": 1}
    # Mated: 3 for each finger, failures included. Non-mated: pairs of the 43 others, less their mated ones.
    assert report["mated"] == 45
    assert report["non_mated"] == 43 * 42 // 2 - (13 * 3 + 2)
    assert set(report["fnmr_at_fmr"]) == {"1e-2", "1e-3", "1e-4"}
    assert report["fnmr_at_fmr"]["1e-4"] is None
    assert "fnmr_at_fmr.1e-2" in report["flags"]
    assert report["flags"]["intervals"].startswith("indicative: 5 clusters")
    assert report["interval_method"]["unit"] == "person"
    assert set(report["intervals"]) == {
        "eer",
        "fnmr_at_fmr.1e-2",
        "fnmr_at_fmr.1e-3",
        "fnmr_at_fmr.1e-4",
        "zero_fmr",
        "rank1",
    }
    low, high = report["intervals"]["eer"]
    assert low <= report["eer"] <= high
    assert report["comparisons_per_second_core"] > 0
    assert report["resident_bytes_median"] == 8


def test_earlier_name_is_the_probe(result: Evaluation) -> None:
    names = [s.name for s in result.dataset.samples]
    for probe, reference in zip(result.comparisons.probe, result.comparisons.reference, strict=True):
        assert names[probe] < names[reference]


def test_fvc_protocol_compares_first_samples_only(number_set: Path, number_modality: Any) -> None:
    report = evaluate(load("neurotechnology", number_set), number_modality, impostors=Impostors.FVC).report
    assert report["mated"] == 45
    assert report["non_mated"] == 14 * 13 // 2  # one of 15 first samples failed
    assert report["rank1"] is None
    assert report["intervals"]["rank1"] is None


def test_two_runs_are_equal_but_for_times(number_set: Path, number_modality: Any, result: Evaluation) -> None:
    second = evaluate(load("neurotechnology", number_set), number_modality)
    timed = {"extract_ms_median", "comparisons_per_second_core"}
    for key in set(result.report) - timed:
        assert result.report[key] == second.report[key]


def test_without_a_calibration_scores_are_empty_and_rates_stand(
    number_set: Path, number_modality: Any, result: Evaluation, tmp_path: Path
) -> None:
    class Uncalibrated(type(number_modality)):  # type: ignore[misc]
        def calibration(self) -> Calibration:
            raise CalibrationMissingError("None.")

    bare = evaluate(load("neurotechnology", number_set), Uncalibrated())
    assert bare.report["calibration"] is None
    assert bare.report["at_score"] is None
    assert bare.report["eer"] == result.report["eer"]
    path = tmp_path / "scores.csv"
    write_scores(path, [s.name for s in bare.dataset.samples], bare.comparisons, bare.score)
    assert np.isnan(read_scores(path).score).all()


def test_scores_file_comes_back_to_the_last_bit(result: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    names = [s.name for s in result.dataset.samples]
    write_scores(path, names, result.comparisons, result.score)
    rows = read_scores(path)
    assert rows.probe == [names[i] for i in result.comparisons.probe]
    assert np.array_equal(rows.raw, result.comparisons.raw, equal_nan=True)
    assert result.score is not None
    assert np.array_equal(rows.score, result.score, equal_nan=True)
    assert np.array_equal(rows.mated, result.comparisons.mated)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n",
        "probe,reference,mated,raw,score\nx,y,2,1.0,1.0\n",
        "probe,reference,mated,raw,score\nx,y,1\n",
    ],
)
def test_another_file_is_a_typed_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(ArgumentError, match="Scores file"):
        read_scores(tmp_path / "scores.csv")


def test_plots_are_written(result: Evaluation, tmp_path: Path) -> None:
    made = write_plots(tmp_path / "plots", result)
    assert [path.name for path in made] == ["det.png", "roc.png", "scores.png", "report.html"]
    assert [path.read_bytes()[:4] for path in made] == [b"\x89PNG"] * 3 + [b"<!DO"]


def test_too_few_samples_and_jobs_are_typed_errors(
    number_set: Path, number_modality: Any, tmp_path: Path
) -> None:
    data = load("neurotechnology", number_set)
    with pytest.raises(ArgumentError):
        evaluate(data, number_modality, jobs=0)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "1_1.png").write_text("1")
    with pytest.raises(ArgumentError):
        evaluate(load("fvc", tmp_path / "one"), number_modality)


def test_a_failure_in_a_non_mated_row_is_refused() -> None:
    one = np.zeros(1, np.int32)
    with pytest.raises(ArgumentError, match="non-mated"):
        Comparisons(one, one, np.zeros(1, np.bool_), np.full(1, np.nan, np.float32))
