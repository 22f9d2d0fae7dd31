"""Exhaustive search against a loop in plain Python."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher.errors import CalibrationMissingError, DeadlineError
from matcher.gallery import gather
from matcher.gallery.compare import PairTable, compare_pairs
from matcher.gallery.encounters import plain_encounter
from matcher.gallery.filters import EVERYBODY, allowed
from matcher.gallery.gather import Samples, Selection, everything
from matcher.gallery.memory import Memory
from matcher.gallery.records import Change, ChangeKind
from matcher.gallery.rows import ResidentSample
from matcher.gallery.search import Characteristic, CharacteristicTally, comparable_with, prepare, search
from matcher.types import FingerPosition, FingerprintTemplate, Modality


def remember(memory: Memory, fakes: ModuleType, people: list[list[FingerprintTemplate]]) -> None:
    scorer = fakes.Scorer()
    for number, templates in enumerate(people, 1):
        samples = [
            ResidentSample(Modality.FINGERPRINT, scorer.resident(t), int(t.position), t.extractor)
            for t in templates
        ]
        memory.add(plain_encounter(number, number, f"s{number - 1}"), samples)
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


def rows_of(memory: Memory) -> tuple[Samples, int]:
    """Return what `search` takes of a memory."""
    view = memory.view()
    rows = view.rows[Modality.FINGERPRINT]
    return Samples(tuple(everything(rows, view, allowed(view, EVERYBODY))), rows.extractors), view.numbers


def of(memory: Memory, number: int) -> Samples:
    """Return the samples of one subject."""
    view = memory.view()
    return Selection(memory, view, allowed(view, EVERYBODY), np.array([number])).hot(Modality.FINGERPRINT)


def meets(one: int, other: int) -> bool:
    """The rule, said once more."""
    return one == other or 0 in (one, other)


def alone(count: int) -> list[Characteristic]:
    """Each sample is a finger of its own."""
    return [Characteristic((i,)) for i in range(count)]


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
@pytest.mark.parametrize("chunk", [1, 5, 8192])
def test_the_tally_is_that_of_a_plain_loop(
    fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, block_rows: int, chunk: int
) -> None:
    monkeypatch.setattr(gather, "CHUNK_ROWS", chunk)
    people = people_of(fakes, 1, 60)
    memory = Memory(block_rows=block_rows)
    remember(memory, fakes, people)
    memory.apply([Change(61, ChangeKind.DELETE, 5, "s4")])
    people[4] = []
    scorer = fakes.Scorer()
    probes = [fakes.template(3, 1, FingerPosition(p)) for p in (0, 1, 2)]
    fingers: list[CharacteristicTally] = []
    comparisons = search(scorer, *rows_of(memory), prepare(scorer, probes), alone(3), fingers.append)
    assert len(fingers) == 3
    for number, templates in enumerate(people):
        scores = []
        for probe in probes:
            for t in templates:
                if meets(probe.position, t.position):
                    words = scorer.resident(t)
                    raw = scorer.score(
                        scorer.prepare(probe), words, np.array([0, len(words)]), np.array([0]), 1
                    )
                    scores.append(float(raw[0]))
        assert comparisons[number] == sum(f.comparisons[number] for f in fingers) == len(scores)
        assert sum(f.cubes[number] for f in fingers) == sum(s**3 for s in scores)
        assert max(f.best[number] for f in fingers) == max(scores, default=-np.inf)
        # The first probe's position is unknown: all it finds are hypotheses; the others find some.
        for finger, probe in zip(fingers, probes, strict=True):
            unknown = [t.position == 0 or probe.position == 0 for t in templates]
            met = [meets(probe.position, t.position) for t in templates]
            assert finger.hypotheses[number] == any(u and m for u, m in zip(unknown, met, strict=True))


def test_positions_are_comparable_when_equal_or_unknown(fakes: ModuleType) -> None:
    memory = Memory()
    remember(memory, fakes, [[fakes.template(1, 0, FingerPosition(p)) for p in (0, 1, 2, 3)]])
    [batch] = rows_of(memory)[0].batches
    for position in (0, 1, 2):
        assert comparable_with(batch, position).tolist() == [meets(position, p) for p in (0, 1, 2, 3)]


def test_one_subject_is_compared_like_all(fakes: ModuleType) -> None:
    memory = Memory()
    remember(memory, fakes, people_of(fakes, 2, 40))
    scorer = fakes.Scorer()
    probes = prepare(scorer, [fakes.template(9, 1), fakes.template(3, 1, FingerPosition(2))])
    fingers: list[CharacteristicTally] = []
    every = search(scorer, *rows_of(memory), probes, alone(2), fingers.append)
    for number in range(40):
        own = of(memory, number)
        for across in (False, True):
            table = compare_pairs(scorer, own, probes, across=across)
            assert table.comparable.sum() == every[number]
            assert (table.compared == (table.comparable | across)).all()
            values = table.value[table.comparable]
            assert values.max(initial=-np.inf) == max(finger.best[number] for finger in fingers)


def test_samples_of_one_finger_are_tallied_together(fakes: ModuleType) -> None:
    memory = Memory()
    remember(
        memory, fakes, [[fakes.template(3, 0, FingerPosition(2)), fakes.template(4, 0, FingerPosition(3))]]
    )
    scorer = fakes.Scorer()
    probes = prepare(scorer, [fakes.template(3, 1, FingerPosition(p)) for p in (2, 2, 3)])
    fingers: list[CharacteristicTally] = []
    search(
        scorer,
        *rows_of(memory),
        probes,
        [Characteristic((0, 1)), Characteristic((2,), choice=True)],
        fingers.append,
    )
    assert [f.comparisons[0] for f in fingers] == [2, 1]
    assert [f.hypotheses[0] for f in fingers] == [False, True]
    assert fingers[0].cubes[0] == 2 * fakes.MATED**3


def test_a_pairing_without_a_calibration_is_an_error(fakes: ModuleType) -> None:
    memory = Memory()
    remember(memory, fakes, [[fakes.template(1)]])
    scorer = fakes.Scorer()
    probes = prepare(scorer, [fakes.template(1, extractor=fakes.ALIEN)])
    with pytest.raises(CalibrationMissingError):
        search(scorer, *rows_of(memory), probes, alone(1), lambda finger: None)


def test_a_search_stops_when_nobody_waits(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "CHUNK_ROWS", 1)
    memory = Memory()
    remember(memory, fakes, [[fakes.template(i)] for i in range(100)])
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 10:
            raise DeadlineError("enough")

    probes = prepare(fakes.Scorer(), [fakes.template(1)])
    with pytest.raises(DeadlineError):
        search(fakes.Scorer(), *rows_of(memory), probes, alone(1), lambda finger: None, check=check)
    assert looks == 10


@pytest.mark.parametrize("seed", range(3))
def test_a_comparison_at_once_says_what_one_after_the_other_says(
    fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    memory = Memory()
    remember(memory, fakes, people_of(fakes, seed, 30))
    scorer = fakes.Scorer()
    probes = prepare(scorer, [fakes.template(n, 1, FingerPosition(n % 4)) for n in range(5)])
    people = [own for number in range(30) if len(own := of(memory, number))]
    at_once = [compare_pairs(scorer, own, probes, across=True) for own in people]
    monkeypatch.setattr("matcher.gallery.compare._of_one_calibration", lambda *_: [])
    for own, table in zip(people, at_once, strict=True):
        wanted = compare_pairs(scorer, own, probes, across=True)
        for name in PairTable.__slots__:
            mine, its = getattr(table, name), getattr(wanted, name)
            assert np.array_equal(mine, its)
            assert name == "calibrations" or mine.dtype == its.dtype
