"""Randomness of the parties: streams that two of them share, and zero-sharings made of those.

A stream is AES-128 in counter mode (through `cryptography`) under a key that is used for one batch only.
Party i has its own stream, which the next party has too, and the previous party's: so three parties can draw
numbers that add up to 0, each of them uniform to the others.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from matcher.errors import ArgumentError
from matcher.types import U64

KEY_BYTES = 16
"""Of AES-128."""

_COUNTER = bytes(16)
_ZEROS = memoryview(bytes(1 << 20))


class Stream:
    """Uniform numbers under one key, in order. Not for several threads.

    Parameters
    ----------
    key : bytes
        16 bytes, used for nothing else.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ArgumentError(f"Stream: expected a key of {KEY_BYTES} bytes, got {len(key)}.")
        self._cipher = Cipher(algorithms.AES(key), modes.CTR(_COUNTER)).encryptor()

    @classmethod
    def fresh(cls) -> Stream:
        """Return a stream that nobody else can draw: its key comes from the operating system."""
        return cls(os.urandom(KEY_BYTES))

    def draw(self, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
        """Return the next `count` numbers, uniform over their dtype (unsigned)."""
        size = count * np.dtype(dtype).itemsize
        out = np.empty(size, np.uint8)
        view = out.data
        for begin in range(0, size, len(_ZEROS)):
            part = view[begin : begin + len(_ZEROS)]
            self._cipher.update_into(_ZEROS[: len(part)], part)
        return out.view(dtype)


class Shared:
    """What a party draws in one batch.

    Parameters
    ----------
    index : int
        The party, 0 to 2.
    own : bytes
        The key that this party and the next one have.
    left : bytes
        The key that the previous party and this one have.
    """

    __slots__ = ("index", "left", "own")

    def __init__(self, index: int, own: bytes, left: bytes) -> None:
        self.index = index
        self.own = Stream(own)
        self.left = Stream(left)

    def with_next(self, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
        """Return numbers that the next party draws too, by `with_previous`, and the previous one cannot."""
        return self.own.draw(dtype, count)

    def with_previous(self, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
        """Return numbers that the previous party draws too, by `with_next`, and the next one cannot."""
        return self.left.draw(dtype, count)

    def zero_words(self, count: int) -> U64:
        """Return this party's part of words that the three parties' parts make 0 by exclusive or."""
        words: U64 = self.own.draw(np.uint64, count) ^ self.left.draw(np.uint64, count)
        return words

    def zero(self, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
        """Return this party's part of numbers that the three parties' parts make 0 by addition."""
        difference: npt.NDArray[Any] = self.own.draw(dtype, count) - self.left.draw(dtype, count)
        return difference


def derived(secret: bytes, purpose: str, size: int = KEY_BYTES) -> bytes:
    """Return a key for one purpose from a secret: HKDF with SHA-256 (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=None, info=purpose.encode()).derive(secret)
