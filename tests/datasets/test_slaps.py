"""Synthetic slaps: the same seed the same bytes, and fingers where the truth says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from matcher.datasets.fingerprint_synthesis import Finger, FingerClass, generate_slap
from matcher.errors import ArgumentError
from matcher.fingerprint.slap_types import POSITIONS, SlapFinger, SlapKind
from matcher.types import FingerPosition


@pytest.fixture(scope="module")
def hand(fingers: dict[FingerClass, Finger]) -> dict[FingerPosition, Finger]:
    """Fingers for every position, few of them different: growing one takes its time."""
    patterns = list(fingers.values())
    return {position: patterns[int(position) % len(patterns)] for position in FingerPosition if position}


def test_the_same_seed_gives_the_same_slap(hand: dict[FingerPosition, Finger]) -> None:
    one = generate_slap(3, SlapKind.RIGHT_FOUR, fingers=hand)
    same = generate_slap(3, SlapKind.RIGHT_FOUR, fingers=hand)
    other = generate_slap(4, SlapKind.RIGHT_FOUR, fingers=hand)
    assert np.array_equal(one.image.pixels, same.image.pixels)
    assert one.fingers == same.fingers
    assert not np.array_equal(one.image.pixels, other.image.pixels)
    assert [truth.position for truth in one.fingers] == list(POSITIONS[SlapKind.RIGHT_FOUR])


@pytest.mark.parametrize(("rotation", "kind"), [(45.0, SlapKind.LEFT_FOUR), (-30.0, SlapKind.TWO_THUMBS)])
def test_fingers_lie_where_the_truth_says(
    hand: dict[FingerPosition, Finger], rotation: float, kind: SlapKind
) -> None:
    slap = generate_slap(7, kind, rotation=rotation, fingers=hand, difficulty=0.2)
    height, width = slap.image.pixels.shape
    for truth in slap.fingers:
        assert abs(math.degrees(truth.angle) - rotation) < 25
        # The truth has the fields of a found finger.
        corners: np.ndarray = np.array(SlapFinger.corners(truth))  # type: ignore[arg-type]
        assert (corners >= 0).all()
        assert (corners < (width, height)).all()
        inside = slap.image.pixels[
            int(truth.y) - 60 : int(truth.y) + 60, int(truth.x) - 60 : int(truth.x) + 60
        ]
        assert inside.std() > 25
        # Above the tip there is nothing.
        reach = truth.height / 2 + 40
        y, x = truth.y - reach * math.cos(truth.angle), truth.x - reach * math.sin(truth.angle)
        if 12 <= y < height - 12 and 12 <= x < width - 12:
            assert slap.image.pixels[int(y) - 8 : int(y) + 8, int(x) - 8 : int(x) + 8].std() < 15


def test_missing_fingers_are_left_out(hand: dict[FingerPosition, Finger]) -> None:
    missing = (FingerPosition.RIGHT_MIDDLE,)
    slap = generate_slap(5, SlapKind.RIGHT_FOUR, missing=missing, fingers=hand)
    assert slap.missing == missing
    assert [t.position for t in slap.fingers] == [
        FingerPosition.RIGHT_INDEX,
        FingerPosition.RIGHT_RING,
        FingerPosition.RIGHT_LITTLE,
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": SlapKind.UNKNOWN},
        {"kind": SlapKind.TWO_THUMBS, "missing": POSITIONS[SlapKind.TWO_THUMBS]},
        {"kind": SlapKind.TWO_THUMBS, "missing": (FingerPosition.LEFT_RING,)},
        {"kind": SlapKind.TWO_THUMBS, "rotation": 46.0},
        {"kind": SlapKind.RIGHT_FOUR, "height": 400, "width": 400},
    ],
)
def test_impossible_slaps_are_refused(options: dict[str, object], hand: dict[FingerPosition, Finger]) -> None:
    with pytest.raises(ArgumentError):
        generate_slap(1, fingers=hand, **options)  # type: ignore[arg-type]
