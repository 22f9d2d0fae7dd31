"""The engine: what it acknowledges it finds, and what it is asked wrongly it says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from matcher.deadline import Deadline
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    BlankImageError,
    CalibrationMissingError,
    DeadlineError,
    IdempotencyMismatchError,
    ImageFormatError,
    NotReadyError,
    StoreCorruptError,
    SubjectExistsError,
    SubjectNotFoundError,
    TemplateCorruptError,
    TooFewMinutiaeError,
)
from matcher.samples import MAX_SAMPLES, Sample, SampleKind
from matcher.template.codec import encode_template
from matcher.types import FingerPosition, Modality

RIGHT_INDEX, LEFT_INDEX = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX


@pytest.fixture
def open_engine(tmp_path: Path, fakes: ModuleType) -> Callable[[], Engine]:
    return lambda: Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=2
    )


@pytest.fixture
def engine(open_engine: Callable[[], Engine]) -> Iterator[Engine]:
    with open_engine() as engine:
        yield engine


def test_an_acknowledged_enrolment_is_found_by_the_next_search(engine: Engine, fakes: ModuleType) -> None:
    for identity in range(30):
        engine.enroll(f"s{identity}", [fakes.image(identity)])
        found = engine.identify([fakes.image(identity, 1)])
        assert [c.subject_id for c in found.candidates] == [f"s{identity}"]
        assert found.subjects == found.sequence == identity + 1


def test_after_a_restart_everything_is_as_before(
    open_engine: Callable[[], Engine], fakes: ModuleType
) -> None:
    with open_engine() as engine:
        for identity in range(20):
            engine.enroll(
                f"s{identity}", [fakes.image(identity, 0, RIGHT_INDEX), fakes.stored(identity + 100)]
            )
        engine.delete("s3")
        before = engine.status()
    with open_engine() as engine:
        after = engine.status()
        # The deleted rows are not read back: all else is the same.
        now, then = ([replace(m, resident_bytes=0) for m in s.modalities] for s in (after, before))
        assert now == then
        assert replace(after, modalities=()) == replace(before, modalities=())
        assert not engine.identify([fakes.image(3, 1, RIGHT_INDEX)]).candidates
        assert engine.identify([fakes.image(7, 1, RIGHT_INDEX)]).candidates[0].subject_id == "s7"
        assert engine.verify("s7", [fakes.image(107, 1)]).decision.accepted


def test_a_search_pays_for_its_gallery_and_for_its_hypotheses(engine: Engine, fakes: ModuleType) -> None:
    for identity in range(10):
        engine.enroll(f"s{identity}", [fakes.image(identity), fakes.image(identity + 50)])
    found = engine.identify([fakes.image(4, 1)], fpir=0.01)
    assert found.threshold == pytest.approx(30.0)  # -10 log10(0.01 / 10)
    [candidate] = found.candidates
    assert candidate.score.value == pytest.approx(100 - 3.0103)  # the best of 2 comparisons
    assert (candidate.score.raw, candidate.score.calibration) == (100.0, "fake-1")
    assert candidate.score.extrapolated
    everybody = engine.identify([fakes.image(4, 1)], threshold=0, max_candidates=3)
    assert [c.rank for c in everybody.candidates] == [1, 2, 3]
    values = [c.score.value for c in everybody.candidates]
    assert values == sorted(values, reverse=True)


def test_verification_decides_by_rate_or_threshold(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1)])
    mated = engine.verify("alice", [fakes.image(1, 1)])
    assert (mated.decision.accepted, mated.decision.threshold, mated.comparisons) == (True, 40.0, 1)
    assert not engine.verify("alice", [fakes.image(2)]).decision.accepted
    assert not engine.verify("alice", [fakes.image(1)], threshold=100.5).decision.accepted
    assert engine.verify("alice", [fakes.image(1)], fmr=1e-10).decision.accepted


def test_positions_that_do_not_meet_are_not_compared(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1, 0, RIGHT_INDEX)])
    answer = engine.verify("alice", [fakes.image(1, 1, LEFT_INDEX)])
    assert (answer.comparisons, answer.decision.accepted, answer.decision.score.value) == (0, False, 0.0)
    assert not engine.identify([fakes.image(1, 1, LEFT_INDEX)], threshold=0).candidates
    assert engine.identify([fakes.image(1, 1)]).candidates


def test_a_template_brings_its_position_and_must_not_contradict(engine: Engine, fakes: ModuleType) -> None:
    sample = fakes.stored(1, 0, RIGHT_INDEX)
    engine.enroll("alice", [sample])
    assert engine.verify("alice", [fakes.image(1, 1, LEFT_INDEX)]).comparisons == 0
    with pytest.raises(ArgumentError, match="LEFT_INDEX"):
        engine.enroll("bob", [replace(sample, position=LEFT_INDEX)])


def test_the_same_request_twice_is_one_enrolment(engine: Engine, fakes: ModuleType) -> None:
    first = engine.enroll(None, [fakes.image(1)], idempotency_key="k")
    again = engine.enroll(None, [fakes.image(1)], idempotency_key="k")
    assert (first.created, again.created) == (True, False)
    assert (again.subject_id, again.sequence) == (first.subject_id, first.sequence)
    for other in ([fakes.image(2)], [fakes.image(1, 0, RIGHT_INDEX)], [fakes.image(1), fakes.image(1)]):
        with pytest.raises(IdempotencyMismatchError):
            engine.enroll(None, other, idempotency_key="k")
    with pytest.raises(IdempotencyMismatchError):
        engine.enroll("alice", [fakes.image(1)], idempotency_key="k")
    assert engine.status().subjects == 1


def test_a_repeated_request_is_not_extracted_again(
    open_engine: Callable[[], Engine], fakes: ModuleType
) -> None:
    with open_engine() as engine:
        engine.enroll("alice", [fakes.image(1)], idempotency_key="k")
        engine._read = None  # type: ignore[assignment]
        assert not engine.enroll("alice", [fakes.image(1)], idempotency_key="k").created


def test_concurrent_repetitions_make_one_subject(engine: Engine, fakes: ModuleType) -> None:
    answers = []

    def enrol() -> None:
        answers.append(engine.enroll(None, [fakes.image(1)], idempotency_key="k"))

    workers = [threading.Thread(target=enrol) for _ in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({a.subject_id for a in answers}) == 1
    assert sum(a.created for a in answers) == 1
    assert engine.status().subjects == 1


def test_ids_are_made_where_none_is_given_and_taken_once(engine: Engine, fakes: ModuleType) -> None:
    made = {engine.enroll(None, [fakes.image(i)]).subject_id for i in range(5)}
    assert len(made) == 5
    engine.enroll("alice", [fakes.image(9)])
    with pytest.raises(SubjectExistsError):
        engine.enroll("alice", [fakes.image(9)])


def test_a_deleted_subject_is_found_no_more(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1)])
    assert engine.delete("alice") == 2
    assert not engine.identify([fakes.image(1)]).candidates
    for call in (lambda: engine.delete("alice"), lambda: engine.verify("alice", [fakes.image(1)])):
        with pytest.raises(SubjectNotFoundError):
            call()


def test_a_subject_deleted_during_a_search_is_not_returned(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1)])
    scorer = engine._scorers[Modality.FINGERPRINT]
    score = scorer.score
    compared = 0

    def deleting(*arguments: object) -> object:
        nonlocal compared
        raw = score(*arguments)  # type: ignore[arg-type]
        compared += 1
        if compared == 1:
            engine.delete("alice")
        return raw

    scorer.score = deleting  # type: ignore[method-assign, assignment]
    assert not engine.identify([fakes.image(1)]).candidates
    assert compared


def test_enrolling_deleting_and_searching_at_once(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("fixed", [fakes.image(999)])
    stop = threading.Event()
    wrong: list[object] = []

    def search() -> None:
        while not stop.is_set():
            found = engine.identify([fakes.image(999, 1)]).candidates
            if [c.subject_id for c in found] != ["fixed"]:
                wrong.append(found)

    def write(worker: int) -> None:
        for number in range(40):
            name, identity = f"{worker}-{number}", 1 + worker * 100 + number
            engine.enroll(name, [fakes.image(identity)])
            if [c.subject_id for c in engine.identify([fakes.image(identity)]).candidates] != [name]:
                wrong.append(name)
            if number % 2:
                engine.delete(name)
                if engine.identify([fakes.image(identity)]).candidates:
                    wrong.append(f"{name} is back")

    searchers = [threading.Thread(target=search) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for thread in searchers + writers:
        thread.start()
    for writer in writers:
        writer.join()
    stop.set()
    for searcher in searchers:
        searcher.join()
    assert not wrong
    assert engine.status().subjects == 1 + 4 * 20


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], ArgumentError),
        ([Sample(b"IMG 1 0")] * (MAX_SAMPLES + 1), ArgumentError),
        ([Sample(b"BAD")], ImageFormatError),
        ([Sample(b"")], ImageFormatError),
        ([Sample(b"BLANK")], BlankImageError),
        ([Sample(b"no template", SampleKind.TEMPLATE)], TemplateCorruptError),
        ([Sample(b"IMG 1 0"), Sample(b"BAD")], ImageFormatError),
    ],
)
def test_unusable_samples_are_refused_and_nothing_is_kept(
    engine: Engine, samples: list[Sample], expected: type[Exception]
) -> None:
    engine.enroll("there", [Sample(b"IMG 5 0")])
    for call in (
        lambda: engine.enroll("alice", samples),
        lambda: engine.verify("there", samples),
        lambda: engine.identify(samples),
    ):
        with pytest.raises(expected):
            call()
    assert engine.status().sequence == 1


def test_a_template_without_minutiae_is_refused(engine: Engine, fakes: ModuleType) -> None:
    full = fakes.template(1)
    m = full.minutiae
    empty = replace(full, minutiae=type(m)(m.x[:0], m.y[:0], m.direction[:0], m.kind[:0], m.quality[:0]))
    with pytest.raises(TooFewMinutiaeError):
        engine.enroll("alice", [Sample(encode_template(empty), SampleKind.TEMPLATE)])


def test_what_no_search_could_score_is_not_enrolled(engine: Engine, fakes: ModuleType) -> None:
    alien = encode_template(fakes.template(1, extractor=fakes.ALIEN))
    with pytest.raises(CalibrationMissingError):
        engine.enroll("alice", [Sample(alien, SampleKind.TEMPLATE)])


@pytest.mark.parametrize("name", ["", "x" * 129, "line\nbreak", "nul\0", 7])
def test_names_are_checked(engine: Engine, fakes: ModuleType, name: str) -> None:
    for call in (
        lambda: engine.enroll(name, [fakes.image(1)]),
        lambda: engine.enroll(None, [fakes.image(1)], idempotency_key=name),
        lambda: engine.verify(name, [fakes.image(1)]),
        lambda: engine.delete(name),
    ):
        with pytest.raises(ArgumentError, match="1 to 128"):
            call()


@pytest.mark.parametrize(
    "how",
    [
        {"fpir": 0.0},
        {"fpir": 1.5},
        {"fpir": float("nan")},
        {"threshold": -1.0},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"threshold": 3.0, "fpir": 0.1},
        {"max_candidates": 0},
        {"max_candidates": 1001},
    ],
)
def test_rates_and_limits_are_checked(engine: Engine, fakes: ModuleType, how: dict[str, float]) -> None:
    with pytest.raises(ArgumentError):
        engine.identify([fakes.image(1)], **how)  # type: ignore[arg-type]


def test_an_empty_gallery_finds_nobody(engine: Engine, fakes: ModuleType) -> None:
    found = engine.identify([fakes.image(1)])
    assert (found.candidates, found.subjects, found.sequence) == ((), 0, 0)


def test_a_passed_deadline_stops_the_work(engine: Engine, fakes: ModuleType) -> None:
    passed = Deadline(lambda: 0.0)
    engine.enroll("alice", [fakes.image(1)])
    for call in (
        lambda: engine.enroll("bob", [fakes.image(2)], deadline=passed),
        lambda: engine.verify("alice", [fakes.image(1)], deadline=passed),
        lambda: engine.identify([fakes.image(1)], deadline=passed),
        lambda: engine.delete("alice", deadline=passed),
    ):
        with pytest.raises(DeadlineError):
            call()
    assert engine.status().sequence == 1


def test_a_write_that_waits_too_long_is_called_off(engine: Engine, fakes: ModuleType) -> None:
    gate = threading.Event()
    apply = engine._gallery.apply

    def slow(changes: object) -> None:
        gate.wait(10)
        apply(changes)  # type: ignore[arg-type]

    engine._gallery.apply = slow  # type: ignore[method-assign, assignment]
    first = threading.Thread(target=lambda: engine.enroll("first", [fakes.image(1)]))
    first.start()
    while engine._gallery._store._writer._queue.qsize() or not _committed(engine):
        time.sleep(0.01)
    end = time.monotonic() + 0.2
    with pytest.raises(DeadlineError):
        engine.enroll("late", [fakes.image(2)], deadline=Deadline(lambda: end - time.monotonic()))
    gate.set()
    first.join()
    assert engine.enroll("third", [fakes.image(3)]).sequence == 2


def _committed(engine: Engine) -> bool:
    return bool(engine._gallery._store.changes_after(0))


def test_memory_that_failed_is_not_served(engine: Engine, fakes: ModuleType) -> None:
    engine.enroll("alice", [fakes.image(1)])
    memory = engine._gallery.memory()
    memory.add = None  # type: ignore[method-assign, assignment]
    assert engine.enroll("bob", [fakes.image(2)]).sequence == 2  # read again from the store
    assert engine._gallery.memory() is not memory
    assert engine.identify([fakes.image(1)]).candidates[0].subject_id == "alice"
    engine._gallery._memory = None
    with pytest.raises(NotReadyError):
        engine.identify([fakes.image(1)])
    with pytest.raises(NotReadyError):
        engine.status()


def test_a_stored_template_that_was_damaged_is_told(
    open_engine: Callable[[], Engine], fakes: ModuleType, tmp_path: Path
) -> None:
    import sqlite3

    with open_engine() as engine:
        engine.enroll("alice", [fakes.image(1)])
    with sqlite3.connect(tmp_path / "gallery.db") as connection:
        connection.execute("UPDATE samples SET template = substr(template, 1, 40)")
    connection.close()
    with pytest.raises(StoreCorruptError, match="TEMPLATE_CORRUPT"):
        open_engine()
