"""Generated embeddings: seeded, alike in every range, and as hard as those they were fitted to."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.datasets.face_embeddings import (
    BLOCK,
    EmbeddingModel,
    generate_embeddings,
    load_model,
    lobes_of,
)
from matcher.errors import ArgumentError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_embeddings", ROOT / "tools/fit_face_embeddings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_any_range_gives_the_same_subjects() -> None:
    whole = generate_embeddings(BLOCK + 50, seed=3)
    assert whole.dtype == np.float32
    assert np.abs(np.linalg.norm(whole, axis=1) - 1).max() < 1e-5
    part = generate_embeddings(60, seed=3, start=BLOCK - 20)
    assert np.abs(part - whole[BLOCK - 20 : BLOCK + 40]).max() < 1e-6
    assert np.abs(generate_embeddings(10, seed=4) - whole[:10]).max() > 0.01


def test_samples_of_a_subject_are_mates() -> None:
    first, second, third = (generate_embeddings(500, seed=3, sample=s) for s in range(3))
    mated = (first * second).sum(axis=1)
    strangers = (first * np.roll(second, 1, axis=0)).sum(axis=1)
    assert np.median(mated) > np.quantile(strangers, 0.999)
    assert np.abs(second - third).max() > 0.01


def test_it_is_as_hard_as_what_was_measured(tool: ModuleType) -> None:
    """Quantiles near the measured cosines, of which strangers cover 0.72 to 0.95."""
    known = json.loads((ROOT / "datasets/face_embeddings.json").read_text())["dlib-lfw"]
    made = tool.generated_figures(load_model(), 1500)
    for key, bound in (("mated", 0.006), ("non_mated", 0.016), ("neighbours", 0.008)):
        assert np.abs(np.array(made[key]) - np.array(known["measured"][key])).max() < bound
    assert known["persons"] > 1900


def test_the_file_holds_moments_only() -> None:
    known = json.loads((ROOT / "datasets/face_embeddings.json").read_text())["dlib-lfw"]
    assert set(known) == {
        *("mean", "between", "within", "kurtosis"),
        *("group_share", "subject_spread", "person_noise", "sample_noise"),
        *("persons", "samples", "points", "measured", "generated"),
    }
    assert {len(known[name]) for name in ("mean", "between", "within", "kurtosis")} == {128}


def test_lobes_give_the_kurtosis() -> None:
    flat = lobes_of(np.array([1.5, 2.0, 3.0, 4.0]))
    assert flat[2:].tolist() == [0, 0]
    rng = np.random.default_rng(1)
    for wanted, lobe in ((1.5, flat[0]), (2.0, flat[1])):
        z = lobe * rng.choice([-1, 1], 200_000) + np.sqrt(1 - lobe**2) * rng.standard_normal(200_000)
        assert (z**4).mean() / (z**2).mean() ** 2 == pytest.approx(wanted, abs=0.05)


def test_a_fit_finds_what_made_the_embeddings(tool: ModuleType) -> None:
    """From generated people of other parameters back to figures near theirs."""
    rng = np.random.default_rng(7)
    d = 16
    truth = EmbeddingModel(
        mean=np.r_[3.0, np.zeros(d - 1)],
        between=np.linspace(0.4, 0.05, d),
        within=np.full(d, 0.03) * rng.uniform(0.5, 1.5, d),
        lobes=np.zeros(d),
        group_share=0.1,
        subject_spread=0.1,
        person_noise=0.1,
        sample_noise=0.1,
    )
    people = 400
    vectors = np.concatenate([generate_embeddings(people, seed=9, sample=s, model=truth) for s in (0, 1, 2)])
    persons = np.tile(np.arange(people).astype(np.str_), 3)
    fitted = tool.fit(vectors.astype(np.float64), persons, subjects=400, steps=60)
    for key, bound in (("mated", 0.01), ("non_mated", 0.03), ("neighbours", 0.02)):
        off = np.abs(np.array(fitted["generated"][key]) - np.array(fitted["measured"][key])).mean()
        assert off < bound, key
    easier = tool.generated_figures(replace(truth, within=truth.within / 20), 400)
    assert easier["mated"][0] > fitted["measured"]["mated"][0] + 0.03


def test_wrong_arguments_are_typed() -> None:
    with pytest.raises(ArgumentError, match="unknown name"):
        load_model("nobody")
    with pytest.raises(ArgumentError):
        generate_embeddings(-1, seed=1)
    with pytest.raises(ArgumentError):
        replace(load_model(), within=np.zeros(3))
    with pytest.raises(ArgumentError):
        replace(load_model(), lobes=np.ones(128))
