"""Parts of one search beside each other: on threads that all searches share.

Kernels release the interpreter's lock, so a search of several modalities takes two cores. The caller works
too, and waits for nobody who has not begun: a search never hangs behind other searches, it is only as fast as
without the others' help.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


@cache
def _helpers() -> ThreadPoolExecutor:
    """Return the threads, as many as cores; they are made when they are first needed."""
    return ThreadPoolExecutor(
        len(os.sched_getaffinity(0)), thread_name_prefix="search", initializer=lambda: _begins[-1]()
    )


_begins: list[Callable[[], object]] = [lambda: None]


def helpers_begin_with(begin: Callable[[], object]) -> None:
    """Have each thread that is made from now on do something first, such as take another priority."""
    _begins[:] = [begin]


def together(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Run tasks, at most `threads` of them at once, in order; return what each gave.

    Parameters
    ----------
    tasks : sequence of callables
        The longest first.
    threads : int
        With 1, the tasks run one after the other in the calling thread.

    Raises
    ------
    Exception
        What a task raised; those that had not begun are left out then, and none is running any more.
    """
    if threads == 1 or len(tasks) == 1:
        return [task() for task in tasks]
    waiting = deque(enumerate(tasks))
    done: dict[int, T] = {}

    def work() -> None:
        while (own := _next(waiting)) is not None:
            number, task = own
            try:
                done[number] = task()
            except BaseException:
                waiting.clear()
                raise

    helping = [_helpers().submit(work) for _ in range(min(threads, len(tasks)) - 1)]
    try:
        work()
    finally:
        ended = [helper for helper in helping if not helper.cancel()]
        errors = [error for helper in ended if (error := helper.exception()) is not None]
    if errors:
        raise errors[0]
    return [done[number] for number in range(len(tasks))]


def _next(waiting: deque[tuple[int, Callable[[], T]]]) -> tuple[int, Callable[[], T]] | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None
