"""Replicated bits, 64 comparisons a word: exclusive or is free, an AND costs one bit a party.

A bit x is x_0 ^ x_1 ^ x_2; party i has x_i (`own`) and x_(i-1) (`left`): any one party lacks a part, and any
two have all. After Araki et al., "High-throughput semi-honest secure three-party computation with an honest
majority", CCS 2016: each party computes its part of the product, hides it by a fresh zero-sharing and sends
it to the next party.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher import _core
from matcher.errors import ProtocolError
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Links, Message, Part
from matcher.types import U64


@dataclass(frozen=True, slots=True, eq=False)
class Bits:
    """A party's two parts of replicated bits, uint64 arrays of one shape."""

    own: U64
    left: U64

    def __xor__(self, other: Bits) -> Bits:
        return Bits(self.own ^ other.own, self.left ^ other.left)

    def __getitem__(self, key: int | slice) -> Bits:
        return Bits(self.own[key], self.left[key])

    def __len__(self) -> int:
        return len(self.own)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of either part."""
        return self.own.shape

    def reshape(self, *shape: int) -> Bits:
        """Return the same bits in another shape."""
        return Bits(self.own.reshape(shape), self.left.reshape(shape))

    def masked(self, mask: U64) -> Bits:
        """Return bits that are 0 wherever a public mask is 0."""
        return Bits(self.own & mask, self.left & mask)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A party's part of bits that nobody has passed on yet: the parts of all three make them by exclusive or.

    Each part is hidden by a zero-sharing of its own: it may be sent to anybody who may see the bits.
    """

    own: U64


def joined(parts: list[Bits]) -> Bits:
    """Return bits one behind the other along the first axis."""
    return Bits(np.concatenate([p.own for p in parts]), np.concatenate([p.left for p in parts]))


def inverted(shared: Shared, bits: Bits) -> Bits:
    """Return NOT: part 0 is turned over, by the two parties that have it."""
    own = ~bits.own if shared.index == 0 else bits.own
    left = ~bits.left if shared.index == 1 else bits.left
    return Bits(own, left)


def product(shared: Shared, x: Bits, y: Bits) -> Product:
    """AND, each party's part of it. No round."""
    own = _core.share_and(
        np.ascontiguousarray(x.own),
        np.ascontiguousarray(x.left),
        np.ascontiguousarray(y.own),
        np.ascontiguousarray(y.left),
        shared.zero_words(x.own.size),
    ).reshape(x.own.shape)
    return Product(own)


def union(shared: Shared, x: Bits, y: Bits) -> Product:
    """OR, each party's part of it. No round."""
    return Product(product(shared, x, y).own ^ x.own ^ y.own)


def replicated(bits: Product | Bits) -> Part[Bits]:
    """Pass parts on. One round, one bit a party and bit; none where they are replicated already."""
    if isinstance(bits, Bits):
        return bits
    left = yield from passed_on(bits.own)
    return Bits(bits.own, left)


def both(shared: Shared, x: Bits, y: Bits) -> Part[Bits]:
    """AND. One round, one bit a party and bit."""
    return (yield from replicated(product(shared, x, y)))


def either(shared: Shared, x: Bits, y: Bits) -> Part[Bits]:
    """OR. One round, one bit a party and bit."""
    return (yield from replicated(union(shared, x, y)))


def passed_on(own: U64) -> Part[U64]:
    """Send words to the next party; return as many that came from the previous one."""
    received = yield Message(ahead=bytes_of(own))
    return words_of(received.back, own.shape)


def bytes_of(words: U64) -> memoryview:
    """Return words as a message, not copied where they are contiguous."""
    return np.ascontiguousarray(words).reshape(-1).view(np.uint8).data


def words_of(data: bytes | memoryview, shape: tuple[int, ...]) -> U64:
    """Return a message as words of a shape.

    Raises
    ------
    ProtocolError
        If it has another length.
    """
    expected = 8 * int(np.prod(shape))
    if len(data) != expected:
        raise ProtocolError(f"A message of {expected} bytes was expected, one of {len(data)} came.")
    return np.frombuffer(data, np.uint64).reshape(shape)


def any_of(shared: Shared, bits: Bits) -> Part[Bits]:
    """OR over the first axis, in ceil(log2(n)) rounds and n - 1 bits."""
    return (yield from replicated((yield from any_but_last(shared, bits))))


def any_but_last(shared: Shared, bits: Bits) -> Part[Product | Bits]:
    """As `any_of`, but that what the last OR makes is not passed on."""
    while len(bits) > 2:
        half = len(bits) // 2
        merged = yield from either(shared, bits[:half], bits[half : 2 * half])
        bits = joined([merged, bits[2 * half :]])
    return union(shared, bits[0], bits[1]) if len(bits) == 2 else bits[0]


TO_ASKER: Links = frozenset({(1, 0), (2, 0)})
"""Rounds in which party 0 alone gets something: it answers whoever asked."""


def shown(shared: Shared, bits: Product | Bits) -> Part[U64]:
    """Show bits to party 0 alone; the two others get zeros. One round.

    Of replicated bits party 0 lacks part 1, which party 1 sends; a product's parts 1 and 2 come from both.
    """
    theirs = TO_ASKER if isinstance(bits, Product) else TO_ASKER - {(2, 0)}
    if shared.index == 0:
        received = yield Message(links=theirs)
        seen = bits.own ^ words_of(received.ahead, bits.own.shape)
        return seen ^ (words_of(received.back, seen.shape) if isinstance(bits, Product) else bits.left)
    data = bytes_of(bits.own)
    if shared.index == 1:
        yield Message(back=data, links=theirs)
    else:
        yield Message(ahead=data if isinstance(bits, Product) else b"", links=theirs)
    return np.zeros_like(bits.own)


def opened(bits: Bits) -> Part[U64]:
    """Show bits to all three parties: each sends the part that the next one lacks."""
    missing = yield from passed_on(bits.left)
    return bits.own ^ bits.left ^ missing
