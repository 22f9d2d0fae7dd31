"""Whatever is done to a log is found: changed, removed, put elsewhere, cut off, added, forged."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.audit.entry import Entry, packed
from matcher.audit.head import PublicKeys, Signer
from matcher.audit.log import AuditLog
from matcher.audit.segment import ENTRY, HEAD, frame, frames, read_header, segment_path, segment_paths
from matcher.audit.verify import verify_log
from matcher.audit.walk import walk_segment
from matcher.errors import AuditCorruptError, AuditError

Write = Callable[[Path, int], Path]
COUNT = 11


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, key: Ed25519PrivateKey) -> Path:
    """A sound log of eleven entries in three segments."""
    folder = tmp_path_factory.mktemp("sound") / "log"
    with AuditLog(folder, key, full=4) as log:
        for number in range(COUNT):
            log.append(Entry(number, "registration-17", "Verify", subjects=(f"subject-{number}",)))
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where copies are altered."""
    return tmp_path_factory.mktemp("altered") / "log"


def copied(sound: Path, work: Path) -> Path:
    """A fresh copy of the log."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(sound, work)
    return work


def found(folder: Path, keys: PublicKeys, key: Ed25519PrivateKey) -> None:
    """Verification says that the log is not sound."""
    with pytest.raises(AuditError):
        verify_log(folder, keys)


def test_every_changed_byte_is_found(
    sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey, full_size: bool
) -> None:
    """Each byte of each segment (some of them in the fast tier), one bit of it."""
    for path in segment_paths(sound):
        data = path.read_bytes()
        copied(sound, work)
        for at in range(0, len(data), 1 if full_size else 29):
            altered = bytearray(data)
            altered[at] ^= 1 << (at % 8)
            (work / path.name).write_bytes(altered)
            found(work, keys, key)


def test_every_cut_is_found(
    sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey, full_size: bool
) -> None:
    """Of each segment, also at the end of a group: the last head knows better. So does who opens it."""
    for path in segment_paths(sound):
        data = path.read_bytes()
        copied(sound, work)
        for at in range(0, len(data), 1 if full_size else 41):
            (work / path.name).write_bytes(data[:at])
            found(work, keys, key)
    for end in group_ends(segment_path(sound, 2))[:-1]:
        copied(sound, work)
        segment_path(work, 2).write_bytes(segment_path(sound, 2).read_bytes()[:end])
        found(work, keys, key)
        with pytest.raises(AuditCorruptError):
            AuditLog(work, key)


def group_ends(path: Path) -> list[int]:
    """Offsets behind the header and behind each head."""
    with path.open("rb") as file:
        read_header(file, None)
        return [file.tell(), *(end for kind, _, end in frames(file) if kind == HEAD)]


def pieces(path: Path) -> tuple[bytes, list[bytes]]:
    """A segment's header, and its groups."""
    data, ends = path.read_bytes(), group_ends(path)
    return data[: ends[0]], [data[begin:end] for begin, end in itertools.pairwise(ends)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_removed_doubled_and_moved_entries_are_found(
    sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey, data: st.DataObject
) -> None:
    """Whole groups with their signed heads, in any other order, within a segment or from one to another."""
    copied(sound, work)
    number = data.draw(st.integers(0, 2))
    header, own = pieces(segment_path(sound, number))
    _, others = pieces(segment_path(sound, data.draw(st.integers(0, 2))))
    chosen = data.draw(
        st.one_of(
            st.permutations(own),
            st.lists(st.sampled_from(own + others), max_size=6),
        ).filter(lambda groups: list(groups) != own)
    )
    altered = header + b"".join(chosen)
    segment_path(work, number).write_bytes(altered)
    if list(chosen[: len(own)]) == own and number == 2:
        return  # groups behind the end: the next test
    found(work, keys, key)


def test_what_is_added_without_the_key_is_found(
    sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey
) -> None:
    """Entries with a head of another key, or with an old head."""
    state = walk_segment(segment_path(sound, 2), keys, None).state
    log = walk_segment(segment_path(sound, 2), keys, None).header.log
    data = packed(Entry(1, "nobody", "Verify"))
    state.add(data)
    forger = Signer(Ed25519PrivateKey.generate())
    forged = forger.sign(log, state.tree.size, 1, state.tree.root(), state.chain)
    old = pieces(segment_path(sound, 2))[1][-1]
    for head in (frame(HEAD, forged.packed()), old):
        copied(sound, work)
        with segment_path(work, 2).open("ab") as file:
            file.write(frame(ENTRY, state.chain + data) + head)
        found(work, keys, key)
        with pytest.raises(AuditCorruptError):
            AuditLog(work, key)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_or_swapped_segment_is_found(
    sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey, number: int
) -> None:
    segment_path(copied(sound, work), number).unlink()
    found(work, keys, key)
    shutil.copy(segment_path(sound, (number + 1) % 3), segment_path(copied(sound, work), number))
    found(work, keys, key)


def test_a_log_cut_with_its_last_head_is_found_by_a_kept_head(
    tmp_path: Path, write: Write, keys: PublicKeys, key: Ed25519PrivateKey
) -> None:
    """Who can roll back everything is found by whoever kept a head; and by the proof that he cannot give."""
    write(tmp_path / "log", 6)
    shutil.copytree(tmp_path / "log", tmp_path / "early")
    write(tmp_path / "log", 5)
    kept = verify_log(tmp_path / "log", keys).head
    assert verify_log(tmp_path / "early", keys).entries == 6
    with pytest.raises(AuditCorruptError, match="ends after 6 entries"):
        verify_log(tmp_path / "early", keys, [kept])
    write(tmp_path / "early", 4)
    with AuditLog(tmp_path / "early", key) as log:
        log.append(Entry(1, "somebody else", "Delete"))
    assert verify_log(tmp_path / "early", keys).entries == COUNT
    with pytest.raises(AuditCorruptError, match="not those"):
        verify_log(tmp_path / "early", keys, [kept])


def test_the_file_of_the_last_head(sound: Path, work: Path, keys: PublicKeys, key: Ed25519PrivateKey) -> None:
    """Missing, damaged, or of another log."""
    (copied(sound, work) / "head").unlink()
    found(work, keys, key)
    (copied(sound, work) / "head").write_bytes(bytes(8192))
    found(work, keys, key)
    with AuditLog(work.parent / "other", key) as other:
        assert other.head.size == 0
    shutil.copy(work.parent / "other" / "head", copied(sound, work) / "head")
    found(work, keys, key)
    shutil.rmtree(work.parent / "other")


def test_the_whole_log_gone_is_found(sound: Path, work: Path, key: Ed25519PrivateKey) -> None:
    """A server does not begin a new log where there was one."""
    for path in segment_paths(copied(sound, work)):
        path.unlink()
    with pytest.raises(AuditCorruptError, match="is gone"):
        AuditLog(work, key)
