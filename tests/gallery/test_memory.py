"""Arrays in memory: what a reader took stays, what was deleted is not found, and replay is idempotent."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from matcher.errors import NotReadyError
from matcher.gallery.memory import Memory
from matcher.gallery.records import (
    NO_TAGS,
    Change,
    ChangeKind,
    EncounterStatus,
    StoredEncounter,
    sample_key_of,
)
from matcher.gallery.rows import ResidentSample
from matcher.types import Modality

FINGERPRINT, IRIS = Modality.FINGERPRINT, Modality.IRIS
ROW_BYTES = 8 + 4 + 4
"""Offset, encounter, and four bytes: ordinal, position, extractor, dead."""


def sample(
    value: int,
    length: int = 3,
    position: int = 0,
    extractor: str = "x",
    modality: Modality = FINGERPRINT,
    ordinal: int = 0,
) -> ResidentSample:
    return ResidentSample(modality, np.full(length, value, np.uint64), position, extractor, ordinal)


def enroll(sequence: int, *samples: ResidentSample, subject: int | None = None) -> Change:
    key = sequence if subject is None else subject
    return Change(sequence, ChangeKind.ENROLL, key, f"s{key}", samples, encounter_key=sequence)


def delete(sequence: int, key: int) -> Change:
    return Change(sequence, ChangeKind.DELETE, key, f"s{key}")


def of_encounter(sequence: int, kind: ChangeKind, key: int, subject: int, **more: Any) -> Change:
    return Change(sequence, kind, subject, f"s{subject}", None, key, **more)


def merge(sequence: int, into: int, other: int) -> Change:
    return Change(sequence, ChangeKind.MERGE, into, f"s{into}", other_key=other, other_id=f"s{other}")


def rows_of(memory: Memory, modality: Modality = FINGERPRINT) -> list[tuple[str | None, int, list[int]]]:
    """Every living row as (subject, position, words)."""
    view = memory.view()
    return [
        (
            memory.name(int(view.encounters.subject[block.encounter[row]])),
            int(block.position[row]),
            block.words[block.offsets[row] : block.offsets[row + 1]].tolist(),
        )
        for block, count in view.rows[modality].blocks
        for row in range(count)
        if not block.dead[row]
    ]


def encounters_of(memory: Memory, subject_id: str) -> list[int]:
    """Keys of a subject's encounters."""
    number = memory.find(subject_id)
    assert number is not None
    return memory.encounter_keys(memory.encounters_of(np.array([number])).encounter).tolist()


def test_rows_are_packed_with_their_subject_and_position() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(7, 2, 1), sample(8, 0, 2)), enroll(2, sample(9, 4, 3, "y"))])
    assert rows_of(memory) == [("s1", 1, [7, 7]), ("s1", 2, []), ("s2", 3, [9, 9, 9, 9])]
    view = memory.view()
    rows = view.rows[FINGERPRINT]
    assert (view.subjects, view.sequence, rows.samples, rows.extractors) == (2, 2, 3, ("x", "y"))
    assert rows.resident_bytes == 6 * 8 + 3 * ROW_BYTES
    assert not view.rows[IRIS].blocks


def test_each_modality_has_arrays_of_its_own() -> None:
    memory = Memory()
    eye = sample(9, 4, 2, "eye", IRIS)
    memory.apply([enroll(1, sample(7, 2, 1), eye), enroll(2, eye), enroll(3, sample(5))])
    assert rows_of(memory) == [("s1", 1, [7, 7]), ("s3", 0, [5, 5, 5])]
    assert rows_of(memory, IRIS) == [("s1", 2, [9] * 4), ("s2", 2, [9] * 4)]
    rows = memory.view().rows
    assert (rows[FINGERPRINT].extractors, rows[IRIS].extractors) == (("x",), ("eye",))
    assert rows[IRIS].resident_bytes == 8 * 8 + 2 * ROW_BYTES
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
    assert memory.find("s1") is None
    assert (memory.view().subjects, memory.view().rows[FINGERPRINT].samples) == (1, 1)
    memory.apply([Change(4, ChangeKind.ENROLL, 4, "s1", (sample(5),))])
    assert rows_of(memory)[-1] == ("s1", 0, [5, 5, 5])
    memory.apply([Change(5, ChangeKind.DELETE, 1, "s1")])  # of the earlier subject of that id: no matter
    assert memory.find("s1") is not None


def test_a_subject_of_several_encounters() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(1)), enroll(2, sample(2)), enroll(3, sample(3), subject=1)])
    assert encounters_of(memory, "s1") == [1, 3]
    assert memory.view().subjects == 2
    assert rows_of(memory) == [("s1", 0, [1] * 3), ("s2", 0, [2] * 3), ("s1", 0, [3] * 3)]
    memory.apply([of_encounter(4, ChangeKind.DELETE_ENCOUNTER, 1, 1)])
    assert encounters_of(memory, "s1") == [3]
    assert rows_of(memory) == [("s2", 0, [2] * 3), ("s1", 0, [3] * 3)]
    memory.apply([delete(5, 1)])
    assert rows_of(memory) == [("s2", 0, [2] * 3)]


def test_one_sample_is_deleted_by_its_ordinal() -> None:
    memory = Memory()
    memory.apply([enroll(1, sample(1, ordinal=0), sample(2, ordinal=1), sample(9, modality=IRIS, ordinal=2))])
    gone = of_encounter(2, ChangeKind.DELETE_SAMPLE, 1, 1, sample_key=sample_key_of(1, 1))
    memory.apply([gone])
    assert rows_of(memory) == [("s1", 0, [1] * 3)]
    assert rows_of(memory, IRIS) == [("s1", 0, [9] * 3)]


def test_a_merge_makes_two_subjects_one_and_a_move_gives_an_encounter_away() -> None:
    memory = Memory()
    memory.apply([enroll(i, sample(i)) for i in (1, 2, 3)])
    memory.apply([merge(4, 1, 2), of_encounter(5, ChangeKind.MOVE, 3, 1, other_key=3, other_id="s3")])
    assert encounters_of(memory, "s1") == [1, 2, 3]
    assert memory.find("s2") is None
    assert {name for name, _, _ in rows_of(memory)} == {"s1"}
    # A move may make a subject: what was wrongly merged is split.
    memory.apply([of_encounter(6, ChangeKind.MOVE, 2, 6, other_key=1, other_id="s1")])
    assert encounters_of(memory, "s1") == [1, 3]
    assert encounters_of(memory, "s6") == [2]
    memory.apply([delete(7, 1)])
    assert rows_of(memory) == [("s6", 0, [2] * 3)]


def test_what_searches_are_filtered_by_follows_the_log() -> None:
    memory = Memory()

    def stored(status: EncounterStatus, *galleries: str, year: int | None = None) -> StoredEncounter:
        return StoredEncounter(1, 1, "s1", status, frozenset(galleries), year, NO_TAGS)

    change = Change(1, ChangeKind.ENROLL, 1, "s1", (sample(1),), 1)
    memory.apply([change, enroll(2, sample(2))])
    assert memory.view().encounters.inactive == 0
    memory.apply(
        [of_encounter(3, ChangeKind.STATUS, 1, 1, encounter=stored(EncounterStatus.INACTIVE, "a", year=1990))]
    )
    e = memory.view().encounters
    assert (e.inactive, e.active[:2].tolist(), e.year[:2].tolist()) == (1, [False, True], [1990, 0])
    assert e.gallery_sets[e.gallery_set[0]] == {"a"}
    memory.apply([delete(4, 1)])
    assert memory.view().encounters.inactive == 0


def test_a_replay_passes_by_what_is_gone() -> None:
    """Entries read back say what was changed then, with what is left of it now."""
    memory = Memory()
    gone = Change(1, ChangeKind.ENROLL, 1, "s1", None, 1)
    memory.apply([gone, enroll(2, sample(2)), merge(3, 1, 2)])
    # The encounter that made s1 was deleted later; s1 lives on in what was merged into it.
    memory.apply([of_encounter(4, ChangeKind.DELETE_ENCOUNTER, 1, 1)])
    assert encounters_of(memory, "s1") == [2]
    assert (memory.view().subjects, memory.find("s2")) == (1, None)
    memory.apply([merge(5, 1, 77), of_encounter(6, ChangeKind.STATUS, 99, 99), delete(7, 88)])
    assert memory.view().sequence == 7


@pytest.mark.parametrize("block_rows", [1, 4, 16])
def test_compaction_drops_dead_rows_and_nothing_else(block_rows: int) -> None:
    rng = np.random.default_rng(block_rows)
    memory = Memory(block_words=40, block_rows=block_rows)
    living: dict[int, int] = {}
    for sequence in range(1, 301):
        if living and rng.random() < 0.45:
            key = int(rng.choice(list(living)))
            del living[key]
            memory.apply([delete(sequence, key)])
        else:
            living[sequence] = 1 + sequence % 5
            memory.apply([enroll(sequence, sample(sequence, living[sequence]))])
        rows = memory.view().rows[FINGERPRINT]
        assert rows.samples == len(living)
        stored = sum(count for _, count in rows.blocks)
        assert stored == rows.samples + rows.dead
        full = sum(count for _, count in rows.blocks[:-1])
        assert rows.dead <= 0.2 * full + block_rows
    assert rows_of(memory) == [(f"s{key}", 0, [key] * length) for key, length in living.items()]
    for key in living:
        assert encounters_of(memory, f"s{key}") == [key]


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
    memory.add(StoredEncounter(1, 1, "s1", EncounterStatus.ACTIVE, frozenset(), None, NO_TAGS), [sample(1)])
    assert memory.view().rows[FINGERPRINT].blocks == ()
    memory.publish(1)
    assert rows_of(memory) == [("s1", 0, [1, 1, 1])]


def test_ids_of_any_kind_are_found_and_no_others() -> None:
    memory = Memory()
    names = [f"{'ü' * (i % 7)}{i}" for i in range(1, 3001)]
    memory.apply([Change(i, ChangeKind.ENROLL, i, name, (sample(i),)) for i, name in enumerate(names, 1)])
    for i, name in enumerate(names):
        assert memory.find(name) == i
        assert memory.name(i) == name
    assert memory.find("0") is None
    assert memory.find(names[5] + " ") is None
    # Ids, keys and columns: far below a Python object for each.
    assert memory.view().people_bytes / len(names) < 140


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
                    subject = view.encounters.subject[block.encounter[row]]
                    if len(set(words.tolist())) != 1 or words[0] != subject + 1:
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
