"""Merkle trees of RFC 9162 (and RFC 6962), section 2.1: heads, proofs of inclusion and of consistency.

A tree over leaves d[0:n] has the hash

    MTH()       = SHA-256()
    MTH(d[0])   = SHA-256(0x00 || d[0])
    MTH(d[0:n]) = SHA-256(0x01 || MTH(d[0:k]) || MTH(d[k:n])),  k the largest power of two below n

so a perfect part of a tree keeps its hash however the tree grows. A proof needs the hashes of such parts
only: it is made through `Parts`, which gives the hash of leaves begin to end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
"""Of SHA-256."""

EMPTY = hashlib.sha256().digest()
"""Hash of a tree without leaves."""

MAX_PROOF = 128
"""Most hashes of a proof that is read: a tree of 2**63 leaves needs 126 at most."""

Parts = Callable[[int, int], bytes]
"""Returns the hash of the tree over leaves begin to end, begin < end."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that only grows: the hashes of the perfect trees that it consists of, greatest first.

    Parameters
    ----------
    size : int
        Leaves.
    peaks : iterable of bytes
        One for each 1 in the binary form of `size`, of the highest first.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size, self.peaks = size, list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError("a frontier needs one hash for each 1 of its size")

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        number = self.size
        while number & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            number >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash of the tree."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """Return another one of the same state."""
        return Frontier(self.size, self.peaks)


def parts_of(leaves: Sequence[bytes]) -> Parts:
    """Return `Parts` over hashes of leaves."""

    def hashed(begin: int, end: int) -> bytes:
        frontier = Frontier()
        for leaf in leaves[begin:end]:
            frontier.append(leaf)
        return frontier.root()

    return hashed


def inclusion_path(parts: Parts, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves (2.1.3.1), from the leaf upwards.

    Raises
    ------
    ValueError
        If there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(parts(middle, end))
            end = middle
        else:
            path.append(parts(begin, middle))
            begin = middle
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the head of the tree that a proof of inclusion leads to (2.1.3.2); None if it leads to none."""
    if not 0 <= index < size:
        return None
    number, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            root = node_hash(step, root)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            root = node_hash(root, step)
        number, last = number >> 1, last >> 1
    return root if last == 0 else None


def consistency_path(parts: Parts, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of `first` leaves is the beginning of that of `second` (2.1.4.1).

    Raises
    ------
    ValueError
        If not 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError("expected 0 < first <= second")
    path: list[bytes] = []
    begin, end, whole = 0, second, True
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            path.append(parts(middle, end))
            end = middle
        else:
            path.append(parts(begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(parts(begin, end))
    return path[::-1]


def is_consistent(first: int, old: bytes, second: int, new: bytes, path: Sequence[bytes]) -> bool:
    """Return whether a proof shows that the tree of `old` is the beginning of that of `new` (2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and old == new
    steps = list(path)
    if first & (first - 1) == 0:
        steps.insert(0, old)
    if not steps:
        return False
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            after = node_hash(after, step)
        number, last = number >> 1, last >> 1
    return last == 0 and before == old and after == new


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
