"""Searches that are run together: each has its own answer, its own deadline and its own error."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks.service import fingers, probes
from matcher.answers import Identification
from matcher.batches import Question
from matcher.client import Client, SearchItem
from matcher.datasets.population import Population
from matcher.deadline import Deadline
from matcher.engine import Engine
from matcher.errors import ArgumentError, DeadlineError, InternalError, MatcherError
from matcher.gallery.filters import EVERYBODY, Filter
from matcher.service.searching import MOST_TOGETHER, NICE, Searching
from matcher.service.server import Server
from matcher.service.turns import Limits, Queue, Work

LONG_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def question(fakes: ModuleType, identity: int, **changes: Any) -> Question:
    return replace(Question([fakes.image(identity, 1)]), **changes)


def answer_of(number: int) -> Identification:
    return Identification((), float(number), 0, 0)


class Asking:
    """Questions that wait while the first is being answered; notes which are answered together."""

    def __init__(self) -> None:
        self.queue = Queue(Work.SEARCH, Limits(1, 100))
        self.searching = Searching(self.queue)
        self.together: list[list[int]] = []
        self.found: dict[int, Identification | BaseException] = {}
        self.go, self.begun, self.release = threading.Event(), threading.Event(), threading.Event()
        self.release.set()
        self.wakes: dict[int, Callable[[], None]] = {}
        self.problem: Exception | None = None
        self._threads: list[threading.Thread] = []

    def answers(self, asked: Sequence[Question]) -> Sequence[Identification | Exception]:
        self.together.append([one.max_candidates for one in asked])
        assert self.go.wait(LONG_S)
        if len(asked) > 1:
            self.begun.set()
            assert self.release.wait(LONG_S)
        if self.problem is not None and len(asked) > 1:
            raise self.problem
        return [answer_of(one.max_candidates) for one in asked]

    def ask(self, number: int, asked: Question) -> None:
        """Ask; `max_candidates` tells questions apart, and is not looked at where they are to be alike."""
        own = replace(asked, max_candidates=number)

        def wait() -> None:
            try:
                self.found[number] = self.searching.answer(
                    own, self.answers, 5, streamed=False, wake=partial(self.wakes.__setitem__, number)
                )
            except BaseException as error:
                self.found[number] = error

        before = self.queue.waiting
        thread = threading.Thread(target=wait)
        thread.start()
        self._threads.append(thread)
        until(lambda: self.queue.waiting == before + 1 or len(self.together) == 1 == len(self._threads))

    def end(self) -> None:
        self.go.set()
        for thread in self._threads:
            thread.join(LONG_S)
            assert not thread.is_alive()
        assert (self.queue.running, self.queue.waiting) == (0, 0)
        self.searching.close()


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Asking:
    monkeypatch.setattr(Question, "alike", lambda self, other: self.exhaustive is other.exhaustive)
    return Asking()


def test_those_who_wait_are_answered_together(asking: Asking, fakes: ModuleType) -> None:
    one = question(fakes, 1)
    asking.ask(1, one)
    for number in (2, 3, 4):
        asking.ask(number, one)
    asking.ask(5, replace(one, exhaustive=True))
    asking.end()
    assert asking.together == [[1], [2, 3, 4], [5]]
    assert asking.found == {number: answer_of(number) for number in range(1, 6)}


def test_no_more_than_so_many(asking: Asking, fakes: ModuleType) -> None:
    for number in range(1, MOST_TOGETHER + 4):
        asking.ask(number, question(fakes, 1))
    asking.end()
    assert [len(its) for its in asking.together] == [1, MOST_TOGETHER, 2]


def test_searches_that_take_long_are_answered_one_by_one(asking: Asking, fakes: ModuleType) -> None:
    asking.queue._mean_s = 10.0
    for number in (1, 2, 3):
        asking.ask(number, question(fakes, 1))
    asking.end()
    assert [len(its) for its in asking.together] == [1, 1, 1]


def test_who_gives_up_while_it_is_answered_does_not_stop_the_others(
    asking: Asking, fakes: ModuleType
) -> None:
    left = [LONG_S]
    asking.ask(1, question(fakes, 1))
    asking.ask(2, question(fakes, 1))
    asking.ask(3, replace(question(fakes, 1), deadline=Deadline(lambda: left[0])))
    asking.release.clear()
    asking.go.set()
    assert asking.begun.wait(LONG_S)
    left[0] = 0.0
    asking.wakes[3]()  # its caller goes
    until(lambda: 3 in asking.found)
    assert isinstance(asking.found[3], DeadlineError)
    asking.release.set()
    asking.end()
    assert asking.together == [[1], [2, 3]]
    assert asking.found[2] == answer_of(2)


def test_who_gave_up_before_is_not_taken_along(asking: Asking, fakes: ModuleType) -> None:
    left = [LONG_S]
    asking.ask(1, question(fakes, 1))
    asking.ask(2, question(fakes, 1))
    asking.ask(3, replace(question(fakes, 1), deadline=Deadline(lambda: left[0])))
    left[0] = 0.0
    asking.wakes[3]()
    until(lambda: 3 in asking.found)
    asking.end()
    assert asking.together == [[1], [2]]


def test_nobody_waits_for_ever_when_an_answer_fails(asking: Asking, fakes: ModuleType) -> None:
    asking.problem = ValueError("a defect")
    for number in (1, 2, 3):
        asking.ask(number, question(fakes, 1))
    asking.end()
    assert isinstance(asking.found[2], ValueError)
    assert isinstance(asking.found[3], InternalError)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a nice level of their own on Linux alone")
def test_searches_give_way(asking: Asking) -> None:
    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = nice()
    assert asking.searching.run(nice) == max(before, NICE)
    assert nice() == before
    asking.end()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """More people than are searched exactly, with the real scorers."""
    folder = tmp_path_factory.mktemp("crowd")
    with Engine(f"sqlite:///{folder}/gallery.db", threads=2) as engine:
        for name, own in fingers(Population(3), 0, 140):
            engine.enroll(name, own)
        yield engine


@pytest.mark.parametrize("exhaustive", [False, True])
def test_together_is_as_alone_to_the_last_bit(crowd: Engine, exhaustive: bool) -> None:
    asked = [
        Question([probe], 5, threshold=0.0, chosen=EVERYBODY, exhaustive=exhaustive)
        for probe in list(probes(Population(3), 0, 12).values())[:5]
    ]
    alone = [
        crowd.identify(
            q.samples,
            max_candidates=q.max_candidates,
            threshold=q.threshold,
            chosen=q.chosen,
            exhaustive=exhaustive,
        )
        for q in asked
    ]
    assert all(found.candidates for found in alone)
    assert crowd.identify_together(asked) == alone
    assert crowd.identify_together(asked[:1]) == alone[:1]


def test_an_error_is_its_own_questions_alone(crowd: Engine) -> None:
    probe = next(iter(probes(Population(3), 0, 5).values()))
    good = Question([probe], 1)
    found = crowd.identify_together([good, Question([]), good, replace(good, deadline=Deadline(lambda: 0.0))])
    assert isinstance(found[0], Identification)
    assert found[0] == found[2]
    assert isinstance(found[1], ArgumentError)
    assert isinstance(found[3], DeadlineError)


def test_what_questions_are_alike(fakes: ModuleType) -> None:
    one = question(fakes, 1)
    assert one.alike(question(fakes, 2))
    for changes in (
        {"max_candidates": 11},
        {"fpir": 0.1},
        {"threshold": 40.0},
        {"exhaustive": True},
        {"chosen": Filter(tags={"kind": "visa"})},
    ):
        assert not one.alike(question(fakes, 1, **changes))


def test_a_stream_is_answered_in_batches(
    tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    plain = Engine.identify_together

    def noting(self: Engine, asked: Sequence[Question]) -> list[Identification | Exception]:
        sizes.append(len(asked))
        time.sleep(0.02)
        return plain(self, asked)

    monkeypatch.setattr(Engine, "identify_together", noting)
    engine = Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=2)
    with engine, Client((server := Server("127.0.0.1:0")).address) as client:
        server.serve(engine)
        for number in range(10):
            engine.enroll(f"s{number}", [fakes.image(number, 0)])
        items = [SearchItem(str(n), [fakes.image(n % 10, 1)]) for n in range(40)]
        items.append(SearchItem("bad", [fakes.image(1, 1)], max_candidates=5000))
        answers = {answer.item_id: answer for answer in client.identify_stream(items)}
        server.drain(0)
    for number in range(40):
        found = answers[str(number)].result
        assert found is not None
        assert [c.subject_id for c in found.candidates] == [f"s{number % 10}"]
    assert isinstance(answers["bad"].error, MatcherError)
    assert max(sizes) > 1
    assert sum(sizes) == 41
