"""The engine over persons of several fingers: parts, fusion, and labels that look wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from matcher.engine import Engine
from matcher.person import PartUse, Side, WarningKind
from matcher.samples import Sample, SampleKind
from matcher.types import FingerPosition, FingerprintTemplate

RIGHT_INDEX, LEFT_INDEX = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=2) as e:
        yield e


def test_each_finger_has_its_part(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT_INDEX), fakes.image(2, 0, LEFT_INDEX)])
    probe = [fakes.image(1, 1, RIGHT_INDEX), fakes.image(9, 1, FingerPosition.RIGHT_THUMB)]
    answer = engine.verify("alice", probe)
    assert [(p.probe_position, p.use) for p in answer.parts] == [
        (RIGHT_INDEX, PartUse.USED),
        (FingerPosition.RIGHT_THUMB, PartUse.NOT_ENROLLED),
    ]
    # The finger that is missing contributes nothing.
    assert (answer.decision.score.value, answer.comparisons) == (100.0, 1)
    both = engine.verify("alice", [fakes.image(1, 1, RIGHT_INDEX), fakes.image(2, 1, LEFT_INDEX)])
    assert both.decision.score.value > 100.0
    assert both.decision.score.calibration.startswith("person-")
    assert not both.warnings


@pytest.mark.parametrize("seed", range(4))
def test_identification_and_verification_say_the_same(engine: Engine, fakes: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def someone(impression: int) -> list[Sample]:
        fingers = [(int(rng.integers(0, 12)), int(rng.integers(0, 5))) for _ in range(rng.integers(1, 6))]
        return [fakes.image(identity, impression, FingerPosition(p)) for identity, p in fingers]

    for number in range(15):
        engine.enroll(f"s{number}", someone(0))
    for _ in range(6):
        probe = someone(1)
        found = engine.identify(probe, threshold=0, max_candidates=1000)
        assert [c.rank for c in found.candidates] == list(range(1, len(found.candidates) + 1))
        values = [c.score.value for c in found.candidates]
        assert values == sorted(values, reverse=True)
        for candidate in found.candidates:
            answer = engine.verify(candidate.subject_id, probe)
            assert answer.decision.score == candidate.score
            assert answer.parts == candidate.parts
            assert answer.warnings == found.warnings + candidate.warnings


def test_a_swapped_hand_is_told_by_both_searches(engine: Engine, fakes: ModuleType) -> None:
    middle = FingerPosition.RIGHT_MIDDLE
    engine.enroll(
        "alice",
        [fakes.image(1, 0, RIGHT_INDEX), fakes.image(2, 0, LEFT_INDEX), fakes.image(3, 0, middle)],
    )
    probe = [fakes.image(2, 1, RIGHT_INDEX), fakes.image(1, 1, LEFT_INDEX), fakes.image(3, 1, middle)]
    answer = engine.verify("alice", probe)
    told = [(w.kind, w.side, w.first, w.second) for w in answer.warnings]
    assert told == [
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, RIGHT_INDEX, LEFT_INDEX),
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, LEFT_INDEX, RIGHT_INDEX),
    ]
    # The middle finger alone still finds her.
    [candidate] = engine.identify(probe, fpir=0.1).candidates
    assert candidate.warnings == answer.warnings
    assert not engine.verify("alice", [fakes.image(1, 1, RIGHT_INDEX)]).warnings


def test_one_impression_under_two_positions_counts_once(engine: Engine, fakes: ModuleType) -> None:
    twice = [fakes.image(1, 0, RIGHT_INDEX), fakes.image(1, 0, LEFT_INDEX)]
    enrolled = engine.enroll("alice", twice, idempotency_key="k")
    [warning] = enrolled.warnings
    assert (warning.kind, warning.side) == (WarningKind.SAME_IMPRESSION_TWICE, Side.CANDIDATE)
    assert not engine.enroll("alice", twice, idempotency_key="k").warnings
    honest = engine.verify("alice", [fakes.image(1, 1, RIGHT_INDEX), fakes.image(2, 1, LEFT_INDEX)])
    assert [w.side for w in honest.warnings] == [Side.CANDIDATE]
    cheating = engine.verify("alice", twice)
    assert [w.side for w in cheating.warnings] == [Side.PROBE, Side.CANDIDATE]
    assert [p.use for p in cheating.parts] == [PartUse.USED, PartUse.COUNTED_ONCE]
    # Two hypotheses about one finger, not two fingers.
    assert cheating.decision.score.value == pytest.approx(100 - 3.0103)
    [found] = engine.identify(twice, fpir=0.1).candidates
    assert found.score == cheating.decision.score


@pytest.fixture(scope="module")
def prints() -> dict[tuple[int, FingerPosition, int], FingerprintTemplate]:
    """Synthetic prints of two persons, three fingers and two impressions each."""
    from matcher.datasets.fingerprint_synthesis.finger import generate_subject
    from matcher.datasets.fingerprint_synthesis.impression import generate_impression
    from matcher.fingerprint.extract import extract

    positions = (RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE, LEFT_INDEX)
    return {
        (person, position, impression): extract(generate_impression(finger, impression, difficulty=0.3))
        for person in (1, 2)
        for position, finger in generate_subject(person, positions).items()
        for impression in (1, 2)
    }


def sample(template: FingerprintTemplate, position: FingerPosition) -> Sample:
    from matcher.template.codec import encode_template

    return Sample(encode_template(template), SampleKind.TEMPLATE, position)


def test_persons_of_synthetic_prints(
    tmp_path: Path, prints: dict[tuple[int, FingerPosition, int], FingerprintTemplate]
) -> None:
    """The same rules with the real extractor and scorer."""
    positions = (RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE, LEFT_INDEX)

    def samples(person: int, impression: int) -> list[Sample]:
        return [sample(prints[person, position, impression], position) for position in positions]

    with Engine(f"sqlite:///{tmp_path}/gallery.db", threads=1) as engine:
        for person in (1, 2):
            assert not engine.enroll(f"s{person}", samples(person, 1)).warnings
        for person in (1, 2):
            probe = samples(person, 2)
            answer = engine.verify(f"s{person}", probe)
            assert answer.decision.accepted
            assert not answer.warnings
            assert all(part.use is PartUse.USED for part in answer.parts)
            # More fingers, more certainty; and never more than independent fingers would give.
            alone = engine.verify(f"s{person}", probe[:1]).decision.score.value
            assert alone <= answer.decision.score.value <= sum(part.score for part in answer.parts) + 1e-6
            assert not engine.verify(f"s{3 - person}", probe).decision.accepted
            [found] = engine.identify(probe).candidates
            assert (found.subject_id, found.score) == (f"s{person}", answer.decision.score)
            # Without positions the person is found too, and each sample serves one finger.
            unknown = [sample(prints[person, p, 2], FingerPosition.UNKNOWN) for p in positions]
            [found] = engine.identify(unknown).candidates
            assert found.subject_id == f"s{person}"
            assert {part.candidate_position for part in found.parts} == set(positions)
        swapped = [
            sample(prints[1, LEFT_INDEX, 2], RIGHT_INDEX),
            sample(prints[1, RIGHT_INDEX, 2], LEFT_INDEX),
            sample(prints[1, FingerPosition.RIGHT_MIDDLE, 2], FingerPosition.RIGHT_MIDDLE),
        ]
        told = engine.verify("s1", swapped).warnings
        assert {(w.kind, w.first, w.second) for w in told} == {
            (WarningKind.WRONG_POSITION_SUSPECTED, RIGHT_INDEX, LEFT_INDEX),
            (WarningKind.WRONG_POSITION_SUSPECTED, LEFT_INDEX, RIGHT_INDEX),
        }
        twice = [sample(prints[1, RIGHT_INDEX, 2], position) for position in positions[:2]]
        [warning] = engine.verify("s1", twice).warnings
        assert (warning.kind, warning.side) == (WarningKind.SAME_IMPRESSION_TWICE, Side.PROBE)
        other = [sample(prints[1, RIGHT_INDEX, i], p) for i, p in ((1, RIGHT_INDEX), (2, LEFT_INDEX))]
        kinds = [w.kind for w in engine.verify("s2", other).warnings]
        assert kinds == [WarningKind.SAME_FINGER_TWICE]


@pytest.mark.parametrize("how", ["jpeg", "crop", "noise"])
def test_an_image_encoded_anew_or_cropped_is_the_same_impression(how: str) -> None:
    import io

    from PIL import Image as PillowImage

    from matcher.datasets.fingerprint_synthesis.finger import generate_finger
    from matcher.datasets.fingerprint_synthesis.impression import generate_impression
    from matcher.fingerprint.extract import extract
    from matcher.score.fusion_probe import PersonProbe
    from matcher.score.person import load_person_calibration
    from matcher.score.scorers import default_scorers
    from matcher.types import Image

    image = generate_impression(generate_finger(5), 1, difficulty=0.3)
    pixels = image.pixels
    if how == "jpeg":
        file = io.BytesIO()
        PillowImage.fromarray(pixels).save(file, "JPEG", quality=85)
        pixels = np.asarray(PillowImage.open(file)).astype(np.uint8)
    elif how == "crop":
        pixels = np.ascontiguousarray(pixels[8:-8, 16:-8])  # whole cells of the extractor
    else:
        noise = np.random.default_rng(1).integers(-3, 4, pixels.shape)
        pixels = np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    templates = [extract(image), extract(Image(pixels))]
    probe = PersonProbe(default_scorers(), load_person_calibration(), templates)
    assert [w.kind for w in probe.warnings] == [WarningKind.SAME_IMPRESSION_TWICE]
    assert len(probe.modalities[0].repeats.characteristics) == 1
