"""One shortlist of subjects from the votes of several fingers.

votes    -> everybody: the votes of all minutiae, added over fingers; a first list by them
support  -> of the first list: the votes that agree on one motion of the print, each finger by itself
ranking  -> votes + 3 times support; the list that the full scorer sees
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError
from matcher.fingerprint.descriptor import I32, U16, DescriptorProbe
from matcher.gallery.index_fingerprint_segment import Bools
from matcher.gallery.together import together
from matcher.types import I64, U64

if TYPE_CHECKING:
    from matcher.gallery.index_fingerprint import FingerprintIndex

MAX_SHORTLIST = 1 << 22
"""Most places of a shortlist."""

SHARE = 0.001
"""Of the subjects that the scorer should see: mates that it would accept and that are not among them are
counted in benchmarks/README.md."""

FEWEST = 500
"""Subjects that the scorer sees at least: some 7 ms of its time for two fingers."""

FIRST_SHARE = 0.01
"""Of the subjects that get the second look: those with the most votes."""

FIRST_FEWEST = 2_000
"""Subjects that get the second look at least."""

ALONE_FACTOR, WEAK_FACTOR = 2, 4
"""Lists of a probe of one finger, and of one with a weak finger, are so many times longer."""

SUPPORT_WEIGHT = 3
"""Weight of votes that agree on one motion, beside all votes."""


@dataclass(frozen=True, slots=True, eq=False)
class ShortlistPart:
    """A finger of the probe and what it is searched in.

    Attributes
    ----------
    index : FingerprintIndex
    probe : DescriptorProbe
    owners : int32 array (R,), optional
        Subject of each row of the index, -1 for none; rows beyond its end are not searched. By default a row
        is its own subject.
    allowed : uint64 array (m,), optional
        Bit `r % 64` of word `r // 64` says whether row r counts; rows beyond its end do not.
    """

    index: FingerprintIndex
    probe: DescriptorProbe
    owners: I32 | None = None
    allowed: U64 | None = None


def shortlist_length(subjects: int) -> int:
    """Return how many subjects the full scorer should see."""
    return max(FEWEST, round(subjects * SHARE))


def first_length(subjects: int) -> int:
    """Return how many subjects should get the second look."""
    return max(FIRST_FEWEST, round(subjects * FIRST_SHARE))


def widening(probes: Sequence[DescriptorProbe]) -> int:
    """Return how many times longer than for a good probe both lists should be."""
    if any(probe.weak for probe in probes):
        return WEAK_FACTOR
    return ALONE_FACTOR if len(probes) == 1 else 1


def shortlist(
    parts: Sequence[ShortlistPart],
    subjects: int | None,
    k: int,
    *,
    first: int | None = None,
    threads: int = 1,
) -> tuple[I32, U16]:
    """Return the subjects that look most alike, by votes and by how well these agree, all fingers together.

    Parameters
    ----------
    parts : sequence of ShortlistPart
        At least one. Of several rows of a subject in one part the most votes count; parts are added.
    subjects : int or None
        Owners are numbered below; None where all rows are their own subjects.
    k : int
        Most subjects, 1 to 2**22. Several parts of one finger (two impressions) count twice.
    first : int, optional
        Subjects with the most votes that get the second look; up to `k`, and by default, the votes alone
        decide.
    threads : int
        Fingers whose votes are counted at once.

    Returns
    -------
    subjects : int32 array (n,)
        n <= k, best first, equal ones by votes, then by number. Subjects without a vote are not among them.
    votes : uint16 array (n,)
        All votes of each.

    Raises
    ------
    ArgumentError
        If `k` is out of range, there is no part, or a filter or owner array is of another type.
    """
    if not 1 <= k <= MAX_SHORTLIST:
        raise ArgumentError(f"shortlist: expected 1 to {MAX_SHORTLIST} places, got {k}.")
    if not parts:
        raise ArgumentError("shortlist: expected at least one finger.")
    states = [part.index.state for part in parts]
    own = [state.rows for part, state in zip(parts, states, strict=True) if part.owners is None]
    size = max([subjects or 0, *own])
    seen = list(zip(parts, states, strict=True))
    votes = together([partial(part.index.votes, part.probe, state) for part, state in seen], threads)
    listed, counted = _core.most_votes(_fused(parts, votes, size), min(max(first or k, k), MAX_SHORTLIST))
    if len(listed) <= k:
        return listed, counted
    on_it = np.zeros(size, np.bool_)
    on_it[listed] = True
    looked = [partial(p.index.support, p.probe, _rows_of(p, on_it), state) for p, state in seen]
    again = together(looked, threads)
    support = _fused(parts, again, size)[listed]
    best = np.argsort(-evidence(counted, support), kind="stable")[:k]
    return listed[best], counted[best]


def evidence(votes: npt.NDArray[np.integer], support: npt.NDArray[np.integer]) -> I64:
    """Return what subjects are ranked by after the second look, int64 (n,)."""
    total: I64 = votes.astype(np.int64) + SUPPORT_WEIGHT * support.astype(np.int64)
    return total


def _fused(parts: Sequence[ShortlistPart], votes: Sequence[U16], size: int) -> U16:
    """Add up the votes of all fingers by subject."""
    totals = np.zeros(size, np.uint16)
    for part, own in zip(parts, votes, strict=True):
        if part.allowed is not None:
            _check("allowed", part.allowed, np.uint64)
            own = own[: 64 * len(part.allowed)]
        if part.owners is not None:
            _check("owners", part.owners, np.int32)
            own = own[: len(part.owners)]
        # Marks are read now, after the votes: what was deleted meanwhile is left out.
        try:
            _core.add_votes(own, part.index.state.alive, part.allowed, part.owners, totals)
        except IndexError as error:
            raise ArgumentError(f"shortlist: {error}.") from None
    return totals


def _rows_of(part: ShortlistPart, on_it: Bools) -> U64:
    """Return the rows of some subjects, as bits."""
    if part.owners is None:
        rows = on_it
    else:
        rows = on_it[part.owners] & (part.owners >= 0)
    words = np.zeros((len(rows) + 63) // 64, "<u8")
    bits = np.packbits(rows, bitorder="little")
    words.view(np.uint8)[: len(bits)] = bits
    return words.astype(np.uint64, copy=False)


def _check(name: str, array: object, dtype: type) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise ArgumentError(f"shortlist: expected {name} as an array of {np.dtype(dtype)} (n,).")
