"""The spine: which face, what is kept of it, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import (
    ArgumentError,
    FaceTooSmallError,
    ModelCorruptError,
    ModelMissingError,
    NoFaceError,
    SeveralFacesError,
)
from matcher.face.extract import extract, extract_all, template_of
from matcher.face.model import FaceModel
from matcher.face.trace import STAGES, Trace
from matcher.types import ColourImage

SHAPE = np.array([[38.0, 52.0], [74.0, 52.0], [56.0, 72.0], [42.0, 92.0], [70.0, 92.0]])

Tiny = Callable[..., FaceModel]


def picture(seed: int = 1, height: int = 240, width: int = 320) -> ColourImage:
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (height // 20 + 2, width // 20 + 2, 3))
    y, x = np.arange(height) / 20, np.arange(width) / 20
    top, left = y.astype(int), x.astype(int)
    fy, fx = (y - top)[:, None, None], (x - left)[None, :, None]
    rows = coarse[top] * (1 - fy) + coarse[top + 1] * fy
    return ColourImage((rows[:, left] * (1 - fx) + rows[:, left + 1] * fx).astype(np.uint8))


def face(x: float, y: float, size: float = 1.0) -> np.ndarray:
    """Five points of a face at a place, 36 px between the eyes times `size`."""
    return SHAPE * size + np.array([x, y])


def test_a_template_is_the_embedding_of_the_crop(tiny: Tiny, told: Any) -> None:
    model, trace = tiny(), Trace()
    template = extract(picture(), model=model, detector=told(face(100, 60)), trace=trace)
    assert list(trace) == list(STAGES)
    assert template.model == model.id
    assert trace["crops"].shape == (1, 48, 48, 3)
    again = model.embed(trace["crops"])[0]
    assert np.array_equal(again, trace["embeddings"][0])
    assert float(template.vector() @ again) > 0.9999
    assert np.abs(template.values).max() == 127
    assert np.abs(template.values * template.scale - again).max() <= template.scale / 2 * 1.001


def test_the_stored_form_loses_what_it_says() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(0, 1, (200, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stored = np.stack([template_of(v.astype(np.float32), "0" * 64).vector() for v in vectors])
    moved = np.abs(stored @ stored.T - vectors @ vectors.T)
    assert moved.max() < 6e-3
    assert moved.mean() < 1e-3


def test_no_face_is_a_failure_with_a_reason(tiny: Tiny, told: Any) -> None:
    with pytest.raises(NoFaceError) as caught:
        extract(picture(), model=tiny(), detector=told(np.zeros((0, 5, 2))))
    assert caught.value.reason == "EXTRACT_NO_FACE"
    assert extract_all(picture(), model=tiny(), detector=told(np.zeros((0, 5, 2)))) == []


def test_a_face_too_small_is_a_failure_with_a_reason(tiny: Tiny, told: Any) -> None:
    with pytest.raises(FaceTooSmallError, match="12 pixels") as caught:
        extract(picture(), model=tiny(), detector=told(face(100, 60, 0.2)))
    assert caught.value.reason == "EXTRACT_FACE_TOO_SMALL"
    assert extract_all(picture(), model=tiny(), detector=told(face(100, 60, 0.2))) == []


def test_the_largest_face_is_taken_and_all_on_request(tiny: Tiny, told: Any) -> None:
    large, small = face(20, 60), face(220, 90, 0.6)
    both = np.stack([small, large])
    alone = extract(picture(), model=tiny(), detector=told(large))
    assert extract(picture(), model=tiny(), detector=told(both)) == alone
    found = extract_all(picture(), model=tiny(), detector=told(both))
    assert len(found) == 2
    assert found[0].template == alone
    assert found[1].template == extract(picture(), model=tiny(), detector=told(small))
    assert found[0].box[0] == pytest.approx(large[:, 0].min() - 20)


def test_several_faces_are_a_failure_where_one_is_asked(tiny: Tiny, told: Any) -> None:
    both = np.stack([face(10, 60, 0.9), face(190, 60)])
    with pytest.raises(SeveralFacesError, match="got 2") as caught:
        extract(picture(), model=tiny(), detector=told(both), single=True)
    assert caught.value.reason == "EXTRACT_SEVERAL_FACES"
    # A passer-by far behind is no second subject.
    behind = np.stack([face(110, 60), face(10, 10, 0.36)])
    extract(picture(), model=tiny(), detector=told(behind), single=True)


def test_of_like_faces_the_one_in_the_middle_is_meant(tiny: Tiny, told: Any) -> None:
    middle, edge = face(105, 50), face(230, 50, 1.05)
    both = np.stack([edge, middle])
    assert extract(picture(), model=tiny(), detector=told(both)) == extract(
        picture(), model=tiny(), detector=told(middle)
    )


def test_a_manifest_of_ones_own_is_a_model(tiny_folder: Path, tiny: Tiny, told: Any) -> None:
    mine = extract(picture(), model=tiny_folder / "tiny.toml", detector=told(face(100, 60)))
    assert mine == extract(picture(), model=tiny(), detector=told(face(100, 60)))


def test_a_file_that_is_not_the_named_one_is_refused(tiny_folder: Path, told: Any) -> None:
    (tiny_folder / "tiny.onnx").write_bytes(b"other")
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        extract(picture(), model=tiny_folder / "tiny.toml", detector=told(SHAPE))
    (tiny_folder / "tiny.onnx").unlink()
    with pytest.raises(ModelMissingError, match="beside its manifest"):
        extract(picture(), model=tiny_folder / "tiny.toml", detector=told(SHAPE))


def test_without_the_models_the_error_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matcher.face.detect import load_detector
    from matcher.face.model import _load

    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    load_detector.cache_clear()
    _load.cache_clear()
    with pytest.raises(ModelMissingError, match="matcher models fetch dlib-face"):
        extract(picture())
    with pytest.raises(ModelMissingError, match="matcher models fetch yunet"):
        load_detector("yunet")
    with pytest.raises(ArgumentError, match="Known are yunet, centerface"):
        load_detector("other")
