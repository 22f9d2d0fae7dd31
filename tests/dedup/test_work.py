"""Work files: whole or not there, checked, and unreadable without their key."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from matcher.dedup.pool import run_tasks
from matcher.dedup.work import LOCK, WorkFolder, alone
from matcher.errors import (
    ArgumentError,
    StoreCorruptError,
    StoreFullError,
    StoreLockedError,
    WorkerLostError,
)

KEY = bytes(range(32))
ARRAYS = {"numbers": np.arange(5), "bytes": np.frombuffer(b"a secret minutia", np.uint8)}


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def work(request: pytest.FixtureRequest, tmp_path: Path) -> WorkFolder:
    """A prepared folder, plain or encrypted."""
    folder = WorkFolder(tmp_path / "work", "ab" * 32, request.param)
    folder.prepare()
    return folder


def test_a_part_is_read_as_it_was_written(work: WorkFolder) -> None:
    """Both kinds; and some of its arrays."""
    work.write("one", ARRAYS)
    assert work.has("one")
    assert all(np.array_equal(work.read("one")[name], ARRAYS[name]) for name in ARRAYS)
    assert list(work.read("one", ["numbers"])) == ["numbers"]
    assert not work.has("two")
    assert work.path("one").stat().st_mode & 0o777 == 0o600


def test_every_flipped_byte_and_every_cut_is_found(work: WorkFolder) -> None:
    """A damaged part is no part: it would be made again."""
    work.write("one", ARRAYS)
    body = work.path("one").read_bytes()
    for at in range(0, len(body), 7):
        work.path("one").write_bytes(body[:at] + bytes([body[at] ^ 64]) + body[at + 1 :])
        assert not work.has("one")
        with pytest.raises(StoreCorruptError):
            work.read("one")
        work.path("one").write_bytes(body[:at])
        assert not work.has("one")


def test_a_part_of_another_key_name_or_run_is_not_taken(tmp_path: Path) -> None:
    """Encryption binds a part to its name and run."""
    own = WorkFolder(tmp_path, "ab" * 32, KEY)
    own.prepare()
    own.write("one", ARRAYS)
    body = own.path("one").read_bytes()
    assert b"secret" not in body
    own.path("two").write_bytes(body)
    assert not own.has("two")
    for other in (WorkFolder(tmp_path, "ab" * 32, KEY[::-1]), WorkFolder(tmp_path, "ab" * 32, None)):
        assert not other.has("one")
    renamed = WorkFolder(tmp_path, "ab" * 12 + "cd" * 20, KEY)
    assert renamed.folder == own.folder
    assert not renamed.has("one")


def test_another_run_and_torn_files_are_cleared(tmp_path: Path) -> None:
    """What is left of other settings is dropped, and a file that was being written."""
    old = WorkFolder(tmp_path, "11" * 32)
    old.prepare()
    old.write("one", ARRAYS)
    new = WorkFolder(tmp_path, "22" * 32)
    new.prepare()
    (new.folder / "part.99.tmp").write_bytes(b"torn")
    new.write("kept", ARRAYS)
    new.write("dropped", ARRAYS)
    new.prepare()
    new.keep_only({"kept"})
    assert [path.name for path in new.folder.iterdir()] == ["kept.part"]
    assert not old.folder.exists()


def test_wrong_keys_and_full_disks_are_told(tmp_path: Path) -> None:
    """Typed errors."""
    with pytest.raises(ArgumentError, match="32 bytes"):
        WorkFolder(tmp_path, "ab", b"short")
    gone = WorkFolder(tmp_path / "nowhere", "ab" * 32)
    with pytest.raises(StoreFullError):
        gone.write("one", ARRAYS)


def test_one_run_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    """The other is refused before it touches anything, and may once the first has ended."""
    from typer.testing import CliRunner

    from matcher.cli.main import app

    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "1.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    arguments = ["dedup", str(tmp_path / "register"), "--out", str(out), "--workers", "1"]
    with alone(out):
        refused = CliRunner().invoke(app, arguments)
        assert isinstance(refused.exception, StoreLockedError)
        assert "output folder" in str(refused.exception)
        assert [path.name for path in out.iterdir()] == [LOCK]
    with alone(out):
        pass
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFullError, match="cannot be made"), alone(tmp_path / "file"):
        pass


def killed(context: object, number: int) -> dict[str, np.ndarray]:
    """End a worker as the kernel does when memory is gone."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_a_worker_that_was_killed_is_told_and_what_to_do(tmp_path: Path) -> None:
    """Whoever asked learns what helps."""
    own = WorkFolder(tmp_path, "ab" * 32)
    own.prepare()
    with pytest.raises(WorkerLostError, match="memory") as ended:
        run_tasks(
            "full",
            killed,
            None,
            [("a", 1), ("b", 2)],
            own,
            workers=2,
            progress=lambda stage, done, total: None,
        )
    assert "--workers" in ended.value.hint
