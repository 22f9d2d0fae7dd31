"""Encryption at rest, on both databases: nothing in the clear is left, nothing altered or moved opens."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    KeyMissingError,
    MatcherError,
    SealBrokenError,
    SnapshotCorruptError,
    SnapshotMissingError,
    SnapshotNewerError,
)
from matcher.gallery import snapshots
from matcher.gallery.backup import backup, restore
from matcher.gallery.operations import Enrolment
from matcher.gallery.reseal import count_keys, seal_store
from matcher.gallery.snapshot_file import write_snapshot
from matcher.gallery.snapshot_sealed import BLOCK, HEAD, read_sealed, write_sealed
from matcher.gallery.store import Store
from matcher.samples import Sample
from matcher.security.keyring import ENV_KEYRING, ENV_MASTER, Keyring, new_key, write_keys

MASTER = bytes(range(32))
MARK = b"0123456789 a fingerprint's image"


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring that the environment names."""
    path = tmp_path / "keys.json"
    write_keys(path, [new_key(1, MASTER)])
    monkeypatch.setenv(ENV_KEYRING, str(path))
    monkeypatch.setenv(ENV_MASTER, MASTER.hex())
    return path


def fill(url: str, tools: ModuleType) -> Any:
    """A store of three subjects, one sample of which has an image; returns what a reader sees."""
    mirror = tools.Mirror()
    store = Store(url, mirror)
    for number in range(3):
        samples = (tools.sample(number, image=MARK if number == 1 else None), tools.sample(number + 4))
        store.submit(Enrolment(f"subject-{number}", samples)).result()
    return store, mirror


def values(url: str) -> list[bytes]:
    """Every template and image as it lies in the database."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT template FROM samples ORDER BY sample_key")).all()
            rows += connection.execute(text("SELECT image FROM images")).all()
            return [bytes(row[0]) for row in rows]
    finally:
        engine.dispose()


def seen(url: str) -> list[tuple[bytes, bytes | None]]:
    """Templates and images as a reader gets them."""

    class Reader:
        def resume(self, identity: str, sequence: int, stored: Any) -> None:
            return None

        def replay(self, sequence: int, stored: Any) -> None:
            self.samples = [one for page in stored.samples() for one in page]

        def apply(self, changes: Any) -> None:
            raise AssertionError("nothing is written")

    reader = Reader()
    store = Store(url, reader)
    try:
        return [(one.template, store.image(one.sample_key)) for one in reader.samples]
    finally:
        store.close()


def test_a_sealed_store_reads_as_a_plain_one_and_holds_nothing_in_the_clear(
    store_url: str, tools: ModuleType, keyring: Path
) -> None:
    store, _ = fill(store_url, tools)
    key = store.subject("subject-1").encounters[0].samples[0].sample_key
    assert store.image(key) == MARK
    plain = [one.template for n in range(3) for one in store.subject(f"subject-{n}").encounters[0].samples]
    assert [one.template for change in store.changes_after(0) for one in change.samples] == plain
    store.close()
    assert [template for template, _ in seen(store_url)] == plain
    assert not any(part in value for value in values(store_url) for part in (*plain, MARK))
    assert count_keys(store_url) == {1: len(plain) + 1}


def test_without_the_key_nothing_opens(
    store_url: str, tools: ModuleType, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor with another keyring, or another master key."""
    fill(store_url, tools)[0].close()
    write_keys(keyring.with_name("other.json"), [new_key(1, MASTER)])
    monkeypatch.setenv(ENV_KEYRING, str(keyring.with_name("other.json")))
    with pytest.raises(SealBrokenError):
        seen(store_url)
    monkeypatch.setenv(ENV_KEYRING, str(keyring))
    monkeypatch.setenv(ENV_MASTER, "ab" * 32)
    with pytest.raises(KeyMissingError):
        seen(store_url)
    monkeypatch.delenv(ENV_KEYRING)
    with pytest.raises(KeyMissingError):
        seen(store_url)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE samples SET position = position + 1",
        "UPDATE samples SET extractor = 'other'",
        "UPDATE samples SET template = (SELECT template FROM samples WHERE sample_key = 256)"
        " WHERE sample_key = 257",
    ],
)
def test_what_is_moved_or_relabelled_does_not_open(
    store_url: str, tools: ModuleType, keyring: Path, statement: str
) -> None:
    """Another sample's template, another position, another model."""
    fill(store_url, tools)[0].close()
    engine = create_engine(store_url)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    engine.dispose()
    with pytest.raises(SealBrokenError):
        seen(store_url)


def test_a_plain_store_is_sealed_and_rotated(
    store_url: str, tools: ModuleType, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in the clear opens before; afterwards all is under the newest key, and reads the same."""
    monkeypatch.delenv(ENV_KEYRING)
    fill(store_url, tools)[0].close()
    before = seen(store_url)
    with pytest.raises(KeyMissingError):
        seal_store(store_url)
    monkeypatch.setenv(ENV_KEYRING, str(keyring))
    with pytest.raises(SealBrokenError, match="should be encrypted"):
        seen(store_url)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["keys", *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    run("rotate", str(keyring), "--store", store_url, "--only-store")
    assert seen(store_url) == before
    count = len(before) + 1
    assert count_keys(store_url) == {1: count}
    run("rotate", str(keyring), "--store", store_url, "--retire")
    assert count_keys(store_url) == {2: count}
    assert seen(store_url) == before
    assert seal_store(store_url) == 0
    said = run("status", str(keyring), "--store", store_url)
    assert f"key 2: made 20{said.split('made 20')[1][:14]} UTC, encrypts {count} values, in use" in said
    assert "in the clear: 0 values" in said
    if store_url.startswith("sqlite"):
        path = Path(store_url.removeprefix("sqlite:///"))
        data = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*") if part.is_file())
        assert MARK not in data


def test_keys_are_not_forgotten_for_another_store(
    store_url: str, tools: ModuleType, keyring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is in the clear holds nothing of this keyring: the store that does would be lost."""
    fill(store_url, tools)[0].close()
    before, kept = seen(store_url), keyring.read_bytes()
    monkeypatch.delenv(ENV_KEYRING)
    other = f"sqlite:///{tmp_path}/other.db"
    fill(other, tools)[0].close()
    refused = CliRunner().invoke(app, ["keys", "rotate", str(keyring), "--store", other, "--retire"])
    assert isinstance(refused.exception, ArgumentError)
    assert "of this keyring" in str(refused.exception)
    assert keyring.read_bytes() == kept
    monkeypatch.setenv(ENV_KEYRING, str(keyring))
    assert seen(store_url) == before


def test_a_backup_stays_sealed(store_url: str, tools: ModuleType, keyring: Path, tmp_path: Path) -> None:
    """And reads where its keyring is."""
    fill(store_url, tools)[0].close()
    file = io.BytesIO()
    backup(store_url, file)
    assert MARK not in file.getvalue()
    file.seek(0)
    restore(file, f"sqlite:///{tmp_path}/restored.db")
    assert seen(f"sqlite:///{tmp_path}/restored.db") == seen(store_url)


def test_an_engine_over_a_sealed_store(
    tmp_path: Path, fakes: ModuleType, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It enrols, starts from a sealed snapshot, and identifies; a plain snapshot is removed by sealing."""
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 1)
    url, file = f"sqlite:///{tmp_path}/gallery.db", tmp_path / "gallery.db.snapshot"

    def engine() -> Engine:
        return Engine(url, scorers=fakes.scorers(), read=fakes.read)

    with engine() as first:
        for number in range(5):
            first.enroll(f"s{number}", [Sample(f"IMG {number} 0".encode())])
    assert file.read_bytes()[:8] == b"ABSNAPE\n"
    wholly: list[int] = []
    real = Store._replay
    monkeypatch.setattr(Store, "_replay", lambda store: (wholly.append(1), real(store))[1])
    with engine() as second:
        found = second.identify([Sample(b"IMG 3 1")])
        assert [one.subject_id for one in found.candidates] == ["s3"]
    seal_store(url)
    assert not file.exists()


RING = Keyring([new_key(1, MASTER)], MASTER)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 3 * 4096), max_size=4),
    st.sampled_from([np.uint8, np.int64, np.float32, np.bool_]),
)
def test_a_sealed_snapshot_reads_as_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: dict[str, int], dtype: type[np.generic]
) -> None:
    path = tmp_path_factory.getbasetemp() / "sealed"
    arrays = {name: np.arange(size).astype(dtype) for name, size in sizes.items()}
    write_sealed(path, {"a": 1}, arrays, RING)
    said, found = read_sealed(path, RING)
    assert said == {"a": 1}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed snapshot of three blocks."""
    path = tmp_path_factory.mktemp("sealed") / "snapshot"
    array = np.arange(BLOCK // 4, dtype=np.int64)
    write_sealed(path, {"a": 1}, {"one": array, "two": np.arange(7)}, RING)
    return path


def blocks(path: Path) -> tuple[bytes, list[bytes]]:
    """Head and blocks of a file."""
    data, at, found = path.read_bytes(), HEAD.size, []
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        found.append(data[at:end])
        at = end
    return data[: HEAD.size], found


def test_altered_cut_and_reordered_snapshots_are_refused(several: Path, tmp_path: Path) -> None:
    head, own = blocks(several)
    assert len(own) == 3
    whole = read_sealed(several, RING)[1]
    assert np.array_equal(whole["one"], np.arange(BLOCK // 4))
    data = several.read_bytes()
    other = tmp_path / "other"
    write_sealed(other, {"a": 1}, whole, RING)
    variants = [
        head + b"".join(own[n] for n in order) for order in ((1, 0, 2), (0, 2), (0, 1), (0, 1, 2, 2), ())
    ]
    variants += [blocks(other)[0] + b"".join(own), head + own[0] + blocks(other)[1][1] + own[2]]
    variants += [data[:-1], data + b"\0", data[:40], data[:20], b""]
    for at in (0, 8, 13, 20, 33, 50, HEAD.size + len(own[0]) + 2, len(data) - 1):
        variants.append(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    for variant in variants:
        (tmp_path / "altered").write_bytes(variant)
        with pytest.raises((SnapshotCorruptError, SnapshotNewerError)):
            read_sealed(tmp_path / "altered", RING)


def test_snapshots_of_other_kinds_are_not_used(tmp_path: Path) -> None:
    """One in the clear, one of another key, none."""
    with pytest.raises(SnapshotMissingError):
        read_sealed(tmp_path / "none", RING)
    write_snapshot(tmp_path / "plain", {}, {})
    with pytest.raises(SnapshotCorruptError):
        read_sealed(tmp_path / "plain", RING)
    write_sealed(tmp_path / "sealed", {}, {}, RING)
    for keys in ([new_key(1, MASTER)], [new_key(2, MASTER)]):
        with pytest.raises(SnapshotCorruptError):
            read_sealed(tmp_path / "sealed", Keyring(keys, MASTER))


def test_keys_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """init and rewrap make files that nobody else reads, and never write over one."""
    runner: Callable[..., Any] = CliRunner().invoke
    keys, master, new = (str(tmp_path / name) for name in ("keys.json", "master", "new"))
    assert runner(app, ["keys", "init", keys, "--master", master]).exit_code == 0
    assert all(Path(name).stat().st_mode & 0o777 == 0o600 for name in (keys, master))
    with pytest.raises(MatcherError):
        runner(app, ["keys", "init", keys, "--master", new], catch_exceptions=False)
    monkeypatch.setenv("MATCHER_MASTER_KEY_FILE", master)
    assert runner(app, ["keys", "rewrap", keys, "--new-master", new]).exit_code == 0
    with pytest.raises(KeyMissingError):
        runner(app, ["keys", "status", keys], catch_exceptions=False)
    monkeypatch.setenv("MATCHER_MASTER_KEY_FILE", new)
    assert "key 1: made" in runner(app, ["keys", "status", keys]).output
