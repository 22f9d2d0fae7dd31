"""Threads that answer calls share a core, leave it for work that lasts, and come back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matcher.deadline import FOREVER
from matcher.gallery.together import helpers_begin_with
from matcher.service import home as homes
from matcher.service.home import Home, home_of_calls
from matcher.service.searching import Searching
from matcher.service.server import Server
from matcher.service.turns import Turns, Work

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="threads cannot be given cores here, or there is one",
)


@pytest.fixture
def home() -> Home:
    return Home(core=max(os.sched_getaffinity(0)))


@pytest.fixture
def at_home(home: Home) -> Iterator[ThreadPoolExecutor]:
    """A thread of calls."""
    with ThreadPoolExecutor(1, initializer=home.begin) as pool:
        yield pool


def cores() -> set[int]:
    """Where the calling thread may run."""
    return os.sched_getaffinity(0)


def test_a_verification_stays_and_what_lasts_leaves(home: Home, at_home: ThreadPoolExecutor) -> None:
    """Whatever happens in the turn, the thread is back at home behind it."""
    turns, everywhere = Turns(home=home), cores()

    def during(work: Work) -> set[int]:
        with turns.queues[work].turn(FOREVER):
            return cores()

    def failing() -> None:
        with turns.queues[Work.EXTRACT].turn(FOREVER):
            raise KeyError

    def nested() -> tuple[set[int], set[int]]:
        with turns.queues[Work.STORE].turn(FOREVER):
            inner = during(Work.SEARCH)
            return inner, cores()

    assert at_home.submit(cores).result() == {home.core}
    assert at_home.submit(during, Work.VERIFY).result() == {home.core}
    for work in (Work.EXTRACT, Work.SEARCH, Work.STORE):
        assert at_home.submit(during, work).result() == everywhere
        assert at_home.submit(cores).result() == {home.core}
    assert at_home.submit(nested).result() == (everywhere, everywhere)
    with pytest.raises(KeyError):
        at_home.submit(failing).result()
    assert at_home.submit(cores).result() == {home.core}
    assert cores() == everywhere


def test_searches_run_everywhere_whoever_starts_their_threads(
    home: Home, at_home: ThreadPoolExecutor
) -> None:
    searching = Searching(Turns(home=home).queues[Work.SEARCH])
    try:
        assert at_home.submit(searching.run, cores).result() == cores()
    finally:
        searching.close()
        helpers_begin_with(lambda: None)


def test_the_threads_of_a_server_are_at_home(home: Home) -> None:
    """Those that answer, and the one that hands calls to them."""
    others = set(threading.enumerate())
    server = Server("127.0.0.1:0", turns=Turns(home=home))
    try:
        with grpc.insecure_channel(server.address) as channel:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
            mine = [t for t in set(threading.enumerate()) - others if t.native_id is not None]
            places = {t.name: os.sched_getaffinity(t.native_id or 0) for t in mine if "channel" not in t.name}
    finally:
        server.drain(0)
        helpers_begin_with(lambda: None)
    assert sum(name.startswith("call") for name in places) >= 1
    assert sum("_serve" in name for name in places) == 1
    served = {name: own for name, own in places.items() if name.startswith("call") or "_serve" in name}
    assert set(map(frozenset, served.values())) == {frozenset({home.core})}


def test_threads_that_have_ended_harm_nothing(home: Home) -> None:
    thread = threading.Thread(target=lambda: None)
    home.adopt([thread])
    thread.start()
    thread.join()
    home.adopt([thread])
    assert len(cores()) > 1


def test_the_core_that_did_least_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without what tells, one that may be used."""
    stat = tmp_path / "stat"
    monkeypatch.setattr(homes, "STAT", stat)
    lines = "cpu  9 0 9 9 9\ncpu0 {} 0 0 {} 5\ncpu1 {} 0 0 {} 5\nintr 1 2 3\n"

    def wait(_: float) -> None:
        stat.write_text(lines.format(190, 110, 130, 170))

    monkeypatch.setattr(homes.time, "sleep", wait)
    stat.write_text(lines.format(100, 100, 100, 100))
    assert Home(cores=frozenset({0, 1})).core == 1
    monkeypatch.setattr(homes.time, "sleep", lambda _: None)
    stat.write_text("nothing")
    assert Home(cores=frozenset({0, 1})).core in (0, 1)
    stat.unlink()
    assert Home(cores=frozenset({0, 1})).core in (0, 1)


def test_where_there_is_one_core_there_is_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where threads cannot be given cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert home_of_calls() is None
    monkeypatch.undo()
    assert home_of_calls() is not None
    monkeypatch.delattr(os, "sched_setaffinity")
    assert home_of_calls() is None
