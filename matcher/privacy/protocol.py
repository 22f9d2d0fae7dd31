"""The spine: from a party's inner products to the permitted bits, and nothing else.

    cd, md = products(stored shares, prepared probe)      local                    matcher.privacy.products
    match  = decided(cd, md, rule)                        replicated bits          this file
    found  = any_of(match over rotations, or the gallery) replicated bits          matcher.privacy.bits
    answer = opened(found)                                what all three may see

`docs/private-matching.md` proves that a party's view up to the opening is uniform, whatever the secrets.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from matcher.privacy.addends import signs_of_sums
from matcher.privacy.bits import Bits, Product, inverted, product, replicated
from matcher.privacy.lift import injected, lifted
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Part
from matcher.privacy.rule import LEAST_WIDTH, Rule
from matcher.privacy.sign import Numbers, hidden, signs, summed

U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
N = TypeVar("N", U16, U32)

TREE_BELOW = 1 << 16
"""Comparisons of a batch below which rounds, half a millisecond of CPU each, count for more than bits."""


def iris_matches(shared: Shared, cd: U16, md: U16, rule: Rule, *, tree: bool | None = None) -> Part[Bits]:
    """Return the match bits of n comparisons by a rule, replicated: (ceil(n / 64),).

    Parameters
    ----------
    cd, md : uint16 array (n,)
        This party's additive shares of the inner products.
    rule : Rule
    tree : bool, optional
        Which way signs are found; by the number of comparisons if absent.
    """
    return (yield from replicated((yield from iris_decided(shared, cd, md, rule, tree=tree))))


def iris_decided(shared: Shared, cd: U16, md: U16, rule: Rule, *, tree: bool | None = None) -> Part[Product]:
    """As `iris_matches`, but that what the last AND makes is not passed on."""
    tree = len(cd) < TREE_BELOW if tree is None else tree
    decide = _narrow if rule.narrow else _wide
    close, enough = yield from decide(shared, cd, md, rule, tree)
    return Product(product(shared, close, enough).own & lanes(len(cd)))


def face_matches(
    shared: Shared, products: U32, least: int, width: int, *, tree: bool | None = None
) -> Part[Bits]:
    """Return the match bits of n comparisons by inner product >= least, replicated: (ceil(n / 64),).

    Parameters
    ----------
    products : uint32 array (n,)
        Additive shares.
    least : int
    width : int
        Bits of product - least with its sign, 3 to 32.
    """
    tree = len(products) < TREE_BELOW if tree is None else tree
    x = _less(shared, products, least)
    [negative] = yield from _signs(shared, [(x, width)], tree)
    return inverted(shared, negative).masked(lanes(len(products)))


def _signs(shared: Shared, numbers: list[tuple[Numbers, int]], tree: bool) -> Part[list[Bits]]:
    """Return the signs of numbers, (shares, width) each: in the fewest rounds, or with the fewest bits."""
    if tree:
        return (yield from signs_of_sums(shared, numbers))
    summands = yield from summed([(hidden(shared, values), width) for values, width in numbers])
    return (yield from signs(shared, summands))


def _narrow(shared: Shared, cd: U16, md: U16, rule: Rule, tree: bool) -> Part[tuple[Bits, Bits]]:
    """X and md - minimum from shares modulo 2^16; both must not be negative."""
    x: U16 = np.uint16(rule.scale) * cd - np.uint16(rule.slope) * md
    x = _less(shared, x, rule.offset + 1)
    y = _less(shared, md, rule.minimum)
    numbers: list[tuple[Numbers, int]] = [(x, rule.width), (y, max(rule.md_width + 1, LEAST_WIDTH))]
    negative_x, negative_y = yield from _signs(shared, numbers, tree)
    return inverted(shared, negative_x), inverted(shared, negative_y)


def _wide(shared: Shared, cd: U16, md: U16, rule: Rule, tree: bool) -> Part[tuple[Bits, Bits]]:
    """md lifted by its carries; scale * cd is wide already, as scale is a power of two."""
    low = rule.md_width
    summand, carries, enough = yield from lifted(shared, md, low, rule.minimum)
    carried = yield from injected(shared, carries, len(md), rule.width - low)
    k = carried[: len(md)] + carried[len(md) :]
    lifted_md = summand.astype(np.uint32) - (k << np.uint32(low))
    x: U32 = np.uint32(rule.scale) * cd.astype(np.uint32)
    x -= np.uint32(rule.slope) * lifted_md
    x = _less(shared, x, rule.offset + 1)
    [negative] = yield from _signs(shared, [(x, rule.width)], tree)
    return inverted(shared, negative), enough


def _less(shared: Shared, values: N, constant: int) -> N:
    """Return shares of values - constant: party 0 takes it off."""
    if shared.index:
        return values
    less: N = values - values.dtype.type(constant % (int(np.iinfo(values.dtype).max) + 1))
    return less


def lanes(count: int) -> npt.NDArray[np.uint64]:
    """Return words with the lowest `count` bits set: what lies beyond the last comparison matches nothing."""
    out = np.full(-(-count // 64), ~np.uint64(0), np.uint64)
    if count % 64:
        out[-1] = np.uint64((1 << count % 64) - 1)
    return out
