"""Enrol only who is new: in a still gallery, and with others on their way; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from matcher.answers import UniqueEnrolment
from matcher.deadline import Deadline
from matcher.engine import Engine
from matcher.errors import DeadlineError, IdempotencyMismatchError, NotReadyError, SubjectExistsError
from matcher.gallery.filters import ACTIVE
from matcher.gallery.records import EncounterDetails, EncounterStatus
from matcher.score.identification import Identifier


@pytest.fixture
def engine(store_url: str, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(store_url, scorers=fakes.scorers(), read=fakes.read, threads=1) as engine:
        yield engine


@pytest.fixture
def local(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=1
    ) as engine:
        yield engine


def test_who_is_new_is_enrolled_and_who_is_not_is_told(engine: Engine, fakes: ModuleType) -> None:
    first = engine.enroll_if_unique("alice", [fakes.image(1)])
    assert first.enrolled is not None
    assert first.enrolled.created
    again = engine.enroll_if_unique("alicia", [fakes.image(1, 1)])
    assert again.enrolled is None
    assert again.search is not None
    assert [c.subject_id for c in again.search.candidates] == ["alice"]
    assert engine.status().subjects == 1
    assert engine.enroll_if_unique("bob", [fakes.image(2)]).enrolled is not None
    engine.delete("alice")
    assert engine.enroll_if_unique("alicia", [fakes.image(1, 1)]).enrolled is not None


@pytest.mark.parametrize("callers", [2, 5, 16])
def test_of_many_calls_at_once_one_enrols_each_person(
    engine: Engine, fakes: ModuleType, callers: int
) -> None:
    """Each brings another impression of the same person; several people come at once."""
    people = 3
    start = threading.Barrier(callers)

    def call(number: int) -> UniqueEnrolment:
        start.wait()
        return engine.enroll_if_unique(f"s{number}", [fakes.image(7 * (number % people), number)])

    with ThreadPoolExecutor(callers) as pool:
        answers = list(pool.map(call, range(callers)))
    for person in range(min(people, callers)):
        own = {f"s{n}": answers[n] for n in range(person, callers, people)}
        enrolled = [name for name, answer in own.items() if answer.enrolled is not None]
        assert len(enrolled) == 1
        for answer in own.values():
            if answer.enrolled is None:
                assert answer.search is not None
                assert [c.subject_id for c in answer.search.candidates] == enrolled
    assert engine.status().subjects == min(people, callers)


def test_plain_enrolments_on_the_way_count_too(local: Engine, fakes: ModuleType) -> None:
    """A commit that takes long: who it enrols is found by a call that began before it was in memory."""
    begun, go_on = threading.Event(), threading.Event()
    apply = local._gallery.apply

    def slow(changes: Any) -> None:
        begun.set()
        assert go_on.wait(10)
        apply(changes)

    local._gallery.apply = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(local.enroll, "alice", [fakes.image(1)])
        assert begun.wait(10)
        unique = pool.submit(local.enroll_if_unique, "alicia", [fakes.image(1, 1)])
        with pytest.raises(TimeoutError):
            unique.result(0.3)
        go_on.set()
        assert plain.result(10).created
        answer = unique.result(10)
    assert answer.enrolled is None
    assert [c.subject_id for c in answer.search.candidates] == ["alice"]


def test_a_rival_that_the_store_refuses_is_no_rival(local: Engine, fakes: ModuleType) -> None:
    local.enroll("taken", [fakes.image(99)])
    begun, go_on = threading.Event(), threading.Event()
    submit = local._gallery._store._commit_group

    def slow(operations: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return submit(operations)

    local._gallery._store._writer._commit = slow
    with ThreadPoolExecutor(2) as pool:
        refused = pool.submit(local.enroll, "taken", [fakes.image(1)])
        assert begun.wait(10)
        unique = pool.submit(local.enroll_if_unique, "alice", [fakes.image(1, 1)], threshold=50)
        go_on.set()
        with pytest.raises(SubjectExistsError):
            refused.result(10)
        assert unique.result(10).enrolled is not None
    assert not local._gallery.reservations.entries()


def test_the_same_request_twice_is_one_enrolment(local: Engine, fakes: ModuleType) -> None:
    callers = 6
    start = threading.Barrier(callers)

    def call(_: int) -> UniqueEnrolment:
        start.wait()
        return local.enroll_if_unique(None, [fakes.image(1)], idempotency_key="k")

    with ThreadPoolExecutor(callers) as pool:
        answers = [a.enrolled for a in pool.map(call, range(callers))]
    assert all(a is not None for a in answers)
    assert len({a.subject_id for a in answers if a is not None}) == 1
    assert sum(a.created for a in answers if a is not None) == 1
    with pytest.raises(IdempotencyMismatchError):
        local.enroll_if_unique(None, [fakes.image(2)], idempotency_key="k")


def test_inactive_encounters_count_unless_they_are_left_out(local: Engine, fakes: ModuleType) -> None:
    inactive = EncounterDetails(status=EncounterStatus.INACTIVE)
    local.enroll("alice", [fakes.image(1)], details=inactive)
    assert not local.identify([fakes.image(1, 1)]).candidates
    assert local.enroll_if_unique("alicia", [fakes.image(1, 1)]).enrolled is None
    assert local.enroll_if_unique("alicia", [fakes.image(1, 1)], chosen=ACTIVE).enrolled is not None


def test_a_caller_that_waits_for_a_rival_keeps_its_deadline(local: Engine, fakes: ModuleType) -> None:
    begun, go_on = threading.Event(), threading.Event()
    apply = local._gallery.apply

    def slow(changes: Any) -> None:
        begun.set()
        assert go_on.wait(10)
        apply(changes)

    local._gallery.apply = slow  # type: ignore[method-assign]
    left = [1.0]
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(local.enroll, "alice", [fakes.image(1)])
        assert begun.wait(10)
        unique = pool.submit(
            local.enroll_if_unique, None, [fakes.image(1, 1)], deadline=Deadline(lambda: left[0])
        )
        with pytest.raises(TimeoutError):
            unique.result(0.2)
        left[0] = 0.0
        with pytest.raises(DeadlineError):
            unique.result(10)
        go_on.set()
        plain.result(10)
    assert local.status().subjects == 1


def test_a_gallery_that_is_read_anew_meanwhile_enrols_nobody(
    local: Engine, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.enroll("bob", [fakes.image(2)])
    identify = Identifier.identify

    def then(self: Identifier, *arguments: Any, **rest: Any) -> Any:
        found = identify(self, *arguments, **rest)
        with local._gallery._store.state() as (sequence, stored):
            local._gallery.replay(sequence, stored)
        return found

    monkeypatch.setattr(Identifier, "identify", then)
    with pytest.raises(NotReadyError):
        local.enroll_if_unique("alice", [fakes.image(1)])
    assert local.status().subjects == 1
