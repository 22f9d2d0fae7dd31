"""tools/fit_face_calibration.py: templates of people to the calibration of their model."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.datasets.samples import Sample
from matcher.evaluate.conservative import BOUND
from matcher.face.extract import template_of
from matcher.score.calibration import Calibration
from matcher.score.face_calibration import MODEL, pairing_name

ROOT = Path(__file__).resolve().parents[2]

PEOPLE = 100


@pytest.fixture
def tool() -> ModuleType:
    path = ROOT / "tools/fit_face_calibration.py"
    spec = importlib.util.spec_from_file_location("fit_face_calibration_tool", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_calibration_of_a_model_is_a_bound_and_says_how_it_held(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "DIVISIONS", 2)
    monkeypatch.setattr(tool, "CHECK_REPLICATES", 20)
    samples, templates = [], []
    for number in range(2):
        for person, embedding in enumerate(generate_embeddings(PEOPLE, seed=5, sample=number)):
            name = f"Person_{person:03d}"
            samples.append(Sample(f"{name}/{name}_{number + 1:04d}.jpg", name, name))
            templates.append(template_of(embedding, "c" * 64))
    made = tool.fit(samples, templates, "generated")
    assert made.pairing == (pairing_name("c" * 64),) * 2
    # Both samples of each of two people.
    assert made.non_mated == PEOPLE * (PEOPLE - 1) // 2 * 4
    assert made.provenance[MODEL] == "c" * 64
    assert made.provenance[BOUND]["given_up_db"]["20"] > 0
    checks = made.provenance["held_out_people"]
    assert [check["promised"] for check in checks] == [20.0]
    assert abs(checks[0]["observed_mean"] - 20.0) < 5.0
    assert 0.0 <= checks[0]["promised_too_much"] <= 1.0
    text = json.dumps(made.to_json())
    assert "Person" not in text
    assert Calibration.from_json(json.loads(text)).id == made.id
