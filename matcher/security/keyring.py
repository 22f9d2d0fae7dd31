"""Envelope keys: data keys seal what is kept; a master key, kept elsewhere, seals the data keys.

The file of data keys (JSON) lies with the store and is useless without the master key, which comes from a
file or from the environment. Each sealed value names its data key, so there may be several: the newest seals,
all of them open. Changing the master key alters this file alone; a new data key needs the values sealed
anew, which can stop and go on anywhere.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matcher.errors import ArgumentError, KeyMissingError, SealBrokenError
from matcher.security.cipher import KEY_BYTES, Cipher

ENV_KEYRING = "MATCHER_KEYRING"
"""Environment: the file of data keys. Where it is set, stores and snapshots are sealed."""

ENV_MASTER = "MATCHER_MASTER_KEY"
"""Environment: the master key, 64 hexadecimal digits."""

ENV_MASTER_FILE = "MATCHER_MASTER_KEY_FILE"
"""Environment: a file with those digits."""

MAGIC = b"\xabSV1"
"""How a sealed value begins; no template, image or record does."""

HEAD = struct.Struct("<4sI")
"""Magic, number of the data key."""

MAX_KEYS = 1000
MAX_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key, numbered from 1, sealed with the master key; `made_us`: us since 1970-01-01 UTC."""

    number: int
    made_us: int
    wrapped: bytes


class Keyring:
    """The data keys, opened.

    Parameters
    ----------
    keys : sequence of DataKey
        At least one.
    master : bytes
        32 bytes.

    Raises
    ------
    KeyMissingError
        If it is not the master key that they are sealed with.
    ArgumentError
        If it has another length.
    """

    def __init__(self, keys: list[DataKey], master: bytes) -> None:
        own = Cipher(master)
        self.keys = tuple(keys)
        self.newest = max(key.number for key in keys)
        self._ciphers: Mapping[int, Cipher] = {key.number: Cipher(_unwrapped(own, key)) for key in keys}

    def seal(self, plain: bytes | memoryview, context: bytes) -> bytes:
        """Return a value sealed with the newest key, bound to its context."""
        return HEAD.pack(MAGIC, self.newest) + self._ciphers[self.newest].seal(plain, context)

    def open(self, sealed: bytes | memoryview, context: bytes) -> bytes:
        """Return what was sealed.

        Raises
        ------
        SealBrokenError
            If it is not sealed, was altered, or belongs elsewhere.
        KeyMissingError
            If its key is not here.
        """
        number = key_of(sealed)
        if number is None:
            raise SealBrokenError(
                "Bytes that should be encrypted are not.",
                hint="Encrypt it: matcher keys rotate --store.",
            )
        return self.cipher(number).open(memoryview(sealed)[HEAD.size :], context)

    def cipher(self, number: int) -> Cipher:
        """Return the cipher of a key.

        Raises
        ------
        KeyMissingError
        """
        if number not in self._ciphers:
            raise KeyMissingError(
                f"Data key {number} is not in the keyring.",
                hint="Use the keyring that it was sealed with.",
            )
        return self._ciphers[number]


def key_of(value: bytes | memoryview) -> int | None:
    """Return the number of the key that a value is sealed with; None if it is not sealed."""
    view = memoryview(value)
    if len(view) < HEAD.size or view[: len(MAGIC)] != MAGIC:
        return None
    return int(HEAD.unpack_from(view)[1])


def opened(keyring: Keyring | None, value: bytes, context: bytes) -> bytes:
    """Return a kept value: opened where there is a keyring, as it stands where there is none.

    Raises
    ------
    KeyMissingError
        If it is sealed, and there is no keyring, or not its key.
    SealBrokenError
        As `Keyring.open`.
    """
    if keyring is not None:
        return keyring.open(value, context)
    if key_of(value) is not None:
        raise KeyMissingError(
            "The store is encrypted, and no keyring is given.", hint=f"Set {ENV_KEYRING} and the master key."
        )
    return value


def read_keys(path: Path) -> list[DataKey]:
    """Return the keys of a file, still sealed.

    Raises
    ------
    KeyMissingError
        If it cannot be read.
    ArgumentError
        If it is no keyring.
    """
    try:
        text = path.read_bytes()[:MAX_FILE]
    except OSError as error:
        raise KeyMissingError(f"{path.name}: the keyring cannot be read ({error.strerror}).") from None
    try:
        value = json.loads(text)
        if value["version"] != 1 or not 1 <= len(value["keys"]) <= MAX_KEYS:
            raise ValueError
        keys = [
            DataKey(int(one["number"]), int(one["made_us"]), base64.b64decode(one["wrapped"], validate=True))
            for one in value["keys"]
        ]
        if len({key.number for key in keys}) < len(keys) or not all(0 < key.number < 1 << 32 for key in keys):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArgumentError(f"{path.name}: is no keyring.", hint="Make one: matcher keys init.") from None
    return keys


def write_keys(path: Path, keys: list[DataKey]) -> None:
    """Write a file of keys in the place of the last one; whole or not at all.

    Raises
    ------
    ArgumentError
        If it cannot be written.
    """
    rows = [
        {"number": key.number, "made_us": key.made_us, "wrapped": base64.b64encode(key.wrapped).decode()}
        for key in keys
    ]
    staged = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"version": 1, "keys": rows}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise ArgumentError(f"{path}: cannot be written ({error.strerror}).") from None


def new_key(number: int, master: bytes) -> DataKey:
    """Return a new random data key, sealed."""
    return DataKey(
        number, time.time_ns() // 1000, Cipher(master).seal(os.urandom(KEY_BYTES), _context(number))
    )


def rewrapped(keys: list[DataKey], old: bytes, new: bytes) -> list[DataKey]:
    """Return the same keys, sealed with another master key.

    Raises
    ------
    KeyMissingError
        If `old` is not the one that they are sealed with.
    """
    was, becomes = Cipher(old), Cipher(new)
    return [
        DataKey(key.number, key.made_us, becomes.seal(_unwrapped(was, key), _context(key.number)))
        for key in keys
    ]


def master_of(path: Path) -> bytes:
    """Return the master key of a file: 64 hexadecimal digits.

    Raises
    ------
    KeyMissingError, ArgumentError
        If it cannot be read, or is none.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise KeyMissingError(f"{path}: cannot be read ({type(error).__name__}).") from None
    return parsed_master(text, path.name)


def parsed_master(text: str, where: str) -> bytes:
    """Return the master key of its digits.

    Raises
    ------
    ArgumentError
        If they are none; they are not repeated.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ArgumentError(f"{where}: expected a master key of {2 * KEY_BYTES} hexadecimal digits.")
    return key


def environment_master() -> bytes:
    """Return the master key that the environment names.

    Raises
    ------
    KeyMissingError, ArgumentError
    """
    if digits := os.environ.get(ENV_MASTER):
        return parsed_master(digits, ENV_MASTER)
    if name := os.environ.get(ENV_MASTER_FILE):
        return master_of(Path(name))
    raise KeyMissingError("There is no master key.", hint=f"Set {ENV_MASTER_FILE}, or {ENV_MASTER}.")


def environment_keyring() -> Keyring | None:
    """Return the keyring that the environment names, or None where it names none.

    Raises
    ------
    KeyMissingError, ArgumentError
        If it cannot be opened.
    """
    name = os.environ.get(ENV_KEYRING)
    if not name:
        return None
    path = Path(name)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise KeyMissingError(f"{path.name}: the keyring cannot be read ({error.strerror}).") from None
    return _opened(path, changed, environment_master())


@functools.lru_cache(maxsize=4)
def _opened(path: Path, changed: int, master: bytes) -> Keyring:
    return Keyring(read_keys(path), master)


def _unwrapped(master: Cipher, key: DataKey) -> bytes:
    try:
        return master.open(key.wrapped, _context(key.number))
    except SealBrokenError:
        raise KeyMissingError("The master key is not the one that the keyring is sealed with.") from None


def _context(number: int) -> bytes:
    return b"matcher data key %d" % number
