"""The shortlist of a gallery: fingers find their encounters, through writes, restarts and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher.engine import Engine
from matcher.fingerprint.resident import resident
from matcher.gallery import gallery, index_fingerprint_fuse, snapshots
from matcher.gallery.filters import Filter
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import EncounterDetails, sample_key_of
from matcher.samples import Sample, SampleKind
from matcher.score import identification
from matcher.score.scorer import PackedFingerprintScorer
from matcher.template.codec import decode_template, encode_template
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality

PEOPLE = 60
LISTED = 8
"""Places of the shortlist in these tests."""

INDEX, MIDDLE, UNKNOWN = FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE, FingerPosition.UNKNOWN


def finger(who: int, impression: int, position: FingerPosition = INDEX) -> Sample:
    """Return a made-up print as a template; impressions differ by some pixels and missing minutiae."""
    rng = np.random.default_rng([who, int(position) or int(INDEX)])
    count = 45
    x, y = rng.integers(20, 380, (2, count))
    direction = rng.integers(0, 256, count)
    moved = np.random.default_rng([who, int(position), impression])
    keep = moved.random(count) > 0.1 * bool(impression)
    jitter = moved.integers(-2, 3, (2, count)) * bool(impression)
    zeros = np.zeros(count, np.uint8)
    minutiae = Minutiae(
        (x + jitter[0])[keep].astype(np.int16),
        (y + jitter[1])[keep].astype(np.int16),
        direction[keep].astype(np.uint8),
        zeros[keep],
        zeros[keep],
    )
    template = FingerprintTemplate(minutiae, 400, 400, "numba/1", 50, position)
    return Sample(encode_template(template), SampleKind.TEMPLATE, position)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identification, "EXACT_SUBJECTS", 0)
    monkeypatch.setattr(index_fingerprint_fuse, "FEWEST", LISTED)
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 1)


@pytest.fixture
def open_engine(tmp_path: Path) -> Callable[[], Engine]:
    return lambda: Engine(f"sqlite:///{tmp_path}/gallery.db", threads=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A gallery that the tests of it leave as they found it, but for people whom no other test asks for."""
    with Engine(f"sqlite:///{tmp_path_factory.mktemp('shortlist')}/gallery.db", threads=1) as engine:
        for who in range(PEOPLE):
            details = EncounterDetails(galleries=frozenset({"odd" if who % 2 else "even"}))
            engine.enroll(f"s{who}", [finger(who, 0), finger(who, 0, MIDDLE)], details=details)
        yield engine


def found(engine: Engine, samples: list[Sample], chosen: Filter | None = None) -> list[str]:
    answer = engine.identify(samples, chosen=chosen or Filter())
    return [c.subject_id for c in answer.candidates]


def test_a_shortlist_finds_what_everybody_compared_gives(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    likely = identification.Identifier._likely

    def counting(self, probe, view, passing, proposed, threshold):  # type: ignore[no-untyped-def]
        seen.append(len(proposed.subjects))
        return likely(self, probe, view, passing, proposed, threshold)

    monkeypatch.setattr(identification.Identifier, "_likely", counting)
    for who in range(0, PEOPLE, 15):
        for probe in (
            [finger(who, 1)],
            [finger(who, 1), finger(who, 1, MIDDLE)],
        ):
            assert engine.identify(probe) == engine.identify(probe, exhaustive=True)
            assert found(engine, probe) == [f"s{who}"]
    # The index was used: a finger alone gets a longer list.
    assert 0 < max(seen) <= 2 * LISTED


def test_a_finger_of_unknown_position_is_tried_as_every_one(engine: Engine) -> None:
    anonymous = replace(decode_template(finger(7, 1).data), position=UNKNOWN)
    unknown = Sample(encode_template(anonymous), SampleKind.TEMPLATE)
    assert found(engine, [unknown]) == ["s7"]
    engine.enroll("stranger", [Sample(encode_template(replace(anonymous, quality=1)), SampleKind.TEMPLATE)])
    assert "stranger" in found(engine, [finger(7, 1, INDEX)])


def test_filters_are_applied_before_places_are_given(engine: Engine) -> None:
    for who in (20, 21):
        for name in ("odd", "even"):
            expected = [f"s{who}"] if (who % 2 == 1) == (name == "odd") else []
            assert found(engine, [finger(who, 1)], Filter(galleries=frozenset({name}))) == expected
    assert not found(engine, [finger(20, 1)], Filter(excluded=frozenset({"s20"})))


def test_what_is_removed_moved_or_merged_is_followed(engine: Engine) -> None:
    engine.delete("s3")
    assert not found(engine, [finger(3, 1)])
    second = engine.enroll("s4", [finger(900, 0), finger(901, 0)], subject_is=SubjectIs.KNOWN).sequence
    assert found(engine, [finger(900, 1)]) == ["s4"]
    engine.delete_sample(sample_key_of(second, 0))
    engine.enroll("s5", [finger(902, 0)], subject_is=SubjectIs.KNOWN)
    engine.merge("s6", "s5")
    assert found(engine, [finger(902, 1)]) == ["s6"]
    engine.move(second, "new", subject_is=SubjectIs.NEW)
    assert not found(engine, [finger(900, 1)])
    assert found(engine, [finger(5, 1)]) == ["s6"]


def test_a_restart_takes_the_index_from_the_snapshot(
    open_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine() as engine:
        for who in range(40):
            engine.enroll(f"s{who}", [finger(who, 0)])
        engine.delete("s9")
        before = [engine.identify([finger(who, 1)]) for who in range(0, 40, 3)]
    described: list[int] = []
    describe, admit = PackedFingerprintScorer.describe, PackedFingerprintScorer.admit

    def counting(self, template):  # type: ignore[no-untyped-def]
        described.append(1)
        return describe(self, template)

    def counting_all(self, words):  # type: ignore[no-untyped-def]
        described.extend(1 for _ in words)
        return admit(self, words)

    monkeypatch.setattr(PackedFingerprintScorer, "describe", counting)
    monkeypatch.setattr(PackedFingerprintScorer, "admit", counting_all)
    with open_engine() as engine:
        assert not described
        assert [engine.identify([finger(who, 1)]) for who in range(0, 40, 3)] == before
        engine.enroll("more", [finger(77, 0)])
        assert found(engine, [finger(77, 1)]) == ["more"]
    with open_engine() as engine:
        assert found(engine, [finger(77, 1)]) == ["more"]
        assert not found(engine, [finger(9, 1)])
        assert len(described) == 1


def test_two_fingers_are_kept_wide_while_there_is_room(
    open_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form that is compared fast, then the small one; ten fingers small; all with the same answers."""

    def words(engine: Engine) -> list[int]:
        [(block, count)] = engine._gallery.memory().view().rows[Modality.FINGERPRINT].blocks
        return np.diff(block.offsets[: count + 1]).tolist()

    wide, small = len(resident(decode_template(finger(1, 0).data))), 30
    room = 8 * wide + 100
    monkeypatch.setattr(gallery, "WIDE_BYTES", room)
    three = [finger(2, 0), finger(2, 0, MIDDLE), finger(2, 0, FingerPosition.RIGHT_THUMB)]
    with open_engine() as engine:
        for samples in ([finger(1, 0)], three, [finger(3, 0)], [finger(4, 0)]):
            engine.enroll(None, samples)
        held = words(engine)
        assert held[0] == wide
        assert held[1:4] == [small] * 3
        assert held[-1] == small
        answers = [engine.identify([finger(who, 1)]) for who in (1, 2, 3, 4)]
        assert [len(a.candidates) for a in answers] == [1] * 4
    with open_engine() as engine:  # from the snapshot
        assert words(engine) == held
    (Path(engine._gallery._snapshots._path)).unlink()  # type: ignore[arg-type]
    with open_engine() as engine:  # from the store
        assert words(engine)[:4] == held[:4]
        assert [engine.identify([finger(who, 1)]) for who in (1, 2, 3, 4)] == answers


def test_several_fingers_of_unknown_position_are_each_found(open_engine: Callable[[], Engine]) -> None:
    """They are different fingers, as records without positions bring them: none stands for the others."""

    def unmarked(who: int, impression: int, of: FingerPosition) -> Sample:
        template = replace(decode_template(finger(who, impression, of).data), position=UNKNOWN)
        return Sample(encode_template(template), SampleKind.TEMPLATE, UNKNOWN)

    fingers = (INDEX, MIDDLE, FingerPosition.RIGHT_RING)
    with open_engine() as engine:
        keys = [
            engine.enroll(f"s{who}", [unmarked(who, 0, one) for one in fingers]).sequence
            for who in range(PEOPLE)
        ]
        for who in (3, 11):
            for one in fingers:
                assert found(engine, [unmarked(who, 1, one)]) == [f"s{who}"], one
                assert found(engine, [finger(who, 1, one)]) == [f"s{who}"], one
        engine.delete_sample(sample_key_of(keys[5], 1))
        engine.delete("s6")
    for _ in range(2):  # from a snapshot, and from the store
        with open_engine() as engine:
            told = [found(engine, [unmarked(5, 1, one)]) for one in fingers]
            assert told == [["s5"], [], ["s5"]]
            assert not any(found(engine, [unmarked(6, 1, one)]) for one in fingers)
            assert found(engine, [unmarked(9, 1, MIDDLE)]) == ["s9"]
            path = Path(str(engine._gallery._snapshots._path))
        path.unlink()
