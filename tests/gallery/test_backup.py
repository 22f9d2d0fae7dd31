"""A backup holds everything of one moment, says when it is damaged, and comes back into either database."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.engine import Engine
from matcher.errors import (
    BackupCorruptError,
    BackupNewerError,
    MatcherError,
    StoreLockedError,
    StoreNotEmptyError,
    StoreUnavailableError,
)
from matcher.gallery.archive import BLOCK, START, ArchiveReader, ArchiveWriter
from matcher.gallery.backup import backup, restore
from matcher.gallery.operations import Enrolment, Merge, SubjectDeletion, SubjectIs
from matcher.gallery.records import EncounterDetails, MissingPosition, MissingReason
from matcher.gallery.schema import SCHEMA_VERSION
from matcher.gallery.store import Store
from matcher.types import Modality

DETAILS = EncounterDetails(
    galleries=frozenset({"ä"}),
    year_of_birth=1990,
    tags={"k": "v"},
    captured_at_us=-1,
    missing=(
        MissingPosition(Modality.FINGERPRINT, 3, MissingReason.MISSING),
        MissingPosition(Modality.IRIS, 1, MissingReason.REFUSED),
    ),
    client_data=b"",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store, another one than `store_url`."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/restored.db"
    return str(request.getfixturevalue("postgres").url("restored"))


def fill(store: Store, tools: ModuleType) -> None:
    """Store a little of everything."""
    samples = (tools.sample(1, extractor="x", image=b"\0image"), tools.sample(2, Modality.FACE))
    for number in range(30):
        details = DETAILS if number % 7 == 0 else EncounterDetails()
        store.submit(Enrolment(f"s{number}", samples, f"k{number}", b"d", details=details)).result()
    store.submit(tools.enrolment("s3", subject_is=SubjectIs.KNOWN, client_id="Besuch ä")).result()
    store.submit(Merge("s3", "s4", "m")).result()
    store.submit(SubjectDeletion("s5")).result()


def small_backup(tmp_path: Path, tools: ModuleType) -> bytes:
    url = f"sqlite:///{tmp_path}/small.db"
    store = Store(url, tools.Mirror())
    fill(store, tools)
    store.close()
    file = io.BytesIO()
    backup(url, file)
    return file.getvalue()


def test_what_is_restored_is_what_was_stored(
    store_url: str, target: str, mirror: Any, tools: ModuleType
) -> None:
    store = Store(store_url, mirror)
    fill(store, tools)
    file = io.BytesIO()
    contents = backup(store_url, file)  # the store is open, and goes on
    assert contents.sequence == mirror.sequence == 33
    assert contents.rows["subjects"] == 28
    file.seek(0)
    assert restore(file, target) == contents
    again = tools.Mirror()
    restored = Store(target, again)
    assert again.state == mirror.state
    assert restored.changes_after(0) == store.changes_after(0)
    for name in ("s0", "s3", "s6"):
        assert restored.subject(name) == store.subject(name)
    key = min(again.state[min(again.state)][1])
    assert restored.image(key) == store.image(key) == b"\0image"
    assert restored.identity != store.identity
    # Keys are known, numbers go on.
    repeated = restored.submit(Enrolment("s7", (tools.sample(1),), "k7", b"d")).result()
    assert (repeated.created, repeated.subject_id) == (False, "s7")
    assert restored.submit(tools.enrolment("new")).result().sequence == 34
    restored.close()
    store.close()
    file.seek(0)
    with pytest.raises(StoreNotEmptyError):
        restore(file, target)


def test_a_backup_is_of_one_moment_however_much_is_written(
    store_url: str, mirror: Any, tools: ModuleType, tmp_path: Path
) -> None:
    store = Store(store_url, mirror)
    stop = threading.Event()

    def write(worker: int) -> None:
        number = 0
        while not stop.is_set():
            store.submit(tools.enrolment(f"{worker}-{number}")).result()
            number += 1

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    files = []
    for enough in (20, 60, 100):
        while mirror.sequence < enough:
            pass
        files.append(io.BytesIO())
        assert backup(store_url, files[-1]).sequence >= enough
    stop.set()
    for worker in workers:
        worker.join()
    for number, file in enumerate(files):
        file.seek(0)
        url = f"sqlite:///{tmp_path}/moment{number}.db"
        contents = restore(file, url)
        again = tools.Mirror()
        Store(url, again).close()
        assert again.state == {k: v for k, v in mirror.state.items() if k <= contents.sequence}
    store.close()


def test_a_restored_gallery_answers_as_the_old_one(store_url: str, target: str, fakes: ModuleType) -> None:
    def answers(engine: Engine) -> list[Any]:
        found = [engine.identify([fakes.image(n)], max_candidates=3).candidates for n in range(12)]
        return [[(c.subject_id, c.score.value, c.rank) for c in candidates] for candidates in found]

    with Engine(store_url, scorers=fakes.scorers(), read=fakes.read) as engine:
        for number in range(10):
            engine.enroll(f"s{number}", [fakes.image(number)])
        engine.delete("s3")
        file = io.BytesIO()
        backup(store_url, file)
        file.seek(0)
        restore(file, target)
        with Engine(target, scorers=fakes.scorers(), read=fakes.read) as other:
            assert answers(other) == answers(engine)
            assert other.status().subjects == engine.status().subjects == 9
            assert other.status().sequence == engine.status().sequence


def test_damage_anywhere_is_told_and_leaves_the_target_empty(tmp_path: Path, tools: ModuleType) -> None:
    good = small_backup(tmp_path, tools)
    url = f"sqlite:///{tmp_path}/restored.db"
    damaged = [good[: len(good) * k // 7] for k in range(7)]
    damaged += [good + b"x", good[:-40] + good[-39:]]
    for at in range(0, len(good), max(1, len(good) // 60)):
        damaged.append(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
    for data in damaged:
        with pytest.raises((BackupCorruptError, BackupNewerError)):
            restore(io.BytesIO(data), url)
    assert restore(io.BytesIO(good), url).rows["subjects"] == 28


def test_a_page_that_is_missing_is_noticed(tmp_path: Path, tools: ModuleType) -> None:
    """Every block is whole by itself: the tail must tell."""
    good = small_backup(tmp_path, tools)
    at, blocks = START.size, []
    while at < len(good):
        length, _ = BLOCK.unpack_from(good, at)
        blocks.append(good[at : at + BLOCK.size + length])
        at += BLOCK.size + length
    assert len(blocks) == 1 + 6 + 8 + 1  # head, six tables of a page, 29 images by four, tail
    for left_out in range(1, 16):
        data = good[: START.size] + b"".join(blocks[:left_out] + blocks[left_out + 1 :])
        with pytest.raises(BackupCorruptError):
            restore(io.BytesIO(data), f"sqlite:///{tmp_path}/restored.db")


def altered(good: bytes, **head: Any) -> bytes:
    """Return a backup with another head, its checksum made right."""
    length, _ = BLOCK.unpack_from(good, START.size)
    begin = START.size + BLOCK.size
    values = {**json.loads(good[begin : begin + length]), **head}
    body = json.dumps(values).encode()
    return good[: START.size] + BLOCK.pack(len(body), zlib.crc32(body)) + body + good[begin + length :]


def test_a_backup_of_a_later_program_is_told_from_a_damaged_one(tmp_path: Path, tools: ModuleType) -> None:
    good = small_backup(tmp_path, tools)
    url = f"sqlite:///{tmp_path}/restored.db"
    for data, expected in (
        (START.pack(b"ABB\x1a", 2) + good[START.size :], BackupNewerError),
        (altered(good, schema_version=SCHEMA_VERSION + 1), BackupNewerError),
        (altered(good, schema_version=0), BackupCorruptError),
        (altered(good, sequence="33"), BackupCorruptError),
        (altered(good, tables={"subjects": {"subject_key": "int"}}), BackupCorruptError),
        (altered(good, tables={"subjects": {}}), BackupCorruptError),
        (altered(good, tables=[]), BackupCorruptError),
    ):
        with pytest.raises(expected):
            restore(io.BytesIO(data), url)
    assert not Path(tmp_path / "restored.db").exists()


def as_version(version: int, data: bytes) -> bytes:
    """Return a backup as schema version 2 or 3 had it: without upgrades and resolutions, without ids."""
    archive = ArchiveReader(io.BytesIO(data))
    tables = {name: dict(kinds) for name, kinds in archive.head["tables"].items()}
    del tables["encounters"]["client_id"]
    if version == 2:
        del tables["upgrades"], tables["next_samples"], tables["images"]["milli_ppi"]
    file = io.BytesIO()
    writer = ArchiveWriter(file, {**archive.head, "schema_version": version, "tables": tables})
    for name, columns in archive.pages():
        writer.page(name, columns[: len(tables[name])])
    writer.close()
    return file.getvalue()


@pytest.mark.parametrize("version", [2, 3])
def test_a_backup_of_an_earlier_schema_version_is_restored(
    version: int, target: str, tmp_path: Path, tools: ModuleType
) -> None:
    good = small_backup(tmp_path, tools)
    old = restore(io.BytesIO(as_version(version, good)), target)
    assert old.rows["upgrades"] == 0
    first, second = tools.Mirror(), tools.Mirror()
    Store(target, first).close()
    Store(f"sqlite:///{tmp_path}/small.db", second).close()
    assert first.state == second.state


def test_what_cannot_be_backed_up_or_filled_is_told(
    store_url: str, tmp_path: Path, tools: ModuleType
) -> None:
    with pytest.raises(StoreUnavailableError, match="no store"):
        backup(store_url, io.BytesIO())
    store = Store(store_url, tools.Mirror())
    good = small_backup(tmp_path, tools)
    with pytest.raises(StoreLockedError):
        restore(io.BytesIO(good), store_url)
    store.close()
    with pytest.raises(StoreNotEmptyError):
        restore(io.BytesIO(good), store_url)


KINDS: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "int": lambda: st.integers(-(1 << 63), (1 << 63) - 1),
    "text": lambda: st.text(max_size=5),
    "bytes": lambda: st.binary(max_size=5),
}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_page_comes_back_as_it_was(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    tables = {"t": {f"c{n}": kind for n, kind in enumerate(kinds)}}
    pages = []
    file = io.BytesIO()
    writer = ArchiveWriter(file, {"tables": tables})
    for _ in range(data.draw(st.integers(0, 3))):
        count = data.draw(st.integers(1, 4))
        values = [
            data.draw(st.lists(st.none() | KINDS[kind](), min_size=count, max_size=count)) for kind in kinds
        ]
        writer.page("t", values)
        pages.append(("t", values))
    assert writer.close() == {"t": sum(len(values[0]) for _, values in pages)}
    reader = ArchiveReader(io.BytesIO(file.getvalue()))
    assert list(reader.pages()) == pages


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_bytes_do_anything_but_give_a_typed_error(body: bytes, head: bool) -> None:
    """Whole blocks of nonsense too, behind a sound head or in its place."""
    good = b'{"tables": {"t": {"a": "int", "b": "text", "c": "bytes"}}}'
    bodies = [body] if head else [good, body]
    blocks = b"".join(BLOCK.pack(len(one), zlib.crc32(one)) + one for one in bodies)
    with pytest.raises(MatcherError):
        list(ArchiveReader(io.BytesIO(START.pack(b"ABB\x1a", 1) + blocks)).pages())


def run(*arguments: str, **rest: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "matcher.cli.main", *arguments],
        capture_output=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        **rest,
    )


def test_the_commands_write_and_read_a_file_or_a_pipe(tmp_path: Path, tools: ModuleType) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    store = Store(url, tools.Mirror())
    fill(store, tools)
    done = run("backup", str(tmp_path / "out.bak"), "--store", url)
    assert done.returncode == 0, done.stderr
    assert b"28 subjects" in done.stderr
    assert (tmp_path / "out.bak").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))
    piped = run("backup", "-", "--store", url)
    back = run("restore", "-", "--store", f"sqlite:///{tmp_path}/b.db", input=piped.stdout)
    assert back.returncode == 0, back.stderr
    back = run("restore", str(tmp_path / "out.bak"), "--store", f"sqlite:///{tmp_path}/b.db")
    assert back.returncode == 2
    assert back.stderr.startswith(b"matcher: STORE_NOT_EMPTY: ")
    assert run("restore", str(tmp_path / "none"), "--store", url).stderr.startswith(
        b"matcher: ARGUMENT_INVALID"
    )
    store.close()
