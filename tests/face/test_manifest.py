"""Manifests: every option does what it says, every wrong field is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, ModelCorruptError, ModelManifestError
from matcher.face.manifest import Colour, Layout, Metric, Whitening
from matcher.face.manifest_read import read_manifest
from matcher.face.model import DEFAULT_MODEL, FaceModel, load_face_model, shipped_manifest, shipped_names
from matcher.models.registry import find_model

from .conftest import POOL, tiny_manifest, tiny_onnx

Tiny = Callable[..., FaceModel]


def crops(count: int = 3, side: int = 48) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def by_hand(values: np.ndarray, dimensions: int = 16) -> np.ndarray:
    """Return what `tiny_onnx` makes of (n, channels, side, side), of length 1."""
    n, channels, side, _ = values.shape
    cells = values.reshape(n, channels, side // POOL, POOL, side // POOL, POOL).mean(axis=(3, 5))
    matrix = np.random.default_rng(7).normal(0, 1, (channels * (side // POOL) ** 2, dimensions))
    made = cells.reshape(n, -1) @ matrix.astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def planes_of(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(0, 3, 1, 2).astype(np.float64)


def test_colours_mean_and_scale_are_applied(tiny: Tiny) -> None:
    pixels = crops()
    wanted = (planes_of(pixels) - 127.5) * 0.01
    assert tiny().embed(pixels) == pytest.approx(by_hand(wanted), abs=1e-5)
    blue_first = tiny(colour='"bgr"', mean="[10, 20, 30.5]", scale="[0.1, 0.2, -0.3]")
    wanted = (planes_of(pixels)[:, ::-1] - np.array([10, 20, 30.5])[:, None, None]) * np.array(
        [0.1, 0.2, -0.3]
    )[:, None, None]
    assert blue_first.embed(pixels) == pytest.approx(by_hand(wanted), abs=1e-5)


def test_channels_may_come_last(tiny: Tiny) -> None:
    last = tiny(tiny_onnx(nhwc=True), layout='"nhwc"')
    assert last.embed(crops()) == pytest.approx(tiny().embed(crops()), abs=1e-6)


def test_grey_is_luma(tiny: Tiny) -> None:
    grey = tiny(tiny_onnx(channels=1), colour='"grey"', mean="[100]", scale="[0.02]")
    luma = crops() @ np.array([0.299, 0.587, 0.114])
    assert grey.embed(crops()) == pytest.approx(by_hand((luma[:, None] - 100) * 0.02), abs=1e-5)


def test_whitening_by_the_image_forgets_brightness_and_contrast(tiny: Tiny) -> None:
    white = tiny(whitening='"image"', mean="-", scale="-")
    pixels = crops()
    values = planes_of(pixels)
    axes = (1, 2, 3)
    wanted = (values - values.mean(axes, keepdims=True)) / values.std(axes, keepdims=True)
    assert white.embed(pixels) == pytest.approx(by_hand(wanted), abs=1e-4)
    darker = (pixels // 2 + 20).astype(np.uint8)
    assert (white.embed(darker) * white.embed(pixels)).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_flip_adds_the_mirror_image(tiny: Tiny) -> None:
    both = tiny(flip="true").embed(crops())
    one, other = tiny().embed(crops()), tiny().embed(np.ascontiguousarray(crops()[:, :, ::-1]))
    wanted = one + other
    assert both == pytest.approx(wanted / np.linalg.norm(wanted, axis=1, keepdims=True), abs=1e-6)
    mirrored = np.ascontiguousarray(crops()[:, :, ::-1])
    assert tiny(flip="true").embed(mirrored) == pytest.approx(both, abs=1e-6)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_network_of_fixed_batch_is_fed_in_portions(tiny: Tiny, batch: int) -> None:
    fixed = tiny(tiny_onnx(batch=batch), flip="true")
    assert fixed.embed(crops(7)) == pytest.approx(tiny(flip="true").embed(crops(7)), abs=1e-6)


def test_many_crops_are_embedded_as_one_by_one(tiny: Tiny) -> None:
    model, pixels = tiny(flip="true"), crops(37)
    single = np.concatenate([model.embed(pixels[i : i + 1]) for i in range(37)])
    assert model.embed(pixels) == pytest.approx(single, abs=1e-6)
    assert np.linalg.norm(single, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert model.embed(pixels[:0]).shape == (0, 16)


def test_what_moves_an_embedding_is_in_the_id() -> None:
    onnx = tiny_onnx()
    first = read_manifest(tiny_manifest(onnx).encode())
    seen = {first.model_id("")}
    for changed in (
        {"colour": '"bgr"'},
        {"layout": '"nhwc"'},
        {"mean": "[1, 2, 3]"},
        {"scale": "[1, 1, 2]"},
        {"whitening": '"image"', "mean": "-", "scale": "-"},
        {"flip": "true"},
        {"dimensions": "17"},
        {"width": "47"},
        {"sha256": f'"{"a" * 64}"'},
        {"points": "[[9, 9], [30, 9], [20, 20], [12, 30], [28, 30]]"},
    ):
        seen.add(read_manifest(tiny_manifest(onnx, **changed).encode()).model_id(""))
    assert len(seen) == 11
    assert first.model_id("converter/2") not in seen
    for same in ({"name": '"other"'}, {"licence": '"MIT"'}, {"metric": '"euclidean"'}):
        assert read_manifest(tiny_manifest(onnx, **same).encode()).model_id("") == first.model_id("")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "2"}, "format"),
        ({"format": "-"}, "format is missing"),
        ({"name": '"Big Name"'}, "name"),
        ({"licence": "-"}, "licence is missing"),
        ({"licence": "3"}, "licence"),
        ({"path": '"../up.onnx"'}, "beside the manifest"),
        ({"path": "-"}, "either"),
        ({"sha256": '"abc"'}, "64 hexadecimal"),
        ({"width": "0"}, "input.width"),
        ({"height": '"48"'}, "input.height"),
        ({"width": "true"}, "input.width"),
        ({"layout": '"hwc"'}, '"nchw" or "nhwc"'),
        ({"colour": '"red"'}, "input.colour"),
        ({"mean": "[1, 2]"}, "3 numbers"),
        ({"mean": '[1, 2, "3"]'}, "3 numbers"),
        ({"scale": "[1, 0, 1]"}, "other than 0"),
        ({"scale": "[nan, 1, 1]"}, "3 numbers"),
        ({"scale": "-"}, "input.scale is missing"),
        ({"whitening": '"image"'}, "each crop has its own"),
        ({"whitening": '"none"'}, "input.whitening"),
        ({"points": "[[1, 2]]"}, "5 points"),
        ({"points": "[[30, 9], [9, 9], [20, 20], [12, 30], [28, 30]]"}, "left of the second"),
        ({"points": "[[9, 9], [30, 9], [20, 20], [12, 30], [28, 99]]"}, "inside the crop"),
        ({"points": "[[9, 9], [30, 9], [20, 20], [12, 30], 5]"}, "5 points"),
        ({"dimensions": "0"}, "embedding.dimensions"),
        ({"dimensions": "5000"}, "embedding.dimensions"),
        ({"flip": "1"}, "true or false"),
        ({"metric": '"l3"'}, "embedding.metric"),
        ({"mirror": "true"}, "embedding.mirror is unknown"),
        ({"[thresholds]": "", '"often"': "0.5"}, "thresholds"),
        ({"[thresholds]": "", '"2"': "0.5"}, "thresholds"),
        ({"[thresholds]": "", '"1e-3"': '"x"'}, "thresholds"),
        ({"[thresholds]": "", '"1e-3"': "0.4", '"1e-4"': "0.3"}, "nearer the lower the rate"),
        ({"[thresholds]": "", '"1e-3"': "1.5"}, "that the metric can have"),
        ({"metric": '"euclidean"', "[thresholds]": "", '"1e-3"': "-0.5"}, "that the metric can have"),
        ({"[file2]": "", "x": "1"}, "file2 is unknown"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ModelManifestError, match=said) as caught:
        read_manifest(tiny_manifest(tiny_onnx(), **changes).encode())
    assert caught.value.reason == "MODEL_MANIFEST"


def test_options_have_defaults_and_thresholds_are_kept() -> None:
    text = tiny_manifest(
        tiny_onnx(), layout="-", metric="-", **{"[thresholds]": "", '"1e-4"': "0.5", '"1e-3"': "0.4"}
    )
    found = read_manifest(text.encode())
    assert (found.layout, found.metric, found.whitening) == (Layout.NCHW, Metric.COSINE, Whitening.FIXED)
    assert found.thresholds == ((1e-3, 0.4), (1e-4, 0.5))
    assert found.channels == 3
    assert found.stated == found.thresholds


def test_stated_distances_are_cosines() -> None:
    """Of vectors of length 1: a distance of 1 is an angle of 60 degrees."""
    text = tiny_manifest(
        tiny_onnx(), metric='"euclidean"', **{"[thresholds]": "", '"1e-4"': "0.8", '"1e-3"': "1.0"}
    )
    assert read_manifest(text.encode()).stated == ((1e-3, 0.5), (1e-4, pytest.approx(0.68)))


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_manifest_error(data: bytes) -> None:
    with pytest.raises(ModelManifestError):
        read_manifest(data)
    with pytest.raises(ModelManifestError, match="at most"):
        read_manifest(data + b"#" * 70_000)


def test_the_shipped_manifests_are_whole() -> None:
    assert shipped_names() == ["adaface-112", "arcface-112", DEFAULT_MODEL, "sface-112"]
    default = shipped_manifest(DEFAULT_MODEL)
    model = find_model(default.model)
    assert (default.sha256, default.licence) == (model.sha256, model.licence)
    assert default.dimensions == 128
    eyes = np.array(default.points)[:2]
    assert math.dist(*eyes) == pytest.approx(58.3, abs=0.1)
    assert np.array(default.points)[:, 0].mean() == pytest.approx(74.5)
    assert shipped_manifest("adaface-112").colour is Colour.BGR
    assert shipped_manifest("arcface-112").points[0] == (38.2946, 51.6963)
    assert shipped_manifest("sface-112").scale == (1.0, 1.0, 1.0)
    with pytest.raises(ArgumentError, match="file of your own"):
        load_face_model("arcface-112")
    with pytest.raises(ArgumentError, match="Known are"):
        load_face_model("facenet")


def test_a_network_that_is_another_one_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ModelManifestError, match="16"):
        tiny(tiny_onnx(dimensions=20))
    with pytest.raises(ModelManifestError, match="does not take"):
        tiny(tiny_onnx(side=32))
    with pytest.raises(ModelManifestError, match="does not take"):
        tiny(tiny_onnx(nhwc=True))
    with pytest.raises(ModelCorruptError, match="refuses"):
        tiny(b"no network")
    with pytest.raises(ModelCorruptError, match="direction"):
        tiny(scale="[1e-30, 1e-30, 1e-30]", mean="[0, 0, 0]").embed(np.zeros((1, 48, 48, 3), np.uint8))
    with pytest.raises(ArgumentError, match="Crops"):
        tiny().embed(np.zeros((1, 40, 48, 3), np.uint8))
    (tmp_path / "m.toml").write_bytes(b"x" * 70_000)
    with pytest.raises(ModelManifestError, match="at most"):
        load_face_model(tmp_path / "m.toml")
    with pytest.raises(ArgumentError, match="cannot be read"):
        load_face_model(tmp_path / "none.toml")


def test_a_manifest_may_name_a_known_file(tmp_path: Path) -> None:
    text = tiny_manifest(tiny_onnx(), path="-", model='"leader"')
    (tmp_path / "known.toml").write_text(text)
    with pytest.raises(ModelManifestError, match="not that of leader"):
        load_face_model(tmp_path / "known.toml")
    (tmp_path / "other.toml").write_text(text.replace('"leader"', '"nobody"'))
    with pytest.raises(ModelManifestError, match="nobody"):
        load_face_model(tmp_path / "other.toml")
