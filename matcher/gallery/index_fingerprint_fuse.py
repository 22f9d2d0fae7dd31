"""One shortlist of subjects from the votes of several fingers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matcher import _core
from matcher.errors import ArgumentError
from matcher.fingerprint.descriptor import I32, U16, DescriptorProbe
from matcher.types import U64

if TYPE_CHECKING:
    from matcher.gallery.index_fingerprint import FingerprintIndex

MAX_SHORTLIST = 1 << 22
"""Most places of a shortlist."""

SHARE = 0.01
"""Of the subjects that the scorer should see: mates that it would accept and that are not among them are
counted in benchmarks/README.md."""

FEWEST = 2_500
"""Subjects that the scorer sees at least: some 35 ms of its time for two fingers."""


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


def shortlist(parts: Sequence[ShortlistPart], subjects: int | None, k: int) -> tuple[I32, U16]:
    """Return the subjects with the most votes of all fingers together.

    Parameters
    ----------
    parts : sequence of ShortlistPart
        At least one. Of several rows of a subject in one part the most votes count; parts are added.
    subjects : int or None
        Owners are numbered below; None where all rows are their own subjects.
    k : int
        Most subjects, 1 to 2**22. Several parts of one finger (two impressions) count twice.

    Returns
    -------
    subjects : int32 array (n,)
        n <= k, most votes first, equal ones by number. Subjects without a vote are not among them.
    votes : uint16 array (n,)

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
    totals = np.zeros(max([subjects or 0, *own]), np.uint16)
    for part, state in zip(parts, states, strict=True):
        votes = part.index.votes(part.probe, state)
        if part.allowed is not None:
            _check("allowed", part.allowed, np.uint64)
            votes = votes[: 64 * len(part.allowed)]
        if part.owners is not None:
            _check("owners", part.owners, np.int32)
            votes = votes[: len(part.owners)]
        # Marks are read now, after the votes: what was deleted meanwhile is left out.
        try:
            _core.add_votes(votes, part.index.state.alive, part.allowed, part.owners, totals)
        except IndexError as error:
            raise ArgumentError(f"shortlist: {error}.") from None
    return _core.most_votes(totals, k)


def _check(name: str, array: object, dtype: type) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise ArgumentError(f"shortlist: expected {name} as an array of {np.dtype(dtype)} (n,).")
