"""`matcher evaluate` from the shell, on synthetic prints: the contract's output and nothing beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from matcher.cli.evaluate import table_rows
from matcher.cli.main import app
from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.errors import ArgumentError, DatasetMissingError

SEED = 7


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 6 synthetic fingers x 2 impressions and a white image, in the `folders` layout."""
    from PIL import Image

    root = tmp_path_factory.mktemp("prints")
    for number in range(1, 7):
        write_finger(root, number, seed=SEED, impressions=2)
    Image.new("L", (300, 400), 255).save(root / "finger_000003" / "impression_03.png")
    return root


def arguments(root: Path, *more: str) -> list[str]:
    return ["evaluate", "fingerprint", "--dataset", "folders", "--root", str(root), *more]


@pytest.fixture(scope="module")
def outputs(prints: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, str]:
    """Run once as a user does, two processes extracting: (report, folder of files, standard output)."""
    folder = tmp_path_factory.mktemp("out")
    more = ["--jobs", "2", "--json", "-", "--scores", str(folder / "s.csv"), "--plots", str(folder / "plots")]
    done = subprocess.run(
        [sys.executable, "-m", "matcher.cli.main", *arguments(prints, *more)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return json.loads(done.stdout), folder, done.stdout


def test_json_alone_is_on_standard_output(outputs: tuple[dict[str, Any], Path, str]) -> None:
    report, folder, text = outputs
    assert text.startswith("{")
    assert (report["images"], report["identities"], report["failures_to_extract"]) == (13, 6, 1)
    assert report["failure_reasons"] == {"EXTRACT_BLANK": 1}
    # Five fingers give one mated pair; the third has three samples, of which one failed.
    assert report["mated"] == 8
    assert report["non_mated"] == 12 * 11 // 2 - 6
    assert report["extractor"] == "numba"
    assert report["comparisons_per_second_core"] > 0
    assert report["extract_ms_median"] > 0
    assert 0 < report["template_bytes_median"] <= 1200
    assert 0 < report["resident_bytes_median"] <= 3000
    assert {path.name for path in (folder / "plots").iterdir()} == {
        "det.png",
        "roc.png",
        "scores.png",
        "report.html",
    }
    assert len((folder / "s.csv").read_text().splitlines()) == 1 + report["mated"] + report["non_mated"]


def test_one_process_gives_the_same_digits(
    prints: Path, outputs: tuple[dict[str, Any], Path, str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        app,
        arguments(prints, "--json", str(tmp_path / "r.json"), "--scores", str(tmp_path / "s.csv")),
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert "eer" in done.stdout
    assert (tmp_path / "s.csv").read_bytes() == (outputs[1] / "s.csv").read_bytes()
    report = json.loads((tmp_path / "r.json").read_text())
    for key in ("eer", "fnmr_at_fmr", "zero_fmr", "rank1", "intervals", "mated", "non_mated"):
        assert report[key] == outputs[0][key]
    assert [row[0] for row in table_rows(report)][:5] == [
        "images",
        "identities",
        "failures_to_extract",
        "mated",
        "non_mated",
    ]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--impostors", "some"], "--impostors"),
        (["--extractor", "other"], "unknown"),
    ],
)
def test_what_is_not_there_is_a_typed_error(prints: Path, more: list[str], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        CliRunner().invoke(app, arguments(prints, *more), catch_exceptions=False)


@pytest.mark.parametrize("modality", ["voice", "gait"])
def test_other_modalities_are_a_typed_error(prints: Path, modality: str) -> None:
    with pytest.raises(ArgumentError, match="Modality"):
        CliRunner().invoke(
            app, ["evaluate", modality, "--dataset", "folders", "--root", str(prints)], catch_exceptions=False
        )


def test_an_empty_folder_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        CliRunner().invoke(app, arguments(tmp_path), catch_exceptions=False)
