"""Signs of shared numbers: sums of three summands, in slices of bits.

Each party has one additive share, hidden by a zero-sharing; sent on, it makes a replicated sharing whose
three summands are bits that two parties know: their sharing is free. A carry-save step makes two summands of
the three, and the carries of their sum run up to the sign, a round and one bit a place: the fewest bits, for
large batches. `matcher.privacy.addends` takes fewer rounds.

Several numbers of different widths share the rounds: they are aligned at their signs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.privacy.bits import Bits, both, joined, passed_on
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Part
from matcher.types import U64

Numbers = npt.NDArray[np.unsignedinteger[Any]]

SLICE_BITS = 16
"""Bits of a value that one call slices."""


def planes_of(values: Numbers, width: int) -> U64:
    """Return the `width` lowest bits of n values in slices: uint64 array (width, ceil(n / 64))."""
    low = values.astype(np.uint16) if values.dtype != np.uint16 else values
    if width <= SLICE_BITS:
        return _core.share_slice(low, width)
    high = (values >> SLICE_BITS).astype(np.uint16)
    return np.concatenate([_core.share_slice(low, SLICE_BITS), _core.share_slice(high, width - SLICE_BITS)])


def values_of(planes: U64, count: int) -> npt.NDArray[np.uint32]:
    """Return `count` values from their slices, the inverse of `planes_of`."""
    values = np.zeros(count, np.uint32)
    for place, plane in enumerate(planes):
        bits = np.unpackbits(plane.view(np.uint8), count=count, bitorder="little")
        values |= bits.astype(np.uint32) << np.uint32(place)
    return values


def hidden(shared: Shared, values: Numbers) -> Numbers:
    """Return other additive shares of the same numbers, uniform to the other parties.

    What a party computed is a fixed function of what it stores: it is never sent without this.
    """
    fresh: Numbers = values + shared.zero(values.dtype, values.size)
    return fresh


def summed(numbers: list[tuple[Numbers, int]]) -> Part[list[Bits]]:
    """Make replicated summands of `hidden` additive shares: (values, width) each, all of one count."""
    own = np.concatenate([planes_of(values, width) for values, width in numbers])
    left = yield from passed_on(own)
    ends = np.cumsum([width for _, width in numbers])
    return [
        Bits(own[end - width : end], left[end - width : end])
        for (_, width), end in zip(numbers, ends, strict=True)
    ]


def carry_saved(shared: Shared, summands: list[Bits], places: list[int]) -> Part[list[tuple[Bits, Bits]]]:
    """Return for each number sum bits s and carry bits c of its lowest `places`, its value being s + 2 c.

    With A, B, C the summands: c = ((A ^ C) & (B ^ C)) ^ C. Summand i is part i of a sharing whose other
    parts are 0.
    """
    lowest = joined([number[:count] for number, count in zip(summands, places, strict=True)])
    index, before = shared.index, (shared.index - 1) % 3
    nothing = np.zeros_like(lowest.own)

    def of(parts: set[int]) -> Bits:
        return Bits(lowest.own if index in parts else nothing, lowest.left if before in parts else nothing)

    carries = (yield from both(shared, of({0, 2}), of({1, 2}))) ^ of({2})
    ends = np.cumsum(places)
    return [
        (number, carries[end - count : end])
        for number, count, end in zip(summands, places, ends, strict=True)
    ]


def signs(shared: Shared, summands: list[Bits]) -> Part[list[Bits]]:
    """Return the highest bit of each number, replicated: (words,) each. Widths are at least 3."""
    saved = yield from carry_saved(shared, summands, [len(number) - 1 for number in summands])
    # Place j adds s_j and c_(j-1); nothing is carried into place 1.
    pairs = [(s[1 : len(s) - 1], c[: len(c) - 1]) for s, c in saved]
    carries = yield from _ripple(shared, pairs)
    return [s[len(s) - 1] ^ c[len(c) - 1] ^ carry for (s, c), carry in zip(saved, carries, strict=True)]


def _ripple(shared: Shared, pairs: list[tuple[Bits, Bits]]) -> Part[list[Bits]]:
    """Return the carry out of each sum, place by place: carry' = ((s ^ carry) & (c ^ carry)) ^ carry."""
    longest = max(len(s) for s, _ in pairs)
    carries: list[Bits | None] = [None] * len(pairs)
    for place in range(longest):
        left, right, active = [], [], []
        for number, (s, c) in enumerate(pairs):
            own_place = place - (longest - len(s))
            if own_place < 0:
                continue
            carry = carries[number]
            x, y = s[own_place : own_place + 1], c[own_place : own_place + 1]
            left.append(x if carry is None else x ^ carry)
            right.append(y if carry is None else y ^ carry)
            active.append(number)
        product = yield from both(shared, joined(left), joined(right))
        for row, number in enumerate(active):
            carry = carries[number]
            one = product[row : row + 1]
            carries[number] = one if carry is None else one ^ carry
    return [carry[0] for carry in carries if carry is not None]


def merged(shared: Shared, generate: list[Bits], propagate: list[Bits]) -> Part[list[Bits]]:
    """Return the carry out of each number: neighbours merged until one is left."""
    while max(len(g) for g in generate) > 1:
        left, right = [], []
        for g, p in zip(generate, propagate, strict=True):
            # Highest places pair up; an odd lowest one waits. The lowest place's propagate is never needed.
            first = len(g) % 2
            high, low = slice(first + 1, None, 2), slice(first, None, 2)
            left += [p[high], p[high]]
            right += [g[low], p[low]]
        merged = yield from both(shared, joined(left), joined(right))
        begin = 0
        for number, (g, p) in enumerate(zip(generate, propagate, strict=True)):
            first, half = len(g) % 2, len(g) // 2
            gained, kept = merged[begin : begin + half], merged[begin + half : begin + 2 * half]
            begin += 2 * half
            high = slice(first + 1, None, 2)
            generate[number] = joined([g[:first], g[high] ^ gained])
            propagate[number] = joined([p[:first], kept])
    return [g[0] for g in generate]
