"""Impressions of synthetic fingers: alike where they should be, harder where they should be; typed errors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from matcher.datasets.fingerprint_synthesis import (
    Background,
    FingerClass,
    ImpressionSettings,
    draw_settings,
    generate_finger,
    generate_impression,
    generate_subject,
)
from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.datasets.fingerprint_synthesis.impression import look_up
from matcher.datasets.fingerprint_synthesis.placement import finger_coordinates
from matcher.datasets.fingerprint_synthesis.randomness import stream
from matcher.errors import ArgumentError


def in_finger_frame(finger, seed, difficulty):
    """Return an impression laid back on its finger: (mean darkness, count) on the master grid."""
    settings = draw_settings(stream("settings", finger.seed, seed), difficulty)
    image = generate_impression(finger, seed, difficulty=difficulty)
    ys, xs, dy, dx = finger_coordinates(settings)
    touched = np.hypot(dy / settings.semi_height, dx / settings.semi_width) < 0.9
    rows, columns = np.rint(ys[touched]).astype(int), np.rint(xs[touched]).astype(int)
    keep = (rows >= 0) & (rows < finger.ridges.shape[0]) & (columns >= 0) & (columns < finger.ridges.shape[1])
    darkness = np.zeros(finger.ridges.shape)
    count = np.zeros(finger.ridges.shape)
    np.add.at(darkness, (rows[keep], columns[keep]), 255.0 - image.pixels[touched][keep])
    np.add.at(count, (rows[keep], columns[keep]), 1)
    return darkness / np.maximum(count, 1), count > 0


def likeness(first, second):
    """Return the correlation of two impressions on their common area, and that area's share of the union."""
    common = first[1] & second[1]
    return np.corrcoef(first[0][common], second[0][common])[0, 1], common.sum() / (first[1] | second[1]).sum()


def test_mated_impressions_overlap_and_agree(fingers):
    loop, whorl = fingers[FingerClass.LEFT_LOOP], fingers[FingerClass.WHORL]
    prints = [in_finger_frame(loop, seed, 0.4) for seed in range(4)]
    for later in prints[1:]:
        agreement, overlap = likeness(prints[0], later)
        assert agreement > 0.45
        assert overlap > 0.4
    assert abs(likeness(prints[0], in_finger_frame(whorl, 0, 0.4))[0]) < 0.2


def test_difficulty_makes_it_harder(fingers):
    finger = fingers[FingerClass.RIGHT_LOOP]
    means = []
    for difficulty in (0.0, 0.5, 1.0):
        agreements = []
        for seed in range(8):
            darkness, known = in_finger_frame(finger, seed, difficulty)
            agreements.append(np.corrcoef(darkness[known], finger.ridges[known])[0, 1])
        means.append(np.mean(agreements))
    assert means[0] > 0.85
    assert means[0] > means[1] + 0.05
    assert means[1] > means[2] + 0.05
    assert means[2] > 0.3


def darkness_share(finger, **changes):
    settings = dataclasses.replace(ImpressionSettings(), **changes)
    pixels = generate_impression(finger, 3, difficulty=settings).pixels
    return float(np.mean(pixels[100:270, 120:260] < 128))


def test_pressure_thickens_ridges_and_contrast_fades_them(fingers):
    finger = fingers[FingerClass.ARCH]
    dry, normal, wet = (darkness_share(finger, pressure=p) for p in (-0.6, 0.0, 0.6))
    assert dry + 0.08 < normal < wet - 0.08
    pale = generate_impression(finger, 3, difficulty=ImpressionSettings(contrast=0.3)).pixels
    assert pale.std() < 0.5 * generate_impression(finger, 3, difficulty=ImpressionSettings()).pixels.std()


def test_skin_sticks_in_the_middle_and_slips_outside():
    still = ImpressionSettings()
    slipped = ImpressionSettings(slip_y=8.0, slip_x=-5.0, slip_angle=4.0)
    (y0, x0, _, _), (y1, x1, _, _) = finger_coordinates(still), finger_coordinates(slipped)
    assert (y1 - y0)[187, 194] == 0.0
    assert (x1 - x0)[187, 194] == 0.0
    assert np.hypot(y1 - y0, x1 - x0)[10, 194] > 4.0
    # Smooth, and nowhere folded.
    assert np.diff(y1, axis=0).min() > 0.5
    assert np.diff(x1, axis=1).min() > 0.5


@pytest.mark.parametrize("kind", list(Background))
def test_backgrounds_are_light_and_empty(fingers, kind):
    settings = ImpressionSettings(background=kind, semi_width=60.0, semi_height=80.0)
    pixels = generate_impression(fingers[FingerClass.WHORL], 1, difficulty=settings).pixels
    assert pixels[:, :60].mean() > 190
    assert pixels[150:220, 160:230].mean() < pixels[:, :60].mean() - 30


@pytest.mark.parametrize(("height", "width"), [(64, 64), (300, 300), (480, 640)])
def test_sizes(fingers, height, width):
    image = generate_impression(fingers[FingerClass.ARCH], 2, height=height, width=width)
    assert image.pixels.shape == (height, width)
    assert image.native_ppi == 500.0


def test_a_collection_on_disk_states_its_resolution(tmp_path):
    from PIL import Image as PillowImage

    paths = write_finger(tmp_path, 3, seed=1, impressions=2, height=100, width=90)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "finger_000003/impression_01.png",
        "finger_000003/impression_02.png",
    ]
    with PillowImage.open(paths[0]) as picture:
        assert picture.size == (90, 100)
        assert picture.info["dpi"][0] == pytest.approx(500, abs=0.1)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, "1", None])
def test_seeds_out_of_range_are_refused(fingers, seed):
    for make in (
        generate_finger,
        generate_subject,
        lambda s: generate_impression(fingers[FingerClass.ARCH], s),
    ):
        with pytest.raises(ArgumentError, match="seed"):
            make(seed)


@pytest.mark.parametrize("difficulty", [-0.1, 1.1, float("nan")])
def test_difficulties_out_of_range_are_refused(fingers, difficulty):
    with pytest.raises(ArgumentError, match="difficulty"):
        generate_impression(fingers[FingerClass.ARCH], 1, difficulty=difficulty)


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 63},
        {"width": 2001},
        {"pressure": 1.1},
        {"contrast": 0.0},
        {"rotation": float("nan")},
        {"scratches": -1},
    ],
)
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(ArgumentError, match=next(iter(changes))):
        ImpressionSettings(**changes)


def test_other_arguments_out_of_range_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="FingerClass"):
        generate_finger(1, finger_class=9)
    with pytest.raises(ArgumentError, match="mean period"):
        generate_finger(1, mean_period=30.0)
    for positions in ((), (2, 2), (0,), (11,)):
        with pytest.raises(ArgumentError, match="positions"):
            generate_subject(1, positions)
    with pytest.raises(ArgumentError, match="float32"):
        look_up(generate_finger(1), np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ArgumentError, match="from 1"):
        write_finger(tmp_path, 0, seed=1, impressions=1)
