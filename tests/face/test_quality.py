"""Pose is exact for a head in space; each harm lowers the part that is named after it, and the whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from matcher.face.pose import HEAD, pose_of
from matcher.face.quality import COMPONENTS, assess, grade
from matcher.face.quality_measures import Measures, measure
from matcher.sample_quality import ADVISE_BELOW

SIDE = 400
EYES = 80.0


def head_points(yaw: float = 0, pitch: float = 0, roll: float = 0, eyes: float = EYES) -> np.ndarray:
    """The five points of the mean head, turned, in the middle of the picture."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    turn_p = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn_r = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    seen = HEAD @ (turn_r @ turn_p @ turn_y).T
    return seen[:, :2] * (eyes / 63) + np.array([SIDE / 2, SIDE / 2 - 20])


def drawn(points: np.ndarray) -> np.ndarray:
    """A face like a mask: an even oval on a plain wall, with fine skin, eyes, nose and mouth of detail."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    rng = np.random.default_rng(3)
    size = float(np.hypot(*(points[1] - points[0]))) / EYES
    middle = points.mean(axis=0)
    away = np.hypot((x - middle[0]) / (85 * size), (y - middle[1]) / (115 * size))
    grey = np.where(away < 1, 150.0, 205.0)
    grey += gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 1.2) * np.where(away < 1, 12, 0)
    for place in points[:2]:
        near = np.hypot((x - place[0]) / (16 * size), (y - place[1]) / (7 * size))
        grey = np.where(near < 1, 235, grey)
        grey = np.where(np.hypot(x - place[0], y - place[1]) < 6 * size, 40, grey)
        brow = np.hypot((x - place[0]) / (20 * size), (y - place[1] + 18 * size) / (4 * size))
        grey = np.where(brow < 1, 70, grey)
    mouth = points[3:].mean(axis=0)
    lips = np.hypot((x - mouth[0]) / (32 * size), (y - mouth[1]) / (8 * size))
    grey = np.where(lips < 1, 90, grey)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (30, 0, 0), (0, -20, 0), (0, 0, 25), (20, 15, 10), (-35, -10, -25)]
)
def test_the_pose_of_the_mean_head_is_exact(yaw: float, pitch: float, roll: float) -> None:
    found = pose_of(head_points(yaw, pitch, roll) * 1.7 + 3)
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=1e-6)


def test_points_in_one_place_have_no_pose() -> None:
    found = pose_of(np.ones((5, 2)))
    assert (found.yaw, found.pitch, found.roll) == (0, 0, 0)


def test_a_good_picture_has_no_advice() -> None:
    points = head_points()
    quality = assess(drawn(points), points, 0.93)
    assert quality.advice == ()
    assert quality.overall >= 85
    assert [part.name for part in quality.parts] == [component.name for component in COMPONENTS]
    assert quality.part("eye_distance").value == pytest.approx(EYES, rel=0.02)


def _blurred(picture: np.ndarray) -> np.ndarray:
    return gaussian_filter(picture, (9, 9, 0))


def _dark(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.28).astype(np.uint8)


def _bright(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.4 + 165).clip(0, 255).astype(np.uint8)


def _flat(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.13 + 110).astype(np.uint8)


def _one_sided(picture: np.ndarray) -> np.ndarray:
    return np.where(np.arange(SIDE)[None, :, None] < SIDE / 2, picture * 0.4, picture).astype(np.uint8)


def _busy(picture: np.ndarray) -> np.ndarray:
    # Coarser than what a look from afar averages.
    cells = np.random.default_rng(1).integers(0, 256, (SIDE // 8, SIDE // 8)).astype(np.uint8)
    noise = np.kron(cells, np.ones((8, 8), np.uint8))
    y, x = np.mgrid[:SIDE, :SIDE]
    head = np.hypot((x - 200) / 100, (y - 210) / 140) < 1
    return np.where(head[:, :, None], picture, noise[:, :, None])


def _glasses(picture: np.ndarray) -> np.ndarray:
    out = picture.copy()
    eyes = head_points()[:2].mean(axis=0).astype(int)
    out[eyes[1] - 40 : eyes[1] + 30, eyes[0] - 90 : eyes[0] + 90] = 30
    return out


def _mask(picture: np.ndarray) -> np.ndarray:
    out = picture.copy()
    mouth = head_points()[3:].mean(axis=0).astype(int)
    out[mouth[1] - 32 : mouth[1] + 60, 100:300] = 190
    return out


def _clipped(picture: np.ndarray) -> np.ndarray:
    return np.where(picture > 140, 255, picture).astype(np.uint8)


@pytest.mark.parametrize(
    ("harm", "part", "said"),
    [
        (_blurred, "sharpness", "focus"),
        (_dark, "exposure", "too dark"),
        (_bright, "exposure", "too bright"),
        (_flat, "contrast", "contrast"),
        (_one_sided, "evenness", "One side"),
        (_busy, "background", "plain wall"),
        (_glasses, "open_eyes", "eyes"),
        (_mask, "open_mouth", "mask"),
        (_clipped, "unclipped", "soften"),
    ],
)
def test_a_harm_is_told(harm: Callable[[np.ndarray], np.ndarray], part: str, said: str) -> None:
    points = head_points()
    good = assess(drawn(points), points, 0.93)
    poor = assess(harm(drawn(points)), points, 0.93)
    assert poor.part(part).score < ADVISE_BELOW <= good.part(part).score
    assert any(said in sentence for sentence in poor.advice)
    assert poor.overall < good.overall


@pytest.mark.parametrize(
    ("points", "part", "said"),
    [
        (head_points(yaw=48), "yaw", "straight"),
        (head_points(pitch=30), "pitch", "chin"),
        (head_points(roll=30), "roll", "upright"),
        (head_points(eyes=14), "eye_distance", "closer"),
    ],
)
def test_a_turned_or_small_head_is_told(points: np.ndarray, part: str, said: str) -> None:
    quality = assess(drawn(head_points()), points, 0.93)
    assert quality.part(part).score < ADVISE_BELOW
    assert any(said in sentence for sentence in quality.advice)


def test_a_doubtful_face_is_told() -> None:
    points = head_points()
    assert any("cover" in said for said in assess(drawn(points), points, 0.65).advice)


def test_the_overall_rises_with_every_part() -> None:
    points = head_points()
    best = {c.name: c.best for c in COMPONENTS}
    top = grade(Measures(**best))
    assert top.overall == 100
    assert top.advice == ()
    for component in COMPONENTS:
        assert grade(Measures(**{**best, component.name: component.worst})).overall < 100
    assert sum(component.weight for component in COMPONENTS) == pytest.approx(1.0)
    worst = grade(Measures(**{c.name: c.worst for c in COMPONENTS}))
    assert worst.overall == 0
    assert len(worst.advice) == len(COMPONENTS)
    shown = worst.to_json()
    assert set(shown) == {"overall", "advice", "parts"}
    assert shown["parts"]["yaw"]["unit"] == "degrees"
    assert measure(drawn(points), points, 0.9).visibility == 0.9


def test_a_face_that_fills_the_picture_has_no_background() -> None:
    points = head_points()
    part = drawn(points)[100:320, 110:290].copy()
    assert measure(part, points - np.array([110, 100]), 0.9).background < 10
