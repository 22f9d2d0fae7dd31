"""The fingerprint index: votes by the definition, mates found, segments, filters, a writer beside readers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.datasets.population.population import Population
from matcher.errors import ArgumentError, ModelsDifferError
from matcher.fingerprint.descriptor import (
    FEW_VOTERS,
    MANY_VOTERS,
    PROBED_LISTS,
    WEAK_PROBED_LISTS,
    DescriptorProbe,
    FingerprintDescriptor,
    describe,
    prepare,
)
from matcher.fingerprint.descriptor_codebook import load_codebook
from matcher.fingerprint.resident import resident
from matcher.gallery import index_fingerprint_segment as segments
from matcher.gallery.index_fingerprint import FingerprintIndex
from matcher.gallery.index_fingerprint_fuse import (
    ShortlistPart,
    first_length,
    shortlist,
    shortlist_length,
    widening,
)
from matcher.gallery.index_fingerprint_merge import worn
from matcher.score.calibration import load_calibration
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality

PEOPLE = 400
PROBES = 120
TAIL = 64
"""Small enough that some hundred rows pass through every stage."""

ACCEPTED = 60.0
"""Sum of the scores of two fingers, less than which no search among a million accepts."""

Fingers = dict[FingerPosition, dict[int, Any]]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "reference_votes.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_votes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(11, modalities=(Modality.FINGERPRINT,))


@pytest.fixture(scope="module")
def enrolled(population: Population) -> Fingers:
    return by_position(population.subjects(0, PEOPLE), describe)


@pytest.fixture(scope="module")
def probes(population: Population) -> Fingers:
    return by_position(population.probes(0, PROBES), prepare)


def by_position(people: Sequence[Any], make: Any) -> Fingers:
    found: Fingers = {}
    for person in people:
        for finger in person.fingers:
            found.setdefault(finger.position, {})[person.number] = make(finger)
    return found


def filled(prints: dict[int, FingerprintDescriptor], *, tail: int = TAIL, step: int = 30) -> FingerprintIndex:
    index = FingerprintIndex(tail_rows=tail)
    numbers = sorted(prints)
    for at in range(0, len(numbers), step):
        some = numbers[at : at + step]
        index.add(np.array(some), [prints[n] for n in some])
    return index


@pytest.fixture(scope="module")
def right(enrolled: Fingers) -> dict[int, FingerprintDescriptor]:
    prints: dict[int, FingerprintDescriptor] = enrolled[FingerPosition.RIGHT_INDEX]
    return prints


@pytest.fixture(scope="module")
def right_probes(probes: Fingers) -> dict[int, DescriptorProbe]:
    found: dict[int, DescriptorProbe] = probes[FingerPosition.RIGHT_INDEX]
    return found


def test_votes_are_the_references(
    reference: ModuleType, right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    some = {n: right[n] for n in sorted(right)[:90]}
    index = filled(some, tail=40)
    assert len(index.state.segments) == 2
    assert len(index.state.tail) == 10
    for number in sorted(right_probes)[:2]:
        probe = right_probes[number]
        votes = index.votes(probe)
        for row, print_ in some.items():
            assert votes[row] == reference.row_votes(probe, print_.lists, print_.codes)
        assert not votes[sorted(set(range(len(votes))) - set(some))].any()


def test_support_is_the_references_in_segments_and_tail(
    reference: ModuleType, right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    """Of chosen rows alone, however they are stored; a mate's votes agree, those of strangers do not."""
    some = {n: right[n] for n in sorted(right)[:90]}
    index = filled(some, tail=40)
    whole = filled(some, tail=90)
    whole.sealed()
    mates, strangers = [], []
    for number in [n for n in sorted(right_probes) if n in some][:8]:
        probe = right_probes[number]
        rows = np.array([number, *(n for n in some if n % 4 == 1)])
        bits = bits_of(rows, index.rows)
        found = index.support(probe, bits, index.state)
        np.testing.assert_array_equal(whole.support(probe, bits, whole.state), found)
        for row in range(len(found)):
            print_ = some.get(row)
            chosen = print_ is not None and row in rows
            assert found[row] == (reference.row_support(probe, print_) if chosen else 0)
        votes = index.votes(probe)
        assert (found <= votes).all()
        mates.append(found[number] / max(votes[number], 1))
        others = rows[rows != number]
        strangers.append(found[others].sum() / max(votes[others].sum(), 1))
        # Rows beyond the last word are not chosen.
        assert not index.support(probe, bits[:0], index.state).any()
    assert np.median(mates) > 0.8
    assert np.median(strangers) < 0.65


def bits_of(rows: np.ndarray, count: int) -> Any:
    bits = np.zeros((count + 63) // 64, np.uint64)
    for row in rows.tolist():
        bits[row // 64] |= np.uint64(1) << np.uint64(row % 64)
    return bits


def test_a_motion_of_the_probe_leaves_support_as_it_is(population: Population) -> None:
    """Moved by whole places, and turned upside down: differences stay, 1,024 px beyond, too."""
    finger = population.subjects(0, 1)[0].fingers[0]
    m = finger.minutiae
    index = FingerprintIndex()
    index.add(np.array([0]), [describe(finger)])
    supports = []
    for turned, shift in ((False, 0), (False, 1600), (True, 0)):
        x, y = (1999 - m.x, 1999 - m.y) if turned else (m.x + shift, m.y)
        direction = m.direction + np.uint8(128) if turned else m.direction
        moved = Minutiae(x.astype(np.int16), y.astype(np.int16), direction, m.kind, m.quality)
        probe = prepare(FingerprintTemplate(moved, 4000, 4000, finger.extractor))
        supports.append(int(index.support(probe, np.ones(1, np.uint64), index.state)[0]))
    assert supports[0] == supports[1] > 1000
    assert supports[2] == pytest.approx(supports[0], rel=0.05)


def test_every_instruction_set_gives_the_same_votes(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe], tmp_path: Path
) -> None:
    index = filled(right)
    index.sealed()
    index.maintain()
    (segment,) = index.state.segments
    chosen = [right_probes[n] for n in sorted(right_probes)[:20]]
    given = {
        f"probe{n}{k}": getattr(p, k)
        for n, p in enumerate(chosen)
        for k in ("tables", "bases", "lists", "places")
    }
    np.savez(tmp_path / "task.npz", weights=chosen[0].weights, **segment.arrays(), **given)
    program = (
        "import hashlib, numpy as np\n"
        "from matcher import _core\n"
        "from matcher.gallery.index_fingerprint_segment import FACTORS\n"
        f"task = dict(np.load({os.fspath(tmp_path / 'task.npz')!r}))\n"
        "digest, out = hashlib.sha256(), np.zeros(task['numbers'].max() + 1, np.uint16)\n"
        "some = np.full(len(out) // 64 + 1, 0x5555_5555_5555_5555, np.uint64)\n"
        "for n in range(20):\n"
        "    probe = [task[f'probe{n}{k}'] for k in ('tables', 'bases', 'lists')]\n"
        "    held = [task[k] for k in ('codes', 'rows', 'offsets', 'numbers', 'minutiae')]\n"
        "    _core.vote_lists(*probe, task['weights'], *held, FACTORS, out)\n"
        "    digest.update(out.tobytes())\n"
        "    first = [task['weights'], task[f'probe{n}places'].ravel(), task['codes'], task['places']]\n"
        "    _core.support_lists(*probe, *first, *held[1:], FACTORS, some, out)\n"
        "    digest.update(out.tobytes())\n"
        "print(_core.simd_level(), digest.hexdigest(), out.max())\n"
    )
    best = _run(program, "").split()
    levels = ["scalar", "avx2", "avx512"]
    known = levels[: levels.index(best[0]) + 1]
    said = {level: _run(program, level).split() for level in known}
    assert {level: answer[0] for level, answer in said.items()} == {level: level for level in known}
    assert {tuple(answer[1:]) for answer in said.values()} == {tuple(best[1:])}
    assert int(best[2]) > 0


def _run(program: str, level: str) -> str:
    environment = {**os.environ, "MATCHER_SIMD": level}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_mates_that_the_scorer_accepts_are_on_the_shortlist(
    population: Population, enrolled: Fingers, probes: Fingers
) -> None:
    indexes = {position: filled(prints) for position, prints in enrolled.items()}
    calibration = load_calibration("numba/1", "numba/1")
    lost_one, lost_two, counted = 0, 0, 0
    for person, again in zip(population.subjects(0, PROBES), population.probes(0, PROBES), strict=True):
        mates = [
            (one, other)
            for one in person.fingers
            for other in again.fingers
            if one.position == other.position
        ]
        raw = [score(FingerprintProbe(other), resident(one)).raw for one, other in mates]
        if len(raw) < 2 or calibration.scores(np.array(raw))[0].sum() < ACCEPTED:
            continue
        parts = [
            ShortlistPart(indexes[one.position], probes[one.position][person.number]) for one, _ in mates
        ]
        counted += 1
        lost_one += person.number not in parts[0].index.search(parts[0].probe, PEOPLE // 50)[0]
        lost_two += person.number not in shortlist(parts, PEOPLE, PEOPLE // 100, first=PEOPLE // 10)[0]
    assert counted > 0.6 * PROBES
    assert lost_one <= 0.15 * counted
    assert lost_two <= 0.01 * counted


def test_votes_are_the_same_however_rows_came_and_were_merged(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    index = filled(right)
    probe = next(iter(right_probes.values()))
    before = index.votes(probe)
    index.sealed()
    assert len(index.state.segments) > 5
    assert index.maintain()
    assert len(index.state.segments) == 1
    np.testing.assert_array_equal(index.votes(probe), before)
    assert not index.maintain()
    numbers = np.array(sorted(right, reverse=True))
    backwards = FingerprintIndex(tail_rows=1000)
    backwards.add(numbers, [right[n] for n in numbers])
    backwards.sealed()
    np.testing.assert_array_equal(backwards.votes(probe), before)


def test_many_rows_at_once_become_segments(
    right: dict[int, FingerprintDescriptor],
    right_probes: dict[int, DescriptorProbe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("matcher.gallery.index_fingerprint.SEGMENT_ROWS", 100)
    monkeypatch.setattr("matcher.gallery.index_fingerprint_merge.SEGMENT_ROWS", 100)
    index = filled(right, step=len(right))
    assert [len(s) for s in index.state.segments[:3]] == [100, 100, 100]
    probe = next(iter(right_probes.values()))
    whole = filled(right, tail=1)
    whole.sealed()
    index.sealed()
    np.testing.assert_array_equal(index.votes(probe), whole.votes(probe))
    whole.maintain()
    assert max(len(s) for s in whole.state.segments) <= 100
    np.testing.assert_array_equal(index.votes(probe), whole.votes(probe))


def test_filters_owners_and_deletions_hold_before_the_best_are_taken(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    index = filled(right)
    number = next(n for n in right_probes if n in right)
    probe = right_probes[number]
    rows, votes = index.search(probe, 50)
    assert (np.diff(votes.astype(int)) <= 0).all()
    assert set(rows.tolist()) <= set(right)
    assert all(a < b for a, b, x, y in zip(rows, rows[1:], votes, votes[1:], strict=False) if x == y)
    bits = np.zeros((index.rows + 63) // 64, np.uint64)
    for row in rows[10:20].tolist():
        bits[row // 64] |= np.uint64(1) << np.uint64(row % 64)
    found, _ = index.search(probe, 50, allowed=bits)
    np.testing.assert_array_equal(found, rows[10:20])
    short, _ = index.search(probe, 50, allowed=bits[:1])
    assert all(row < 64 for row in short)
    # Two rows of one owner count once, with the more votes; an owner of -1 is nobody.
    owners = np.full(index.rows, -1, np.int32)
    owners[rows[:4]] = [3, 3, 1, 1]
    subjects, counted = shortlist([ShortlistPart(index, probe, owners=owners)], 5, 10)
    assert dict(zip(subjects.tolist(), counted.tolist(), strict=True)) == {3: votes[0], 1: votes[2]}
    twice, doubled = shortlist([ShortlistPart(index, probe, owners=owners)] * 2, 5, 10)
    at_once, counted_at_once = shortlist([ShortlistPart(index, probe, owners=owners)] * 2, 5, 10, threads=2)
    np.testing.assert_array_equal(at_once, twice)
    np.testing.assert_array_equal(counted_at_once, doubled)
    np.testing.assert_array_equal(doubled, 2 * counted)
    np.testing.assert_array_equal(twice, subjects)
    index.remove(rows[:3])
    index.remove(np.array([-1, 10**6]))
    np.testing.assert_array_equal(index.search(probe, 47)[0], rows[3:])
    assert len(index) == len(right) - 3
    assert len(FingerprintIndex().search(probe, 5)[0]) == 0


def test_deleted_rows_leave_worn_segments(right: dict[int, FingerprintDescriptor]) -> None:
    index = filled(right)
    index.sealed()
    index.maintain()
    before = index.resident_bytes()
    gone = np.array(sorted(right)[::3])
    index.remove(gone)
    assert worn(index.state.segments, index.state.alive)
    assert index.maintain()
    assert sum(len(s) for s in index.state.segments) == len(index) == len(right) - len(gone)
    assert index.resident_bytes() < before
    index.remove(np.array(sorted(right)))
    assert index.maintain()
    assert index.state.segments == ()
    with pytest.raises(ArgumentError, match="used before"):
        index.add(gone[:1], [right[int(gone[0])]])


def test_bytes_a_print_stay_within_bounds(right: dict[int, FingerprintDescriptor]) -> None:
    index = filled(right)
    index.sealed()
    index.maintain()
    lists = 4 * (load_codebook().lists + 1)
    # 13 bytes a minutia: ten fingers stay below 7 of the 12 kB that a person may have in memory.
    assert (index.resident_bytes() - lists) / len(right) < 700
    assert np.median([d.bytes for d in right.values()]) < 600


def test_segments_go_to_files_and_come_back(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe], tmp_path: Path
) -> None:
    index = filled(right)
    index.remove(np.array([sorted(right)[4]]))
    stored = []
    for number, segment in enumerate(index.sealed()):
        for name, array in segment.arrays().items():
            np.save(tmp_path / f"{number}{name}.npy", array)
        names = segment.arrays()
        stored.append({name: np.load(tmp_path / f"{number}{name}.npy", mmap_mode="r") for name in names})
    again = FingerprintIndex.of(stored, index.state.alive[: index.rows])
    probe = next(iter(right_probes.values()))
    np.testing.assert_array_equal(again.votes(probe), index.votes(probe))
    np.testing.assert_array_equal(again.search(probe, 30)[0], index.search(probe, 30)[0])
    assert again.maintain()
    np.testing.assert_array_equal(again.search(probe, 30)[0], index.search(probe, 30)[0])
    row = int(index.rows)
    again.add(np.array([row]), [right[sorted(right)[0]]])
    assert len(again) == len(index) + 1


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("offsets", lambda a: a[:-1], "lists of all postings"),
        ("offsets", lambda a: np.where(np.arange(len(a)) == 5, a[-1], a).astype(a.dtype), "do not fit"),
        ("codes", lambda a: a[:-1], "do not fit"),
        ("codes", lambda a: a.astype(np.int16), "expected an array of uint8"),
        ("places", lambda a: a[:-1], "places and postings"),
        ("rows", lambda a: a[::-1] * np.uint16(0) + np.uint16(60_000), "do not fit the minutiae"),
        ("minutiae", lambda a: a[:-1], "number of minutiae"),
        ("minutiae", lambda a: a + np.uint8(1), "do not fit the minutiae"),
        ("numbers", lambda a: a - np.int32(10**6), "row numbers from 0"),
    ],
)
def test_damaged_segments_are_refused(
    right: dict[int, FingerprintDescriptor], name: str, change: Any, match: str
) -> None:
    index = filled({n: right[n] for n in sorted(right)[:40]})
    (segment,) = index.sealed()
    arrays = segment.arrays()
    arrays[name] = np.ascontiguousarray(change(arrays[name]))
    with pytest.raises(ArgumentError, match=match):
        FingerprintIndex.of([arrays], index.state.alive)


def test_wrong_arguments_are_refused(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    index = filled({n: right[n] for n in sorted(right)[:40]})
    segment = index.sealed()[0].arrays()
    probe, one = next(iter(right_probes.values())), next(iter(right.values()))
    with pytest.raises(ArgumentError, match="one segment"):
        FingerprintIndex.of([segment, segment], index.state.alive)
    with pytest.raises(ArgumentError, match="mark for each row"):
        FingerprintIndex.of([segment], index.state.alive[:10])
    with pytest.raises(ArgumentError, match="tail rows"):
        FingerprintIndex(tail_rows=0)
    with pytest.raises(ArgumentError, match="2 row numbers"):
        index.add(np.array([1000]), [one, one])
    for numbers in ([1000, 1000], [-1, 1000], [2**31, 1000]):
        with pytest.raises(ArgumentError, match="different row numbers"):
            index.add(np.array(numbers), [one, one])
    index.add(np.zeros(0, np.int64), [])
    assert len(index) == 40
    with pytest.raises(ModelsDifferError):
        index.add(np.array([1000]), [replace(one, codebook="another")])
    with pytest.raises(ModelsDifferError):
        index.votes(replace(probe, codebook="another"))
    for k in (0, 2**23):
        with pytest.raises(ArgumentError, match="places"):
            index.search(probe, k)
    with pytest.raises(ArgumentError, match="at least one finger"):
        shortlist([], 5, 5)
    with pytest.raises(ArgumentError, match="allowed"):
        index.search(probe, 5, allowed=np.zeros(9, np.int64))  # type: ignore[arg-type]
    owners: Any = np.zeros(index.rows, np.int64)
    with pytest.raises(ArgumentError, match="owners"):
        shortlist([ShortlistPart(index, probe, owners=owners)], 5, 5)
    with pytest.raises(ArgumentError, match="totals"):
        shortlist([ShortlistPart(index, probe, owners=np.full(index.rows, 9, np.int32))], 5, 5)
    assert shortlist_length(10) == 500
    assert shortlist_length(1_600_000) == 1_600
    assert (first_length(10), first_length(1_600_000)) == (2_000, 16_000)


def test_weak_probes_get_longer_lists(right_probes: dict[int, DescriptorProbe]) -> None:
    good = next(p for p in right_probes.values() if FEW_VOTERS <= len(p) <= MANY_VOTERS)
    few = replace(good, bases=good.bases[: FEW_VOTERS - 1])
    many = replace(good, bases=np.zeros(MANY_VOTERS + 1, np.uint8))
    assert widening([good, good]) == 1 < widening([good]) < widening([good, few]) == widening([many])


def test_weak_prints_look_into_more_lists(population: Population) -> None:
    templates = [finger for person in population.probes(0, 60) for finger in person.fingers]
    looked = {(probe.weak, probe.lists.shape[1]) for probe in map(prepare, templates)}
    assert (False, PROBED_LISTS) in looked
    assert looked <= {(False, PROBED_LISTS), (True, WEAK_PROBED_LISTS)}
    template = max(templates, key=lambda t: len(t.minutiae))
    one, other = prepare(template), prepare(template, probed_lists=WEAK_PROBED_LISTS)
    np.testing.assert_array_equal(one.lists, other.lists[:, : one.lists.shape[1]])


def test_a_list_beyond_the_last_is_an_error_and_no_crash(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    index = filled({n: right[n] for n in sorted(right)[:40]})
    index.sealed()
    probe = next(iter(right_probes.values()))
    lists = probe.lists.copy()
    lists[0, 0] = load_codebook().lists
    with pytest.raises(IndexError, match="lists"):
        index.votes(replace(probe, lists=lists))


def test_readers_see_whole_prints_beside_a_writer(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    """A row that is added is found by the next search; none that was deleted comes back, whatever merges."""
    probe = next(iter(right_probes.values()))
    expected = filled(right, tail=500).votes(probe)
    index = FingerprintIndex(tail_rows=16)
    stop, errors = threading.Event(), []
    gone: set[int] = set()

    def read() -> None:
        try:
            while not stop.is_set():
                deleted, state = set(gone), index.state
                votes = index.votes(probe, state)
                there = np.flatnonzero(votes)
                assert np.isin(there, sorted(right)).all()
                assert (votes[there] == expected[there]).all()
                assert not deleted & set(index.search(probe, 500)[0].tolist())
        except BaseException as error:
            errors.append(error)

    def merge() -> None:
        try:
            while not stop.is_set():
                index.maintain()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for work in (read, read, merge)]
    for thread in threads:
        thread.start()
    numbers = sorted(right)
    for at, number in enumerate(numbers):
        index.add(np.array([number]), [right[number]])
        assert index.votes(probe)[number] == expected[number]
        if at % 7 == 3:
            index.remove(np.array([numbers[at - 2]]))
            gone.add(numbers[at - 2])
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(index) == len(numbers) - len(gone)


def test_prints_without_minutiae_are_rows_without_votes(
    right: dict[int, FingerprintDescriptor], right_probes: dict[int, DescriptorProbe]
) -> None:
    probe, one = next(iter(right_probes.values())), next(iter(right.values()))
    empty = replace(one, lists=one.lists[:0], codes=one.codes[:0], places=one.places[:0])
    index = FingerprintIndex(tail_rows=2)
    index.add(np.arange(5), [empty, one, empty, empty, empty])
    before = index.votes(probe)
    index.sealed()
    index.maintain()
    assert [len(s) for s in index.state.segments] == [5]
    assert not before[[0, 2, 3, 4]].any()
    assert not index.votes(probe)[[0, 2, 3, 4]].any()
    silent = replace(
        probe,
        tables=probe.tables[:0],
        bases=probe.bases[:0],
        lists=probe.lists[:0],
        places=probe.places[:0],
    )
    assert not index.votes(silent).any()
    assert segments.FACTORS[0] == segments.FACTORS[segments.FEW_MINUTIAE] > segments.FACTORS[9]
