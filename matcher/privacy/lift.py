"""From shares modulo 2^16 to wider ones: the carries that the wide sum would lack.

md = (m_0 + m_1 + m_2) - 2^w k, where m_i are additive shares modulo 2^w and k = 0, 1 or 2. The sum of the
three in slices of bits gives k as two bits; each is turned into an additive sharing modulo 2^v by one message
of one party (`injected`). The same sum's bits are compared with the least md, at the cost of an AND a place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.errors import ProtocolError
from matcher.privacy.bits import Bits, both, bytes_of, joined, words_of
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Links, Message, Part
from matcher.privacy.sign import Numbers, carry_saved, hidden, planes_of, summed, values_of

U32 = npt.NDArray[np.uint32]


def lifted(shared: Shared, md: Numbers, width: int, minimum: int) -> Part[tuple[Numbers, Bits, Bits]]:
    """Return hidden shares of md, below 2^width, their two carries, (2, words), and whether md >= minimum.

    Parameters
    ----------
    md : unsigned array (n,)
        Additive shares of numbers below 2^width, modulo a larger power of two.
    width : int
        At least 2, at most that of the dtype less 1.
    minimum : int
        1 to 2^width - 1.
    """
    md = hidden(shared, md) & md.dtype.type((1 << width) - 1)
    [summands] = yield from summed([(md, width)])
    [(s, c)] = yield from carry_saved(shared, [summands], [width])
    carry: Bits | None = None
    reached = Comparison(shared, width, minimum)
    # Place j adds s_j and c_(j-1) and their carry; the comparison follows a place behind.
    bit = s[0:1]
    for place in range(1, width + 1):
        left, right = reached.operands(place - 1, bit)
        if place < width:
            x, y = s[place : place + 1], c[place - 1 : place]
            bit = x ^ y if carry is None else x ^ y ^ carry
            left.insert(0, x if carry is None else x ^ carry)
            right.insert(0, y if carry is None else y ^ carry)
        product = (yield from both(shared, joined(left), joined(right))) if left else None
        if place < width:
            assert product is not None
            carry = product[:1] if carry is None else product[:1] ^ carry
            product = product[1:]
        reached.take(product)
    assert carry is not None
    return md, joined([c[width - 1 : width], carry]), reached.result()


class Comparison:
    """md >= minimum as the carry out of md + (2^width - minimum), a public number; bits come lowest first.

    Where the public bit is 1 the carry is md_j OR carry, else md_j AND carry; below its lowest 1 it is 0.
    """

    def __init__(self, shared: Shared, width: int, minimum: int) -> None:
        self._shared = shared
        self._number = (1 << width) - minimum
        self._carry: Bits | None = None
        self._bit: Bits | None = None
        self._is_or = False

    def operands(self, place: int, bit: Bits) -> tuple[list[Bits], list[Bits]]:
        """Take md's bit of a place; return what is to be ANDed for it, if anything."""
        self._bit = None
        one = bool(self._number >> place & 1)
        if self._carry is None:
            if one:
                self._carry = bit
            return [], []
        self._bit, self._is_or = bit, one
        return [bit], [self._carry]

    def take(self, product: Bits | None) -> None:
        """Take the product that `operands` asked for."""
        if self._bit is None or self._carry is None:
            return
        if product is None:
            raise ProtocolError("A comparison lacks its product.")
        self._carry = product ^ self._bit ^ self._carry if self._is_or else product

    def result(self) -> Bits:
        """Return the carry out."""
        if self._carry is None:
            raise ProtocolError("A comparison with 0 is no comparison.")
        return self._carry[0]


E_ONLY: Links = frozenset({(1, 2)})
"""Of `injected`'s round."""


def injected(shared: Shared, bits: Bits, count: int, width: int) -> Part[U32]:
    """Return additive shares modulo 2^width of replicated bits: uint32 array (len(bits) * count,).

    b = d ^ b_2 with d = b_0 ^ b_1, which party 1 knows; so b = d (1 - 2 b_2) + b_2. Party 1 shares d as r +
    e: r is drawn from what it shares with party 0, e = d - r is sent to party 2. Parties 0 and 2 know b_2:
    their shares are r (1 - 2 b_2) and e (1 - 2 b_2) + b_2, party 1's is 0. e is uniform to party 2, r is to
    party 0.
    """
    total = len(bits) * count

    def numbers(part: npt.NDArray[np.uint64]) -> U32:
        rows = [np.unpackbits(row.view(np.uint8), count=count, bitorder="little") for row in part]
        return np.concatenate(rows).astype(np.uint32)

    shape = (width, -(-total // 64))
    if shared.index == 0:
        r = shared.with_next(np.uint32, total)
        yield Message(links=E_ONLY)
        flipped: U32 = r * (np.uint32(1) - 2 * numbers(bits.left))
        return flipped
    if shared.index == 1:
        r = shared.with_previous(np.uint32, total)
        e = numbers(bits.own ^ bits.left) - r
        yield Message(ahead=bytes_of(planes_of(e, width)), links=E_ONLY)
        return np.zeros(total, np.uint32)
    received = yield Message(links=E_ONLY)
    e = values_of(words_of(received.back, shape), total)
    known = numbers(bits.own)
    out: U32 = e * (np.uint32(1) - 2 * known) + known
    return out
