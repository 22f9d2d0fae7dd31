"""Arrays in memory: what a reader took stays, what was deleted is not found, and replay is idempotent."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from matcher.errors import NotReadyError
from matcher.gallery.memory import Memory, ResidentSample
from matcher.gallery.records import Change, ChangeKind


def sample(value: int, length: int = 3, position: int = 0, extractor: str = "x") -> ResidentSample:
    return ResidentSample(np.full(length, value, np.uint64), position, extractor)


def enroll(sequence: int, *samples: ResidentSample) -> Change:
    return Change(sequence, ChangeKind.ENROLL, sequence, f"s{sequence}", samples)


def delete(sequence: int, key: int) -> Change:
    return Change(sequence, ChangeKind.DELETE, key, f"s{key}")


def rows_of(memory: Memory) -> list[tuple[str | None, int, list[int]]]:
    return [
        (
            memory.name(int(block.subject[row])),
            int(block.position[row]),
            block.words[block.offsets[row] : block.offsets[row + 1]].tolist(),
        )
        for block, count in memory.view().blocks
        for row in range(count)
        if not block.dead[row]
    ]


def test_rows_are_packed_with_their_subject_and_position() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(7, 2, 1), sample(8, 0, 2)), enroll(2, sample(9, 4, 3, "y"))])
    assert rows_of(memory) == [("s1", 1, [7, 7]), ("s1", 2, []), ("s2", 3, [9, 9, 9, 9])]
    view = memory.view()
    assert (view.subjects, view.samples, view.sequence, view.extractors) == (2, 3, 2, ("x", "y"))
    assert memory.resident_bytes() == 6 * 8 + 3 * (8 + 4 + 3)


@pytest.mark.parametrize(("block_words", "block_rows"), [(8, 100), (1000, 3), (1, 1)])
def test_rows_go_on_in_the_next_block_and_a_long_row_gets_its_own(block_words: int, block_rows: int) -> None:
    memory = Memory(block_words=block_words, block_rows=block_rows)
    memory.apply([enroll(i, sample(i, 1 + i % 11)) for i in range(1, 31)])
    assert rows_of(memory) == [(f"s{i}", 0, [i] * (1 + i % 11)) for i in range(1, 31)]
    assert len(memory.view().blocks) > 1


def test_a_deleted_subject_is_dead_and_its_id_free() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(1), sample(2)), enroll(2, sample(3)), delete(3, 1)])
    assert rows_of(memory) == [("s2", 0, [3, 3, 3])]
    assert memory.places("s1") is None
    assert (memory.view().subjects, memory.view().samples) == (1, 1)
    memory.apply([Change(4, ChangeKind.ENROLL, 4, "s1", (sample(5),))])
    assert rows_of(memory)[-1] == ("s1", 0, [5, 5, 5])
    memory.apply([Change(5, ChangeKind.DELETE, 1, "s1")])  # of the earlier subject of that id: no matter
    assert memory.places("s1") is not None


def test_a_reader_keeps_what_it_took() -> None:
    memory = Memory(block_words=50, block_rows=5)
    memory.apply([enroll(1, sample(1)), enroll(2, sample(2))])
    view = memory.view()
    ((block, count),) = view.blocks
    words = block.words[: block.offsets[count]]
    memory.apply([enroll(i, sample(i)) for i in range(3, 40)])
    assert words.tolist() == [1, 1, 1, 2, 2, 2]
    assert np.shares_memory(words, memory.view().blocks[0][0].words)
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
    assert memory.view().blocks == ()
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
            for block, count in view.blocks:
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
