"""Quality: each part falls with what it is named after, and the overall score with it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from matcher.iris.extract import extract
from matcher.iris.quality import COMPONENTS, assess_trace, grade
from matcher.iris.quality_measures import Measures
from matcher.iris.trace import Trace
from matcher.sample_quality import SampleQuality

GOOD = Measures(
    usable_area=90.0,
    iris_sclera_contrast=60.0,
    iris_pupil_contrast=70.0,
    pupil_dilation=40.0,
    pupil_circularity=97.0,
    grey_utilisation=6.5,
    sharpness=40.0,
    margin=100.0,
    iris_radius=110.0,
    concentricity=97.0,
    valid_bits=70.0,
)


def quality(pixels: Any) -> tuple[Measures, SampleQuality]:
    trace = Trace()
    template = extract(pixels, trace=trace)
    graded = assess_trace(trace)
    assert graded.overall == template.quality
    return Measures(*(part.value for part in graded.parts)), graded


def test_a_good_eye_has_the_best_score() -> None:
    best = grade(GOOD)
    assert best.overall == 100
    assert best.advice == ()
    # In the measures' order: the trace holds them without names.
    assert [part.name for part in best.parts] == list(asdict(GOOD))
    assert sum(component.weight for component in COMPONENTS) == pytest.approx(1.0)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_each_part_lowers_the_score(component: Any) -> None:
    middle = (component.worst + component.best) / 2
    poor = grade(replace(GOOD, **{component.name: middle}))
    assert poor.part(component.name).score == pytest.approx(50, abs=1)
    none = grade(replace(GOOD, **{component.name: component.worst}))
    assert none.part(component.name).score == 0
    assert none.overall < poor.overall < 100
    assert none.advice == (component.advice,)


@pytest.mark.parametrize(("dilation", "said"), [(5.0, "less visible light"), (95.0, "more visible light")])
def test_extreme_pupils_lower_the_score(dilation: float, said: str) -> None:
    found = grade(replace(GOOD, pupil_dilation=dilation))
    assert found.overall < 95
    assert said in found.advice[0]


def test_measures_follow_what_was_drawn(drawn: Any) -> None:
    eye, draw = drawn
    spec = eye(upper=None, lower=None)
    plain, _ = quality(draw(spec))
    assert plain.iris_radius == pytest.approx(60, abs=2)
    assert plain.pupil_dilation == pytest.approx(100 * 22 / 60, abs=2)
    assert plain.usable_area > 85
    assert plain.pupil_circularity > 96
    assert plain.concentricity == pytest.approx(100 * (1 - np.hypot(2, 1) / 60), abs=2)
    assert plain.iris_sclera_contrast == pytest.approx(100 * 75 / (95 + 170 - 50), abs=6)
    weber = (95 - 25) / (20 + 25)
    assert plain.iris_pupil_contrast == pytest.approx(100 * weber / (0.75 + weber), abs=6)
    assert plain.margin == 100


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("usable_area", {"upper": -0.35, "lower": 0.5}),
        ("iris_sclera_contrast", {"greys": (25.0, 95.0, 120.0, 215.0)}),
        ("iris_pupil_contrast", {"greys": (65.0, 95.0, 170.0, 215.0)}),
        ("grey_utilisation", {"texture": 4.0, "noise": 1.0}),
        ("margin", {"iris": (68.0, 120.0, 60.0), "pupil": (70.0, 121.0, 22.0)}),
        ("concentricity", {"pupil": (167.0, 122.0, 22.0)}),
    ],
)
def test_a_defect_shows_in_its_part(drawn: Any, name: str, changes: dict[str, Any]) -> None:
    eye, draw = drawn
    good, _ = quality(draw(eye()))
    poor, _ = quality(draw(eye(**changes)))
    assert getattr(poor, name) < 0.98 * getattr(good, name)


def test_blur_shows_in_sharpness(drawn: Any) -> None:
    from scipy import ndimage

    eye, draw = drawn
    pixels = draw(eye(noise=0.5))
    blurred = np.rint(ndimage.gaussian_filter(pixels.astype(float), 1.5)).astype(np.uint8)
    assert quality(blurred)[0].sharpness < 0.8 * quality(pixels)[0].sharpness
