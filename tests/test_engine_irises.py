"""The engine over real extraction and scoring of irises, on synthetic eyes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.datasets.iris_synthesis import draw_eye, generate_eye
from matcher.engine import Engine
from matcher.errors import FailureToExtractError
from matcher.iris.types import EyePosition
from matcher.person import PartUse, Side, WarningKind
from matcher.samples import Sample
from matcher.types import U8, Modality

RIGHT, LEFT, UNKNOWN = EyePosition.RIGHT, EyePosition.LEFT, EyePosition.UNKNOWN
PEOPLE = range(3)
DIFFICULTY = 0.4
MIN_VISIBLE = 0.7
"""Least share of the ring that lids leave open."""


@pytest.fixture(scope="module")
def pictures() -> dict[tuple[int, EyePosition, int], U8]:
    """Three pictures of both eyes of each person."""
    return {
        (person, side, number): pixels
        for person in PEOPLE
        for side in (RIGHT, LEFT)
        for number, pixels in enumerate(open_eye(2 * person + side, side), 1)
    }


def open_eye(seed: int, side: EyePosition) -> list[U8]:
    """Return three pictures of an eye that is open in them, uint8 (240, 320) each."""
    drawn = (
        draw_eye(generate_eye(seed, position=side), number, difficulty=DIFFICULTY, height=240, width=320)
        for number in range(1, 30)
    )
    ring = ((p, np.pi * (t.limbus_radius**2 - t.pupil_radius**2), t.iris.sum()) for p, t in drawn)
    return list(islice((pixels for pixels, area, seen in ring if seen >= MIN_VISIBLE * area), 3))


def png(pixels: U8) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def eye(pixels: U8, position: EyePosition) -> Sample:
    return Sample(png(pixels), position=position)


@pytest.fixture(scope="module")
def engine(
    tmp_path_factory: pytest.TempPathFactory, pictures: dict[tuple[int, EyePosition, int], U8]
) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path_factory.mktemp('store')}/gallery.db", threads=1) as engine:
        for person in PEOPLE:
            both = [eye(pictures[person, side, 1], side) for side in (RIGHT, LEFT)]
            assert not engine.enroll(f"s{person}", both).warnings
        yield engine


def test_people_are_known_by_their_eyes(
    engine: Engine, pictures: dict[tuple[int, EyePosition, int], U8]
) -> None:
    for person in PEOPLE:
        one = eye(pictures[person, LEFT, 2], LEFT)
        alone = engine.verify(f"s{person}", [one])
        assert alone.decision.accepted
        assert alone.decision.score.calibration.startswith("iris-numba")
        assert not engine.verify(f"s{(person + 1) % 3}", [one]).decision.accepted
        both = [eye(pictures[person, side, 2], side) for side in (RIGHT, LEFT)]
        answer = engine.verify(f"s{person}", both)
        assert answer.decision.accepted
        assert not answer.warnings
        assert [part.use for part in answer.parts] == [PartUse.USED, PartUse.USED]
        [found] = engine.identify(both).candidates
        assert (found.subject_id, found.score) == (f"s{person}", answer.decision.score)
        # Nobody says which eye it is: both are tried, the right one is found.
        [found] = engine.identify([eye(pictures[person, LEFT, 2], UNKNOWN)]).candidates
        assert found.subject_id == f"s{person}"
        assert found.parts[0].candidate_position is LEFT
    assert [m.modality for m in engine.status().modalities] == [Modality.IRIS]


def test_swapped_eyes_and_one_eye_sent_twice_are_told(
    engine: Engine, pictures: dict[tuple[int, EyePosition, int], U8]
) -> None:
    swapped = [eye(pictures[1, LEFT, 2], RIGHT), eye(pictures[1, RIGHT, 2], LEFT)]
    answer = engine.verify("s1", swapped)
    assert {(w.kind, w.side, w.first, w.second) for w in answer.warnings} == {
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, RIGHT, LEFT),
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, LEFT, RIGHT),
    }
    twice = [eye(pictures[1, RIGHT, 2], RIGHT), eye(pictures[1, RIGHT, 3], LEFT)]
    answer = engine.verify("s1", twice)
    assert [w.kind for w in answer.warnings if w.side is Side.PROBE] == [WarningKind.SAME_EYE_TWICE]
    assert [part.use for part in answer.parts] == [PartUse.USED, PartUse.COUNTED_ONCE]
    assert answer.decision.accepted


@pytest.mark.parametrize("how", ["jpeg", "noise"])
def test_a_picture_encoded_anew_is_the_same_impression(
    engine: Engine, pictures: dict[tuple[int, EyePosition, int], U8], how: str
) -> None:
    pixels = pictures[2, RIGHT, 2]
    if how == "jpeg":
        file = io.BytesIO()
        PillowImage.fromarray(pixels).save(file, "JPEG", quality=90)
        again = np.asarray(PillowImage.open(file)).astype(np.uint8)
    else:
        noise = np.random.default_rng(1).integers(-2, 3, pixels.shape)
        again = np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    answer = engine.verify("s2", [eye(pixels, RIGHT), eye(again, RIGHT)])
    assert [w.kind for w in answer.warnings] == [WarningKind.SAME_IMPRESSION_TWICE]
    assert answer.comparisons == 1
    other = engine.verify("s2", [eye(pixels, RIGHT), eye(pictures[2, RIGHT, 3], RIGHT)])
    assert not other.warnings


def test_a_picture_without_an_eye_is_a_failure_with_a_reason(engine: Engine) -> None:
    before = engine.status().sequence
    for pixels in (np.full((300, 400), 128, np.uint8), np.tile(np.arange(200, dtype=np.uint8), (240, 2))):
        with pytest.raises(FailureToExtractError):
            engine.enroll("nobody", [eye(pixels, RIGHT)])
    assert engine.status().sequence == before
