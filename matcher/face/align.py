"""Faces brought to the place, size and upright stance that a model knows."""

from __future__ import annotations

import numpy as np

from matcher.face.detect import Detector, Faces
from matcher.face.geometry import F64, inverse, similarity
from matcher.face.manifest import Manifest
from matcher.face.picture import crop
from matcher.types import U8

# The second look: points of a small picture are steadier when the face has one size and stance, and are the
# mean of what the detector says of the face and of its mirror image, in two sizes.
LOOK_SIDE = 256
"""Side of the pictures of a second look, px."""

LOOK_EYES = (66.0, 84.0)
"""Distances of the eyes in them, px: the face fills the middle, with the head around it."""

LOOK_SHARE = 0.42
"""Height of the eyes in it, share of the side."""

MIRRORED = [1, 0, 2, 4, 3]
"""Which point each becomes in a mirror."""

FACE_SHAPE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""The five points of a mean face as it looks at the camera: those that ArcFace-type models are aligned to."""

MAX_MOVE = 0.5
"""Largest step of a point in the second look, eye distances: beyond, it sees another face or none."""


def look_again(pixels: U8, points: F64, detector: Detector) -> F64:
    """Return a face's points as a second look at it gives them.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    points : float64 (5, 2)
        From the first look, px.
    detector : Detector

    Returns
    -------
    float64 (5, 2)
        The mean over the face and its mirror image in two sizes; `points` themselves where it is not seen
        again.
    """
    found = [seen for eyes in LOOK_EYES for seen in _looks(pixels, points, eyes, detector)]
    return np.asarray(np.mean(found, axis=0)) if found else points


def _looks(pixels: U8, points: F64, eyes: float, detector: Detector) -> list[F64]:
    """Return a face's points, float64 (5, 2) each, as seen of it and of its mirror image in one size."""
    middle = FACE_SHAPE[:2].mean(axis=0)
    size = eyes / float(np.linalg.norm(FACE_SHAPE[1] - FACE_SHAPE[0]))
    target = (FACE_SHAPE - middle) * size + np.array([LOOK_SIDE / 2, LOOK_SIDE * LOOK_SHARE])
    matrix = similarity(points, target)
    upright = crop(pixels, matrix, LOOK_SIDE, LOOK_SIDE)
    mirrored = target.copy()
    mirrored[:, 0] = LOOK_SIDE - 1 - target[:, 0]
    seen = [_same_face(detector.find(upright), target, eyes)]
    other = _same_face(detector.find(np.ascontiguousarray(upright[:, ::-1])), mirrored[MIRRORED], eyes)
    if other is not None:
        other = other[MIRRORED]
        other[:, 0] = LOOK_SIDE - 1 - other[:, 0]
    seen.append(other)
    back = inverse(matrix)
    return [np.asarray(one @ back[:, :2].T + back[:, 2]) for one in seen if one is not None]


def _same_face(faces: Faces, expected: F64, eyes: float) -> F64 | None:
    """Return the points, float64 (5, 2), of the face that lies where it is expected, None without one."""
    if not len(faces):
        return None
    moves = np.linalg.norm(faces.points - expected, axis=2).mean(axis=1)
    best = int(np.argmin(moves))
    return faces.points[best].astype(np.float64) if moves[best] <= MAX_MOVE * eyes else None


def aligned(pixels: U8, points: F64, manifest: Manifest) -> U8:
    """Return the crop of a face that a model takes.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    points : float64 (5, 2)
    manifest : Manifest

    Returns
    -------
    uint8 (height, width, 3)
    """
    matrix = similarity(points, np.array(manifest.points))
    return crop(pixels, matrix, manifest.width, manifest.height)
