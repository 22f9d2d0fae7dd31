"""What was deleted leaves the snapshot: whenever one is written, and within a day where nothing else asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.datasets.population.population import Population, SyntheticPerson
from matcher.engine import Engine
from matcher.gallery import sealed, snapshots
from matcher.gallery.snapshot_file import pieces, read_snapshot, write_snapshot
from matcher.gallery.snapshot_sealed import BLOCK, read_sealed, write_sealed
from matcher.samples import Sample, SampleKind
from matcher.security.keyring import Keyring, new_key
from matcher.template.modality import encode

PEOPLE = 40
GONE = range(0, PEOPLE, 5)
WAIT_S = 20.0


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(5)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gallery of any size has a snapshot."""
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 1)


def samples(person: SyntheticPerson) -> list[Sample]:
    face = () if person.face is None else (person.face,)
    own = (*person.fingers, *person.irises, *face)
    return [Sample(encode(template), SampleKind.TEMPLATE) for template in own]


def opened(folder: Path) -> Engine:
    return Engine(f"sqlite:///{folder}/gallery.db", threads=1)


def filled(folder: Path, population: Population) -> Engine:
    engine = opened(folder)
    for number, person in enumerate(population.subjects(0, PEOPLE)):
        engine.enroll(f"s{number}", samples(person))
    return engine


def delete(engine: Engine) -> list[bytes]:
    """Delete some; return the bytes that memory had of their samples."""
    memory = engine._gallery.memory()
    numbers = [memory.find(f"s{who}") for who in GONE]
    view = memory.view()
    words = []
    for rows in view.rows.values():
        for block, count in rows.blocks:
            owners = np.asarray(view.encounters.subject)[block.encounter[:count]]
            words += [
                block.words[block.offsets[row] : block.offsets[row + 1]].tobytes()
                for row in np.flatnonzero(np.isin(owners, numbers))
            ]
    for who in GONE:
        engine.delete(f"s{who}")
    return words


def answers(engine: Engine, population: Population) -> list[Any]:
    return [engine.identify(samples(person)).candidates for person in population.probes(0, PEOPLE)]


def path_of(folder: Path) -> Path:
    return folder / "gallery.db.snapshot"


def held(folder: Path) -> bytes:
    return path_of(folder).read_bytes()


def whose(folder: Path) -> Iterator[int]:
    """Numbers of the encounters whose fingers are in the segments of a snapshot."""
    _, arrays = read_snapshot(path_of(folder))
    for name, array in arrays.items():
        if name.startswith("shortlist.") and name.endswith(".numbers"):
            yield from array.tolist()


def test_a_snapshot_holds_no_template_of_who_was_deleted(population: Population, tmp_path: Path) -> None:
    with filled(tmp_path, population):
        pass
    with opened(tmp_path) as engine:
        before = held(tmp_path)
        words = delete(engine)
        assert len(words) == 5 * len(GONE)
        assert all(one in before for one in words)
        expected = answers(engine, population)
        assert sum(map(len, expected)) >= PEOPLE - len(GONE)
    after = held(tmp_path)
    assert not any(one in after for one in words)
    with opened(tmp_path) as engine:
        assert answers(engine, population) == expected


def test_it_is_written_though_nothing_else_happens(
    population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day goes by without a change; then descriptors have left the segments, too."""
    with filled(tmp_path, population):
        pass
    everybody = set(whose(tmp_path))
    with opened(tmp_path) as engine:
        words = delete(engine)
        time.sleep(1.2)  # two idle moments
        assert all(one in held(tmp_path) for one in words)
        monkeypatch.setattr(snapshots, "ERASE_AFTER_S", 0.0)
        end = time.monotonic() + WAIT_S
        while any(one in held(tmp_path) for one in words) and time.monotonic() < end:
            time.sleep(0.05)
        assert not any(one in held(tmp_path) for one in words)
        assert len(everybody) == PEOPLE
        assert len(set(whose(tmp_path))) == PEOPLE - len(GONE)
        expected = answers(engine, population)
    said, _ = read_snapshot(path_of(tmp_path))
    assert said["owing_since"] is None
    with opened(tmp_path) as engine:
        assert answers(engine, population) == expected


def test_what_a_stop_leaves_is_remembered(
    population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is started each night erases all the same."""
    with filled(tmp_path, population):
        pass
    with opened(tmp_path) as engine:
        delete(engine)
    since = read_snapshot(path_of(tmp_path))[0]["owing_since"]
    assert abs(since - time.time()) < WAIT_S
    with opened(tmp_path):
        pass
    assert read_snapshot(path_of(tmp_path))[0]["owing_since"] == since
    monkeypatch.setattr(snapshots, "ERASE_AFTER_S", 0.0)
    with opened(tmp_path):
        end = time.monotonic() + WAIT_S
        while len(set(whose(tmp_path))) == PEOPLE and time.monotonic() < end:
            time.sleep(0.05)
    assert len(set(whose(tmp_path))) == PEOPLE - len(GONE)


def test_a_gallery_that_became_small_does_not_keep_its_old_snapshot(
    population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled(tmp_path, population):
        pass
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 10_000)
    with opened(tmp_path) as engine:
        words = delete(engine)
    assert not any(one in held(tmp_path) for one in words)


@settings(deadline=None)
@given(st.data(), st.integers(0, 300), st.integers(1, 64))
def test_gone_parts_are_zeros_in_whichever_pieces(data: st.DataObject, length: int, size: int) -> None:
    array = np.arange(1, length + 1, dtype=np.uint16).view(np.uint8)
    ends = sorted(data.draw(st.sets(st.integers(0, len(array)), max_size=12)))
    spans = np.array(list(zip(ends[::2], ends[1::2], strict=False)), np.int64).reshape(-1, 2)
    expected = array.copy()
    for begin, end in spans.tolist():
        expected[begin:end] = 0
    before = array.copy()
    assert b"".join(pieces(array, spans, size)) == expected.tobytes()
    assert (array == before).all()


def test_both_files_have_zeros_there(tmp_path: Path) -> None:
    """Beyond the length of a piece, too."""
    array = np.arange(1, BLOCK // 4, dtype=np.uint64)
    spans = np.array([[0, 8], [BLOCK - 8, BLOCK + 16], [array.nbytes - 8, array.nbytes]], np.int64)
    expected = array.copy()
    expected[[0, BLOCK // 8 - 1, BLOCK // 8, BLOCK // 8 + 1, -1]] = 0
    arrays = {"other": array, "words": array}
    write_snapshot(tmp_path / "plain", {}, arrays, {"words": spans})
    keyring = Keyring([new_key(1, bytes(32))], bytes(32))
    write_sealed(tmp_path / "sealed", {}, arrays, keyring, {"words": spans})
    for own in (read_snapshot(tmp_path / "plain")[1], read_sealed(tmp_path / "sealed", keyring)[1]):
        assert (own["other"] == array).all()
        assert (own["words"] == expected).all()


def test_dead_rows_have_a_living_one_in_the_inverted_file() -> None:
    """Zeros would lie nearer to a probe than strangers do, and fill what is proposed."""
    dead = np.array([True, False, True, False, True])
    assert sealed._living_or_others(dead).tolist() == [1, 1, 3, 3, 1]
    assert sealed._living_or_others(np.ones(3, np.bool_)).tolist() == []
