"""Drawn faces, a detector that finds them, a small network: the face pipeline without fetched models.

A drawn face is a disc of one colour with two dark eyes on a grey wall; its "identity" is the pattern of
patches on it. The detector looks for the two eyes, so that several faces, other sizes and places work.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from matcher.face.detect import Faces
from matcher.models.onnx_format import GraphWriter

U8 = npt.NDArray[np.uint8]

EYE = (10, 200, 30)
"""Colour of drawn eyes: nothing else has it."""

SHAPE = np.array([[38.0, 52.0], [74.0, 52.0], [56.0, 72.0], [42.0, 92.0], [70.0, 92.0]])
"""Five points of a face of 112 px, as model and drawing have them."""

SIDE, CELL, DIMENSIONS = 48, 8, 32


def draw_face(picture: U8, identity: int, left: int, top: int, noise: float = 0.0, seed: int = 0) -> None:
    """Draw a face of 112 px into a picture, its corner at (left, top)."""
    rng = np.random.default_rng(identity)
    patches = rng.integers(60, 220, (7, 7, 3)).repeat(16, axis=0).repeat(16, axis=1).astype(float)
    patches += np.random.default_rng((seed, identity, 1)).normal(0, noise, patches.shape) if noise else 0
    face = patches.clip(0, 255).astype(np.uint8)
    y, x = np.mgrid[:112, :112]
    for eye in SHAPE[:2]:
        face[(x - eye[0]) ** 2 + (y - eye[1]) ** 2 <= 16] = EYE
    picture[top : top + 112, left : left + 112] = face


def portrait(identity: int, *, noise: float = 0.0, seed: int = 0, size: tuple[int, int] = (200, 180)) -> U8:
    """Return a picture, uint8 (H, W, 3), with one drawn face in its middle."""
    height, width = size
    picture = np.full((height, width, 3), 128, np.uint8)
    draw_face(picture, identity, (width - 112) // 2, (height - 112) // 2, noise, seed)
    return picture


class EyeDetector:
    """Finds drawn faces by their eyes; a picture cut out of one may hold none."""

    def find(self, pixels: U8) -> Faces:
        from scipy.ndimage import center_of_mass, label

        near = (np.abs(pixels.astype(int) - EYE) < 40).all(axis=2)
        labels, count = label(near)
        spots = [(x, y) for y, x in center_of_mass(near, labels, range(1, count + 1))]
        spots = [s for n, s in enumerate(spots, start=1) if (labels == n).sum() > 8]
        found = []
        for left in spots:
            for right in spots:
                if abs(right[1] - left[1]) < 3 and 34 < right[0] - left[0] < 38:
                    found.append(SHAPE - SHAPE[0] + np.array(left))
        points = np.array(found, np.float32).reshape(-1, 5, 2)
        corner = points[:, 0] - SHAPE[0].astype(np.float32)
        boxes = np.concatenate([corner, np.full_like(corner, 112.0)], axis=1)
        return Faces(boxes, points, np.full(len(points), 0.9, np.float32))


def small_network() -> bytes:
    """Return an ONNX file: means of cells, times a random matrix."""
    graph = GraphWriter("small", {"data": ("n", 3, SIDE, SIDE)})
    cells = graph.node("AveragePool", "data", kernel_shape=(CELL, CELL), strides=(CELL, CELL))
    count = 3 * (SIDE // CELL) ** 2
    matrix = np.random.default_rng(7).normal(0, 1, (count, DIMENSIONS)).astype(np.float32)
    graph.output("out", graph.node("MatMul", graph.node("Flatten", cells), graph.constant(matrix)))
    return graph.model({"": 18})


def write_model(folder: Path) -> Path:
    """Write the small network and its manifest; return the manifest's path."""
    network = small_network()
    (folder / "small.onnx").write_bytes(network)
    points = [[round(x * SIDE / 112, 2), round(y * SIDE / 112, 2)] for x, y in SHAPE.tolist()]
    manifest = folder / "small.toml"
    manifest.write_text(
        f"""format = 1
name = "small"
licence = "CC0-1.0"
[file]
path = "small.onnx"
sha256 = "{hashlib.sha256(network).hexdigest()}"
[input]
width = {SIDE}
height = {SIDE}
layout = "nchw"
colour = "rgb"
mean = [127.5, 127.5, 127.5]
scale = [0.01, 0.01, 0.01]
[alignment]
points = {points}
[embedding]
dimensions = {DIMENSIONS}
flip = false
"""
    )
    return manifest


def write_people(root: Path, people: int, samples: int, *, noise: float = 12.0) -> list[str]:
    """Write portraits in the layout `lfw`; return the people's names."""
    names = [f"Person_{number:02d}" for number in range(people)]
    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for sample in range(1, samples + 1):
            picture = Image.fromarray(portrait(number, noise=noise, seed=sample))
            picture.save(root / name / f"{name}_{sample:04d}.png")
    return names
