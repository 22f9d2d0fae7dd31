"""Arrays in memory: what a reader took stays, what was deleted is not found, and replay is idempotent."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from matcher.errors import NotReadyError
from matcher.gallery.memory import Memory
from matcher.gallery.records import Change, ChangeKind
from matcher.gallery.rows import ResidentSample
from matcher.types import Modality

FINGERPRINT, IRIS = Modality.FINGERPRINT, Modality.IRIS


def sample(
    value: int, length: int = 3, position: int = 0, extractor: str = "x", modality: Modality = FINGERPRINT
) -> ResidentSample:
    return ResidentSample(modality, np.full(length, value, np.uint64), position, extractor)


def enroll(sequence: int, *samples: ResidentSample) -> Change:
    return Change(sequence, ChangeKind.ENROLL, sequence, f"s{sequence}", samples)


def delete(sequence: int, key: int) -> Change:
    return Change(sequence, ChangeKind.DELETE, key, f"s{key}")


def rows_of(memory: Memory, modality: Modality = FINGERPRINT) -> list[tuple[str | None, int, list[int]]]:
    return [
        (
            memory.name(int(block.subject[row])),
            int(block.position[row]),
            block.words[block.offsets[row] : block.offsets[row + 1]].tolist(),
        )
        for block, count in memory.view().rows[modality].blocks
        for row in range(count)
        if not block.dead[row]
    ]


def test_rows_are_packed_with_their_subject_and_position() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(7, 2, 1), sample(8, 0, 2)), enroll(2, sample(9, 4, 3, "y"))])
    assert rows_of(memory) == [("s1", 1, [7, 7]), ("s1", 2, []), ("s2", 3, [9, 9, 9, 9])]
    view = memory.view()
    rows = view.rows[FINGERPRINT]
    assert (view.subjects, view.sequence, rows.samples, rows.extractors) == (2, 2, 3, ("x", "y"))
    assert rows.resident_bytes == 6 * 8 + 3 * (8 + 4 + 3)
    assert not view.rows[IRIS].blocks


def test_each_modality_has_arrays_of_its_own() -> None:
    memory = Memory()
    eye = sample(9, 4, 2, "eye", IRIS)
    memory.apply([enroll(1, sample(7, 2, 1), eye), enroll(2, eye), enroll(3, sample(5))])
    assert rows_of(memory) == [("s1", 1, [7, 7]), ("s3", 0, [5, 5, 5])]
    assert rows_of(memory, IRIS) == [("s1", 2, [9] * 4), ("s2", 2, [9] * 4)]
    rows = memory.view().rows
    assert (rows[FINGERPRINT].extractors, rows[IRIS].extractors) == (("x",), ("eye",))
    assert rows[IRIS].resident_bytes == 8 * 8 + 2 * (8 + 4 + 3)
    assert [place.modality for place in memory.places("s1") or ()] == [FINGERPRINT, IRIS]
    memory.apply([delete(4, 1)])
    rows = memory.view().rows
    assert (rows[FINGERPRINT].samples, rows[IRIS].samples, memory.view().subjects) == (1, 1, 2)
    assert rows_of(memory, IRIS) == [("s2", 2, [9] * 4)]


@pytest.mark.parametrize(("block_words", "block_rows"), [(8, 100), (1000, 3), (1, 1)])
def test_rows_go_on_in_the_next_block_and_a_long_row_gets_its_own(block_words: int, block_rows: int) -> None:
    memory = Memory(block_words=block_words, block_rows=block_rows)
    memory.apply([enroll(i, sample(i, 1 + i % 11)) for i in range(1, 31)])
    assert rows_of(memory) == [(f"s{i}", 0, [i] * (1 + i % 11)) for i in range(1, 31)]
    assert len(memory.view().rows[FINGERPRINT].blocks) > 1


def test_a_deleted_subject_is_dead_and_its_id_free() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(1), sample(2)), enroll(2, sample(3)), delete(3, 1)])
    assert rows_of(memory) == [("s2", 0, [3, 3, 3])]
    assert memory.places("s1") is None
    assert (memory.view().subjects, memory.view().rows[FINGERPRINT].samples) == (1, 1)
    memory.apply([Change(4, ChangeKind.ENROLL, 4, "s1", (sample(5),))])
    assert rows_of(memory)[-1] == ("s1", 0, [5, 5, 5])
    memory.apply([Change(5, ChangeKind.DELETE, 1, "s1")])  # of the earlier subject of that id: no matter
    assert memory.places("s1") is not None


def test_a_reader_keeps_what_it_took() -> None:
    memory = Memory(block_words=50, block_rows=5)
    memory.apply([enroll(1, sample(1)), enroll(2, sample(2))])
    view = memory.view()
    ((block, count),) = view.rows[FINGERPRINT].blocks
    words = block.words[: block.offsets[count]]
    memory.apply([enroll(i, sample(i)) for i in range(3, 40)])
    assert words.tolist() == [1, 1, 1, 2, 2, 2]
    assert np.shares_memory(words, memory.view().rows[FINGERPRINT].blocks[0][0].words)
    assert view.sequence == 2


def test_applying_twice_is_applying_once_and_a_gap_is_refused() -> None:
    memory = Memory()
    changes = [enroll(1, sample(1)), enroll(2, sample(2)), delete(3, 1)]
    memory.apply(changes)
    memory.apply(changes[1:])
    assert rows_of(memory) == [("s2", 0, [2, 2, 2])]
    with pytest.raises(NotReadyError):
        memory.apply([enroll(5, sample(5))])


def test_nothing_is_visible_before_it_is_published() -> None:
    memory = Memory()
    memory.add(1, "s1", [sample(1)])
    assert memory.view().rows[FINGERPRINT].blocks == ()
    memory.publish(1)
    assert rows_of(memory) == [("s1", 0, [1, 1, 1])]


def test_readers_beside_a_writer_see_whole_rows_only() -> None:
    memory = Memory(block_words=200, block_rows=30)
    stop = threading.Event()
    wrong: list[str] = []

    def look() -> None:
        while not stop.is_set():
            view = memory.view()
            total = 0
            for block, count in view.rows[FINGERPRINT].blocks:
                for row in range(count):
                    words = block.words[block.offsets[row] : block.offsets[row + 1]]
                    if len(set(words.tolist())) != 1 or words[0] != block.subject[row] + 1:
                        wrong.append("torn row")
                total += count
            if total != view.sequence:
                wrong.append("rows do not fit the sequence")

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for sequence in range(1, 1001):
        memory.apply([enroll(sequence, sample(sequence, 1 + sequence % 7))])
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
