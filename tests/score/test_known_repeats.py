"""What is remembered of samples that repeat each other is what is found out anew, whatever changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from matcher.engine import Engine
from matcher.gallery.memory import Memory
from matcher.gallery.operations import SubjectIs
from matcher.person import MatchWarning, Side, WarningKind
from matcher.score.known_repeats import MOST_BYTES, KnownRepeats
from matcher.types import FingerPosition, Modality

FINGER = Modality.FINGERPRINT
INDEX, MIDDLE = FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE
TOLD = (MatchWarning(FINGER, WarningKind.SAME_FINGER_TWICE, Side.CANDIDATE, INDEX, MIDDLE, 60.0),)


def key(number: int) -> tuple[tuple[bytes, bytes], ...]:
    return ((number.to_bytes(4, "little"), b"\0"),)


def test_what_was_found_out_is_not_looked_for_again() -> None:
    known, memory = KnownRepeats(), Memory()
    assert known.of(memory, {FINGER: key(1)})(FINGER, lambda: TOLD) == TOLD
    assert known.of(memory, {FINGER: key(1)})(FINGER, lambda: ()) == TOLD
    assert known.of(memory, {FINGER: key(2)})(FINGER, lambda: ()) == ()
    assert known.of(memory, {FINGER: key(1)})(Modality.IRIS, lambda: ()) == ()  # has no key
    assert len(known) == 2


def test_another_memory_begins_with_nothing() -> None:
    known, memory, other = KnownRepeats(), Memory(), Memory()
    known.of(memory, {FINGER: key(1)})(FINGER, lambda: TOLD)
    late = known.of(memory, {FINGER: key(3)})
    assert known.of(other, {FINGER: key(1)})(FINGER, lambda: ()) == ()
    assert known.of(memory, {FINGER: key(1)})(FINGER, lambda: ()) == ()
    assert late(FINGER, lambda: TOLD) == TOLD


def test_what_is_found_out_while_the_memory_changes_is_not_kept() -> None:
    known, memory, other = KnownRepeats(), Memory(), Memory()

    def find() -> tuple[MatchWarning, ...]:
        known.of(other, {FINGER: key(9)})(FINGER, lambda: ())
        return TOLD

    assert known.of(memory, {FINGER: key(1)})(FINGER, find) == TOLD
    assert known.of(other, {FINGER: key(1)})(FINGER, lambda: ()) == ()


def test_those_who_were_not_asked_for_longest_go_first() -> None:
    known, memory = KnownRepeats(most=2), Memory()
    for number in (1, 2, 1, 3):
        known.of(memory, {FINGER: key(number)})(FINGER, lambda: TOLD)
    assert len(known) == 2
    assert known.of(memory, {FINGER: key(1)})(FINGER, lambda: ()) == TOLD
    assert known.of(memory, {FINGER: key(2)})(FINGER, lambda: ()) == ()


def test_who_has_very_many_samples_is_not_kept() -> None:
    known, memory = KnownRepeats(), Memory()
    many = ((bytes(MOST_BYTES), b""), (b"\0", b""))
    assert known.of(memory, {FINGER: many})(FINGER, lambda: TOLD) == TOLD
    assert len(known) == 0


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=1) as e:
        yield e


def test_a_person_that_changes_is_looked_at_anew(engine: Engine, fakes: ModuleType) -> None:
    """Each verification is asked twice: the second answer is one that is remembered."""

    def told(name: str = "alice") -> list[WarningKind]:
        answers = [engine.verify(name, [fakes.image(1, 1, INDEX)]) for _ in range(2)]
        assert answers[0] == answers[1]
        return [w.kind for w in answers[0].warnings if w.side is Side.CANDIDATE]

    engine.enroll("alice", [fakes.image(1, 0, INDEX)])
    assert told() == []
    more = engine.enroll("alice", [fakes.image(1, 2, MIDDLE)], subject_is=SubjectIs.KNOWN)
    assert told() == [WarningKind.SAME_IMPRESSION_TWICE]
    engine.delete_encounter(more.sequence)
    assert told() == []
    engine.enroll("bob", [fakes.image(1, 3, MIDDLE)])
    engine.merge("alice", "bob")
    assert told() == [WarningKind.SAME_IMPRESSION_TWICE]
    engine.delete("alice")
    engine.enroll("alice", [fakes.image(1, 0, INDEX)])
    assert told() == []
    pair = engine.enroll("carol", [fakes.image(1, 0, INDEX), fakes.image(1, 2, MIDDLE)])
    assert told("carol") == [WarningKind.SAME_IMPRESSION_TWICE]
    engine.delete_sample((pair.sequence << 8) + 1)
    assert told("carol") == []
