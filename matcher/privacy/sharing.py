"""Shamir's sharing of packed values over a Galois ring: one inner product a party, no larger than the values.

Z = Z_2^k (k = 16 irises, 32 faces). R = Z[w] / (w^2 + w + 1) is the Galois ring GR(2^k, 2); its residue field
has four elements, so 0, 1, w, w^2 differ by units, and polynomials of degree 1 and 2 over R are determined by
two and three of these points.

1. Packing. Two neighbours (q0, q1) become s = q0 + q1 b. With the linear map L(z0 + z1 w) = z0 + 2 z1 and
   b = v (w - 2), where v^2 = -1/7 (a 2-adic number, for -7 = 1 modulo 8): L(1) = 1, L(b) = 0, L(b^2) = 1. So
   L(s t) = q0 r0 + q1 r1 for t packed from (r0, r1): products of packed values hold inner products.
2. Sharing. Party i has s + r x_i, with x = (1, w, w^2) and r uniform in R. As x_i is a unit, one party's
   share is uniform whatever s: it tells nothing. Any two parties could compute s: no two collude.
3. Product. Shares of s and t multiply to a polynomial of degree 2 whose value at 0 is s t; as the x_i are the
   roots of x^3 = 1, that is a third of the sum of its values at them. L is linear and 1/3 exists in Z, so
   L(sum of s_j t_j) = sum over parties of the plain inner product, modulo 2^k, of the party's stored numbers
   with `prepare`d numbers of the probe. Nothing but that inner product is left to do (cpp/src/privacy.cpp).

Source: Shamir over Galois rings as in Abspoel et al., TCC 2019; its use for irises: World ID, arXiv
2405.04463. Packing by a self-dual basis, which lets a stored share serve as a probe too, and degree 2 instead
of 4 are this program's own.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.privacy.randomness import Stream

U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
Shares = npt.NDArray[np.unsignedinteger[Any]]
T = TypeVar("T", U16, U32)

PARTIES = 3

THIRD = 0xAAAAAAAB
"""1/3 modulo 2^32, and so modulo 2^16."""


def _root() -> int:
    """Return v with -7 v^2 = 1 modulo 2^32, one bit after the other (Hensel)."""
    v = 1
    for bit in range(3, 33):
        if (-7 * v * v - 1) % (1 << bit):
            v += 1 << (bit - 2)
    return v % (1 << 32)


ROOT = _root()
"""v of the text above."""


def split(values: T, stream: Stream) -> tuple[T, T, T]:
    """Return the three parties' shares of values.

    Parameters
    ----------
    values : uint16 or uint32 array (..., n)
        Modulo 2^16 or 2^32, n even.
    stream : Stream
        Fresh randomness that no party knows.

    Returns
    -------
    three arrays like `values`

    Raises
    ------
    ArgumentError
        If the last axis is odd or the dtype is another.
    """
    check_values(values)
    first, second = values[..., 0::2], values[..., 1::2]
    v = values.dtype.type(ROOT & _mask(values))
    packed = np.empty_like(values)
    packed[..., 0::2] = first - (v + v) * second
    packed[..., 1::2] = v * second
    r = stream.draw(values.dtype, values.size).reshape(values.shape)
    one, two, three = (packed + term for term in points_times(r))
    return one, two, three


def points_times(r: T) -> tuple[T, T, T]:
    """Return r x_i for the three points, r pairs of a ring element's two parts: (..., n), n even."""
    r0, r1 = r[..., 0::2], r[..., 1::2]
    turned, twice = np.empty_like(r), np.empty_like(r)
    turned[..., 0::2], turned[..., 1::2] = -r1, r0 - r1
    twice[..., 0::2], twice[..., 1::2] = r1 - r0, -r0
    return r, turned, twice


def prepare(share: T) -> T:
    """Return what a party multiplies its stored numbers with: a linear image of its share of the probe."""
    check_values(share)
    p0, p1 = share[..., 0::2], share[..., 1::2]
    third = share.dtype.type(THIRD & _mask(share))
    out = np.empty_like(share)
    out[..., 0::2] = third * (p0 + p1 + p1)
    out[..., 1::2] = third * (p0 + p0 - p1 - p1 - p1)
    return out


def third_share(next_share: T, previous_share: T) -> tuple[T, T]:
    """Return two terms whose sum is a party's share: one from each of the other parties' shares.

    The line through two points y = w x and z = w^2 x gives its value at x:
    f(x) = f(y) (x - z) / (y - z) + f(z) (x - y) / (z - y) = -w f(y) - w^2 f(z), the same for each party x.

    Parameters
    ----------
    next_share, previous_share : uint16 or uint32 array (..., n)
        Of the next and of the previous party, as seen from the one whose share is wanted.
    """
    check_values(next_share)
    check_values(previous_share)
    zero = next_share.dtype.type(0)
    _, once, _ = points_times(next_share)
    _, _, twice = points_times(previous_share)
    return zero - once, zero - twice


def join(first: T, second: T) -> T:
    """Return the values that the shares of parties 0 and 1 stand for. For tests and for owners of both."""
    check_values(first)
    # f(1) = s + r, f(w) = s + r w: s = (f(w) - w f(1)) / (1 - w), and 1 / (1 - w) = (2 + w) / 3.
    _, turned, _ = points_times(first)
    d = second - turned
    _, dw, _ = points_times(d)
    third = first.dtype.type(THIRD & _mask(first))
    s = third * (d + d + dw)
    over_v = first.dtype.type(pow(ROOT, -1, 1 << 32) & _mask(first))
    out = np.empty_like(s)
    out[..., 1::2] = over_v * s[..., 1::2]
    out[..., 0::2] = s[..., 0::2] + s[..., 1::2] + s[..., 1::2]
    return out


def check_values(values: Any) -> None:
    """Raise ArgumentError unless `values` is a uint16 or uint32 array whose last axis is even."""
    if not isinstance(values, np.ndarray) or values.dtype not in (np.uint16, np.uint32):
        raise ArgumentError("Shares: expected a uint16 or uint32 array.")
    if values.ndim < 1 or values.shape[-1] % 2:
        raise ArgumentError(f"Shares: expected an even last axis, got {values.shape}.")


def _mask(values: Shares) -> int:
    return int(np.iinfo(values.dtype).max)
