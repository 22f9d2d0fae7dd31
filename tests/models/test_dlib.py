"""dlib's file form: read to the last byte, converted to what it says, refused where it is damaged."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ModelCorruptError, ModelMissingError
from matcher.models import converted
from matcher.models.cache import model_path, models_folder
from matcher.models.converted import converted_path, converter_of, load_onnx
from matcher.models.dlib_cursor import DlibCursor
from matcher.models.dlib_network import Affine, Convolution, Pool, Step, Window, read_network
from matcher.models.dlib_onnx import CONVERTER, to_onnx
from matcher.models.fetch import fetch_models
from matcher.models.registry import DLIB_FACE, LEADER
from matcher.models.runtime import open_session

HEIGHT, WIDTH = 23, 21


def run_onnx(data: bytes, pictures: np.ndarray) -> np.ndarray:
    return open_session(data).run(["embedding"], {"input": pictures.astype(np.float32)})[0]


def test_reading_returns_what_was_written(dlib: ModuleType) -> None:
    layers = dlib.tiny_layers()
    network = read_network(dlib.network_bytes(layers, HEIGHT, WIDTH))
    assert network.mean == pytest.approx(dlib.MEAN)
    assert (network.height, network.width) == (HEIGHT, WIDTH)
    assert len(network.layers) == len(layers)
    for got, wanted in zip(network.layers, layers, strict=True):
        assert type(got) is type(wanted)
        if isinstance(wanted, Step):
            assert got is wanted
        elif isinstance(wanted, Convolution):
            assert np.array_equal(got.kernel, wanted.kernel)
            assert np.array_equal(got.bias, wanted.bias)
            assert got.window == wanted.window


@pytest.mark.parametrize("seed", [3, 4])
def test_the_conversion_does_what_the_layers_say(dlib: ModuleType, seed: int) -> None:
    layers = dlib.tiny_layers(seed)
    onnx = to_onnx(read_network(dlib.network_bytes(layers, HEIGHT, WIDTH)))
    pictures = np.random.default_rng(seed).normal(0, 0.4, (3, 3, HEIGHT, WIDTH))
    slow = np.stack([dlib.run(layers, picture) for picture in pictures])
    assert np.abs(slow).max() > 0.1
    assert run_onnx(onnx, pictures) == pytest.approx(slow, abs=2e-5)


def test_a_sum_takes_the_larger_side_of_each(dlib: ModuleType) -> None:
    """23 px halved by a convolution are 11, by a mean 11; 21 to 10 and 10; with 8 px they differ: 3 and 4."""
    layers = dlib.tiny_layers(5)[8:-2]  # from the second block's start
    start = [
        Convolution(Window((1, 1), (1, 1), (0, 0)), np.ones((4, 3, 1, 1), np.float32), np.zeros(4, "f4"))
    ]
    down = next(i for i, layer in enumerate(layers) if isinstance(layer, Pool)) - 6
    whole = [*start, *layers[down - 1 :], Pool(Window((0, 0), (1, 1), (0, 0)), False)]
    matrix = dlib.tiny_layers(5)[-1]
    data = dlib.network_bytes([*whole, matrix], 8, 8)
    picture = np.random.default_rng(1).normal(0, 1, (1, 3, 8, 8))
    assert run_onnx(to_onnx(read_network(data)), picture)[0] == pytest.approx(
        dlib.run([*whole, matrix], picture[0]), abs=2e-5
    )


def test_padding_and_rectangles_are_kept(dlib: ModuleType) -> None:
    rng = np.random.default_rng(2)
    kernel = rng.normal(0, 0.3, (2, 3, 3, 5)).astype(np.float32)
    layers = [
        Convolution(Window((3, 5), (1, 2), (1, 2)), kernel, rng.normal(0, 1, 2).astype(np.float32)),
        Pool(Window((3, 2), (2, 1), (1, 1)), True),
        Pool(Window((2, 3), (1, 2), (1, 0)), False),
        Pool(Window((0, 0), (1, 1), (0, 0)), False),
        replace(dlib.tiny_layers()[-1], matrix=rng.normal(0, 1, (2, 3)).astype(np.float32)),
    ]
    picture = rng.normal(0, 1, (1, 3, 12, 15))
    onnx = to_onnx(read_network(dlib.network_bytes(layers, 12, 15)))
    assert run_onnx(onnx, picture)[0] == pytest.approx(dlib.run(layers, picture[0]), abs=2e-5)


def test_every_shorter_file_is_refused(dlib: ModuleType) -> None:
    data = dlib.network_bytes(dlib.tiny_layers(), HEIGHT, WIDTH)
    for length in [*range(0, 400), *range(400, len(data), 37), len(data) - 1]:
        with pytest.raises(ModelCorruptError):
            read_network(data[:length])
    with pytest.raises(ModelCorruptError, match="left over"):
        read_network(data + b"\0")


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 4000), value=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(place: int, value: int) -> None:
    data = bytearray(_tiny())
    data[place % len(data)] = value
    with contextlib.suppress(ModelCorruptError):
        to_onnx(read_network(bytes(data)))


def _tiny(made: list[bytes] = []) -> bytes:  # noqa: B006 (made once)
    if not made:
        import importlib.util

        path = Path(__file__).resolve().parent.parent / "reference_face_dlib.py"
        spec = importlib.util.spec_from_file_location("matcher_reference_face_dlib_2", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made.append(module.network_bytes(module.tiny_layers(), HEIGHT, WIDTH))
    return made[0]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    for method in ("integer", "number", "flag", "name", "tensor", "alias"):
        try:
            getattr(DlibCursor(data), method)()
        except ModelCorruptError:
            continue


def test_a_huge_tensor_is_refused_before_memory_is_taken(dlib: ModuleType) -> None:
    sides = dlib.integer(2) + dlib.integer(1 << 30) * 4
    with pytest.raises(ModelCorruptError):
        DlibCursor(sides + bytes(100)).tensor()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda layers: [*layers[:2], Step.ADD_INPUT, *layers[2:]], "block"),
        (lambda layers: layers[1:], "affine"),
        (lambda layers: layers[:-1], "vector"),
        (lambda layers: [*layers[:6], Affine(np.ones(9, "f4"), np.ones(9, "f4")), *layers[6:]], "affine"),
        (lambda layers: [*layers, Pool(Window((2, 2), (2, 2), (0, 0)), True)], "follows"),
        (lambda layers: [*layers[:4], Pool(Window((30, 30), (1, 1), (0, 0)), True), layers[-1]], "larger"),
    ],
)
def test_layers_that_do_not_fit_are_refused(dlib: ModuleType, spoil: Any, said: str) -> None:
    with pytest.raises(ModelCorruptError, match=said):
        to_onnx(read_network(dlib.network_bytes(spoil(dlib.tiny_layers()), HEIGHT, WIDTH)))


@pytest.fixture
def fake_face(dlib: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model of the name dlib-face that is a tiny network, in a cache of its own."""
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    data = dlib.network_bytes(dlib.tiny_layers(), HEIGHT, WIDTH)
    model = replace(DLIB_FACE, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    models_folder().mkdir(parents=True)
    model_path(model).write_bytes(data)
    return model


def test_a_model_is_converted_once(fake_face: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    kept = converted.CONVERTERS[DLIB_FACE.name][1]

    def count(data: bytes) -> bytes:
        calls.append(len(data))
        return kept(data)

    monkeypatch.setitem(converted.CONVERTERS, DLIB_FACE.name, (CONVERTER, count))
    first = load_onnx(fake_face)
    assert load_onnx(fake_face) == first
    assert len(calls) == 1
    # Without its source too: the conversion is all that is run.
    model_path(fake_face).unlink()
    assert load_onnx(fake_face) == first
    assert sorted(path.name for path in models_folder().iterdir()) == [converted_path(fake_face).name]


def test_a_damaged_conversion_is_made_again(fake_face: Any) -> None:
    first = load_onnx(fake_face)
    path = converted_path(fake_face)
    whole = path.read_bytes()
    for spoilt in (whole[:-1], b"", whole[:40] + b"\1" + whole[41:]):
        path.write_bytes(spoilt)
        assert load_onnx(fake_face) == first
        assert path.read_bytes() == whole


def test_a_missing_source_names_the_command(fake_face: Any) -> None:
    model_path(fake_face).unlink()
    with pytest.raises(ModelMissingError, match="matcher models fetch dlib-face"):
        load_onnx(fake_face)


def test_a_cache_that_cannot_be_written_still_answers(
    fake_face: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError("read-only")

    monkeypatch.setattr(converted.tempfile, "mkstemp", refuse)
    assert load_onnx(fake_face)[:2] == load_onnx(fake_face)[:2]
    assert not converted_path(fake_face).exists()


def test_a_model_that_is_onnx_already_has_no_converter() -> None:
    assert converter_of(LEADER) == ""
    assert converter_of(DLIB_FACE) == CONVERTER


def test_fetching_converts_what_is_there_already(fake_face: Any) -> None:
    said: list[str] = []
    fetch_models([fake_face], tell=lambda model, text: said.append(text))
    assert said == ["is there already", f"is converted by {CONVERTER}"]
    assert converted_path(fake_face).is_file()
