"""Signed tree heads: what the log was at one moment, said by the holder of the signing key (Ed25519).

The last one is kept in a file of its own, in two places that are written in turn, so that one of them is
always whole. The log says less than it there: something was cut off.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from matcher.audit.merkle import HASH_BYTES
from matcher.errors import AuditCorruptError

CONTEXT = b"matcher audit head 1\n"
"""What every signed text begins with: a signature for another purpose is never taken for a head."""

BODY = struct.Struct("<16sQQ32s32s")
"""Log, size, time, root, chain."""

KEY_ID_BYTES = 8
SIGNATURE_BYTES = 64
HEAD_BYTES = BODY.size + KEY_ID_BYTES + SIGNATURE_BYTES

SLOT = 4096
"""A place in the file of the last head: a page of its own, bytes."""

LAST_HEAD = "head"
"""File of the last head, in the folder of the log."""

PublicKeys = Mapping[bytes, Ed25519PublicKey]
"""By `key_id`."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head.

    Attributes
    ----------
    log : bytes
        Which log, 16 bytes.
    size : int
        Entries.
    time_us : int
        When it was signed, microseconds since 1970-01-01 UTC.
    root : bytes
        Hash of the Merkle tree over them.
    chain : bytes
        Last link of the chain of hashes.
    key : bytes
        Id of the key that signed it.
    signature : bytes
    """

    log: bytes
    size: int
    time_us: int
    root: bytes
    chain: bytes
    key: bytes
    signature: bytes

    def packed(self) -> bytes:
        """Return the stored form, `HEAD_BYTES` bytes."""
        return self._body() + self.key + self.signature

    def check(self, keys: PublicKeys) -> None:
        """Refuse a head that none of these keys signed.

        Raises
        ------
        AuditCorruptError
        """
        key = keys.get(self.key)
        if key is None:
            raise AuditCorruptError(
                f"A head of the log was signed with the unknown key {self.key.hex()}.",
                hint="Give the public key that the log is signed with.",
            )
        try:
            key.verify(self.signature, CONTEXT + self._body())
        except InvalidSignature:
            raise AuditCorruptError(f"The signature of the head at {self.size} entries is wrong.") from None

    def _body(self) -> bytes:
        return BODY.pack(self.log, self.size, self.time_us, self.root, self.chain)


def unpacked_head(data: bytes) -> Head:
    """Return the head of a stored form.

    Raises
    ------
    AuditCorruptError
        If it has another length.
    """
    if len(data) != HEAD_BYTES:
        raise AuditCorruptError(f"A head of the log: expected {HEAD_BYTES} bytes, got {len(data)}.")
    key = data[BODY.size : BODY.size + KEY_ID_BYTES]
    log, size, time_us, root, chain = BODY.unpack_from(data)
    return Head(log, size, time_us, root, chain, key, data[BODY.size + KEY_ID_BYTES :])


class Signer:
    """Signs heads.

    Parameters
    ----------
    key : Ed25519PrivateKey
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key()
        self.id = key_id(self.public)

    def sign(self, log: bytes, size: int, time_us: int, root: bytes, chain: bytes) -> Head:
        """Return a signed head."""
        body = BODY.pack(log, size, time_us, root, chain)
        return Head(log, size, time_us, root, chain, self.id, self._key.sign(CONTEXT + body))

    def sign_text(self, text: bytes) -> bytes:
        """Return the signature of a text that begins with what it is for."""
        return self._key.sign(text)


def key_id(key: Ed25519PublicKey) -> bytes:
    """Return the id of a public key: the beginning of its SHA-256."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).digest()[:KEY_ID_BYTES]


class LastHead:
    """The file of the last head.

    Parameters
    ----------
    path : Path
        Made if it is missing; written by one process.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._slot = 0

    def put(self, head: Head) -> None:
        """Write a head; the operating system has it then, the disk soon."""
        data = head.packed()
        data += hashlib.sha256(data).digest()
        os.pwrite(self._descriptor, data, self._slot * SLOT)
        self._slot = 1 - self._slot

    def close(self) -> None:
        """Make it durable."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)


def read_last_head(path: Path) -> Head | None:
    """Return the greater whole head of the file, or None where there is none.

    Raises
    ------
    AuditCorruptError
        If the file is there, not empty, and holds no whole head.
    """
    try:
        data = path.read_bytes()[: 2 * SLOT]
    except FileNotFoundError:
        return None
    if not data:
        return None
    found: list[Head] = []
    for begin in (0, SLOT):
        body = data[begin : begin + HEAD_BYTES]
        if data[begin + HEAD_BYTES : begin + HEAD_BYTES + HASH_BYTES] == hashlib.sha256(body).digest():
            found.append(unpacked_head(body))
    if not found:
        raise AuditCorruptError(
            "The file of the last head is damaged.", hint="Verify the log against a head kept elsewhere."
        )
    return max(found, key=lambda head: head.size)
