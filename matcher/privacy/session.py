"""Keys of two parties: agreed when they meet, another for each operation and direction, bound to each frame.

X25519 keys are drawn for each session and dropped after it (RFC 7748); HKDF makes of the shared secret a key
for each purpose (RFC 5869). Who the other is, is said by mutual TLS, within which the public keys are
exchanged. A frame's tag covers its kind, operation number, place and payload: a frame that is replayed,
moved, altered or missing is found by the next one that is read.
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from matcher.errors import ProtocolError
from matcher.privacy.randomness import derived

PUBLIC_BYTES = 32

TAG_BYTES = 16

_NONCE = struct.Struct("<IQ")


class Session:
    """One party's side of what two parties agreed on.

    Parameters
    ----------
    index, other : int
        This party and the other one.
    """

    def __init__(self, index: int, other: int) -> None:
        self.index, self.other = index, other
        self._private = X25519PrivateKey.generate()
        self._secret: bytes | None = None

    @property
    def public(self) -> bytes:
        """This side's key, for the other: 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def meet(self, public: bytes) -> None:
        """Take the other's key.

        Raises
        ------
        ProtocolError
            If it is none.
        """
        if len(public) != PUBLIC_BYTES:
            raise ProtocolError(f"A key of {PUBLIC_BYTES} bytes was expected, {len(public)} came.")
        try:
            agreed = self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise ProtocolError("The other party's key is none.") from error
        keys = (self.public, public) if self.index < self.other else (public, self.public)
        low, high = sorted((self.index, self.other))
        self._secret = derived(agreed + b"".join(keys), f"parties {low} {high}", 32)

    def stream_key(self, number: int) -> bytes:
        """Return the key of what both draw in an operation."""
        return derived(self._need(), f"operation {number}")

    def sealer(self, number: int, *, outgoing: bool) -> Sealer:
        """Return what tags frames of an operation in one direction."""
        sender, receiver = (self.index, self.other) if outgoing else (self.other, self.index)
        return Sealer(derived(self._need(), f"frames {number} {sender} {receiver}"))

    def _need(self) -> bytes:
        if self._secret is None:
            raise ProtocolError("The parties have not met.")
        return self._secret


class Sealer:
    """Tags the frames of one operation in one direction; a frame's place is its nonce, used once."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def tag(self, kind: int, sequence: int, payload: bytes | memoryview) -> bytes:
        """Return a frame's tag."""
        return self._cipher.encrypt(_NONCE.pack(kind, sequence), b"", payload)

    def check(self, kind: int, sequence: int, payload: bytes, tag: bytes) -> None:
        """Raise ProtocolError unless the tag is this frame's."""
        try:
            self._cipher.decrypt(_NONCE.pack(kind, sequence), tag, payload)
        except InvalidTag as error:
            raise ProtocolError(
                "A message is not the one that was sent here: altered, replayed or out of order."
            ) from error
