"""Synthetic fingers: what is asked for is what grows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from matcher.datasets.fingerprint_synthesis import (
    PROPORTION,
    FingerClass,
    generate_finger,
    generate_impression,
    generate_subject,
)
from matcher.datasets.fingerprint_synthesis.classes import draw_class, draw_hand_class
from matcher.datasets.fingerprint_synthesis.randomness import stream
from matcher.types import FingerPosition

CLASSES = list(FingerClass)
EXPECTED = {
    FingerClass.ARCH: (0, 0),
    FingerClass.TENTED_ARCH: (1, 1),
    FingerClass.LEFT_LOOP: (1, 1),
    FingerClass.RIGHT_LOOP: (1, 1),
    FingerClass.WHORL: (2, 2),
}


def test_the_same_seed_gives_the_same_bytes(fingers):
    first, again = fingers[FingerClass.WHORL], generate_finger(44, finger_class=FingerClass.WHORL)
    for name in ("ridges", "orientation", "period", "marks"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    images = [generate_impression(finger, 9) for finger in (first, again)]
    assert np.array_equal(images[0].pixels, images[1].pixels)
    assert not np.array_equal(images[0].pixels, generate_impression(first, 10).pixels)


def test_fingers_of_different_seeds_share_no_pattern():
    ridges = [
        generate_finger(seed, finger_class=FingerClass.RIGHT_LOOP, mean_period=9.0).ridges
        for seed in (70, 71)
    ]
    assert abs(np.corrcoef(ridges[0].ravel(), ridges[1].ravel())[0, 1] - 0.0) < 0.25
    middle = [r[100:400, 80:300].ravel() for r in ridges]
    assert abs(np.corrcoef(*middle)[0, 1]) < 0.1


def test_classes_come_in_natural_proportion():
    rng = stream("proportions")
    drawn = np.bincount([draw_class(rng) for _ in range(20_000)], minlength=5) / 20_000
    shares = np.array([PROPORTION[kind] for kind in CLASSES])
    # Three standard deviations of a binomial share.
    assert np.all(np.abs(drawn - shares) < 3 * np.sqrt(shares * (1 - shares) / 20_000))


def test_fingers_of_a_person_agree_in_class_more_than_strangers():
    pairs = []
    for person in range(4000):
        pair = [
            draw_hand_class(stream("finger", person, hand), stream("person", person), left=hand == 1)
            for hand in (0, 1)
        ]
        pairs.append(pair)
    mirrored = {FingerClass.LEFT_LOOP: FingerClass.RIGHT_LOOP, FingerClass.RIGHT_LOOP: FingerClass.LEFT_LOOP}
    right = np.array([a for a, _ in pairs])
    left = np.array([mirrored.get(b, b) for _, b in pairs])
    same = np.mean(right == left)
    strangers = np.mean(right == np.roll(left, 1))
    assert same > strangers + 0.05
    both = np.bincount(np.array(pairs).ravel(), minlength=5) / (2 * len(pairs))
    assert np.all(np.abs(both - [PROPORTION[kind] for kind in CLASSES]) < 0.02)


def test_loops_open_towards_the_little_finger_on_most_hands():
    for left, ulnar in ((True, FingerClass.LEFT_LOOP), (False, FingerClass.RIGHT_LOOP)):
        drawn = [draw_hand_class(stream("finger", n), stream("person", n), left) for n in range(2000)]
        loops = [kind for kind in drawn if kind in (FingerClass.LEFT_LOOP, FingerClass.RIGHT_LOOP)]
        assert np.mean(np.array(loops) == ulnar) == pytest.approx(0.916, abs=0.03)


def test_a_left_loop_has_its_delta_on_the_right(fingers):
    for kind, side in ((FingerClass.LEFT_LOOP, 1), (FingerClass.RIGHT_LOOP, -1)):
        places = fingers[kind].singularities
        assert side * (places.deltas[0][1] - places.cores[0][1]) > 40


def test_a_subject_has_different_fingers_of_alike_period():
    positions = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
    subjects = [generate_subject(seed) for seed in range(4)]
    for subject in subjects:
        assert tuple(subject) == positions
        first, second = subject.values()
        assert abs(first.mean_period - second.mean_period) < 1.5
        assert not np.array_equal(first.ridges, second.ridges)
    alone = generate_subject(2, (7,))
    assert np.array_equal(
        alone[FingerPosition.LEFT_INDEX].ridges, subjects[2][FingerPosition.LEFT_INDEX].ridges
    )


def poincare_index(orientation, y, x, radius):
    """Return the turns (halves) of the orientation along a circle round (y, x)."""
    angle = np.linspace(0, 2 * np.pi, 73)
    rows = np.rint(y - radius * np.sin(angle)).astype(int)
    columns = np.rint(x + radius * np.cos(angle)).astype(int)
    steps = np.diff(orientation[rows, columns].astype(float))
    steps = (steps + np.pi / 2) % np.pi - np.pi / 2
    return round(2 * steps.sum() / (2 * np.pi))


@pytest.mark.parametrize("kind", CLASSES)
def test_singularities_are_where_they_were_asked(fingers, kind):
    finger = fingers[kind]
    places = finger.singularities
    assert (len(places.cores), len(places.deltas)) == EXPECTED[kind]
    for y, x in places.cores:
        assert poincare_index(finger.orientation, y, x, 5.0) == 1
    for y, x in places.deltas:
        assert poincare_index(finger.orientation, y, x, 5.0) == -1
    wanted = np.array(places.cores + places.deltas).reshape(-1, 2)
    for y in range(40, 470, 12):
        for x in range(40, 345, 12):
            if len(wanted) == 0 or np.hypot(*(wanted - (y, x)).T).min() > 24:
                assert poincare_index(finger.orientation, y, x, 9.0) == 0


@pytest.mark.parametrize("kind", CLASSES)
def test_orientation_is_smooth_away_from_singularities(fingers, kind):
    finger = fingers[kind]
    y, x = np.mgrid[: finger.ridges.shape[0], : finger.ridges.shape[1]]
    far = np.ones(finger.ridges.shape, bool)
    for place_y, place_x in finger.singularities.cores + finger.singularities.deltas:
        far &= np.hypot(y - place_y, x - place_x) > 15
    for axis in (0, 1):
        step = np.diff(finger.orientation.astype(float), axis=axis)
        step = np.abs((step + np.pi / 2) % np.pi - np.pi / 2)
        both = far[1:] & far[:-1] if axis == 0 else far[:, 1:] & far[:, :-1]
        assert step[both].max() < 0.15


def estimated_orientation(ridges):
    """Return the orientation that gradients of the ridges show: the double-angle mean over a small window."""
    picture = gaussian_filter(ridges.astype(float), 1.0)
    dy, dx = np.gradient(picture)
    xx, yy, xy = (gaussian_filter(v, 6.0) for v in (dx * dx, dy * dy, dx * dy))
    return (0.5 * np.arctan2(-2 * xy, xx - yy) + np.pi / 2) % np.pi


@pytest.mark.parametrize("kind", CLASSES)
def test_ridges_follow_the_orientation(fingers, kind):
    finger = fingers[kind]
    shown = estimated_orientation(finger.ridges)
    middle = np.s_[60:450, 60:320]
    error = np.abs((shown - finger.orientation + np.pi / 2) % np.pi - np.pi / 2)[middle]
    assert np.median(error) < np.deg2rad(4)
    assert np.quantile(error, 0.95) < np.deg2rad(20)
    for y, x in finger.singularities.cores[:1]:
        if kind is not FingerClass.WHORL:
            assert poincare_index(shown, y, x, 20.0) == 1


@pytest.mark.parametrize("period", [7.6, 9.0, 10.6])
def test_the_period_is_the_one_asked(period):
    finger = generate_finger(50, finger_class=FingerClass.ARCH, mean_period=period)
    middle = np.s_[120:376, 64:320]
    spectrum = np.abs(
        np.fft.fftshift(np.fft.fft2(finger.ridges[middle] * np.outer(np.hanning(256), np.hanning(256))))
    )
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftshift(np.fft.fftfreq(256))] * 2))
    band = (frequency > 1 / 16) & (frequency < 1 / 5)
    power = (spectrum**2)[band]
    shown = (power * frequency[band]).sum() / power.sum()
    assert 1 / shown == pytest.approx(np.median(finger.period[middle]), rel=0.08)
    assert np.median(finger.period[middle]) == pytest.approx(period, rel=0.12)


def test_ridges_fill_the_finger_evenly(fingers):
    for finger in fingers.values():
        middle = finger.ridges[40:470, 60:324] > 0
        assert 0.45 < middle.mean() < 0.55
        # No hole: every window of two periods holds ridge and valley.
        blocks = middle[:420, :260].reshape(21, 20, 13, 20).mean((1, 3))
        assert 0.2 < blocks.min() < blocks.max() < 0.8
