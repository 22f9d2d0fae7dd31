"""From drawn eyes, whose truth is known, to templates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcher.errors import (
    ArgumentError,
    BlankImageError,
    FailureToExtractError,
    ImageTooLargeError,
    ImageTooSmallError,
)
from matcher.iris.extract import extract
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.trace import STAGES, Trace
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.types import Image


def distance(probe: IrisTemplate, candidate: IrisTemplate, search: bool = False) -> tuple[float, int]:
    """Return the least share of unequal bits over turns of +-15 steps, and the step of the candidate."""
    names = ("search_code", "search_mask") if search else ("code", "mask")
    code, mask = (getattr(probe, name) for name in names)
    best = (1.0, 0)
    for step in range(-15, 16):
        other, valid = (np.roll(getattr(candidate, name), step) for name in names)
        both = mask & valid
        count = int(np.bitwise_count(both).sum())
        share = float(np.bitwise_count((code ^ other) & both).sum()) / max(count, 1)
        best = min(best, (share, step))
    return best


def test_contours_lie_where_they_were_drawn(drawn: Any) -> None:
    eye, draw = drawn
    spec = eye()
    trace = Trace()
    extract(draw(spec), trace=trace)
    assert tuple(trace) == STAGES
    for name, (x, y, radius) in (("pupil", spec.pupil), ("limbus", spec.iris)):
        away = np.hypot(*(trace[name] - np.array([x, y], np.float32)).T)
        error = np.abs(away - radius) / spec.iris[2]
        # Above and below, lids hide the limbus.
        sides = np.r_[:20, 108:148, 236:256]
        assert error[sides].max() < 0.025, name
        assert error.max() < 0.08, name


def test_one_iris_matches_itself_and_no_other(drawn: Any) -> None:
    eye, draw = drawn
    templates = {(i, c): extract(draw(eye(identity=i, capture=c))) for i in range(3) for c in range(2)}
    for search in (False, True):
        for i in range(3):
            assert distance(templates[i, 0], templates[i, 1], search)[0] < 0.2
            for j in range(i):
                assert distance(templates[i, 0], templates[j, 1], search)[0] > 0.3


@pytest.mark.parametrize("turn", [-14.0, 9.0])
def test_a_turned_eye_turns_the_code(drawn: Any, turn: float) -> None:
    """Bits lie angle by angle, counter-clockwise: a turn of the eye rolls the arrays."""
    eye, draw = drawn
    spec = eye(upper=None, lower=None)
    share, step = distance(extract(draw(spec)), extract(draw(spec.but(turn=turn, capture=1))))
    assert share < 0.2
    assert abs(step + turn / 360 * ANGLES) <= 1


def test_size_and_dilation_hardly_matter(drawn: Any) -> None:
    """The rubber sheet: an eye twice as large, and one with a wider pupil, still match."""
    eye, draw = drawn
    probe = extract(draw(eye()))
    large = eye(shape=(480, 640), iris=(330.0, 250.0, 121.0), pupil=(333.0, 252.0, 45.0), capture=1)
    wide = eye(pupil=(162.0, 121.0, 31.0), capture=2)
    assert distance(probe, extract(draw(large)))[0] < 0.27
    assert distance(probe, extract(draw(wide)))[0] < 0.27


def test_the_template_says_who_made_it_and_of_what(drawn: Any) -> None:
    eye, draw = drawn
    pixels = draw(eye())
    template = extract(pixels, position=EyePosition.LEFT)
    assert template.extractor == EXTRACTOR_ID
    assert template.position is EyePosition.LEFT
    assert 0 < template.quality <= 100
    assert extract(Image(pixels), position=EyePosition.LEFT) == template


def test_what_lids_cover_is_not_valid(drawn: Any) -> None:
    eye, draw = drawn
    wide = extract(draw(eye(upper=None, lower=None)))
    half = extract(draw(eye(upper=-0.5)))
    top = slice(ANGLES // 4 - 12, ANGLES // 4 + 12)
    assert np.bitwise_count(wide.mask[top]).mean() > 30
    assert np.bitwise_count(half.mask[top]).mean() < 0.6 * np.bitwise_count(wide.mask[top]).mean()


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((240, 320), np.float32), ArgumentError),
        (np.zeros((240, 320, 3), np.uint8), ArgumentError),
        (np.zeros((100, 320), np.uint8), ImageTooSmallError),
        (np.zeros((200, 5000), np.uint8), ImageTooLargeError),
        (np.full((240, 320), 77, np.uint8), BlankImageError),
    ],
)
def test_what_is_no_eye_image_is_refused(image: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        extract(image)


def test_a_closed_eye_fails(drawn: Any) -> None:
    eye, draw = drawn
    with pytest.raises(FailureToExtractError):
        extract(draw(eye(upper=0.5, lower=0.4)))
