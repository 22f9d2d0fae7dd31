"""The log: durable, in order, whole after a crash; a group that the disk refuses is no entry."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.audit import log as log_module
from matcher.audit.entry import MAX_SUBJECTS, MAX_TEXT, Entry, packed, unpacked
from matcher.audit.head import PublicKeys
from matcher.audit.keys import load_key, load_public, make_key
from matcher.audit.log import AuditLog
from matcher.audit.proof import LogParts
from matcher.audit.segment import segment_path, segment_paths
from matcher.audit.verify import verify_log
from matcher.errors import ArgumentError, AuditCorruptError, AuditNewerError, AuditUnavailableError

Write = Callable[[Path, int], Path]
MakeEntry = Callable[[int], Entry]


def test_entries_come_back_in_order(
    tmp_path: Path, write: Write, keys: PublicKeys, make_entry: MakeEntry
) -> None:
    """Over several segments and several openings."""
    for count in (0, 1, 3, 5, 2):
        write(tmp_path / "log", count)
    found = verify_log(tmp_path / "log", keys)
    assert (found.entries, found.segments, found.unconfirmed_bytes) == (11, 3, 0)
    parts = LogParts(tmp_path / "log")
    assert [unpacked(parts.entry(number)) for number in range(11)] == [make_entry(n) for n in range(11)]
    for number in (-1, 11, 12):
        with pytest.raises(ArgumentError):
            parts.entry(number)


texts = st.text(max_size=MAX_TEXT)


@settings(max_examples=20, deadline=None)
@given(
    st.builds(
        Entry, st.integers(0, 2**63), *[texts] * 4, st.lists(texts, max_size=5).map(tuple), texts, texts
    )
)
def test_an_entry_has_one_stored_form(entry: Entry) -> None:
    assert unpacked(packed(entry)) == entry
    with pytest.raises(AuditCorruptError):
        unpacked(packed(entry) + b" ")


@settings(max_examples=30, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.from_regex(rb'\{"time_us":.{0,60}\}')))
def test_other_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(AuditCorruptError):
        unpacked(data)


def test_long_texts_and_lists_are_cut() -> None:
    entry = unpacked(packed(Entry(1, "x" * 5000, "Identify", subjects=("y" * 5000,) * 5000)))
    assert len(entry.actor) == MAX_TEXT
    assert len(entry.subjects) == MAX_SUBJECTS
    assert len(entry.subjects[0]) == MAX_TEXT


def test_many_callers_share_groups(tmp_path: Path, keys: PublicKeys, key: Ed25519PrivateKey) -> None:
    """Sixteen callers, forty entries each: every one is there once, in its caller's order."""
    numbers: dict[tuple[int, int], int] = {}
    with AuditLog(tmp_path, key, full=64) as log:

        def call(caller: int) -> None:
            for turn in range(40):
                numbers[caller, turn] = log.append(Entry(turn, f"caller-{caller}", "Verify", str(turn)))

        threads = [threading.Thread(target=call, args=(caller,)) for caller in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers.values()) == list(range(640))
    assert verify_log(tmp_path, keys).entries == 640
    parts = LogParts(tmp_path)
    for (caller, turn), number in numbers.items():
        found = unpacked(parts.entry(number))
        assert (found.actor, found.transaction) == (f"caller-{caller}", str(turn))
        assert turn == 0 or numbers[caller, turn - 1] < number


CRASH = """
import os, sys, threading, time
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from matcher.audit.entry import Entry
from matcher.audit.log import AuditLog
log = AuditLog(Path(sys.argv[1]), Ed25519PrivateKey.from_private_bytes(bytes(range(32))), full=64)
def call(caller):
    while True:
        number = log.append(Entry(1, str(caller), "Verify"))
        os.write(1, b"%d\\n" % number)
for caller in range(4):
    threading.Thread(target=call, args=(caller,)).start()
"""


def test_what_was_acknowledged_survives_kill_9(
    tmp_path: Path, keys: PublicKeys, key: Ed25519PrivateKey, full_size: bool
) -> None:
    acknowledged = 0
    for round_ in range(20 if full_size else 2):
        with subprocess.Popen([sys.executable, "-c", CRASH, str(tmp_path)], stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            lines = [server.stdout.readline() for _ in range(50 + 13 * round_)]
            server.send_signal(signal.SIGKILL)
            lines += server.stdout.readlines()
        told = [int(line) for line in lines if line.endswith(b"\n")]
        acknowledged += len(told)
        with AuditLog(tmp_path, key, full=64) as log:
            assert log.head.size > max(told)
            assert log.head.size >= acknowledged
        assert verify_log(tmp_path, keys).unconfirmed_bytes == 0


@pytest.mark.parametrize("cut", [1, 5, 40, 150])
def test_a_torn_group_is_cut_off_and_kept_aside(
    tmp_path: Path, write: Write, keys: PublicKeys, key: Ed25519PrivateKey, cut: int
) -> None:
    """A group whose head never reached the disk was never acknowledged."""
    write(tmp_path / "log", 6)
    write(tmp_path / "more", 0)
    path = segment_path(tmp_path / "log", 1)
    whole = path.read_bytes()
    head = (tmp_path / "log" / "head").read_bytes()
    write(tmp_path / "log", 1)
    group = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + group[:-cut])
    (tmp_path / "log" / "head").write_bytes(head)
    assert verify_log(tmp_path / "log", keys).unconfirmed_bytes == len(group) - cut
    with AuditLog(tmp_path / "log", key) as log:
        assert log.head.size == 6
    assert path.read_bytes() == whole
    aside = list((tmp_path / "log").glob("torn-*.bin"))
    assert [file.read_bytes() for file in aside] == [group[:-cut]]


@pytest.mark.parametrize("failing", ["pwrite", "fdatasync"])
def test_a_full_disk_refuses_the_access_and_harms_nothing(
    tmp_path: Path, keys: PublicKeys, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch,
    make_entry: MakeEntry, failing: str,
) -> None:  # fmt: skip
    real = getattr(os, failing)
    with AuditLog(tmp_path, key, full=4) as log:
        log.append(make_entry(0))

        def full(*arguments: object) -> int:
            if failing == "pwrite":
                real(arguments[0], bytes(arguments[1])[:20], arguments[2])  # type: ignore[call-overload]
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(log_module.os, failing, full)
        with pytest.raises(AuditUnavailableError):
            log.append(make_entry(1))
        monkeypatch.undo()
        assert log.append(make_entry(1)) == 1
    assert verify_log(tmp_path, keys).entries == 2


def test_a_defect_while_writing_leaves_nobody_waiting(
    tmp_path: Path, keys: PublicKeys, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch,
    make_entry: MakeEntry,
) -> None:  # fmt: skip
    """Without its writer the log would hold every call of the server for ever."""

    def broken(*arguments: object) -> None:
        raise RuntimeError("a defect")

    with AuditLog(tmp_path, key, full=4) as log:
        monkeypatch.setattr(log_module.Signer, "sign", broken)
        with pytest.raises(AuditUnavailableError):
            log.submit(make_entry(0)).result(30)
        monkeypatch.undo()
        assert log.submit(make_entry(0)).result(30) == 0
    assert verify_log(tmp_path, keys).entries == 1


def test_one_process_writes_a_log(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    with AuditLog(tmp_path, key), pytest.raises(AuditUnavailableError, match="Another process"):
        AuditLog(tmp_path, key)
    log = AuditLog(tmp_path, key)
    log.close()
    log.close()
    with pytest.raises(AuditUnavailableError, match="closed"):
        log.append(Entry(1, "x", "y"))


def test_another_signing_key_goes_on_where_it_is_known(
    tmp_path: Path, write: Write, keys: PublicKeys
) -> None:
    """A log whose end is signed by nobody known is not gone on with."""
    write(tmp_path / "log", 5)
    new = make_key(tmp_path / "new.pem")
    assert load_key(tmp_path / "new.pem").public_key() == new.public_key()
    with pytest.raises(AuditCorruptError, match="unknown key"):
        AuditLog(tmp_path / "log", new)
    with AuditLog(tmp_path / "log", new, known=keys) as log:
        log.append(Entry(1, "x", "y"))
        own = {log.head.key: load_public(tmp_path / "new.pem.pub")}
    assert verify_log(tmp_path / "log", {**keys, **own}).entries == 6
    with pytest.raises(AuditCorruptError, match="unknown key"):
        verify_log(tmp_path / "log", keys)


def test_keys_are_private_and_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ArgumentError):
        make_key(tmp_path / "key.pem")
    (tmp_path / "bad").write_bytes(b"no key")
    for load in (load_key, load_public):
        with pytest.raises(ArgumentError):
            load(tmp_path / "bad")


def test_a_later_version_is_not_a_damaged_one(tmp_path: Path, write: Write, keys: PublicKeys) -> None:
    write(tmp_path, 1)
    path = segment_paths(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[8] = 2
    path.write_bytes(data)
    with pytest.raises(AuditNewerError):
        verify_log(tmp_path, keys)


def test_a_part_that_the_disk_refuses_at_the_end_of_a_segment_leaves_a_sound_log(
    tmp_path: Path,
    write: Write,
    keys: PublicKeys,
    key: Ed25519PrivateKey,
    make_entry: MakeEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A group of two segments: its first part fails, its second must not overfill the segment."""
    write(tmp_path, 2)
    sync, queued, calls = os.fdatasync, threading.Event(), iter(range(100))

    def fdatasync(descriptor: int) -> None:
        call = next(calls)
        if call == 0:
            assert queued.wait(10)  # until the next group is there as a whole
        if call == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(log_module.os, "fdatasync", fdatasync)
    with AuditLog(tmp_path, key) as log:
        done = [log.submit(make_entry(2))]
        while len(log._waiting):
            time.sleep(0.001)
        done += [log.submit(make_entry(number)) for number in range(3, 12)]
        queued.set()
        refused = [one.exception(10) is not None for one in done]
    assert refused == [False, True] + [False] * 8
    assert verify_log(tmp_path, keys).entries == 11
    write(tmp_path, 1)
