"""Searches on shares: the spine of what parties do together, from stored shares to the permitted answer.

    shares, probes -> products -> match bits -> any rotation -> policy -> opened

Rows that are deleted, and fill-ups, are masked by a public bitmap before anything is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.privacy.bits import (
    Bits,
    Product,
    any_but_last,
    any_of,
    joined,
    opened,
    product,
    replicated,
    shown,
    union,
)
from matcher.privacy.products import IrisProbes, face_products, iris_products, whole_words
from matcher.privacy.protocol import face_matches, iris_decided
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Part
from matcher.privacy.rule import Rule
from matcher.types import U64

U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]

CHUNK = 1 << 20
"""Comparisons of one batch: beyond it rounds cost nothing that counts, and memory grows."""


@dataclass(frozen=True, slots=True, eq=False)
class IrisSide:
    """One eye of a search: a party's stored shares, its prepared shares of the probes, and the rule."""

    codes: U16
    masks: U16
    probes: IrisProbes
    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class FaceSide:
    """Faces of a search: stored shares (N, D), shares of the probes (P, D), least product and its width."""

    faces: U32
    probes: U32
    least: int
    width: int


Side = IrisSide | FaceSide


class Policy(StrEnum):
    """How the match bits of several sides become one."""

    ANY = "any"
    """A match of any side."""
    ALL = "all"
    """A match of every side: both eyes, say."""


def matched(shared: Shared, side: Side, begin: int, end: int) -> Part[Product | Bits]:
    """Return whether any rotation of each probe matches rows begin to end - 1: (P, words), rows in words.

    What the last AND or OR makes is not passed on.
    """
    if isinstance(side, FaceSide):
        products = face_products(side.faces[begin:end], side.probes)
        bits = yield from face_matches(shared, products.reshape(-1), side.least, side.width)
        return bits.reshape(len(side.probes), -1)
    cd, md = iris_products(side.codes[begin:end], side.masks[begin:end], side.probes)
    decided = yield from iris_decided(shared, cd.reshape(-1), md.reshape(-1), side.rule)
    if side.probes.turns == 1:
        return Product(decided.own.reshape(side.probes.count, -1))
    bits = yield from replicated(decided)
    turned = bits.reshape(side.probes.count, side.probes.turns, -1)
    by_turn = Bits(turned.own.swapaxes(0, 1), turned.left.swapaxes(0, 1))
    return (yield from any_but_last(shared, by_turn))


def candidates(
    shared: Shared, sides: Sequence[Side], policy: Policy, active: npt.NDArray[np.bool_]
) -> Part[Product | Bits]:
    """Return the bit of each probe and row: (P, ceil(N / 64)), 0 for rows that are not active.

    What the last AND or OR makes is not passed on.

    Raises
    ------
    ArgumentError
        If there is no side, or sides differ in their numbers of probes or rows.
    """
    shapes = {_shape(side) for side in sides}
    if len(shapes) != 1 or next(iter(shapes))[1] != len(active):
        raise ArgumentError("Search: expected sides of one number of probes, and of the rows there are.")
    [(count, rows)] = shapes
    most = max(side.probes.turns if isinstance(side, IrisSide) else 1 for side in sides)
    step = max(64, whole_words(CHUNK // (count * most)))
    parts = []
    for begin in range(0, rows, step):
        end = min(begin + step, rows)
        together: Product | Bits | None = None
        for side in sides:
            bits = yield from matched(shared, side, begin, end)
            if together is None:
                together = bits
            else:
                first = yield from replicated(together)
                second = yield from replicated(bits)
                together = (product if policy is Policy.ALL else union)(shared, first, second)
        assert together is not None
        parts.append(together)
    if not parts:
        empty = np.zeros((count, 0), np.uint64)
        return Bits(empty, empty)
    mask = bitmap(active)
    own = np.concatenate([part.own for part in parts], axis=1) & mask
    # Chunks are all of one kind: they went through the same steps.
    lefts = [part.left for part in parts if isinstance(part, Bits)]
    return Bits(own, np.concatenate(lefts, axis=1) & mask) if lefts else Product(own)


def identified(
    shared: Shared, sides: Sequence[Side], policy: Policy, active: npt.NDArray[np.bool_]
) -> Part[list[list[int]]]:
    """Open to party 0 which rows match each probe, and nothing else; the two others get empty lists."""
    bits = yield from candidates(shared, sides, policy, active)
    if not len(active):
        return [[] for _ in bits.own]
    return [rows_of(line, len(active)) for line in (yield from shown(shared, bits))]


def anyone(
    shared: Shared, sides: Sequence[Side], policy: Policy, active: npt.NDArray[np.bool_]
) -> Part[list[bool]]:
    """Open for each probe whether any row matches, and not which: a bit a probe."""
    bits = yield from replicated((yield from candidates(shared, sides, policy, active)))
    if bits.shape[1] == 0:
        return [False] * bits.shape[0]
    # OR of the words, then of a word's bits: by halves, so that only one bit is left to show.
    by_word = Bits(bits.own.T.copy(), bits.left.T.copy())
    words = yield from any_of(shared, by_word)
    width = 32
    while width:
        shift = np.uint64(width)
        half = Bits(words.own >> shift, words.left >> shift)
        low = words.masked(np.full(words.shape, (1 << width) - 1, np.uint64))
        words = yield from any_of(shared, joined([low.reshape(1, -1), half.reshape(1, -1)]))
        width //= 2
    answers = yield from opened(words.masked(np.ones(words.shape, np.uint64)))
    return [bool(word & np.uint64(1)) for word in answers]


def bitmap(active: npt.NDArray[np.bool_]) -> U64:
    """Return booleans as words, the first in the lowest bit."""
    padded = np.zeros(whole_words(len(active)), np.uint8)
    padded[: len(active)] = active
    return np.packbits(padded, bitorder="little").view(np.uint64)


def rows_of(words: U64, count: int) -> list[int]:
    """Return the places of the bits that are set, below `count`."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), bitorder="little", count=count)
    return [int(row) for row in np.flatnonzero(bits)]


def _shape(side: Side) -> tuple[int, int]:
    if isinstance(side, FaceSide):
        return len(side.probes), len(side.faces)
    return side.probes.count, len(side.codes)
