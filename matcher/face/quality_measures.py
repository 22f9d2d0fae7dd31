"""What is measured of a face picture for its quality: pose, pixels, light, sharpness, background, covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matcher.face.align import FACE_SHAPE
from matcher.face.geometry import F64, inverse, similarity
from matcher.face.picture import crop
from matcher.face.pose import pose_of
from matcher.face.select import face_size
from matcher.types import F32, U8

SIDE = 112
"""Side of the crop that the face is measured in, px: eyes 35 px apart."""

WIDE_SIDE, WIDE_EYES, WIDE_HEIGHT = 96, 16.0, 0.55
"""The crop with the surroundings: side, distance of the eyes, px, and their height, share of the side."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

DARK, BRIGHT = 20.0, 240.0
"""Grey levels below and above which a pixel tells nothing."""

FACE = (slice(34, 104), slice(24, 88))
"""Brows to chin, cheek to cheek, in the crop: rows, columns."""

EYES = (slice(44, 60), slice(26, 86))
CHEEKS = (slice(64, 80), slice(26, 86))
MOUTH = (slice(84, 102), slice(34, 78))

HEAD_HALF, HEAD_TOP, SHOULDERS = 2.0, 2.2, 1.0
"""What is taken for background, in eye distances from the middle of the eyes: further aside than HEAD_HALF
but not lower than SHOULDERS, or higher than HEAD_TOP."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Native measures of one face; see `matcher.face.quality.COMPONENTS` for what they mean.

    Attributes
    ----------
    yaw, pitch, roll : float
        Magnitudes, degrees.
    eye_distance : float
        Of the face as from the front, px of the picture.
    sharpness : float
        Root mean square of the second differences over the deviation of grey, both in the face: 0 to about 1.
    exposure : float
        Median grey level of the face, 0 to 255.
    unclipped : float
        Share of the face that is neither black nor white.
    contrast : float
        Grey levels between the 5 % and the 95 % quantile of the face.
    evenness : float
        Darker half of the face over the brighter half, means of grey, 0 to 1.
    background : float
        Mean step between neighbouring pixels beside and above the head, grey levels.
    visibility : float
        Score of the detector, 0 to 1: falls where something covers the face.
    open_eyes : float
        Detail around the eyes over detail on the cheeks, deviations of grey: near 1 or below behind dark
        glasses or hair.
    open_mouth : float
        The same around the mouth: low under a mask, a hand or a microphone.
    """

    yaw: float
    pitch: float
    roll: float
    eye_distance: float
    sharpness: float
    exposure: float
    unclipped: float
    contrast: float
    evenness: float
    background: float
    visibility: float
    open_eyes: float
    open_mouth: float


def measure(pixels: U8, points: F64, score: float) -> Measures:
    """Measure one face.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
        The picture.
    points : float64 (5, 2)
    score : float
        Of the detector.
    """
    pose = pose_of(points)
    grey = _grey(crop(pixels, similarity(points, FACE_SHAPE), SIDE, SIDE))
    face = grey[FACE]
    low, middle, high = np.percentile(face, (5, 50, 95))
    half = face.shape[1] // 2
    sides = sorted((float(face[:, :half].mean()), float(face[:, -half:].mean())))
    cheeks = _detail(grey[CHEEKS])
    return Measures(
        yaw=abs(pose.yaw),
        pitch=abs(pose.pitch),
        roll=abs(pose.roll),
        eye_distance=face_size(points.astype(np.float32)),
        sharpness=_sharpness(face),
        exposure=float(middle),
        unclipped=float(((face > DARK) & (face < BRIGHT)).mean()),
        contrast=float(high - low),
        evenness=sides[0] / max(sides[1], 1.0),
        background=_background(pixels, points),
        visibility=score,
        open_eyes=_detail(grey[EYES]) / cheeks,
        open_mouth=_detail(grey[MOUTH]) / cheeks,
    )


def _grey(pixels: U8) -> F32:
    return pixels.astype(np.float32) @ LUMA


def _detail(part: F32) -> float:
    """Return the deviation of grey from its rows' and columns' means: light from one side is no detail."""
    return max(float(np.std(part - part.mean(axis=0) - part.mean(axis=1)[:, None] + part.mean())), 1.0)


def _sharpness(face: F32) -> float:
    second = face[1:-1, 1:-1] * 4 - face[:-2, 1:-1] - face[2:, 1:-1] - face[1:-1, :-2] - face[1:-1, 2:]
    return float(np.sqrt(np.mean(np.square(second)))) / max(float(face.std()), 1.0)


def _background(pixels: U8, points: F64) -> float:
    """Return the mean step between neighbours around the head, where the picture goes that far; else 0."""
    eyes = FACE_SHAPE[:2]
    size = WIDE_EYES / float(eyes[1, 0] - eyes[0, 0])
    at = np.array([WIDE_SIDE / 2, WIDE_SIDE * WIDE_HEIGHT])
    target = (FACE_SHAPE - eyes.mean(axis=0)) * size + at
    matrix = similarity(points, target)
    wide = _grey(crop(pixels, matrix, WIDE_SIDE, WIDE_SIDE))
    around = _beside_head() & _inside(pixels.shape, matrix)
    across = np.abs(np.diff(wide, axis=1))[:-1]
    down = np.abs(np.diff(wide, axis=0))[:, :-1]
    kept = around[:-1, :-1]
    return float((across + down)[kept].mean() / 2) if kept.any() else 0.0


@lru_cache(maxsize=1)
def _beside_head() -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[:WIDE_SIDE, :WIDE_SIDE]
    below = (y - WIDE_SIDE * WIDE_HEIGHT) / WIDE_EYES
    aside = np.abs(x - WIDE_SIDE / 2) / WIDE_EYES
    return np.asarray(((aside > HEAD_HALF) & (below < SHOULDERS)) | (below < -HEAD_TOP))


def _inside(shape: tuple[int, ...], matrix: F64) -> npt.NDArray[np.bool_]:
    """Return which pixels of the wide crop show the picture itself and not its edge that goes on."""
    (a, b, dx), (c, d, dy) = inverse(matrix)
    place = np.arange(WIDE_SIDE, dtype=np.float32)
    x = np.add.outer(b * place + dx, a * place)
    y = np.add.outer(d * place + dy, c * place)
    return np.asarray((x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1))
