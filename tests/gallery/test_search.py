"""Exhaustive search against a loop in plain Python."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher.errors import CalibrationMissingError, DeadlineError
from matcher.gallery import search as search_module
from matcher.gallery.memory import Memory, ResidentSample
from matcher.gallery.search import comparable, compare_places, prepare, search
from matcher.types import FingerPosition, FingerprintTemplate


def remember(memory: Memory, fakes: ModuleType, people: list[list[FingerprintTemplate]]) -> None:
    scorer = fakes.Scorer()
    for number, templates in enumerate(people, 1):
        samples = [ResidentSample(scorer.resident(t), int(t.position), t.extractor) for t in templates]
        memory.add(number, f"s{number - 1}", samples)
    memory.publish(len(people))


def people_of(fakes: ModuleType, seed: int, count: int) -> list[list[FingerprintTemplate]]:
    rng = np.random.default_rng(seed)
    return [
        [
            fakes.template(int(rng.integers(0, 50)), 0, FingerPosition(int(rng.integers(0, 4))))
            for _ in range(rng.integers(0, 4))
        ]
        for _ in range(count)
    ]


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
@pytest.mark.parametrize("chunk", [1, 5, 8192])
def test_the_tally_is_that_of_a_plain_loop(
    fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, block_rows: int, chunk: int
) -> None:
    monkeypatch.setattr(search_module, "CHUNK_ROWS", chunk)
    people = people_of(fakes, 1, 60)
    memory = Memory(block_rows=block_rows)
    remember(memory, fakes, people)
    memory.remove(5, "s4")
    people[4] = []
    scorer = fakes.Scorer()
    probes = [fakes.template(3, 1, FingerPosition(p)) for p in (0, 1, 2)]
    tally = search(scorer, memory.view(), prepare(scorer, probes))
    for number, templates in enumerate(people):
        scores = []
        for probe in probes:
            for t in templates:
                if comparable(probe.position, t.position):
                    words = scorer.resident(t)
                    raw = scorer.score(
                        scorer.prepare(probe), words, np.array([0, len(words)]), np.array([0]), 1
                    )
                    scores.append(float(raw[0]))
        assert tally.hypotheses[number] == len(scores)
        if scores:
            assert tally.value[number] == tally.raw[number] == max(scores)
            assert tally.extrapolated[number] == (max(scores) > fakes.SUPPORT)
        else:
            assert tally.value[number] == -np.inf


def test_positions_are_comparable_when_equal_or_unknown() -> None:
    assert comparable(2, 2)
    assert comparable(0, 2)
    assert comparable(2, 0)
    assert not comparable(2, 3)


def test_one_subject_is_compared_like_all(fakes: ModuleType) -> None:
    memory = Memory()
    remember(memory, fakes, people_of(fakes, 2, 40))
    scorer = fakes.Scorer()
    probes = prepare(scorer, [fakes.template(9, 1), fakes.template(3, 1, FingerPosition(2))])
    every = search(scorer, memory.view(), probes)
    for number in range(40):
        places = memory.places(f"s{number}")
        assert places is not None
        one = compare_places(scorer, memory, places, probes)
        assert one.hypotheses[0] == every.hypotheses[number]
        assert one.value[0] == every.value[number]


def test_a_pairing_without_a_calibration_is_an_error(fakes: ModuleType) -> None:
    memory = Memory()
    remember(memory, fakes, [[fakes.template(1)]])
    scorer = fakes.Scorer()
    with pytest.raises(CalibrationMissingError):
        search(scorer, memory.view(), prepare(scorer, [fakes.template(1, extractor=fakes.ALIEN)]))


def test_a_search_stops_when_nobody_waits(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "CHUNK_ROWS", 1)
    memory = Memory()
    remember(memory, fakes, [[fakes.template(i)] for i in range(100)])
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 10:
            raise DeadlineError("enough")

    with pytest.raises(DeadlineError):
        search(fakes.Scorer(), memory.view(), prepare(fakes.Scorer(), [fakes.template(1)]), check=check)
    assert looks == 10
