"""Face scores: as the plain formula has them, never across models, refused where damaged."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, CalibrationMissingError, ModelsDifferError, TemplateCorruptError
from matcher.face.types import FaceTemplate
from matcher.score.face import SCORER_ID, FaceProbe, cosine_of, raw_of, resident, score, score_many
from matcher.score.face_calibration import load_face_calibration, own_folder, pairing_name
from matcher.score.face_scorer import FaceScorer, compare_faces
from matcher.score.fit import fit_calibration

MODEL, OTHER = "ab12" + "0" * 60, "cd34" + "0" * 60


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The module tests/reference_face_score.py."""
    path = Path(__file__).resolve().parent.parent / "reference_face_score.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_face_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def face(seed: int, dimensions: int = 128, model: str = MODEL) -> FaceTemplate:
    values = np.random.default_rng(seed).integers(-127, 128, dimensions).astype(np.int8)
    values[0] = 127
    return FaceTemplate(values, 0.01, model)


def packed(templates: list[FaceTemplate]) -> tuple[np.ndarray, np.ndarray]:
    forms = [resident(template) for template in templates]
    return np.concatenate(forms), np.cumsum([0, *map(len, forms)]).astype(np.int64)


@pytest.mark.parametrize("dimensions", [1, 7, 8, 9, 64, 128, 511, 512, 4096])
def test_scores_are_those_of_the_plain_formula(plain: ModuleType, dimensions: int) -> None:
    templates = [face(seed, dimensions) for seed in range(6)]
    near = templates[0].values.copy()
    near[-1] = -near[-1] if dimensions > 1 else near[-1]
    templates.append(FaceTemplate(near, 0.02, MODEL))
    opposite = FaceTemplate((-templates[0].values.astype(np.int16)).astype(np.int8), 0.02, MODEL)
    templates.append(opposite)
    words, offsets = packed(templates)
    got = score_many(FaceProbe(templates[0]), words, offsets)
    wanted = [plain.raw(templates[0], template) for template in templates]
    assert got == pytest.approx(wanted, abs=2e-6, rel=2e-2 if dimensions == 4096 else 1e-4)
    assert got[-1] == pytest.approx(0.0, abs=1e-6)
    assert got[0] == got.max() == pytest.approx(14.5087, abs=1e-3)
    assert cosine_of(got)[1:] == pytest.approx([1 - 2 * np.exp(-raw) for raw in wanted[1:]], abs=1e-6)


def test_a_score_is_the_same_from_both_sides() -> None:
    one, two = face(1), face(2)
    assert score(FaceProbe(one), resident(two)) == score(FaceProbe(two), resident(one))
    assert score(FaceProbe(resident(one)), resident(two)) == score(FaceProbe(one), resident(two))


def test_rows_are_scored_in_their_order() -> None:
    templates = [face(seed) for seed in range(5)]
    words, offsets = packed(templates)
    probe = FaceProbe(templates[2])
    every = score_many(probe, words, offsets)
    rows = np.array([4, 0, 0, 3], np.int64)
    assert np.array_equal(score_many(probe, words, offsets, rows=rows), every[rows])
    assert len(score_many(probe, words, offsets, rows=np.empty(0, np.int64))) == 0
    assert len(score_many(probe, words[:0], np.zeros(1, np.int64))) == 0


@pytest.mark.parametrize("other", [face(1, 128, OTHER), face(1, 64), face(1, 121)])
def test_another_model_is_an_error(other: FaceTemplate) -> None:
    words, offsets = packed([face(0), other])
    with pytest.raises(ModelsDifferError, match="one model") as caught:
        score_many(FaceProbe(face(0)), words, offsets)
    assert caught.value.reason == "MODELS_DIFFER"
    # Rows that are not asked for may be of any model.
    score_many(FaceProbe(face(0)), words, offsets, rows=np.zeros(1, np.int64))


def test_models_that_begin_alike_are_told_by_the_calibration() -> None:
    with pytest.raises(ModelsDifferError):
        FaceScorer().calibration(MODEL, MODEL[:-1] + "1")
    with pytest.raises(ModelsDifferError):
        compare_faces(face(0), face(1, model=OTHER))


def test_offsets_and_rows_outside_are_refused() -> None:
    words, offsets = packed([face(0), face(1)])
    probe = FaceProbe(face(0))
    for rows in ([2], [-1]):
        with pytest.raises(ArgumentError, match="rows"):
            score_many(probe, words, offsets, rows=np.array(rows, np.int64))
    for wrong in ([0, 17, 35], [0, 17, 17], [-17, 0, 17]):
        with pytest.raises(ArgumentError, match="offsets"):
            score_many(probe, words, np.array(wrong, np.int64))
    with pytest.raises(ArgumentError, match="threads"):
        score_many(probe, words, offsets, threads=0)
    with pytest.raises(ArgumentError, match="int64"):
        score_many(probe, words, offsets.astype(np.int32))


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 17 * 8 - 1), value=st.integers(0, 255))
def test_a_damaged_probe_is_refused_or_the_same(place: int, value: int) -> None:
    words = resident(face(5)).copy()
    before = words.copy()
    words.view(np.uint8)[place] = value
    try:
        FaceProbe(words)
    except TemplateCorruptError:
        assert not np.array_equal(words, before)
    else:
        # Only the model's digits may change unseen here; the calibration tells them.
        changed = np.flatnonzero(words.view(np.uint8) != before.view(np.uint8)).tolist()
        signs = int(before.view(np.int8)[place]) == -int(words.view(np.int8)[place])
        assert not changed or changed[0] in (2, 3) or signs


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_words_are_a_probe_or_refused(data: bytes) -> None:
    words = np.frombuffer(data[: len(data) // 8 * 8], np.uint64)
    try:
        FaceProbe(words)
    except TemplateCorruptError:
        return
    assert len(words) >= 2


def test_a_users_model_has_a_calibration_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    load_face_calibration.cache_clear()
    with pytest.raises(CalibrationMissingError, match="fit_face_calibration"):
        compare_faces(face(0), face(1))
    raw = np.random.default_rng(0).gamma(9.0, 0.1, 20_000)
    pairing = (pairing_name(MODEL), pairing_name(MODEL))
    made = fit_calibration(raw, pairing=pairing, scorer=SCORER_ID, provenance={"model": MODEL})
    own_folder().mkdir()
    path = own_folder() / f"{pairing_name(MODEL)}.json"
    path.write_text(json.dumps(made.to_json()))
    found = compare_faces(face(0), face(0))
    assert found.calibration == made.id
    assert found.extrapolated
    assert found.value > 40
    load_face_calibration.cache_clear()
    other = MODEL[:16] + "1" * 48
    with pytest.raises(ArgumentError, match="another model"):
        load_face_calibration(other)
    for text in ("{", "[]", '{"format": 9}'):
        path.write_text(text)
        load_face_calibration.cache_clear()
        with pytest.raises(ArgumentError):
            load_face_calibration(MODEL)
    load_face_calibration.cache_clear()


def test_what_an_owner_states_is_a_staircase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    load_face_calibration.cache_clear()
    stated = ((1e-2, 0.3), (1e-3, 0.4), (1e-6, 0.6))
    found = load_face_calibration(MODEL, stated)
    cosines = np.array([-0.9, 0.0, 0.299, 0.301, 0.399, 0.401, 0.599, 0.601, 0.9, 1.0])
    values, beyond = found.scores(np.array([raw_of(c) for c in cosines]))
    assert values == pytest.approx([0, 0, 0, 20, 20, 30, 30, 60, 60, 60], abs=0.03)
    assert (np.diff(values) > 0).all()
    assert beyond.tolist() == [False] * 7 + [True] * 3
    assert found.provenance["stated"] == [list(one) for one in stated]
    assert (found.non_mated, found.pairing) == (0, (pairing_name(MODEL), pairing_name(MODEL)))
    # A measured calibration comes first.
    raw = np.random.default_rng(0).gamma(9.0, 0.1, 20_000)
    pairing = (pairing_name(MODEL), pairing_name(MODEL))
    made = fit_calibration(raw, pairing=pairing, scorer=SCORER_ID, provenance={"model": MODEL})
    own_folder().mkdir()
    (own_folder() / f"{pairing_name(MODEL)}.json").write_text(json.dumps(made.to_json()))
    load_face_calibration.cache_clear()
    assert load_face_calibration(MODEL, stated).id == made.id
    load_face_calibration.cache_clear()


def test_raw_scores_are_cosines_the_other_way_round() -> None:
    for cosine in (-1.0, -0.3, 0.0, 0.9, 0.99999):
        assert float(cosine_of(np.array([raw_of(cosine)]))[0]) == pytest.approx(cosine, abs=1e-9)


def test_the_default_model_has_a_calibration_with_an_honest_tail() -> None:
    from matcher.face.model import DEFAULT_MODEL, shipped_manifest
    from matcher.models.dlib_onnx import CONVERTER

    model = shipped_manifest(DEFAULT_MODEL).model_id(CONVERTER)
    calibration = load_face_calibration(model)
    assert calibration.support_score >= 50.0
    # A decade that the tail did not see is predicted within 2.5 dB, and never promised more than there is.
    for check in calibration.provenance["held_back_decade"]:
        assert abs(check["predicted"] - check["observed"]) < 2.5
    # Its scores are bounds over draws of people, a little below what the data at hand would say.
    bound = calibration.provenance["upper_bound"]
    assert bound["confidence"] == 0.95
    assert 0.0 < bound["given_up_db"]["20"] < bound["given_up_db"]["40"] < 3.0
    # Fitted to some people it holds for others, dB: more often than not, though halves of one set are the
    # hardest others: what the one has less of the other has more of.
    for promise in calibration.provenance["held_out_people"]:
        assert promise["promised"] >= 20
        assert promise["observed_mean"] > promise["promised"]
        assert promise["promised_too_much"] < 0.4
    assert FaceScorer().calibration(model, model).id == calibration.id
    same = compare_faces(face(3, model=model), face(3, model=model))
    assert same.extrapolated
    assert same.value > calibration.support_score
