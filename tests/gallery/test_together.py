"""Parts of a search beside each other: all are run, in whatever company, and an error ends them."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from matcher.gallery.together import together


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_everything_is_run_once_and_in_its_place(threads: int, count: int) -> None:
    ran: list[int] = []

    def task(number: int) -> int:
        ran.append(number)
        return number * number

    found = together([partial(task, number) for number in range(count)], threads)
    assert found == [number * number for number in range(count)]
    assert sorted(ran) == list(range(count))


def test_two_run_at_once() -> None:
    both = threading.Barrier(2, timeout=20)
    assert sorted(together([both.wait, both.wait], 2)) == [0, 1]


def test_no_more_run_at_once_than_asked_for() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    together([task] * 12, 2)
    assert 1 <= most <= 2


@pytest.mark.parametrize("bad", [0, 1, 7])
def test_an_error_ends_it_and_nothing_runs_on(bad: int) -> None:
    ended: list[int] = []

    def task(number: int) -> None:
        if number == bad:
            raise IndexError("its own")
        time.sleep(0.002)
        ended.append(number)

    with pytest.raises(IndexError, match="its own"):
        together([partial(task, number) for number in range(8)], 2)
    seen = len(ended)
    time.sleep(0.01)
    assert len(ended) == seen < 8


def test_inner_calls_of_many_callers_never_wait_for_each_other() -> None:
    def inner() -> list[int]:
        return together([lambda: 1, lambda: 2], 2)

    def outer() -> None:
        found.append(together([inner] * 4, 2))

    found: list[list[list[int]]] = []
    callers = [threading.Thread(target=outer) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
    assert found == [[[1, 2]] * 4] * 16
