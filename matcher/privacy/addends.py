"""Signs in few rounds: two addends, each known to whole parties, added four places at a time.

A number is the sum of three additive shares x_0 + x_1 + x_2. With s drawn by parties 1 and 2, t by 0 and 1:

    z_0 = x_0 - t,  z_1 = x_1 + t - s,  z_2 = x_2 + s             still sum to it
    round 1     party 2 sends z_2 to party 0, party 1 sends z_1 to party 2
    A = z_0 + z_2 is known to party 0, B = z_1 to parties 1 and 2; the number is A + B.

What a group of `GROUP` places generates or propagates depends on comparisons of A's digit with constants,
which party 0 makes alone and shares as bits a, and on B's digit, which both other parties know: products of
the two need no message (`products_of`).

    round 2     a_2 is drawn by parties 0 and 2; party 0 sends a_0 = a ^ a_2 to party 1; a_1 = 0
    round 3     party 1 has f, of a_0, and party 2 has g, of a_2; f ^ g is wanted. With p drawn by 0 and 1 and
                q by 2 and 0, party 1 sends f ^ p to party 2, party 2 sends g ^ q to party 1. The wanted bit's
                parts are p, f ^ p ^ g ^ q and q.

From there groups are merged two by two, a round each (`merged`). What is sent in rounds 1 to 3 is a number
plus, or bits exclusive or, fresh ones that the receiver cannot draw: s, t, a_2, p, q. For small batches, in
which messages cost more than bits: these three rounds take five messages, where `matcher.privacy.sign` takes
nine for the first places alone; it has fewer bits for large ones.
"""

from __future__ import annotations

import numpy as np

from matcher.errors import ProtocolError
from matcher.privacy.bits import Bits, bytes_of, words_of
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Links, Message, Part
from matcher.privacy.sign import Numbers, merged, planes_of
from matcher.types import U64

GROUP = 4
"""Places added at a time: 15 comparisons a group; one place more would double them to save no round."""

LEVELS = 1 << GROUP
"""Values of a group's digit."""

TO_ADDENDS: Links = frozenset({(2, 0), (1, 2)})
FROM_ZERO: Links = frozenset({(0, 1)})
BETWEEN: Links = frozenset({(1, 2), (2, 1)})

Number = tuple[Numbers, int]
"""Additive shares of numbers, and how many bits they have with their sign, at least 2."""


def signs_of_sums(shared: Shared, numbers: list[Number]) -> Part[list[Bits]]:
    """Return the highest bit of each number, replicated: (words,) each.

    Parameters
    ----------
    numbers : list of (values, width)
        This party's additive shares of one count of numbers, not hidden yet.
    """
    addends = yield from _addends(shared, numbers)
    counts = [-(-(width - 1) // GROUP) for _, width in numbers]
    words = -(-numbers[0][0].size // 64)
    tops, digits = _split(addends, numbers, counts, words)
    groups = sum(counts)
    # Party 0's comparisons, groups * (LEVELS - 1) planes, and its numbers' tops.
    shape = (groups * (LEVELS - 1) + len(numbers), words)
    size = shape[0] * words
    if shared.index == 0:
        own = np.concatenate([reached(digits).reshape(-1, words), tops])
        left = shared.with_previous(np.uint64, size).reshape(shape)
        own ^= left
        yield Message(ahead=bytes_of(own), links=FROM_ZERO)
        top = Bits(own[-len(numbers) :], left[-len(numbers) :])
        pads = (draw(np.uint64, 2 * groups * words) for draw in (shared.with_next, shared.with_previous))
        made = Bits(*pads)
        yield Message(links=BETWEEN)
    elif shared.index == 1:
        received = yield Message(links=FROM_ZERO)
        known = words_of(received.back, shape)
        top = Bits(tops, known[-len(numbers) :])
        made = yield from products_of(shared, known, digits)
    else:
        known = shared.with_next(np.uint64, size).reshape(shape)
        yield Message(links=FROM_ZERO)
        top = Bits(known[-len(numbers) :], tops)
        made = yield from products_of(shared, known, digits)
    made = made.reshape(2 * groups, words)
    generate, propagate = made[:groups], made[groups:]
    ends = np.cumsum(counts)
    carries = yield from merged(
        shared,
        [generate[end - count : end] for count, end in zip(counts, ends, strict=True)],
        [propagate[end - count : end] for count, end in zip(counts, ends, strict=True)],
    )
    return [top[k] ^ carry for k, carry in enumerate(carries)]


def _addends(shared: Shared, numbers: list[Number]) -> Part[list[Numbers]]:
    """Return A of each number at party 0, B at the two others."""
    z = []
    for values, _ in numbers:
        more = shared.with_previous(values.dtype, values.size) if shared.index else values.dtype.type(0)
        less = shared.with_next(values.dtype, values.size) if shared.index < 2 else values.dtype.type(0)
        z.append(values + more - less)
    data = b"" if shared.index == 0 else b"".join(one.tobytes() for one in z)
    if shared.index == 1:
        yield Message(ahead=data, links=TO_ADDENDS)
        return z
    received = yield Message(ahead=data, links=TO_ADDENDS)
    expected = sum(values.nbytes for values, _ in numbers)
    if len(received.back) != expected:
        raise ProtocolError(f"A message of {expected} bytes was expected, one of {len(received.back)} came.")
    found, begin = [], 0
    for own in z:
        theirs = np.frombuffer(received.back, own.dtype, own.size, begin)
        begin += own.nbytes
        found.append(own + theirs if shared.index == 0 else theirs)
    return found


def _split(addends: list[Numbers], numbers: list[Number], counts: list[int], words: int) -> tuple[U64, U64]:
    """Return the numbers' sign places, (numbers, words), and lower ones in groups: (groups, GROUP, words).

    A number's lowest group is filled up from below by zeros, which carry nothing.
    """
    planes = [planes_of(values, width) for values, (_, width) in zip(addends, numbers, strict=True)]
    digits = np.zeros((sum(counts) * GROUP, words), np.uint64)
    end = 0
    for plane, count in zip(planes, counts, strict=True):
        end += count * GROUP
        digits[end - (len(plane) - 1) : end] = plane[:-1]
    return np.stack([plane[-1] for plane in planes]), digits.reshape(-1, GROUP, words)


def reached(digits: U64) -> U64:
    """Return whether each digit is at least 1 to LEVELS - 1: (groups, LEVELS - 1, words)."""
    groups, places, words = digits.shape
    found = np.zeros((groups, 0, words), np.uint64)
    for place in range(places):
        # With a place above: digit >= v is, below half, bit or low >= v, and above, bit and low >= v - half.
        bit = digits[:, place : place + 1]
        found = np.concatenate([found | bit, bit, found & bit], axis=1)
    return found


def _is(digits: U64) -> U64:
    """Return whether each digit is 0 to LEVELS - 1: (groups, LEVELS, words)."""
    groups, places, words = digits.shape
    found = np.full((groups, 1, words), ~np.uint64(0))
    for place in range(places):
        bit = digits[:, place : place + 1]
        found = np.concatenate([found & ~bit, found & bit], axis=1)
    return found


def products_of(shared: Shared, known: U64, digits: U64) -> Part[Bits]:
    """Return what each group generates, and whether it propagates: (2 groups * words,); of parties 1 and 2.

    A sum reaches LEVELS where A's digit is at least LEVELS - B's, and is LEVELS - 1 where it is one less.
    """
    groups, _, words = digits.shape
    reached = known[: groups * (LEVELS - 1)].reshape(groups, LEVELS - 1, words)
    b_is = _is(digits)
    # A >= LEVELS - v for v = 1 to LEVELS - 1; at v = 0 never.
    down = reached[:, ::-1]
    generated = np.bitwise_xor.reduce(b_is[:, 1:] & down, axis=1)
    # A >= LEVELS - 1 - v for v = 0 to LEVELS - 2; at v = LEVELS - 1 always, a constant that party 1 adds.
    one_more = np.bitwise_xor.reduce(b_is[:, :-1] & down, axis=1)
    if shared.index == 1:
        one_more ^= b_is[:, -1]
    propagated = generated ^ one_more
    part = np.concatenate([generated.reshape(-1), propagated.reshape(-1)])
    if shared.index == 1:
        pad = shared.with_previous(np.uint64, part.size)
        part ^= pad
        received = yield Message(ahead=bytes_of(part), links=BETWEEN)
        return Bits(part ^ words_of(received.ahead, part.shape), pad)
    pad = shared.with_next(np.uint64, part.size)
    part ^= pad
    received = yield Message(back=bytes_of(part), links=BETWEEN)
    return Bits(pad, part ^ words_of(received.back, part.shape))
