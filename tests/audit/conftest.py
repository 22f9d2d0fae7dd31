"""A small log: eleven entries in segments of four."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matcher.audit.entry import Entry
from matcher.audit.head import PublicKeys, key_id
from matcher.audit.log import AuditLog

FULL = 4


def entry(number: int) -> Entry:
    """An entry that says its number."""
    return Entry(
        1_700_000_000_000_000 + number,
        "registration-17",
        "Verify",
        f"transaction-{number}",
        subjects=(f"subject-{number % 3}", f"subject-{number}"),
        address="192.0.2.1:4711",
    )


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    """Signs the heads of these logs."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def keys(key: Ed25519PrivateKey) -> PublicKeys:
    """The public one."""
    return {key_id(key.public_key()): key.public_key()}


@pytest.fixture
def write(key: Ed25519PrivateKey) -> Callable[[Path, int], Path]:
    """Writes so many entries to the log of a folder, one group each."""

    def written(folder: Path, count: int) -> Path:
        with AuditLog(folder, key, full=FULL) as log:
            for number in range(log.head.size, log.head.size + count):
                assert log.append(entry(number)) == number
        return folder

    return written


@pytest.fixture
def make_entry() -> Callable[[int], Entry]:
    """Makes an entry that says its number."""
    return entry
