"""Small stand-ins: a network of random weights with its manifest, a detector that is told where faces are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.face.detect import Faces
from matcher.face.manifest_read import read_manifest
from matcher.face.model import FaceModel
from matcher.models.onnx_format import GraphWriter

SHAPE = np.array([[38.0, 52.0], [74.0, 52.0], [56.0, 72.0], [42.0, 92.0], [70.0, 92.0]])
"""Five points of a face of 112 px."""

POOL = 8
"""Side of the cells that the small network takes the mean of, px."""


class ToldDetector:
    """Finds faces where it is told, and whatever is asked of it again where it was told to."""

    def __init__(self, points: np.ndarray, boxes: np.ndarray | None = None) -> None:
        self.points = np.asarray(points, np.float32).reshape(-1, 5, 2)
        low, high = self.points.min(axis=1), self.points.max(axis=1)
        self.boxes = np.concatenate([low - 20, high - low + 40], axis=1) if boxes is None else boxes
        self.calls = 0

    def find(self, pixels: np.ndarray) -> Faces:
        self.calls += 1
        if self.calls > 1:
            return Faces(np.zeros((0, 4), "f4"), np.zeros((0, 5, 2), "f4"), np.zeros(0, "f4"))
        return Faces(self.boxes.astype("f4"), self.points, np.full(len(self.points), 0.9, np.float32))


def tiny_onnx(
    side: int = 48, channels: int = 3, dimensions: int = 16, *, nhwc: bool = False, batch: Any = "n"
) -> bytes:
    """Return a network: means of cells, times a random matrix."""
    shape = (batch, side, side, channels) if nhwc else (batch, channels, side, side)
    graph = GraphWriter("tiny", {"data": shape})
    value = graph.node("Transpose", "data", perm=(0, 3, 1, 2)) if nhwc else "data"
    cells = graph.node("AveragePool", value, kernel_shape=(POOL, POOL), strides=(POOL, POOL))
    count = channels * (side // POOL) ** 2
    matrix = np.random.default_rng(7).normal(0, 1, (count, dimensions)).astype(np.float32)
    graph.output("out", graph.node("MatMul", graph.node("Flatten", cells), graph.constant(matrix)))
    return graph.model({"": 18})


def tiny_manifest(onnx: bytes, side: int = 48, **changes: str) -> str:
    """Return the manifest of `tiny_onnx`, lines replaced by name; "-" leaves one out."""
    points = [[round(x * side / 112, 2), round(y * side / 112, 2)] for x, y in SHAPE.tolist()]
    lines = {
        "format": "1",
        "name": '"tiny"',
        "licence": '"CC0-1.0"',
        "[file]": "",
        "path": '"tiny.onnx"',
        "model": "-",
        "sha256": f'"{hashlib.sha256(onnx).hexdigest()}"',
        "[input]": "",
        "width": str(side),
        "height": str(side),
        "layout": '"nchw"',
        "colour": '"rgb"',
        "mean": "[127.5, 127.5, 127.5]",
        "scale": "[0.01, 0.01, 0.01]",
        "whitening": "-",
        "[alignment]": "",
        "points": str(points),
        "[embedding]": "",
        "dimensions": "16",
        "flip": "false",
    }
    lines |= changes
    return "\n".join(
        key if key.startswith("[") else f"{key} = {value}" for key, value in lines.items() if value != "-"
    )


@pytest.fixture
def tiny() -> Callable[..., FaceModel]:
    """Return a function that makes a small model; changes of manifest lines by name."""

    def make(onnx: bytes | None = None, **changes: str) -> FaceModel:
        network = onnx if onnx is not None else tiny_onnx()
        manifest = read_manifest(tiny_manifest(network, **changes).encode())
        return FaceModel(manifest, network, manifest.model_id(""))

    return make


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A folder with the small model and its manifest, as a user has them."""
    onnx = tiny_onnx()
    (tmp_path / "tiny.onnx").write_bytes(onnx)
    (tmp_path / "tiny.toml").write_text(tiny_manifest(onnx))
    return tmp_path


@pytest.fixture
def told() -> type[ToldDetector]:
    """The detector that is told where faces are."""
    return ToldDetector
