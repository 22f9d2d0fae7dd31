"""AES-256-GCM (NIST SP 800-38D) as everything here uses it: a random nonce in front, the tag behind.

What is sealed is bound to where it belongs: it opens only with the same context. Nonces are random 96-bit
numbers, so a key may seal 2**32 values at most (SP 800-38D, 8.3); take a new one long before.
"""

from __future__ import annotations

import os

from matcher.errors import ArgumentError, SealBrokenError

KEY_BYTES = 32
"""AES-256."""

NONCE_BYTES = 12
TAG_BYTES = 16

OVERHEAD = NONCE_BYTES + TAG_BYTES
"""Bytes that sealing adds."""


class Cipher:
    """Seals and opens with one key; safe to use from many threads.

    Parameters
    ----------
    key : bytes
        32 bytes.

    Raises
    ------
    ArgumentError
        If it has another length, or `cryptography` is not installed.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ArgumentError(f"Key: expected {KEY_BYTES} bytes, got {len(key)}.")
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise ArgumentError(
                "Encryption needs the package cryptography.", hint='Install the extra "security".'
            ) from None
        self._aes = AESGCM(key)
        self._wrong = (InvalidTag, ValueError)

    def seal(self, plain: bytes | memoryview, context: bytes) -> bytes:
        """Return nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + bytes(self._aes.encrypt(nonce, plain, context))

    def open(self, sealed: bytes | memoryview, context: bytes) -> bytes:
        """Return what was sealed.

        Raises
        ------
        SealBrokenError
            If it was altered, or is of another key or context.
        """
        view = memoryview(sealed)
        try:
            return bytes(self._aes.decrypt(bytes(view[:NONCE_BYTES]), view[NONCE_BYTES:], context))
        except self._wrong:
            raise broken() from None

    def open_into(self, sealed: memoryview, context: bytes, room: memoryview) -> None:
        """Write what was sealed into `room`, which has its length.

        Raises
        ------
        SealBrokenError
            If it was altered, or is of another key, context or length.
        """
        try:
            self._aes.decrypt_into(bytes(sealed[:NONCE_BYTES]), sealed[NONCE_BYTES:], context, room)
        except self._wrong:
            raise broken() from None


def broken() -> SealBrokenError:
    """Return the error for what does not open."""
    return SealBrokenError(
        "Encrypted bytes were altered, moved to another place, or are of another key.",
        hint="Restore the store, or the file, from a backup.",
    )
