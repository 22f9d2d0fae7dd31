"""The files of signing keys (Ed25519, PEM)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from matcher.audit.head import PublicKeys, key_id
from matcher.errors import ArgumentError


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make a signing key: PEM (PKCS 8) that its owner alone can read, and `.pub` beside it.

    Raises
    ------
    ArgumentError
        If the file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        path.with_name(path.name + ".pub").write_bytes(public_pem(key.public_key()))
    except OSError as error:
        raise ArgumentError(f"{path}: the key cannot be written ({error.strerror}).") from None
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the signing key of a PEM file.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ArgumentError(f"{path}: cannot be read as a private key ({type(error).__name__}).") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ArgumentError(f"{path}: expected an Ed25519 key.")
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """Return the public key of a PEM file.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path}: cannot be read as a public key ({type(error).__name__}).") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ArgumentError(f"{path}: expected an Ed25519 key.")
    return key


def load_publics(paths: Iterable[Path]) -> PublicKeys:
    """Return the public keys of files, by their ids."""
    keys = [load_public(path) for path in paths]
    return {key_id(key): key for key in keys}
