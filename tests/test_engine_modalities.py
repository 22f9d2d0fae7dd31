"""The engine over fingers, eyes and faces: each against its own kind, fused at the person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    CalibrationMissingError,
    IdempotencyMismatchError,
    ModelMissingError,
    ModelsDifferError,
)
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.person import PartUse, Side, WarningKind
from matcher.samples import Sample
from matcher.score.person import load_person_calibration
from matcher.score.units import unit_calibration
from matcher.types import FingerPosition, Modality

INDEX, THUMB = FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_THUMB
RIGHT, LEFT, EYE = EyePosition.RIGHT, EyePosition.LEFT, EyePosition.UNKNOWN
FACE = FacePosition.FACE
PAID = 10 * np.log10(2)


@pytest.fixture
def open_engine(tmp_path: Path, fakes: ModuleType) -> Callable[[], Engine]:
    return lambda: Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=1
    )


@pytest.fixture
def engine(open_engine: Callable[[], Engine]) -> Iterator[Engine]:
    with open_engine() as engine:
        yield engine


def everything(fakes: ModuleType, who: int, impression: int = 0) -> list[Sample]:
    """A finger, both eyes and the face of somebody; each has an identity of its own."""
    positions = (INDEX, RIGHT, LEFT, FACE)
    return [fakes.image(10 * who + n, impression, position) for n, position in enumerate(positions)]


def test_each_modality_alone_gives_its_own_score(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", everything(fakes, 1))
    engine.enroll("bob", everything(fakes, 2))
    for probe in everything(fakes, 1, 1):
        answer = engine.verify("alice", [probe])
        score = answer.decision.score
        assert (score.value, score.raw, score.calibration, score.extrapolated) == (100, 100, "fake-1", True)
        [part] = answer.parts
        assert (part.modality, part.probe_position, part.candidate_position) == (
            probe.modality,
            probe.position,
            probe.position,
        )
        assert type(part.candidate_position) is type(probe.position)
        assert (part.use, part.comparisons) == (PartUse.USED, 1)
        assert [c.subject_id for c in engine.identify([probe]).candidates] == ["alice"]
        assert engine.verify("bob", [probe]).decision.score.value < 21


def test_modalities_are_fused_at_the_person(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", everything(fakes, 1))
    engine.enroll("bob", everything(fakes, 2))
    answer = engine.verify("alice", everything(fakes, 1, 1))
    assert [p.modality for p in answer.parts] == [
        Modality.FINGERPRINT,
        Modality.IRIS,
        Modality.IRIS,
        Modality.FACE,
    ]
    assert answer.comparisons == 4
    assert answer.decision.score.calibration == unit_calibration().id
    assert 100 < answer.decision.score.value < 400
    assert answer.decision.score.extrapolated
    [candidate] = engine.identify(everything(fakes, 1, 1)).candidates
    assert (candidate.subject_id, candidate.score) == ("alice", answer.decision.score)
    assert not engine.verify("bob", everything(fakes, 1, 1)).decision.accepted


def test_what_is_missing_contributes_nothing(engine: Engine, fakes: ModuleType) -> None:
    finger, right, _, face = everything(fakes, 1)
    engine.enroll("alice", [right])
    probe = everything(fakes, 1, 1)
    answer = engine.verify("alice", probe)
    assert answer.decision.score.value == 100.0
    used = [p.use for p in answer.parts]
    assert used == [PartUse.NOT_ENROLLED, PartUse.USED, PartUse.NOT_ENROLLED, PartUse.NOT_ENROLLED]
    assert all(p.log_likelihood_ratio == 0 for p in answer.parts if p.use is PartUse.NOT_ENROLLED)
    engine.enroll("bob", [finger, face])
    assert engine.verify("bob", [fakes.image(11, 1, RIGHT)]).comparisons == 0
    assert [c.subject_id for c in engine.identify(probe, fpir=1e-3).candidates] == ["bob", "alice"]


def test_fingers_score_as_they_do_without_the_others(engine: Engine, fakes: ModuleType) -> None:
    """The fingers of a person are one unit, by their own calibration, whatever else is enrolled."""
    fingers = [fakes.image(1, 0, INDEX), fakes.image(2, 0, THUMB)]
    engine.enroll("alice", fingers)
    engine.enroll("alice and her eyes", [*fingers, fakes.image(3, 0, RIGHT), fakes.image(4, 0, FACE)])
    probe = [fakes.image(1, 1, INDEX), fakes.image(2, 1, THUMB)]
    one, other = (engine.verify(name, probe) for name in ("alice", "alice and her eyes"))
    assert one == other
    assert one.decision.score.calibration == load_person_calibration().id


def test_left_and_right_eyes_are_separate_positions(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT), fakes.image(2, 0, LEFT)])
    assert engine.verify("alice", [fakes.image(1, 1, RIGHT)]).comparisons == 1
    wrong = engine.verify("alice", [fakes.image(2, 1, RIGHT), fakes.image(1, 1, LEFT)])
    assert not wrong.decision.accepted
    told = [(w.modality, w.kind, w.side, w.first, w.second) for w in wrong.warnings]
    suspected = WarningKind.WRONG_POSITION_SUSPECTED
    assert told == [
        (Modality.IRIS, suspected, Side.BOTH, RIGHT, LEFT),
        (Modality.IRIS, suspected, Side.BOTH, LEFT, RIGHT),
    ]
    assert type(wrong.warnings[0].first) is EyePosition


def test_an_unknown_eye_is_tried_against_both_and_pays_for_it(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT), fakes.image(2, 0, LEFT)])
    answer = engine.verify("alice", [fakes.image(2, 1, EYE)])
    assert answer.decision.score.value == pytest.approx(100 - PAID)
    [part] = answer.parts
    assert (part.probe_position, part.candidate_position, part.comparisons) == (EYE, LEFT, 2)
    [found] = engine.identify([fakes.image(2, 1, EYE)]).candidates
    assert found.score == answer.decision.score
    # Two unknown eyes have one sample each, and pay both.
    both = engine.verify("alice", [fakes.image(1, 1, EYE), fakes.image(2, 1, EYE)])
    assert [p.candidate_position for p in both.parts] == [RIGHT, LEFT]
    assert [p.score for p in both.parts] == pytest.approx([100 - PAID] * 2)


def test_two_unknown_captures_of_one_eye_do_not_count_twice(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT)])
    probe = [fakes.image(1, 1, EYE), fakes.image(7, 1, EYE)]
    answer = engine.verify("alice", probe)
    assert {p.use for p in answer.parts} == {PartUse.USED, PartUse.SAMPLE_TAKEN}
    assert answer.decision.score.value <= 100.0
    [found] = engine.identify(probe).candidates
    assert found.score == answer.decision.score


def test_one_eye_under_two_labels_is_told_and_counted_once(engine: Engine, fakes: ModuleType) -> None:
    twice = [fakes.image(1, 0, RIGHT), fakes.image(1, 1, LEFT)]
    scorer = engine._scorers[Modality.IRIS]
    plain = scorer.score

    def other_impressions(probe: int, *rest: object) -> object:
        # The fakes know no two impressions of one eye: a sample scores more with itself than with any other.
        raw = plain(probe, *rest)  # type: ignore[arg-type]
        if len(raw) == 2 and (raw == fakes.MATED).all():
            raw = raw * 0.9
            raw[calls[0] % 2] = fakes.MATED * 2
            calls[0] += 1
        return raw

    calls = [0]
    scorer.score = other_impressions  # type: ignore[method-assign, assignment]
    [warning] = engine.enroll("alice", twice).warnings
    told = (warning.modality, warning.kind, warning.side, warning.first, warning.second)
    assert told == (Modality.IRIS, WarningKind.SAME_EYE_TWICE, Side.CANDIDATE, RIGHT, LEFT)
    scorer.score = plain  # type: ignore[method-assign]
    cheating = engine.verify("alice", twice)
    assert [p.use for p in cheating.parts] == [PartUse.USED, PartUse.COUNTED_ONCE]
    assert cheating.decision.score.value == pytest.approx(100 - PAID)


def test_several_photographs_are_one_face(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, FACE), fakes.image(2, 0, FACE)])
    answer = engine.verify("alice", [fakes.image(2, 1, FACE), fakes.image(3, 1, FACE)])
    # The best of four comparisons, paid for: there is one face, so one part.
    [part] = answer.parts
    assert (part.comparisons, part.probe_position) == (4, FACE)
    assert answer.decision.score.value == pytest.approx(100 - 2 * PAID)
    assert not answer.warnings


def test_different_face_models_never_compare(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, FACE)])
    other = fakes.stored_as(fakes.face(1, 0, fakes.OTHER_MODEL))
    for call in (
        lambda: engine.enroll("bob", [other]),
        lambda: engine.verify("alice", [other]),
        lambda: engine.identify([other]),
    ):
        with pytest.raises(ModelsDifferError):
            call()
    # Only faces: a finger beside is no matter.
    engine.enroll("carol", [fakes.image(5, 0, INDEX)])
    assert engine.verify("carol", [other, fakes.image(5, 1, INDEX)]).decision.accepted


def test_extractors_of_other_modalities_are_no_matter(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT)])
    alien = fakes.stored_as(fakes.iris(1, 0, RIGHT, fakes.ALIEN))
    with pytest.raises(CalibrationMissingError):
        engine.enroll("bob", [alien])
    engine.enroll("bob", [fakes.image(1, 0, INDEX)])
    assert [c.subject_id for c in engine.identify([fakes.image(1, 1, INDEX)]).candidates] == ["bob"]


def test_a_missing_model_is_told_and_nothing_is_kept(engine: Engine) -> None:
    with pytest.raises(ModelMissingError, match="matcher models fetch"):
        engine.enroll("alice", [Sample(b"IMG 1 0"), Sample(b"NOMODEL", position=FACE)])
    assert engine.status().sequence == 0


def test_after_a_restart_all_modalities_are_as_before(
    open_engine: Callable[[], Engine], fakes: ModuleType
) -> None:
    with open_engine() as engine:
        for who in range(1, 8):
            engine.enroll(f"s{who}", everything(fakes, who))
        engine.delete("s3")
        before = engine.identify(everything(fakes, 5, 1), threshold=0)
        status = engine.status()
    with open_engine() as engine:
        assert engine.identify(everything(fakes, 5, 1), threshold=0) == before
        after = engine.status()
        assert [(m.modality, m.samples, m.extractors) for m in after.modalities] == [
            (Modality.FINGERPRINT, 6, ("fake",)),
            (Modality.IRIS, 12, ("fake-i",)),
            (Modality.FACE, 6, (fakes.MODEL,)),
        ]
        assert (after.samples, status.samples) == (24, 24)
        assert after.resident_bytes == sum(m.resident_bytes for m in after.modalities) > 0
        assert not engine.identify(everything(fakes, 3, 1)[1:2]).candidates


def test_a_template_brings_its_modality_and_must_not_contradict(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.stored_as(fakes.iris(1, 0, LEFT)), fakes.stored_as(fakes.face(2))])
    assert [m.modality for m in engine.status().modalities] == [Modality.IRIS, Modality.FACE]
    assert engine.verify("alice", [fakes.image(1, 1, LEFT)]).decision.accepted
    said_right = Sample(fakes.stored_as(fakes.iris(1, 0, LEFT)).data, 2, RIGHT)
    with pytest.raises(ArgumentError, match="LEFT"):
        engine.enroll("bob", [said_right])


def test_the_modality_is_part_of_a_repeated_request(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll(None, [fakes.image(1, 0, FingerPosition.RIGHT_THUMB)], idempotency_key="k")
    for other in (RIGHT, FACE):  # all have the code 1
        with pytest.raises(IdempotencyMismatchError):
            engine.enroll(None, [fakes.image(1, 0, other)], idempotency_key="k")


@pytest.mark.parametrize("seed", range(6))
def test_identification_and_verification_say_the_same(engine: Engine, fakes: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def someone(impression: int) -> list[Sample]:
        kinds = (FingerPosition(int(rng.integers(0, 3))), EyePosition(int(rng.integers(0, 3))), FACE)
        return [
            fakes.image(int(rng.integers(0, 6)), impression, kinds[int(rng.integers(0, 3))])
            for _ in range(rng.integers(1, 6))
        ]

    for number in range(12):
        engine.enroll(f"s{number}", someone(0))
    for _ in range(5):
        probe = someone(1)
        found = engine.identify(probe, threshold=0, max_candidates=1000)
        for candidate in found.candidates:
            answer = engine.verify(candidate.subject_id, probe)
            assert answer.decision.score == candidate.score
            assert answer.parts == candidate.parts
            assert answer.warnings == found.warnings + candidate.warnings
