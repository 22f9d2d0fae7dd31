"""Slaps: every finger in its box under its name, on synthetic hands whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from matcher.datasets.fingerprint_synthesis import SyntheticSlap, generate_slap
from matcher.errors import (
    ArgumentError,
    ImageTooLargeError,
    ImageTooSmallError,
    SlapFingerCountError,
    SlapHandError,
)
from matcher.evaluate.slaps import evaluate_slaps, side_errors
from matcher.fingerprint.extract import extract
from matcher.fingerprint.slap import read_slap, segment_slap
from matcher.fingerprint.slap_types import POSITIONS, SlapKind
from matcher.types import FingerPosition, Image

SEED = 3
"""Of the slaps that are measured; parameters were chosen on others."""


@pytest.fixture(scope="module")
def right() -> SyntheticSlap:
    return generate_slap(101, SlapKind.RIGHT_FOUR, rotation=-20.0, difficulty=0.3)


@pytest.fixture(scope="module")
def thumbs() -> SyntheticSlap:
    return generate_slap(102, SlapKind.TWO_THUMBS, rotation=15.0, difficulty=0.3)


def test_boxes_and_labels(full_size: bool) -> None:
    figures = evaluate_slaps(200 if full_size else 8, SEED)
    assert figures["fingers_right"] >= 0.97
    assert figures["wrong_hands"] == 0
    assert figures["refused"] <= 0.02


def test_a_finger_is_cut_out_upright(right: SyntheticSlap) -> None:
    fingers = segment_slap(right.image, right.kind)
    assert [finger.position for finger in fingers] == list(POSITIONS[SlapKind.RIGHT_FOUR])
    for finger, truth in zip(fingers, right.fingers, strict=True):
        assert max(map(abs, side_errors(finger, truth))) < 40
        assert abs(finger.angle - truth.angle) < math.radians(12)
        assert finger.quality > 40
        assert finger.image.width == pytest.approx(finger.width + 32, abs=1)
        assert finger.image.height == pytest.approx(finger.height + 32, abs=1)
    # Turning keeps the ridges: a print like any other.
    assert len(extract(fingers[1].image).minutiae) > 15


def test_pixels_of_a_crop_come_from_the_box() -> None:
    pixels = np.full((600, 700), 255, np.uint8)
    pixels[200, 300] = 0  # one dark point
    from matcher.fingerprint.slap_box import cut_out

    angle = math.radians(30)
    crop = cut_out(Image(pixels), 300.0, 200.0, 101.0, 201.0, angle).pixels
    assert crop.shape == (233, 133)
    assert [int(i) for i in np.unravel_index(crop.argmin(), crop.shape)] == [116, 66]
    # A point 50 px towards the tip lies to the left of upright, as the angle is counter-clockwise.
    pixels[200, 300] = 255
    pixels[round(200 - 50 * math.cos(angle)), round(300 - 50 * math.sin(angle))] = 0
    crop = cut_out(Image(pixels), 300.0, 200.0, 101.0, 201.0, angle).pixels
    row, column = np.unravel_index(crop.argmin(), crop.shape)
    assert abs(row - 66) <= 1
    assert abs(column - 66) <= 1


def test_a_hand_given_as_the_other_is_reported(right: SyntheticSlap) -> None:
    assert not read_slap(right.image, SlapKind.RIGHT_FOUR).suspected_wrong_hand
    wrong = read_slap(right.image, SlapKind.LEFT_FOUR)
    assert wrong.suspected_wrong_hand
    assert all(finger.suspected_wrong_hand for finger in wrong.fingers)
    # The names are those of the hand that was said: nothing is guessed silently.
    assert {finger.position for finger in wrong.fingers} <= set(POSITIONS[SlapKind.LEFT_FOUR])


def test_the_kind_is_found(right: SyntheticSlap, thumbs: SyntheticSlap) -> None:
    assert read_slap(right.image, SlapKind.UNKNOWN).kind is SlapKind.RIGHT_FOUR
    mirrored = Image(right.image.pixels[:, ::-1].copy())
    assert read_slap(mirrored, SlapKind.UNKNOWN).kind is SlapKind.LEFT_FOUR
    slap = read_slap(thumbs.image, SlapKind.TWO_THUMBS)
    assert [finger.position for finger in slap.fingers] == list(POSITIONS[SlapKind.TWO_THUMBS])


def test_missing_fingers_declared_and_found() -> None:
    missing = (FingerPosition.LEFT_MIDDLE,)
    slap = generate_slap(103, SlapKind.LEFT_FOUR, rotation=10.0, missing=missing, difficulty=0.3)
    for declared in (missing, ()):
        found = read_slap(slap.image, slap.kind, missing=declared)
        assert found.missing == missing
        assert [f.position for f in found.fingers] == [t.position for t in slap.fingers]


def test_what_cannot_be_told_is_refused(thumbs: SyntheticSlap) -> None:
    one = generate_slap(
        104, SlapKind.TWO_THUMBS, rotation=0.0, missing=(FingerPosition.LEFT_THUMB,), difficulty=0.3
    )
    with pytest.raises(SlapFingerCountError, match="expected 2 fingers, found 1"):
        segment_slap(one.image, SlapKind.TWO_THUMBS)
    (finger,) = segment_slap(one.image, SlapKind.TWO_THUMBS, missing=(FingerPosition.LEFT_THUMB,))
    assert finger.position is FingerPosition.RIGHT_THUMB
    with pytest.raises((SlapHandError, SlapFingerCountError)):
        segment_slap(one.image, SlapKind.UNKNOWN)


def test_more_fingers_than_explained_are_refused(right: SyntheticSlap) -> None:
    with pytest.raises(SlapFingerCountError, match="found more"):
        segment_slap(right.image, SlapKind.RIGHT_FOUR, missing=(FingerPosition.RIGHT_RING,))


@pytest.mark.parametrize("level", [255, 0, 128])
def test_blank_images_have_no_fingers(level: int) -> None:
    with pytest.raises(SlapFingerCountError, match="found none"):
        segment_slap(Image(np.full((700, 800), level, np.uint8)), SlapKind.RIGHT_FOUR)


def test_noise_has_no_fingers() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (700, 800)).astype(np.uint8)
    with pytest.raises(SlapFingerCountError):
        segment_slap(Image(noise), SlapKind.LEFT_FOUR)


def test_values_out_of_range_are_refused(right: SyntheticSlap) -> None:
    with pytest.raises(ArgumentError):
        segment_slap(right.image, SlapKind.RIGHT_FOUR, missing=(FingerPosition.LEFT_RING,))
    with pytest.raises(ArgumentError):
        segment_slap(right.image, SlapKind.RIGHT_FOUR, missing=POSITIONS[SlapKind.RIGHT_FOUR])
    with pytest.raises(ImageTooSmallError):
        segment_slap(Image(np.zeros((255, 800), np.uint8)), SlapKind.RIGHT_FOUR)
    with pytest.raises(ImageTooLargeError):
        segment_slap(Image(np.zeros((300, 4001), np.uint8)), SlapKind.RIGHT_FOUR)
