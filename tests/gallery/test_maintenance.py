"""The maintenance thread: looks when woken, again while there is work, survives errors, stops when asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.gallery.index_face import FaceIndex
from matcher.gallery.maintenance import Maintenance

WAIT_S = 20.0
"""Long enough for any machine: what is waited for comes at once."""

LONG_S = 3600.0

PERSONAL = "ridge 17 of somebody's finger"


class Work:
    """So many runs with something to do, then none; an error where told."""

    def __init__(self, busy: int = 0, fail_at: int | None = None) -> None:
        self.busy, self.fail_at, self.runs = busy, fail_at, 0
        self.together, self.most = 0, 0

    def __call__(self) -> bool:
        self.together += 1
        self.most = max(self.most, self.together)
        self.runs += 1
        try:
            if self.runs == self.fail_at:
                raise ValueError(PERSONAL)
            return self.runs <= self.busy
        finally:
            self.together -= 1


@pytest.fixture
def made() -> Iterator[Callable[..., Maintenance]]:
    """Makes threads and ends them."""
    there: list[Maintenance] = []

    def make(work: Callable[[], bool], pause_s: float = LONG_S) -> Maintenance:
        there.append(Maintenance(work, pause_s=pause_s).start())
        return there[-1]

    yield make
    for one in there:
        one.close()
        assert not one.running


def test_it_runs_until_there_is_nothing_to_do_and_when_woken(made: Callable[..., Maintenance]) -> None:
    work = Work(busy=5)
    upkeep = made(work)
    assert upkeep.wait(WAIT_S)
    assert work.runs >= 6
    before = work.runs
    assert upkeep.wait(WAIT_S)
    assert work.runs > before


def test_it_looks_by_itself_after_a_pause(made: Callable[..., Maintenance]) -> None:
    seen = threading.Semaphore(0)

    def work() -> bool:
        seen.release()
        return False

    made(work, 0.01)
    for _ in range(3):
        assert seen.acquire(timeout=WAIT_S)


def test_waking_asks_for_one_more_look(made: Callable[..., Maintenance]) -> None:
    begun, free, runs = threading.Event(), threading.Event(), []

    def work() -> bool:
        runs.append(len(runs))
        begun.set()
        assert free.wait(WAIT_S)
        return False

    upkeep = made(work)
    assert begun.wait(WAIT_S)
    upkeep.wake()  # While a run goes on, which may have missed what changed.
    free.set()
    assert upkeep.wait(WAIT_S)
    assert len(runs) >= 2


def test_waking_never_runs_the_work_twice_at_once(made: Callable[..., Maintenance]) -> None:
    work = Work(busy=50)
    upkeep = made(work)
    callers = [threading.Thread(target=lambda: [upkeep.wake() for _ in range(100)]) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert upkeep.wait(WAIT_S)
    assert work.most == 1


def test_an_error_is_logged_without_its_text_and_tried_again(
    made: Callable[..., Maintenance], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(fail_at=1)
    upkeep = made(work, 0.01)
    assert upkeep.wait(WAIT_S)
    assert upkeep.failures == 1
    assert "ValueError" in caplog.text
    assert PERSONAL not in caplog.text


def test_a_look_that_failed_is_no_answer_to_a_wait(made: Callable[..., Maintenance]) -> None:
    def work() -> bool:
        raise ValueError

    upkeep = made(work)
    assert not upkeep.wait(0.05)


def test_closing_waits_for_the_run_and_ends_the_pause() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        ended.wait(0.05)
        ended.set()
        return True  # There would be more.

    upkeep = Maintenance(work, pause_s=LONG_S).start()
    assert begun.wait(WAIT_S)
    upkeep.close()
    assert ended.is_set()
    assert not upkeep.running
    upkeep.close()
    assert not upkeep.wait(0.0)
    Maintenance(work).close()  # Never started.
    with pytest.raises(ArgumentError):
        Maintenance(work, pause_s=0.0)


def test_an_index_is_kept_in_order_while_it_is_filled_and_searched() -> None:
    pytest.importorskip("faiss", reason="FAISS is not installed: the index scans")
    rng = np.random.default_rng(2)
    values = rng.integers(-127, 128, (3000, 16)).astype(np.int8)
    index = FaceIndex(16, flat_rows=500, tail_rows=100)
    with Maintenance(index.maintain) as upkeep:
        for start in range(0, len(values), 250):
            index.add(np.arange(start, start + 250), values[start : start + 250])
            upkeep.wake()
            rows, _ = index.search(values[start : start + 5], 1)
            assert rows[:, 0].tolist() == list(range(start, start + 5))
            index.remove(np.array([start]))
            assert start not in index.search(values[start : start + 1], 3)[0]
        assert upkeep.wait(WAIT_S)
        assert upkeep.failures == 0
    assert any(segment.inverted is not None for segment in index.state.segments)
    assert len(index) == len(values) - 12
