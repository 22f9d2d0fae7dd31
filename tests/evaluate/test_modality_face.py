"""`matcher evaluate face`: all pairs and the views of the pairs files, on drawn faces and a small network."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.datasets.lfw_pairs import FaceProtocol, load_pairs
from matcher.datasets.load import load
from matcher.errors import ArgumentError, ModelMissingError
from matcher.evaluate.modality import modality
from matcher.evaluate.modality_face import FaceModality, face_modality
from matcher.evaluate.run import evaluate

PEOPLE, SAMPLES = 6, 3

VIEW_2 = "2\t2\n" + "".join(
    f"Person_{a:02d}\t1\t2\nPerson_{b:02d}\t1\t3\n"
    f"Person_{a:02d}\t1\tPerson_{b:02d}\t2\nPerson_{b:02d}\t3\tPerson_{c:02d}\t1\n"
    for a, b, c in ((0, 1, 2), (3, 4, 5))
)


@pytest.fixture
def people(drawn: ModuleType, tmp_path: Path) -> Path:
    root = tmp_path / "people"
    drawn.write_people(root, PEOPLE, SAMPLES)
    (root / "pairs.txt").write_text(VIEW_2)
    (root / "pairsDevTest.txt").write_text("1\nPerson_00\t2\t3\nPerson_00\t1\tPerson_05\t1\n")
    return root


def report(root: Path, model: Path, *options: str, dataset: str = "lfw") -> dict[str, Any]:
    arguments = ["evaluate", "face", "--dataset", dataset, "--root", str(root), "--model", str(model)]
    result = CliRunner().invoke(app, [*arguments, "--json", "-", *options])
    if result.exception is not None:
        raise result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_all_pairs_have_the_keys_of_the_contract(people: Path, face_model: Path) -> None:
    found = report(people, face_model)
    assert (found["dataset"], found["modality"], found["extractor"]) == ("lfw", "face", str(face_model))
    assert len(found["extractor_id"]) == 64
    assert (found["images"], found["identities"], found["failures_to_extract"]) == (18, 6, 0)
    assert (found["mated"], found["non_mated"]) == (18, 135)
    assert (found["eer"], found["rank1"], found["calibration"]) == (0.0, 1.0, None)
    assert found["tar_at_far"] == {"1e-2": 1.0, "1e-3": None, "1e-4": None}
    # 32 values: 53 B around them; in memory a head and four words.
    assert (found["template_bytes_median"], found["resident_bytes_median"]) == (85, 40)
    assert found["interval_method"]["unit"] == "person"
    assert found["comparisons_per_second_core"] > 0
    assert set(found["definitions"]) >= {"tar_at_far", "accuracy"}


def test_view_2_takes_each_threshold_from_the_other_folds(people: Path, face_model: Path) -> None:
    arguments = ["evaluate", "face", "--dataset", "lfw", "--root", str(people), "--model", str(face_model)]
    file = people.with_name("report.json")
    result = CliRunner().invoke(app, [*arguments, "--protocol", "view2", "--json", str(file)])
    assert result.exit_code == 0
    assert "accuracy" in result.stdout
    assert "100.00%" in result.stdout
    found = json.loads(file.read_text())
    assert (found["impostors"], found["mated"], found["non_mated"]) == ("listed", 4, 4)
    assert found["rank1"] is None
    accuracy = found["accuracy"]
    each = [fold["accuracy"] for fold in accuracy["folds"]]
    # Four pairs make a poor threshold for the other four: one mate may be missed.
    assert accuracy["accuracy"] == np.mean(each) >= 0.75
    assert accuracy["threshold_from"] == "the other folds"
    assert [fold["pairs"] for fold in accuracy["folds"]] == [4, 4]


def test_view_1_says_that_it_flatters(people: Path, face_model: Path) -> None:
    found = report(people, face_model, "--protocol", "view1")
    assert found["accuracy"]["accuracy"] == 1.0
    assert found["accuracy"]["threshold_from"] == "the same pairs"


def test_folders_are_taken_too(people: Path, face_model: Path) -> None:
    found = report(people, face_model, dataset="folders")
    assert (found["mated"], found["non_mated"]) == (18, 135)
    assert found["interval_method"]["unit"] == "identity"


def test_a_picture_without_a_face_is_a_wrong_decision_on_a_mate_only(people: Path, face_model: Path) -> None:
    blank = people / "Person_00" / "Person_00_0001.png"
    Image.fromarray(np.full((200, 180, 3), 128, np.uint8)).save(blank)
    data = load("lfw", people, modality="face")
    listed = load_pairs(data, FaceProtocol.VIEW2)
    result = evaluate(data, face_modality("numba", str(face_model)), listed=listed, timed=False)
    assert result.report["failures_to_extract"] == 1
    assert (result.report["mated"], result.report["non_mated"]) == (4, 3)
    # Of the four pairs of fold 0 the failure spoils two: the mate is missed, the stranger is told apart.
    assert result.report["accuracy"]["folds"][0] == {
        "accuracy": 0.75,
        "threshold": result.report["accuracy"]["folds"][0]["threshold"],
        "pairs": 4,
    }


def test_wrong_options_are_typed(people: Path, face_model: Path) -> None:
    for options, named in (
        (("--protocol", "view3"), "--protocol"),
        (("--extractor", "leader"), "--extractor"),
    ):
        with pytest.raises(ArgumentError, match=named):
            report(people, face_model, *options)
    with pytest.raises(ArgumentError, match="--protocol"):
        report(people, face_model, "--protocol", "view2", dataset="folders")
    with pytest.raises(ArgumentError, match="--model"):
        modality("fingerprint", "numba", model="x")
    with pytest.raises(ArgumentError, match="unknown"):
        modality("voice", "numba")


def test_a_missing_model_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matcher.face import model as face_models

    face_models._load.cache_clear()
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "empty"))
    with pytest.raises(ModelMissingError, match="matcher models fetch"):
        face_modality("numba", None)
    face_models._load.cache_clear()


def test_it_travels_to_workers(face_model: Path) -> None:
    import pickle

    made = face_modality("numba", str(face_model))
    assert pickle.loads(pickle.dumps(made)) == made == FaceModality(str(face_model), made.extractor_id)
