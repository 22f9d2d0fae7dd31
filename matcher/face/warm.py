"""Compiles the face kernels by using them once."""

from __future__ import annotations

import contextlib

import numpy as np

from matcher.errors import ModelMissingError
from matcher.face.detect import DEFAULT_DETECTOR, MAX_ANCHORS, VALUES, load_detector
from matcher.face.kernels import detection
from matcher.face.model import DEFAULT_MODEL, load_face_model
from matcher.face.picture import crop, planes, shrunk

SIDE = 64
"""Side of the picture, px."""


def warm(*, models: bool = False) -> None:
    """Compile everything that extraction needs.

    Parameters
    ----------
    models : bool
        Whether the default detector and embedding model are loaded and run as well, where they are at hand.
    """
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    shrunk(pixels, SIDE // 2)
    crop(pixels, np.eye(2, 3), SIDE, SIDE)
    out = np.zeros((3, SIDE, SIDE), np.float32)
    planes(pixels, np.arange(3), np.zeros(3, np.float32), np.ones(3, np.float32), out)
    found, flat = np.zeros((MAX_ANCHORS, VALUES), np.float32), np.zeros((1, 10), np.float32)
    detection.decode_yunet(flat[:, 0], flat[:, 0], flat[:, :4], flat, 1, 8, 0.5, found, 0)
    cell = np.zeros((10, 1, 1), np.float32)
    detection.decode_centerface(cell[0], cell[:2], cell[:2], cell, 4, 0.5, found)
    detection.suppress(found[:1], np.zeros(1, np.int64), 0.3, np.empty(1, np.int64))
    if models:
        with contextlib.suppress(ModelMissingError):
            load_detector(DEFAULT_DETECTOR).find(pixels)
            load_face_model(DEFAULT_MODEL)
