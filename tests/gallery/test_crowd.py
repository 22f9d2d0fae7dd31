"""How many writes a commit waits for."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest

from matcher.gallery import writer
from matcher.gallery.crowd import ENOUGH, LAST_TRIAL, Crowd
from matcher.gallery.operations import Enrolment, Operation, SubjectDeletion
from matcher.gallery.records import Receipt
from matcher.gallery.transaction import Outcome
from matcher.gallery.writer import PERIOD_S, Writer


def _sizes(crowd: Crowd, come: Sequence[int]) -> list[tuple[int, int]]:
    """Return what was wanted of groups and what they had: at most so many come while they wait."""
    found = []
    for most in come:
        wanted = crowd.wanted()
        crowd.came(min(wanted, most))
        found.append((wanted, min(wanted, most)))
    return found


def test_somebody_alone_waits_seldom_for_others() -> None:
    groups = _sizes(Crowd(), [1] * 2000)
    in_vain = sum(wanted > came for wanted, came in groups)
    assert 0 < in_vain <= 4 + 2000 / LAST_TRIAL


def test_callers_who_come_together_are_waited_for_and_seldom_more() -> None:
    groups = _sizes(Crowd(), [5] * 2000)
    late = groups[1000:]
    assert sum(came for _, came in late) >= 4.9 * len(late)
    assert sum(wanted > came for wanted, came in late) <= 1 + 1000 / LAST_TRIAL


def test_steady_arrivals_come_in_groups_of_about_as_many_as_a_wait_sees() -> None:
    draw = random.Random(3)
    come = [1 + sum(draw.random() < 0.3 for _ in range(10)) for _ in range(4000)]
    groups = _sizes(Crowd(), come)[1000:]
    assert sum(came for _, came in groups) > 0.5 * sum(come[1000:])


def test_no_more_than_enough_are_waited_for() -> None:
    crowd = Crowd()
    assert max(wanted for wanted, _ in _sizes(crowd, [50] * 500)) == ENOUGH
    crowd.came(200)
    assert crowd.expected == ENOUGH


def test_after_a_crowd_somebody_alone_waits_a_few_times_only() -> None:
    crowd = Crowd()
    _sizes(crowd, [50] * 500)
    groups = _sizes(crowd, [1] * 3)
    assert crowd.expected == 1
    assert groups[0] == (ENOUGH, 1)


class _Commits:
    """Commits that only remember how many operations each had."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        self.sizes.append(len(operations))
        return [Receipt("s", True, 1) for _ in operations]


def _submitted(operations: Sequence[Operation], pause_s: float) -> list[int]:
    """Submit operations one after the other without waiting for answers; return the groups' sizes."""
    commits = _Commits()
    made = Writer(commits, lambda: None)
    futures: list[Future[Receipt]] = []
    for operation in operations:
        futures.append(made.submit(operation))
        threading.Event().wait(pause_s)
    for future in futures:
        assert future.result(timeout=10).subject_id == "s"
    made.close()
    return commits.sizes


def test_enrolments_at_a_steady_rate_are_committed_in_groups() -> None:
    sizes = _submitted([Enrolment(f"s{n}", ()) for n in range(150)], PERIOD_S / 10)
    assert sum(sizes) == 150
    assert len(sizes) < 100


@pytest.fixture
def long_wait(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A writer that has seen a crowd, and would wait minutes for the next one."""
    made = Writer(_Commits(), lambda: None)
    for future in [made.submit(Enrolment(f"s{n}", ())) for n in range(64)]:
        future.result(timeout=10)
    monkeypatch.setattr(writer, "PERIOD_S", 600.0)
    yield made
    made.close()


def test_deletions_wait_for_nobody_and_take_along_who_waits(long_wait: Writer) -> None:
    waiting = long_wait.submit(Enrolment("s", ()))
    assert long_wait.submit(SubjectDeletion("s1")).result(timeout=10).created
    assert waiting.result(timeout=10).created
    assert long_wait.submit(SubjectDeletion("s2")).result(timeout=10).created


def test_who_waits_for_others_is_served_at_the_end(long_wait: Writer) -> None:
    waiting = long_wait.submit(Enrolment("s", ()))
    long_wait.close()
    assert waiting.done()


def test_enough_enrolments_wait_no_longer(long_wait: Writer) -> None:
    for future in [long_wait.submit(Enrolment(f"t{n}", ())) for n in range(ENOUGH)]:
        assert future.result(timeout=10).created
