"""Snapshots: a start from one is a start from the store; whatever is wrong with one, the store is read."""

from __future__ import annotations

import json
import logging
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matcher.engine import Engine
from matcher.errors import (
    SnapshotCorruptError,
    SnapshotForeignError,
    SnapshotMissingError,
    SnapshotNewerError,
    SnapshotOlderError,
    StoreUnavailableError,
)
from matcher.gallery import snapshot_file, snapshots
from matcher.gallery.gallery import Gallery
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import EncounterDetails, EncounterStatus
from matcher.gallery.snapshot import cut, restored
from matcher.gallery.snapshot_file import read_snapshot, write_snapshot
from matcher.samples import Sample
from matcher.types import FingerPosition


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Galleries of any size have a snapshot, taken at the end alone."""
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 1)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sequence of every whole reading of a store."""
    seen: list[int] = []
    replay = Gallery.replay

    def counting(self: Gallery, sequence: int, stored: Any) -> None:
        seen.append(sequence)
        replay(self, sequence, stored)

    monkeypatch.setattr(Gallery, "replay", counting)
    return seen


@pytest.fixture
def open_engine(tmp_path: Path, fakes: ModuleType) -> Callable[[], Engine]:
    return lambda: Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=2
    )


def fill(engine: Engine, fakes: ModuleType, first: int = 0, last: int = 40) -> None:
    for who in range(first, last):
        details = EncounterDetails(
            galleries=frozenset({"g"}), year_of_birth=1900 + who, tags={"t": str(who % 3)}
        )
        engine.enroll(f"s{who}", [fakes.image(who), *someone(fakes, 500 + who)], details=details)


def someone(fakes: ModuleType, who: int) -> list[Sample]:
    return [fakes.image(who, 0, FingerPosition.RIGHT_INDEX)]


def answers(engine: Engine, fakes: ModuleType) -> list[Any]:
    """What an engine says of everybody."""
    return [engine.identify([fakes.image(who, 1)], threshold=50).candidates for who in range(60)]


def path_of(folder: Path) -> Path:
    return folder / "gallery.db.snapshot"


@pytest.mark.usefixtures("often")
def test_a_start_from_a_snapshot_is_a_start_from_the_store(
    open_engine: Callable[[], Engine], fakes: ModuleType, whole: list[int], tmp_path: Path
) -> None:
    with open_engine() as engine:
        fill(engine, fakes)
        engine.delete("s3")
        engine.merge("s4", "s5")
        before, status = answers(engine, fakes), engine.status()
    assert whole == [0]
    with open_engine() as engine:
        assert whole == [0]
        assert answers(engine, fakes) == before
        assert engine.status().subjects == status.subjects
        # It goes on from there: what lies mapped is written into, and grows.
        key = engine.enroll("s7", [fakes.image(1007)], subject_is=SubjectIs.KNOWN).sequence
        engine.set_status(key, EncounterStatus.INACTIVE)
        engine.delete("s8")
        fill(engine, fakes, 40, 55)
        before = answers(engine, fakes)
    with open_engine() as engine:
        assert whole == [0]
        assert answers(engine, fakes) == before
        assert not engine.identify([fakes.image(1007)]).candidates
    path_of(tmp_path).unlink()
    with open_engine() as engine:
        assert len(whole) == 2
        assert answers(engine, fakes) == before


@pytest.mark.usefixtures("often")
def test_what_came_after_a_snapshot_is_replayed(
    open_engine: Callable[[], Engine], fakes: ModuleType, whole: list[int], tmp_path: Path
) -> None:
    with open_engine() as engine:
        fill(engine, fakes, 0, 20)
    old = path_of(tmp_path).read_bytes()
    with open_engine() as engine:
        fill(engine, fakes, 20, 30)
        late = engine.enroll("late", [fakes.image(41), fakes.image(42)]).sequence
        engine.enroll("late", [fakes.image(43)], subject_is=SubjectIs.KNOWN)
        engine.delete_encounter(late)
        engine.merge("s1", "late")
        engine.delete("s2")
        second = engine.enroll("s3", [fakes.image(44)], subject_is=SubjectIs.KNOWN).sequence
        engine.move(second, "new", subject_is=SubjectIs.NEW)
        before, status = answers(engine, fakes), engine.status()
    path_of(tmp_path).write_bytes(old)
    with open_engine() as engine:
        assert whole == [0]
        assert answers(engine, fakes) == before
        assert (engine.status().subjects, engine.status().sequence) == (status.subjects, status.sequence)
        assert engine.identify([fakes.image(43)]).candidates[0].subject_id == "s1"
        assert engine.identify([fakes.image(44)]).candidates[0].subject_id == "new"


def damage(data: bytes, how: str) -> bytes:
    if how == "newer":
        return resealed(data, snapshot_file.VERSION + 1)
    if how == "older":
        return resealed(data, 0)
    if how == "cut":
        return data[: len(data) // 2]
    if how == "foreign":
        return b"something else"
    if how == "header":
        return data[:40] + bytes([data[40] ^ 1]) + data[41:]
    content = bytearray(data)
    content[data.index(b"s1s2s3")] ^= 1  # within the ids
    return bytes(content)


def resealed(data: bytes, version: int) -> bytes:
    """Return a file of another version, whole in itself."""
    import zlib

    magic, _, length = snapshot_file.HEAD.unpack_from(data)
    end = snapshot_file.HEAD.size + length
    head = snapshot_file.HEAD.pack(magic, version, length) + data[snapshot_file.HEAD.size : end]
    return head + struct.pack("<I", zlib.crc32(head)) + data[end + 4 :]


EXPECTED = {
    "newer": SnapshotNewerError,
    "older": SnapshotOlderError,
    "cut": SnapshotCorruptError,
    "foreign": SnapshotCorruptError,
    "header": SnapshotCorruptError,
    "array": SnapshotCorruptError,
}


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("how", EXPECTED)
def test_what_cannot_be_used_is_told_apart_and_made_anew(
    open_engine: Callable[[], Engine],
    fakes: ModuleType,
    whole: list[int],
    tmp_path: Path,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with open_engine() as engine:
        fill(engine, fakes, 0, 12)
        before = answers(engine, fakes)
    path = path_of(tmp_path)
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(EXPECTED[how]):
        read_snapshot(path)
    with caplog.at_level(logging.WARNING), open_engine() as engine:
        assert answers(engine, fakes) == before
        engine.enroll("one more", [fakes.image(999)])
    assert len(whole) == 2
    assert "Reading the store" in caplog.text
    with open_engine() as engine:  # the end of that run left a good one
        assert len(whole) == 2
        assert answers(engine, fakes) == before


@pytest.mark.usefixtures("often")
def test_a_snapshot_of_another_store_or_ahead_of_it_is_not_used(
    open_engine: Callable[[], Engine], fakes: ModuleType, whole: list[int], tmp_path: Path
) -> None:
    with open_engine() as engine:
        fill(engine, fakes, 0, 5)
    store = (tmp_path / "gallery.db").read_bytes()
    with open_engine() as engine:
        fill(engine, fakes, 5, 9)
    (tmp_path / "gallery.db").write_bytes(store)  # the machine's disk was restored, the snapshot stayed
    with open_engine() as engine:
        assert engine.status().subjects == 5
    assert len(whole) == 2
    said, arrays = read_snapshot(path_of(tmp_path))
    memory = restored(said, arrays, said["identity"], said["forms"])
    assert json.loads(json.dumps(cut(memory, said["identity"], said["forms"]).said)) == said
    for identity, forms in (("other", said["forms"]), (said["identity"], "other")):
        with pytest.raises(SnapshotForeignError):
            restored(said, arrays, identity, forms)
    with pytest.raises(SnapshotCorruptError):
        restored({**said, "blocks": {}}, arrays, said["identity"], said["forms"])


@pytest.mark.usefixtures("often")
def test_a_snapshot_of_what_a_restored_store_never_went_through_is_not_used(
    open_engine: Callable[[], Engine], fakes: ModuleType, whole: list[int], tmp_path: Path
) -> None:
    """The store was put back, and went on elsewhere beyond the snapshot: its numbers mean other changes."""
    with open_engine() as engine:
        fill(engine, fakes, 0, 5)
    url, store = f"sqlite:///{tmp_path}/gallery.db", (tmp_path / "gallery.db").read_bytes()
    with open_engine() as engine:
        fill(engine, fakes, 5, 9)
    (tmp_path / "gallery.db").write_bytes(store)
    elsewhere = tmp_path / "elsewhere.snapshot"
    with Engine(url, scorers=fakes.scorers(), read=fakes.read, threads=2, snapshot=elsewhere) as engine:
        fill(engine, fakes, 20, 30)
        before, reads = answers(engine, fakes), len(whole)
    with open_engine() as engine:
        assert len(whole) == reads + 1
        assert engine.status().subjects == 15
        assert answers(engine, fakes) == before


@pytest.mark.usefixtures("often")
def test_snapshots_are_taken_while_writing_goes_on(
    open_engine: Callable[[], Engine],
    fakes: ModuleType,
    whole: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "LEAST_CHANGES", 5)
    monkeypatch.setattr(snapshots.Snapshots, "finish", lambda self, memory, identity: None)
    engine = open_engine()
    for begin in range(0, 50, 10):
        fill(engine, fakes, begin, begin + 10)
        engine.delete(f"s{begin}")
        deadline = time.monotonic() + 10
        while not path_of(tmp_path).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    before = answers(engine, fakes)
    writing = engine._gallery._snapshots._writing
    assert writing is not None
    writing.join(10)
    engine.close()
    said, _ = read_snapshot(path_of(tmp_path))
    assert 5 <= said["sequence"] <= 55
    with open_engine() as again:
        assert whole == [0]
        assert answers(again, fakes) == before


@pytest.mark.usefixtures("often")
def test_a_disk_that_takes_no_snapshot_harms_nothing(
    open_engine: Callable[[], Engine], fakes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine() as engine:
        fill(engine, fakes, 0, 5)
    good = path_of(tmp_path).read_bytes()

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot_file, "_put", full)
    with open_engine() as engine:
        fill(engine, fakes, 5, 9)
    assert path_of(tmp_path).read_bytes() == good
    assert [p.name for p in tmp_path.iterdir() if "tmp" in p.name] == []
    with open_engine() as engine:
        assert engine.status().subjects == 9


KILLED = """
import sys
import numpy as np
from pathlib import Path
from matcher.gallery.snapshot_file import write_snapshot
path = Path(sys.argv[1])
value = int(sys.argv[2])
print("begun", flush=True)
while True:
    value += 1
    arrays = {f"a{i}": np.full(200_000, value, np.int64) for i in range(4)}
    write_snapshot(path, {"value": value}, arrays)
    print(value, flush=True)
"""


def test_killed_while_writing_it_leaves_the_last_whole_one(tmp_path: Path, full_size: bool) -> None:
    path = tmp_path / "x.snapshot"
    value = 0
    rng = np.random.default_rng(1)
    for _ in range(40 if full_size else 6):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), str(value)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            told = int(process.stdout.readline())
            time.sleep(float(rng.random()) * 0.03)
            os.kill(process.pid, signal.SIGKILL)
            told = max([told, *map(int, process.stdout.read().split())])
        said, arrays = read_snapshot(path)
        assert said["value"] >= told
        assert all((array == said["value"]).all() for array in arrays.values())
        value = said["value"]
    snapshot_file.remove_unfinished(path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.snapshot"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissingError):
        read_snapshot(tmp_path / "nothing")


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text("abc.0", min_size=1, max_size=8),
        hnp.arrays(
            st.sampled_from([np.uint8, np.bool_, np.int32, np.int64, np.uint64, np.float32]),
            hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=70),
        ),
        max_size=5,
    ),
    st.data(),
)
def test_any_arrays_come_back_and_no_flipped_bit_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("any") / "x"
    write_snapshot(path, {"n": len(arrays)}, arrays)
    said, found = read_snapshot(path, threads=2)
    assert said == {"n": len(arrays)}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
    full = [a for a in arrays.values() if a.nbytes]
    if full:
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, full[-1].nbytes - 1))
        last = len(content) - -(-full[-1].nbytes // snapshot_file.ALIGNMENT) * snapshot_file.ALIGNMENT
        content[last + place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        with pytest.raises(SnapshotCorruptError):
            read_snapshot(path)


@pytest.mark.usefixtures("often")
def test_any_store_may_have_a_snapshot(
    store_url: str, fakes: ModuleType, whole: list[int], tmp_path: Path
) -> None:
    def open_engine() -> Engine:
        path = tmp_path / "somewhere.snapshot"
        return Engine(store_url, scorers=fakes.scorers(), read=fakes.read, threads=1, snapshot=path)

    with open_engine() as engine:
        fill(engine, fakes, 0, 9)
        engine.delete("s3")
        before = answers(engine, fakes)
    with open_engine() as engine:
        assert answers(engine, fakes) == before
    assert len(whole) == 1


@pytest.mark.usefixtures("often")
def test_nobody_else_may_read_what_lies_there(
    open_engine: Callable[[], Engine], fakes: ModuleType, tmp_path: Path
) -> None:
    """Store and snapshot hold biometrics, whatever files of this user are open to others."""
    before = os.umask(0o022)
    try:
        with open_engine() as engine:
            fill(engine, fakes, 0, 3)
            found = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
        found |= {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert {"gallery.db", "gallery.db-wal", "gallery.db.snapshot"} <= set(found)
    assert not any(found.values())


@pytest.mark.usefixtures("often")
def test_a_store_that_was_open_to_others_is_closed_to_them(
    open_engine: Callable[[], Engine],
    fakes: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_engine() as engine:
        fill(engine, fakes, 0, 3)
    files = [tmp_path / "gallery.db", tmp_path / "gallery.db.snapshot"]
    for file in files:
        file.chmod(0o644)
    with open_engine() as engine:
        assert engine.status().subjects == 3
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert caplog.text.count("mode 644") == 2
    caplog.clear()
    open_engine().close()
    assert "mode" not in caplog.text
    files[0].chmod(0o640)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # as where a file system knows no modes
    for _ in range(2):  # the lock was given back
        with pytest.raises(StoreUnavailableError, match=r"gallery\.db: others"):
            open_engine()
