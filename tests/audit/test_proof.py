"""Proofs hold without the log, and only for what they say; the index finds a person's entries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.audit.entry import Entry, packed
from matcher.audit.head import Head, PublicKeys
from matcher.audit.index import AccessIndex
from matcher.audit.log import AuditLog
from matcher.audit.merkle import HASH_BYTES
from matcher.audit.proof import (
    head_text,
    parsed_head,
    parsed_proof,
    prove_consistency,
    prove_inclusion,
)
from matcher.audit.segment import ENTRY, frame
from matcher.errors import ArgumentError, AuditCorruptError

Write = Callable[[Path, int], Path]
MakeEntry = Callable[[int], Entry]


@pytest.fixture
def heads(tmp_path: Path, key: Ed25519PrivateKey, make_entry: MakeEntry) -> list[Head]:
    """The head after each of eleven entries of `tmp_path`."""
    found = []
    with AuditLog(tmp_path, key, full=4) as log:
        for number in range(11):
            log.append(make_entry(number))
            found.append(log.head)
    return found


def test_every_entry_is_proved_in_every_later_head(
    tmp_path: Path, heads: list[Head], keys: PublicKeys, make_entry: MakeEntry
) -> None:
    for head in heads:
        for number in range(head.size):
            proof = prove_inclusion(tmp_path, head, number)
            assert parsed_proof(proof.text()).check(keys) == make_entry(number)
        with pytest.raises(ArgumentError):
            prove_inclusion(tmp_path, head, head.size)


def test_every_head_is_the_beginning_of_every_later_one(
    tmp_path: Path, heads: list[Head], keys: PublicKeys
) -> None:
    for last in heads:
        for head in heads[: last.size]:
            proof = prove_consistency(tmp_path, last, head)
            assert parsed_proof(proof.text()).check(keys) is None
    with pytest.raises(ArgumentError):
        prove_consistency(tmp_path, heads[0], heads[1])


def test_a_proof_of_something_else_does_not_hold(tmp_path: Path, heads: list[Head], keys: PublicKeys) -> None:
    text = json.loads(prove_inclusion(tmp_path, heads[-1], 6).text())
    other = json.loads(prove_inclusion(tmp_path, heads[-1], 5).text())
    for field in ("number", "entry", "path"):
        with pytest.raises(AuditCorruptError):
            parsed_proof(json.dumps(text | {field: other[field]})).check(keys)
    with pytest.raises(AuditCorruptError):
        parsed_proof(json.dumps(text | {"head": head_text(heads[7])})).check(keys)
    with pytest.raises(AuditCorruptError, match="unknown key"):
        parsed_proof(json.dumps(text)).check({})


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(
        st.text(max_size=100), st.from_regex(r'\{"head": "[A-Za-z0-9+/=]{0,300}", "path": \[.{0,20}\]\}')
    )
)
def test_other_texts_are_no_proof(text: str) -> None:
    with pytest.raises(AuditCorruptError):
        parsed_proof(text)
    with pytest.raises(AuditCorruptError):
        parsed_head(text)


def test_a_head_comes_back_from_its_line(heads: list[Head]) -> None:
    assert parsed_head(head_text(heads[3]) + "\n") == heads[3]


def test_a_person_s_accesses(tmp_path: Path, write: Write, make_entry: MakeEntry) -> None:
    """Earliest first, page by page, while the log grows and is opened again."""
    folder = write(tmp_path / "log", 3)
    index = AccessIndex(folder)
    for total in range(3, 12, 2):
        wanted = [n for n in range(total) if "subject-1" in make_entry(n).subjects]
        assert index.accesses("subject-1") == [(n, make_entry(n), "subject-1") for n in wanted]
        write(folder, 2)
    assert [n for n, _, _ in index.accesses("subject-0", limit=2)] == [0, 3]
    assert [n for n, _, _ in index.accesses("subject-0", after=3)] == [6, 9, 12]
    assert index.accesses("nobody") == []
    index.close()
    again = AccessIndex(folder)
    assert [n for n, _, _ in again.accesses("subject-12")] == [12]
    again.close()
    for limit in (0, 1001):
        with pytest.raises(ArgumentError):
            again.accesses("nobody", limit=limit)


def test_what_no_head_confirms_is_not_told(tmp_path: Path, write: Write, make_entry: MakeEntry) -> None:
    """A group that is being written may be cut off again, and another entry get its number."""
    folder = write(tmp_path / "log", 2)
    segment = max(folder.glob("segment-*.audit"))
    data = packed(make_entry(9))
    segment.write_bytes(segment.read_bytes() + frame(ENTRY, bytes(HASH_BYTES) + data))
    index = AccessIndex(folder)
    assert index.accesses("subject-9") == []
    assert [n for n, _, _ in index.accesses("subject-1")] == [1]
    index.close()


def test_an_index_of_another_log_or_damaged_is_made_anew(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "one", 7)
    write(tmp_path / "two", 9)
    path = tmp_path / "index.db"
    for folder, numbers in (("one", [0, 3, 6]), ("two", [0, 3, 6]), ("one", [0, 3, 6])):
        index = AccessIndex(tmp_path / folder, path)
        assert [n for n, _, _ in index.accesses("subject-0")] == numbers
        index.close()
    path.write_bytes(b"no database at all" * 100)
    index = AccessIndex(tmp_path / "two", path)
    assert [n for n, _, _ in index.accesses("subject-8")] == [8]
    index.close()


def test_an_index_of_an_earlier_program_is_made_again(tmp_path: Path, write: Write) -> None:
    folder = write(tmp_path / "log", 4)
    path = tmp_path / "index.db"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE state (id INTEGER PRIMARY KEY, log BLOB, size INTEGER, place INTEGER);"
        "CREATE TABLE accesses (subject TEXT, number INTEGER, place INTEGER,"
        "  PRIMARY KEY (subject, number)) WITHOUT ROWID;"
        "INSERT INTO accesses VALUES ('subject-1', 77, 77);"
    )
    old.close()
    index = AccessIndex(folder, path)
    assert [n for n, _, _ in index.accesses("subject-1")] == [1]
    assert index.complete_up_to() is None
    index.close()
