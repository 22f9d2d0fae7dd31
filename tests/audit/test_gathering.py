"""The place where entries wait for their group: nothing lost, nothing twice, in order, and an end."""

from __future__ import annotations

import threading

from matcher.audit.gathering import Gathering

LONG_S = 30.0
"""Longer than any test: who waits for it was not called."""


def test_a_group_is_what_waits_in_its_order_and_no_more_than_wanted() -> None:
    waiting: Gathering[int] = Gathering(10, 0.0)
    assert all(waiting.put(number) for number in range(5))
    assert len(waiting) == 5
    assert waiting.take(3, 1) == [0, 1, 2]
    assert waiting.take(3, 1) == [3, 4]


def test_too_many_are_not_taken() -> None:
    waiting: Gathering[int] = Gathering(2, 0.0)
    assert [waiting.put(number) for number in range(3)] == [True, True, False]
    waiting.take(10, 1)
    assert waiting.put(3)


def test_who_lingers_is_called_when_as_many_as_expected_are_there() -> None:
    waiting: Gathering[int] = Gathering(10, LONG_S)
    waiting.put(0)
    taken: list[list[int]] = []
    taker = threading.Thread(target=lambda: taken.append(waiting.take(10, 3)))
    taker.start()
    waiting.put(1)
    waiting.put(2)
    taker.join(LONG_S / 2)
    assert taken == [[0, 1, 2]]


def test_who_lingers_in_vain_takes_what_there_is() -> None:
    waiting: Gathering[int] = Gathering(10, 0.001)
    waiting.put(0)
    assert waiting.take(10, 3) == [0]


def test_the_end_wakes_who_waits_and_what_waited_is_given_out_first() -> None:
    waiting: Gathering[int] = Gathering(10, LONG_S)
    taken: list[list[int]] = []
    taker = threading.Thread(target=lambda: taken.append(waiting.take(10, 1)))
    taker.start()
    waiting.close()
    taker.join(LONG_S / 2)
    assert taken == [[]]
    other: Gathering[int] = Gathering(10, LONG_S)
    other.put(0)
    other.close()
    assert not other.put(1)
    assert [other.take(10, 5), other.take(10, 5)] == [[0], []]


def test_of_many_who_bring_nothing_is_lost_and_nothing_comes_twice() -> None:
    waiting: Gathering[tuple[int, int]] = Gathering(1 << 16, 0.0001)
    each, bringers = 500, 4
    threads = [
        threading.Thread(target=lambda who=who: [waiting.put((who, number)) for number in range(each)])  # type: ignore[misc]
        for who in range(bringers)
    ]
    for thread in threads:
        thread.start()
    found: list[tuple[int, int]] = []
    while len(found) < each * bringers:
        group = waiting.take(64, 8)
        assert 0 < len(group) <= 64
        found += group
    assert sorted(found) == [(who, number) for who in range(bringers) for number in range(each)]
    for who in range(bringers):
        own = [number for other, number in found if other == who]
        assert own == sorted(own)
