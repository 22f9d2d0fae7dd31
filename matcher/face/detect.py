"""Faces in a picture: boxes and five points of each, by YuNet or CenterFace.

Points are, as the picture shows them: the eye on the left, the eye on the right, the tip of the nose, the
corner of the mouth on the left, the one on the right. Both networks give them in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from matcher.errors import ArgumentError
from matcher.face.kernels import detection
from matcher.face.picture import planes, shrunk
from matcher.models.converted import load_onnx
from matcher.models.onnx_format import read_model
from matcher.models.registry import CENTERFACE, YUNET, Model
from matcher.models.runtime import open_session
from matcher.types import F32, U8

MULTIPLE = 32
"""Sides that the networks take are multiples of this, px."""

LONGEST = 640
"""Longest side that a network sees, px; a larger picture is made smaller first (area mean)."""

MAX_ANCHORS = 4096
"""Most boxes above the score threshold that are looked at: more than any picture of LONGEST px has faces."""

VALUES = 15
"""Of a box: x, y, width, height, score and five points."""

YUNET_STRIDES = (8, 16, 32)
YUNET_SCORE = 0.6
"""Least score of a face; its authors show 0.9 for video and evaluate from 0.02. Below 0.6 hands and shirts
come in; faces of LFW start at 0.8."""
YUNET_OVERLAP = 0.3
"""Most intersection over union of two faces (its authors' value)."""

CENTERFACE_STRIDE = 4
CENTERFACE_SCORE = 0.5
"""Least score of a face (its authors' value for pictures)."""
CENTERFACE_OVERLAP = 0.3

RGB, BGR = np.array([0, 1, 2]), np.array([2, 1, 0])
ZEROS, ONES = np.zeros(3, np.float32), np.ones(3, np.float32)
"""Both networks take grey levels as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces of one picture, best score first.

    Attributes
    ----------
    boxes : float32 array (n, 4)
        Left, top, width, height, px; may reach beyond the picture.
    points : float32 array (n, 5, 2)
        x and y of the five points, px.
    scores : float32 array (n,)
        0 to 1.
    """

    boxes: F32
    points: F32
    scores: F32

    def __len__(self) -> int:
        return len(self.scores)

    def taken(self, rows: list[int]) -> Faces:
        """Return some of the faces, in that order."""
        return Faces(self.boxes[rows], self.points[rows], self.scores[rows])


class Detector(Protocol):
    """What finds faces."""

    def find(self, pixels: U8) -> Faces:
        """Return the faces in a picture, uint8 (H, W, 3), RGB."""


class YuNet:
    """YuNet (Wu, Peng & Yu, "YuNet: A Tiny Millisecond-level Face Detector", MIR 2023), version 2023mar.

    Parameters
    ----------
    data : bytes
        Of the ONNX file; its fixed input of 640 x 640 px is made free.
    """

    def __init__(self, data: bytes) -> None:
        self._session = open_session(free_sides(data))
        self._outputs = [
            f"{kind}_{stride}" for stride in YUNET_STRIDES for kind in ("cls", "obj", "bbox", "kps")
        ]

    def find(self, pixels: U8) -> Faces:
        """Return the faces in a picture, uint8 (H, W, 3), RGB."""
        small, factor = shrunk(pixels, LONGEST)
        grown = padded(small, BGR)
        made = self._session.run(self._outputs, {"input": grown})
        found = np.empty((MAX_ANCHORS, VALUES), np.float32)
        count = 0
        for place, stride in enumerate(YUNET_STRIDES):
            cls, obj, bbox, kps = (values[0] for values in made[4 * place : 4 * place + 4])
            columns = grown.shape[3] // stride
            count = detection.decode_yunet(
                cls[:, 0], obj[:, 0], bbox, kps, columns, stride, YUNET_SCORE, found, count
            )
        return _faces(found[:count], YUNET_OVERLAP, factor)


class CenterFace:
    """CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2020).

    Parameters
    ----------
    data : bytes
        Of the ONNX file; its fixed input is made free.
    """

    def __init__(self, data: bytes) -> None:
        self._session = open_session(free_sides(data))

    def find(self, pixels: U8) -> Faces:
        """Return the faces in a picture, uint8 (H, W, 3), RGB."""
        small, factor = shrunk(pixels, LONGEST)
        made = self._session.run(["537", "538", "539", "540"], {"input.1": padded(small, RGB)})
        heat, size, offset, landmarks = (values[0] for values in made)
        found = np.empty((MAX_ANCHORS, VALUES), np.float32)
        count = detection.decode_centerface(
            heat[0], size, offset, landmarks, CENTERFACE_STRIDE, CENTERFACE_SCORE, found
        )
        return _faces(found[:count], CENTERFACE_OVERLAP, factor)


DETECTORS: dict[str, tuple[Model, Callable[[bytes], Detector]]] = {
    "yunet": (YUNET, YuNet),
    "centerface": (CENTERFACE, CenterFace),
}
"""By the names that settings use: the file and what reads it."""

DEFAULT_DETECTOR = "yunet"


@lru_cache(maxsize=len(DETECTORS))
def load_detector(name: str = DEFAULT_DETECTOR) -> Detector:
    """Return the detector of that name, made at the first call and shared from then on.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    ModelMissingError, ModelCorruptError, ModelRuntimeError
        If its file or ONNX Runtime is not at hand. Nothing is fetched here.
    """
    if name not in DETECTORS:
        raise ArgumentError(
            f'Face detector: "{name[:40]}" is unknown.', hint=f"Known are {', '.join(DETECTORS)}."
        )
    model, kind = DETECTORS[name]
    return kind(load_onnx(model))


def free_sides(data: bytes) -> bytes:
    """Return an ONNX file whose first input has free height and width, and whose outputs claim no shape."""
    model: Any = read_model(data)
    constants = {tensor.name for tensor in model.graph.initializer}
    first = next(value for value in model.graph.input if value.name not in constants)
    sides = first.type.tensor_type.shape.dim
    for side, name in ((sides[0], "n"), (sides[2], "h"), (sides[3], "w")):
        side.Clear()
        side.dim_param = name
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    freed: bytes = model.SerializeToString()
    return freed


def padded(pixels: U8, order: Any) -> F32:
    """Return a picture as float32 (1, 3, H, W), grown to the right and below by black to whole MULTIPLEs."""
    height, width, _ = pixels.shape
    grown = np.zeros((1, 3, -(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE), np.float32)
    planes(pixels, order, ZEROS, ONES, grown[0])
    return grown


def _faces(found: F32, overlap: float, factor: float) -> Faces:
    """Return what is left of boxes after suppression, in the large picture's pixels."""
    order = np.argsort(-found[:, 4], kind="stable")
    kept = np.empty(len(found), np.int64)
    best = found[kept[: detection.suppress(found, order, overlap, kept)]]
    boxes = best[:, :4] / np.float32(factor)
    # A point is counted from pixel centres: the middle of the first small pixel lies inside the large one.
    points = (best[:, 5:].reshape(-1, 5, 2) + np.float32(0.5)) / np.float32(factor) - np.float32(0.5)
    return Faces(boxes, points, best[:, 4].copy())
