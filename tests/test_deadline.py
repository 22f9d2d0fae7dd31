"""A deadline calls off what has not begun, and never guesses about what has."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from matcher.deadline import FOREVER, Deadline
from matcher.errors import DeadlineError

PASSED = Deadline(lambda: -1.0)


def test_time_that_is_left_is_no_matter() -> None:
    FOREVER.check()
    Deadline(lambda: 0.1).check()
    with pytest.raises(DeadlineError):
        PASSED.check()
    with pytest.raises(DeadlineError):
        Deadline(lambda: 0.0).check()


def test_what_is_done_is_returned_and_what_failed_is_raised() -> None:
    done: Future[int] = Future()
    done.set_result(3)
    assert FOREVER.wait(done) == 3
    failed: Future[int] = Future()
    failed.set_exception(TimeoutError("of the work itself"))
    with pytest.raises(TimeoutError, match="of the work itself"):
        Deadline(lambda: 10.0).wait(failed)


def test_what_has_not_begun_is_called_off() -> None:
    waiting: Future[int] = Future()
    with pytest.raises(DeadlineError):
        Deadline(lambda: 0.05).wait(waiting)
    assert waiting.cancelled()


def test_what_has_begun_is_waited_for() -> None:
    running: Future[int] = Future()
    running.set_running_or_notify_cancel()
    threading.Timer(0.3, running.set_result, [4]).start()
    assert Deadline(lambda: 0.05).wait(running) == 4


def test_work_that_was_queued_when_the_time_was_up_already_is_called_off_too() -> None:
    """Else the caller is told that nothing happened, and the enrolment is committed all the same."""
    waiting: Future[int] = Future()
    with pytest.raises(DeadlineError):
        PASSED.wait(waiting)
    assert waiting.cancelled()
    running: Future[int] = Future()
    running.set_running_or_notify_cancel()
    threading.Timer(0.1, running.set_result, [5]).start()
    assert PASSED.wait(running) == 5
