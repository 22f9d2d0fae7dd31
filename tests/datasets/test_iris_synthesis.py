"""Synthetic eyes: seeded, true to what they say of themselves, one iris an eye in every picture of it."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from matcher.datasets.iris_synthesis import EyeSettings, draw_eye, draw_settings, generate_eye
from matcher.datasets.iris_synthesis.eye import TONE_RANGE
from matcher.datasets.iris_synthesis.folders import eye_position, eye_seed, write_eye
from matcher.datasets.iris_synthesis.kernels.paint import locate, read_sheet
from matcher.datasets.iris_synthesis.lids import make_opening
from matcher.errors import ArgumentError
from matcher.iris.types import EyePosition

COARSE = 12.0
"""Structure wider than this (standard deviation, 256ths of a turn) tells light and lids, not the iris."""

SMALL = EyeSettings(height=240, width=320, radius=55.0, leds=1)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The module tests/reference_eyes.py."""
    path = Path(__file__).resolve().parent.parent / "reference_eyes.py"
    spec = importlib.util.spec_from_file_location("reference_eyes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_same_seeds_give_the_same_bytes_and_others_others() -> None:
    first, truth = draw_eye(3, 1, difficulty=SMALL)
    again, same = draw_eye(generate_eye(3), 1, difficulty=SMALL)
    assert first.tobytes() == again.tobytes()
    assert np.array_equal(truth.iris, same.iris)
    assert first.tobytes() != draw_eye(3, 2, difficulty=SMALL)[0].tobytes()
    assert first.tobytes() != draw_eye(4, 1, difficulty=SMALL)[0].tobytes()
    assert (first.dtype, first.shape) == (np.uint8, (240, 320))
    assert draw_eye(3, 1)[0].shape == (480, 640)


def test_one_eye_has_one_iris_in_every_picture_and_another_eye_another(reference: ModuleType) -> None:
    """Pictures of one eye, tilted and dilated otherwise, agree where unwrapped; those of others do not."""
    settings = [
        EyeSettings(radius=100.0, tilt=0.0, dilation=0.36, leds=1),
        EyeSettings(radius=85.0, tilt=17.0, dilation=0.45, leds=2, exposure=0.8),
        EyeSettings(radius=110.0, tilt=-12.0, dilation=0.40, leds=3, center_x=300.0),
    ]

    def sheet(seed: int, sample: int) -> np.ndarray:
        unwrapped = reference.unwrap(*draw_eye(eyes[seed], sample, difficulty=settings[sample]))
        # What all irises share is no identity: shadows of the lids, and darker towards the limbus.
        there = ~np.isnan(unwrapped)
        size = (0.01, COARSE)
        level = gaussian_filter(np.where(there, unwrapped, 0.0), size, mode="wrap")
        return unwrapped - level / np.maximum(gaussian_filter(there.astype(float), size, mode="wrap"), 1e-9)

    eyes = {seed: generate_eye(seed) for seed in (1, 2)}
    sheets = {(seed, sample): sheet(seed, sample) for seed in (1, 2) for sample in range(3)}

    def agreement(one: np.ndarray, other: np.ndarray) -> float:
        both = ~np.isnan(one) & ~np.isnan(other)
        return float(np.corrcoef(one[both], other[both])[0, 1])

    keys = sorted(sheets)
    pairs = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    mated = [agreement(sheets[a], sheets[b]) for a, b in pairs if a[0] == b[0]]
    non_mated = [agreement(sheets[a], sheets[b]) for a, b in pairs if a[0] != b[0]]
    assert min(mated) > 0.6
    assert max(np.abs(non_mated)) < 0.15


def test_the_truth_is_where_the_parts_are() -> None:
    for sample, tilt in enumerate((0.0, 15.0, -20.0)):
        settings = replace(SMALL, tilt=tilt, center_y=118.0, center_x=170.0, leds=0, noise=0.5)
        pixels, truth = draw_eye(11, sample, difficulty=settings)
        assert (truth.limbus_y, truth.limbus_x, truth.limbus_radius) == (118.0, 170.0, 55.0)
        assert truth.pupil_radius == pytest.approx(0.4 * 55.0)
        y, x = np.mgrid[0:240, 0:320]
        from_pupil = np.hypot(y - truth.pupil_y, x - truth.pupil_x) / truth.pupil_radius
        from_limbus = np.hypot(y - truth.limbus_y, x - truth.limbus_x) / truth.limbus_radius
        free = truth.opening & (y > truth.pupil_y)
        inner = pixels[free & (from_pupil < 0.9)].mean()
        iris = pixels[free & (from_pupil > 1.15) & (from_limbus < 0.9)].mean()
        outer = pixels[free & (from_limbus > 1.12) & (from_limbus < 1.4)].mean()
        assert inner + 15 < iris < outer - 10
        # The iris that shows is the ring between the circles, where it is free.
        assert not truth.iris[~truth.opening].any()
        assert not truth.iris[(from_limbus > 1.03) | (from_pupil < 0.9)].any()
        ring = (from_pupil > 1.1) & (from_limbus < 0.97)
        assert truth.iris[ring & truth.opening].mean() > 0.85


def test_a_tilt_turns_counter_clockwise() -> None:
    """The corners of a level eye lie level; tilted, the right one lies higher (smaller y)."""
    settings = replace(SMALL, radius=35.0, lashes=0.0)
    eye = replace(generate_eye(5), slant=0.0)
    level, tilted = (
        draw_eye(eye, 1, difficulty=replace(settings, tilt=tilt))[1].opening for tilt in (0.0, 20.0)
    )
    columns = np.flatnonzero(tilted.any(axis=0))
    left, right = (np.flatnonzero(tilted[:, c]).mean() for c in (columns[4], columns[-5]))
    assert left - right > 35
    columns = np.flatnonzero(level.any(axis=0))
    left, right = (np.flatnonzero(level[:, c]).mean() for c in (columns[4], columns[-5]))
    assert abs(left - right) < 4


def test_each_setting_does_what_it_says() -> None:
    eye = generate_eye(21)

    def take(**changes: float) -> tuple[np.ndarray, object]:
        return draw_eye(eye, 1, difficulty=replace(SMALL, **changes))

    plain, truth = take(leds=0)
    for key, low, high in (("upper", 0.3, 1.1), ("lower", 0.5, 1.2)):
        assert take(**{key: low})[1].opening.sum() < 0.8 * take(**{key: high})[1].opening.sum()
    assert take(lashes=0.9)[1].iris.sum() < 0.97 * take(lashes=0.0)[1].iris.sum()
    y, x = np.mgrid[0:240, 0:320]
    pupil = np.hypot(y - truth.pupil_y, x - truth.pupil_x) < 0.8 * truth.pupil_radius
    assert plain[pupil & truth.opening].max() < 60
    lit, lit_truth = take(leds=4, led_size=0.1)
    ball = np.hypot(y - truth.limbus_y, x - truth.limbus_x) < 0.7 * truth.limbus_radius
    assert lit[ball & lit_truth.opening].max() > 230
    assert take(exposure=0.5)[0].mean() < 0.6 * plain.mean()
    assert take(shadow=0.9)[0].mean() < plain.mean()
    assert take(vignette=0.9)[0][0, 0] < plain[0, 0]
    assert (
        np.abs(np.diff(take(blur=4.0, noise=0.0)[0].astype(int))).mean()
        < np.abs(np.diff(take(blur=0.0, noise=0.0)[0].astype(int))).mean()
    )
    still = take(noise=0.0)[0].astype(float)
    assert np.std(take(noise=12.0)[0] - still) > 3 * np.std(take()[0] - still)
    plain_iris, changed = (take(change=value)[0].astype(float)[truth.iris] for value in (0.0, 1.0))
    assert np.std(changed - plain_iris) > 0.5 * eye.contrast
    looked = take(gaze_x=25.0)[1]
    assert looked.limbus_radius < 0.98 * truth.limbus_radius
    assert take(dilation=0.6)[1].pupil_radius == pytest.approx(1.5 * truth.pupil_radius)


def test_eyes_differ_and_the_nose_lies_where_the_side_says() -> None:
    eyes = [generate_eye(seed) for seed in range(5)]
    assert {eye.position for eye in eyes} == {EyePosition.LEFT, EyePosition.RIGHT}
    assert all(TONE_RANGE[0] <= eye.tone <= TONE_RANGE[1] for eye in eyes)
    textures = np.array([eye.texture.ravel() for eye in eyes])
    assert np.abs(np.corrcoef(textures) - np.eye(5)).max() < 0.45
    assert abs(float(textures.mean())) < 1e-3
    left, right = (generate_eye(1, position=p) for p in (EyePosition.LEFT, EyePosition.RIGHT))
    assert (left.nose, right.nose) == (-1, 1)
    assert np.array_equal(left.texture, right.texture)
    assert left.pupil_u == -right.pupil_u
    # The opening of a right eye is a left one's mirror image.
    mirror = make_opening(left, SMALL).upper_at(np.linspace(-2, 2, 9, dtype=np.float32))
    upper = make_opening(right, SMALL).upper_at(np.linspace(2, -2, 9, dtype=np.float32))
    assert np.allclose(mirror, upper, atol=0.02)


def test_drawn_settings_spread_with_difficulty_and_keep_the_iris_in_the_picture() -> None:
    rng = np.random.default_rng(1)
    drawn = {d: [draw_settings(rng, d, 240, 320) for _ in range(200)] for d in (0.0, 1.0)}
    for some in drawn.values():
        for s in some:
            y, x = s.center
            assert s.radius <= y <= s.height - 1 - s.radius
            assert s.radius <= x <= s.width - 1 - s.radius
            assert 35 <= s.radius <= 75
            assert abs(s.tilt) <= 20
            assert 1 <= s.leds <= 4
    for key in ("tilt", "dilation", "gaze_x", "upper", "blur", "noise"):
        easy, hard = (np.std([getattr(s, key) for s in drawn[d]]) for d in (0.0, 1.0))
        assert hard > 1.5 * easy


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 100},
        {"radius": 10.0},
        {"tilt": 60.0},
        {"dilation": 0.9},
        {"leds": 5},
        {"blur": -1.0},
        {"upper": float("nan")},
        {"upper": -0.5, "lower": 0.4},
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="EyeSettings"):
        replace(SMALL, **changes)


def test_seeds_and_difficulties_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="generate_eye: seed"):
        generate_eye(-1)
    with pytest.raises(ArgumentError, match="sample_seed"):
        draw_eye(1, -1)
    with pytest.raises(ArgumentError, match="difficulty"):
        draw_eye(1, 1, difficulty=1.5)
    with pytest.raises(ArgumentError, match="number and samples"):
        write_eye(tmp_path, 0, seed=1, samples=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="cannot make the folder"):
        write_eye(tmp_path / "file", 1, seed=1, samples=1)


def test_collections_number_their_eyes_by_person() -> None:
    assert [eye_position(n).name for n in (1, 2, 3, 4)] == ["LEFT", "RIGHT", "LEFT", "RIGHT"]
    assert len({eye_seed(1, n) for n in range(1, 50)} | {eye_seed(2, n) for n in range(1, 50)}) == 98


def test_locate_inverts_the_rubber_sheet(reference: ModuleType) -> None:
    rng = np.random.default_rng(3)
    for pupil in ([0.0, 0.0, 0.4, 0.4, 0.0], [0.05, -0.08, 0.42, 0.37, 0.9], [-0.06, 0.1, 0.2, 0.19, 2.0]):
        params = np.array(pupil)
        radius = rng.uniform(0.0, 1.0, (6, 30)).astype(np.float32)
        angle = rng.uniform(-np.pi, np.pi, (6, 30)).astype(np.float32)
        points = [
            reference.place(float(r), float(a), params)
            for r, a in zip(radius.ravel(), angle.ravel(), strict=True)
        ]
        v, u = (np.array(c, np.float32).reshape(6, 30) for c in zip(*points, strict=True))
        found, turned = np.empty_like(v), np.empty_like(v)
        locate(v, u, params, found, turned)
        assert np.abs(found - radius).max() < 2e-3
        assert np.abs(np.exp(1j * turned) - np.exp(1j * angle)).max() < 5e-3


def test_read_sheet_is_bilinear_and_periodic(reference: ModuleType) -> None:
    rng = np.random.default_rng(4)
    sheet = rng.standard_normal((7, 16)).astype(np.float32)
    radius = rng.uniform(-0.3, 1.3, (5, 40)).astype(np.float32)
    angle = rng.uniform(-np.pi, np.pi, (5, 40)).astype(np.float32)
    radius[0, :3] = (0.0, 1.0, 0.5)
    angle[0, :3] = (-np.pi, np.pi, 0.0)
    texture = np.empty_like(radius)
    read_sheet(sheet, radius, angle, texture)
    assert np.allclose(texture, reference.read_sheet(sheet, radius, angle), atol=2e-5)


def test_far_from_the_iris_nothing_is_located() -> None:
    v = np.array([[0.0, 1.4, 1.6, -2.0]], np.float32)
    u = np.zeros_like(v)
    radius, angle = np.empty_like(v), np.empty_like(v)
    locate(v, u, np.array([0.0, 0.0, 0.4, 0.4, 0.0]), radius, angle)
    assert radius[0, 0] < 0
    assert radius[0, 1:] == pytest.approx([1.5, 1.5, 1.5], abs=0.3)
    assert angle[0].tolist() == pytest.approx([0.0, np.pi / 2, 0.0, 0.0])
