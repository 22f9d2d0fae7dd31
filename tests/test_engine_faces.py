"""The engine over faces: generated embeddings as templates, images only where the models are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.demo.synthetic import png
from matcher.engine import Engine
from matcher.errors import CalibrationMissingError, ComparisonError, ModelMissingError
from matcher.face.detect import load_detector
from matcher.face.extract import template_of
from matcher.face.model import DEFAULT_MODEL, shipped_manifest
from matcher.face.model import _load as load_model
from matcher.face.types import FacePosition, FaceTemplate
from matcher.models.cache import State, state_of
from matcher.models.converted import converter_of
from matcher.models.registry import DLIB_FACE, YUNET, find_model
from matcher.samples import Sample, SampleKind
from matcher.template.face_codec import encode_face
from matcher.types import F32, Image, Modality

PEOPLE = 60


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path_factory.mktemp('store')}/gallery.db", threads=1) as engine:
        for person, sample in enumerate(faces(0)):
            engine.enroll(f"s{person}", [sample])
        yield engine


def faces(number: int) -> list[Sample]:
    """Return a sample of each person's face."""
    return [as_sample(face_template(e)) for e in generate_embeddings(PEOPLE, seed=7, sample=number)]


def face_template(embedding: F32) -> FaceTemplate:
    """Return an embedding as a template of the default model, whose file is not needed."""
    manifest = shipped_manifest(DEFAULT_MODEL)
    return template_of(embedding, manifest.model_id(converter_of(find_model(manifest.model))))


def as_sample(template: FaceTemplate) -> Sample:
    return Sample(encode_face(template), SampleKind.TEMPLATE)


def png_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a colour picture as a file."""
    file = BytesIO()
    PillowImage.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_people_are_known_by_their_faces(engine: Engine) -> None:
    probes = faces(1)
    mated = [engine.verify(f"s{i}", [probe]).decision for i, probe in enumerate(probes)]
    assert np.mean([decision.accepted for decision in mated]) >= 0.6
    assert all(decision.score.calibration != "none" for decision in mated)
    others = [engine.verify(f"s{(i + 1) % PEOPLE}", [probe]).decision for i, probe in enumerate(probes)]
    assert sum(decision.accepted for decision in others) <= 2
    first = [engine.identify([probe], threshold=0, max_candidates=1).candidates for probe in probes]
    hits = [bool(found) and found[0].subject_id == f"s{i}" for i, found in enumerate(first)]
    assert np.mean(hits) >= 0.8
    assert [m.modality for m in engine.status().modalities] == [Modality.FACE]


def test_a_template_of_another_model_is_refused(engine: Engine) -> None:
    template = face_template(generate_embeddings(1, seed=7)[0])
    other = as_sample(FaceTemplate(template.values, template.scale, "0" * 64))
    for call in (lambda: engine.enroll("other", [other]), lambda: engine.identify([other])):
        with pytest.raises(ComparisonError):
            call()


def test_stated_thresholds_alone_enrol_nobody(
    drawn: ModuleType, face_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose owner states thresholds, and that nobody has calibrated: refused before it is stored."""
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    stated = face_model.with_name("stated.toml")
    stated.write_text(face_model.read_text() + '[thresholds]\n"1e-3" = 0.9\n"1e-6" = 0.97\n')
    photograph = Sample(png_of(drawn.portrait(3)), position=FacePosition.FACE)
    with Engine(f"sqlite:///{tmp_path}/own.db", threads=1, face_model=str(stated)) as engine:
        with pytest.raises(CalibrationMissingError, match="fit_face_calibration"):
            engine.enroll("nobody", [photograph])
        assert engine.status().subjects == 0


def test_without_its_models_an_image_is_refused_by_the_command_that_fetches_them(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    load_detector.cache_clear()
    load_model.cache_clear()
    photograph = Sample(png(Image(np.full((300, 300), 128, np.uint8))), position=FacePosition.FACE)
    with pytest.raises(ModelMissingError, match="matcher models fetch"):
        engine.enroll("nobody", [photograph])
    assert engine.status().subjects == PEOPLE


def test_photographs_of_people(tmp_path: Path, real_data: Path) -> None:
    for model in (YUNET, DLIB_FACE):
        if state_of(model) is not State.PRESENT:
            pytest.skip(f"no face model: `matcher models fetch {model.name}`")
    several = sorted(f for f in (real_data / "face" / "lfw").rglob("*_0002.jpg"))[:3]
    with Engine(f"sqlite:///{tmp_path}/gallery.db", threads=1) as engine:
        for number, second in enumerate(several):
            first = second.with_name(second.name.replace("_0002", "_0001"))
            engine.enroll(f"s{number}", [Sample(first.read_bytes(), position=FacePosition.FACE)])
        for number, second in enumerate(several):
            probe = Sample(second.read_bytes(), position=FacePosition.FACE)
            [found] = engine.identify([probe], threshold=20).candidates
            assert found.subject_id == f"s{number}"
            assert [part.modality for part in found.parts] == [Modality.FACE]
