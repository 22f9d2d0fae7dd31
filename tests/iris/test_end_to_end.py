"""Synthetic eyes from picture to score: mates agree over cameras, tilts and file formats; others do not."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from matcher.datasets.iris_synthesis import EyeSettings, EyeTruth, draw_eye, generate_eye
from matcher.datasets.iris_synthesis.folders import eye_seed
from matcher.errors import FailureToExtractError
from matcher.formats.eyes import eye_image, read_eye
from matcher.formats.iso19794_6 import write_iris_image_record
from matcher.formats.iso19794_6_record import IrisImageRecord
from matcher.formats.stored_image import Compression
from matcher.iris.extract import extract
from matcher.iris.trace import Trace
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.score.iris import IrisProbe, IrisScore, score, search_score
from matcher.score.iris_record import resident
from matcher.template.iris_codec import decode_iris, encode_iris

EYES = 4

CAMERAS = {
    "far": EyeSettings(height=240, width=320, radius=41.0, tilt=-6.0, leds=1, blur=0.5),
    "near": EyeSettings(radius=148.0, upper=0.8, lower=0.9, tilt=4.0, dilation=0.45, leds=2),
    "dim": EyeSettings(radius=90.0, exposure=0.7, noise=3.0, tilt=10.0, dilation=0.35, leds=3),
}
"""Irises 82 to 296 px across, three ways of taking them."""

DEGREES_A_STEP = 360 / 256


@pytest.fixture(scope="module")
def pictures() -> dict[tuple[int, str], tuple[np.ndarray, EyeTruth]]:
    """Of each eye, by each camera."""
    eyes = [generate_eye(306 + number) for number in range(EYES)]
    return {
        (number, camera): draw_eye(eye, index, difficulty=settings)
        for number, eye in enumerate(eyes)
        for index, (camera, settings) in enumerate(CAMERAS.items())
    }


@pytest.fixture(scope="module")
def traced(
    pictures: dict[tuple[int, str], tuple[np.ndarray, EyeTruth]],
) -> dict[tuple[int, str], tuple[IrisTemplate, Trace]]:
    """Templates and traces of the pictures: none of them fails."""
    found = {}
    for key, (pixels, _) in pictures.items():
        trace = Trace()
        found[key] = (extract(pixels, trace=trace), trace)
    return found


def compare(one: IrisTemplate, other: IrisTemplate) -> IrisScore:
    return score(IrisProbe(one), resident(other))


def test_pupil_and_limbus_lie_where_they_were_drawn(
    pictures: dict[tuple[int, str], tuple[np.ndarray, EyeTruth]],
    traced: dict[tuple[int, str], tuple[IrisTemplate, Trace]],
) -> None:
    for key, (_, truth) in pictures.items():
        trace = traced[key][1]
        for stage, x, y, radius in (
            ("pupil", truth.pupil_x, truth.pupil_y, truth.pupil_radius),
            ("limbus", truth.limbus_x, truth.limbus_y, truth.limbus_radius),
        ):
            middle = trace[stage].mean(axis=0)
            found = float(np.hypot(*(trace[stage] - middle).T).mean())
            # Lids hide the limbus above and below: its height is known less well than the rest.
            assert abs(middle[0] - x) < 0.04 * truth.limbus_radius, (key, stage)
            assert abs(middle[1] - y) < 0.06 * truth.limbus_radius, (key, stage)
            assert abs(found - radius) < 0.04 * truth.limbus_radius, (key, stage)


def test_mates_agree_over_cameras_and_others_do_not(
    traced: dict[tuple[int, str], tuple[IrisTemplate, Trace]],
) -> None:
    keys = sorted(traced)
    pairs = [(a, b) for place, a in enumerate(keys) for b in keys[place + 1 :]]
    for matcher in (score, search_score):
        raw = {(a, b): matcher(IrisProbe(traced[a][0]), resident(traced[b][0])).raw for a, b in pairs}
        mated = [value for (a, b), value in raw.items() if a[0] == b[0]]
        non_mated = [value for (a, b), value in raw.items() if a[0] != b[0]]
        assert (len(mated), len(non_mated)) == (EYES * 3, EYES * (EYES - 1) // 2 * 9)
        assert min(mated) > 1.3 * max(non_mated)


def test_the_rotation_found_is_the_tilt_drawn(
    traced: dict[tuple[int, str], tuple[IrisTemplate, Trace]],
) -> None:
    for number in range(EYES):
        for one, other in (("far", "near"), ("near", "dim"), ("far", "dim")):
            found = compare(traced[number, one][0], traced[number, other][0]).turn * DEGREES_A_STEP
            drawn = CAMERAS[one].tilt - CAMERAS[other].tilt
            assert abs(abs(found) - abs(drawn)) < 2.5 * DEGREES_A_STEP


def test_heads_tilted_to_the_limit_match_and_beyond_do_not() -> None:
    eye, settings = generate_eye(310), EyeSettings(height=240, width=320, radius=60.0, leds=1)
    templates = {
        tilt: extract(draw_eye(eye, 1, difficulty=replace(settings, tilt=tilt))[0])
        for tilt in (-20.0, 0.0, 20.0)
    }
    within = [compare(templates[0.0], templates[tilt]) for tilt in (-20.0, 20.0)]
    assert min(part.raw for part in within) > 0.3
    assert {int(np.sign(part.turn)) for part in within} == {-1, 1}
    # 40 degrees apart: more than any rotation tried.
    assert compare(templates[-20.0], templates[20.0]).raw < 0.5 * min(part.raw for part in within)


def test_a_mirrored_picture_is_another_eye(
    pictures: dict[tuple[int, str], tuple[np.ndarray, EyeTruth]],
    traced: dict[tuple[int, str], tuple[IrisTemplate, Trace]],
) -> None:
    pixels = pictures[0, "dim"][0]
    mirrored = extract(np.ascontiguousarray(pixels[:, ::-1]))
    mate = compare(traced[0, "dim"][0], traced[0, "near"][0])
    assert compare(mirrored, traced[0, "near"][0]).raw < 0.5 * mate.raw


def test_files_give_the_template_of_their_pixels(
    pictures: dict[tuple[int, str], tuple[np.ndarray, EyeTruth]],
    traced: dict[tuple[int, str], tuple[IrisTemplate, Trace]],
) -> None:
    pixels, template = pictures[1, "far"][0], traced[1, "far"][0]
    png, bitmap = io.BytesIO(), io.BytesIO()
    Picture.fromarray(pixels).save(png, "PNG", dpi=(1000, 1000))
    Picture.fromarray(pixels).save(bitmap, "BMP")
    records = [
        write_iris_image_record(
            IrisImageRecord((eye_image(pixels, eye=EyePosition.LEFT, compression=compression),))
        )
        for compression in (Compression.NONE, Compression.PNG, Compression.JPEG2000)
    ]
    for data in (png.getvalue(), bitmap.getvalue(), *records):
        read, eye = read_eye(data)
        found = extract(read, position=eye)
        assert found == replace(template, position=eye)
        assert decode_iris(encode_iris(found)) == found
    lossy = eye_image(pixels, compression=Compression.JPEG)
    read, _ = read_eye(write_iris_image_record(IrisImageRecord((lossy,))))
    assert compare(extract(read), template).hamming < 0.1


def test_a_closed_eye_gives_no_template() -> None:
    closed = EyeSettings(height=240, width=320, radius=60.0, upper=-0.85, lower=0.9, lashes=0.3)
    for seed in range(3):
        with pytest.raises(FailureToExtractError):
            extract(draw_eye(320 + seed, 1, difficulty=closed)[0])


def test_an_iris_nearly_as_bright_as_the_white_is_found() -> None:
    """On it circles on the iris's own texture, too small for an eye, look better than its limbus."""
    eye = generate_eye(40_057, position=EyePosition.LEFT)
    pixels, truth = draw_eye(eye, 1, difficulty=0.1, height=240, width=320)
    trace = Trace()
    extract(pixels, trace=trace)
    middle = trace["limbus"].mean(axis=0)
    radius = float(np.hypot(*(trace["limbus"] - middle).T).mean())
    assert abs(middle[0] - truth.limbus_x) < 0.06 * truth.limbus_radius
    assert abs(radius - truth.limbus_radius) < 0.06 * truth.limbus_radius


def test_reflections_on_the_pupil_s_border_lose_nobody() -> None:
    """They hide a third of its edge; the eye is wide open and as good as can be."""
    eye = generate_eye(eye_seed(1, 27), position=EyePosition.LEFT)
    pixels, _ = draw_eye(eye, 1, difficulty=0.6)
    assert extract(pixels).quality > 90
