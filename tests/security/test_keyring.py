"""Data keys sealed by a master key: values open with their key, in their place, unaltered, and only so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, KeyMissingError, SealBrokenError
from matcher.security import keyring as module
from matcher.security.cipher import Cipher
from matcher.security.keyring import (
    Keyring,
    environment_keyring,
    key_of,
    master_of,
    new_key,
    opened,
    read_keys,
    rewrapped,
    write_keys,
)

MASTER = bytes(range(32))
KEYS = [new_key(1, MASTER), new_key(2, MASTER)]
RING = Keyring(KEYS, MASTER)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=30))
def test_a_value_opens_in_its_place_only(plain: bytes, context: bytes) -> None:
    sealed = RING.seal(plain, context)
    assert key_of(sealed) == 2
    assert RING.open(sealed, context) == opened(RING, sealed, context) == plain
    with pytest.raises(SealBrokenError):
        RING.open(sealed, context + b"x")
    assert RING.seal(plain, context) != sealed


def test_every_changed_bit_and_every_cut_is_found() -> None:
    """Of a changed key number too, which names another key or none."""
    sealed = RING.seal(b"a template", b"context")
    for at in range(len(sealed)):
        for bit in (1, 128):
            altered = sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :]
            with pytest.raises((SealBrokenError, KeyMissingError)):
                RING.open(altered, b"context")
        with pytest.raises((SealBrokenError, KeyMissingError)):
            RING.open(sealed[:at], b"context")


def test_older_keys_still_open() -> None:
    sealed = Keyring(KEYS[:1], MASTER).seal(b"x", b"")
    assert key_of(sealed) == 1
    assert RING.open(sealed, b"") == b"x"
    with pytest.raises(KeyMissingError, match="Data key 1"):
        Keyring(KEYS[1:], MASTER).open(sealed, b"")


def test_the_clear_and_the_sealed_are_not_mixed_up() -> None:
    """With a keyring nothing in the clear is taken; without one nothing sealed is."""
    assert opened(None, b"plain", b"") == b"plain"
    with pytest.raises(SealBrokenError, match="should be encrypted"):
        opened(RING, b"plain", b"")
    with pytest.raises(KeyMissingError, match="no keyring"):
        opened(None, RING.seal(b"x", b""), b"")


def test_another_master_key_opens_the_same_keys(tmp_path: Path) -> None:
    """And the old one no longer does."""
    path, new = tmp_path / "keys.json", bytes(32)
    write_keys(path, rewrapped(KEYS, MASTER, new))
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = RING.seal(b"x", b"")
    assert Keyring(read_keys(path), new).open(sealed, b"") == b"x"
    with pytest.raises(KeyMissingError, match="master key"):
        Keyring(read_keys(path), MASTER)
    with pytest.raises(KeyMissingError, match="master key"):
        rewrapped(KEYS, new, MASTER)


def test_the_environment_names_keyring_and_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (module.ENV_KEYRING, module.ENV_MASTER, module.ENV_MASTER_FILE):
        monkeypatch.delenv(name, raising=False)
    assert environment_keyring() is None
    write_keys(tmp_path / "keys.json", KEYS)
    monkeypatch.setenv(module.ENV_KEYRING, str(tmp_path / "keys.json"))
    with pytest.raises(KeyMissingError, match="no master key"):
        environment_keyring()
    (tmp_path / "master").write_text(MASTER.hex() + "\n")
    monkeypatch.setenv(module.ENV_MASTER_FILE, str(tmp_path / "master"))
    ring = environment_keyring()
    assert ring is not None
    assert ring.newest == 2
    monkeypatch.setenv(module.ENV_MASTER, "ff" * 32)
    with pytest.raises(KeyMissingError):
        environment_keyring()
    monkeypatch.setenv(module.ENV_MASTER, "secret")
    with pytest.raises(ArgumentError) as refused:
        environment_keyring()
    assert "secret" not in str(refused.value)
    monkeypatch.setenv(module.ENV_KEYRING, str(tmp_path / "nothing"))
    with pytest.raises(KeyMissingError):
        environment_keyring()
    with pytest.raises(KeyMissingError):
        master_of(tmp_path / "nothing")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"keys": []},
        {"keys": [{"number": 1}]},
        {"keys": [{"number": 0, "made_us": 1, "wrapped": ""}]},
        {"keys": [{"number": 1, "made_us": 1, "wrapped": "?"}]},
        {"keys": [{"number": 1, "made_us": 1, "wrapped": ""}] * 2},
    ],
    ids=str,
)
def test_other_files_are_no_keyring(tmp_path: Path, change: dict[str, object]) -> None:
    value = {"version": 1, "keys": [{"number": 1, "made_us": 1, "wrapped": ""}]}
    (tmp_path / "keys.json").write_text(json.dumps(value | change))
    with pytest.raises(ArgumentError, match="no keyring"):
        read_keys(tmp_path / "keys.json")


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ArgumentError):
        Cipher(bytes(16))
