"""The smallest form that a fingerprint has in memory: its minutiae alone, expanded when it is scored.

Layout: `cpp/include/matcher/fingerprint_packed.h`. 8 + 5 n bytes for n minutiae, rounded up to whole words:
240 B for 45 of them, where the resident form takes 1,808 B.
"""

from __future__ import annotations

import struct

import numpy as np

from matcher import _core
from matcher.errors import TemplateCorruptError
from matcher.fingerprint.compared import MAX_RESIDENT_MINUTIAE, choose
from matcher.types import U64, FingerprintTemplate

WORD = 8
"""Bytes of a word."""

_HEADER = struct.Struct("<Q")
_LEFT_OUT = np.uint16(1 << 15)


def packed(template: FingerprintTemplate) -> U64:
    """Return the packed form of a template: uint64 array (1 + ceil(5 n / 8),), read-only."""
    minutiae = template.minutiae
    n = len(minutiae)
    x, y = minutiae.x.astype("<u2"), minutiae.y.astype("<u2")
    if n > MAX_RESIDENT_MINUTIAE:
        left_out = np.ones(n, np.bool_)
        left_out[choose(minutiae)] = False
        y[left_out] |= _LEFT_OUT
    header = _HEADER.pack(_core.PACKED_MAGIC | _core.PACKED_VERSION << 16 | n << 32)
    content = b"".join((header, x.tobytes(), y.tobytes(), minutiae.direction.tobytes()))
    # Of bytes, which nobody can write: the array is read-only.
    return np.frombuffer(content + bytes(-len(content) % WORD), "<u8").astype(np.uint64, copy=False)


def is_packed(words: U64) -> bool:
    """Return whether an array begins as a packed form does."""
    return len(words) > 0 and int(words[0]) & 0xFFFF == _core.PACKED_MAGIC


def expanded(words: U64) -> U64:
    """Return the resident form of a packed one: equal to that of the template.

    Raises
    ------
    TemplateCorruptError
        If the array is no packed form.
    """
    try:
        return _core.fingerprint_expand(np.ascontiguousarray(words, np.uint64))
    except _core.CorruptResidentError as error:
        raise TemplateCorruptError(
            f"Packed fingerprint: {error}.", hint="Make it again from the stored template."
        ) from None
