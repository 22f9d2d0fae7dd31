"""Error rates from scores (ISO/IEC 19795-1), in whole counts: two honest programs agree to the last digit.

A comparison matches when score >= t. Thresholds that can differ are the distinct scores and one above them
all; every figure is read from the two counts at each of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

FMR_POINTS = ("1e-2", "1e-3", "1e-4")
"""False match rates at which FNMR is stated; text, so that floor(f * N) is exact."""

FEW_FALSE_MATCHES = 10
"""Below this many false matches allowed, a figure is flagged: it hangs on a handful of comparisons."""


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCounts:
    """Counts of errors at every threshold that makes a difference.

    Attributes
    ----------
    false_matches : int64 array (t,)
        count(non-mated >= threshold), descending; the last is 0, above every score.
    misses : int64 array (t,)
        Failures to extract + count(mated < threshold), ascending; the last is all of them.
    non_mated, mated : int
        Totals.
    """

    false_matches: I64
    misses: I64
    non_mated: int
    mated: int


@dataclass(frozen=True, slots=True, eq=False)
class ScoreOrder:
    """Scores by their place among the distinct ones: sorted once, counted often with different weights.

    Attributes
    ----------
    distinct : int
        Number of distinct scores.
    non_mated_place, mated_place : int64 arrays (n,), (m,)
        Place of each score among the distinct ones, ascending.
    """

    distinct: int
    non_mated_place: I64
    mated_place: I64

    @classmethod
    def of(cls, non_mated: F32, mated: F32) -> ScoreOrder:
        """Order finite scores; comparisons that failed are not among them."""
        values, place = np.unique(np.concatenate([non_mated, mated]), return_inverse=True)
        return cls(len(values), place[: len(non_mated)], place[len(non_mated) :])

    def count(
        self, non_mated_weight: I64 | None = None, mated_weight: I64 | None = None, *, failed: int = 0
    ) -> ErrorCounts:
        """Count errors, each comparison `weight` times (once where None); `failed` mated ones never match."""
        # bincount sums in float64: exact for whole numbers below 2**53.
        non_mated = np.bincount(self.non_mated_place, non_mated_weight, self.distinct).astype(np.int64)
        mated = np.bincount(self.mated_place, mated_weight, self.distinct).astype(np.int64)
        below = np.concatenate([[0], np.cumsum(non_mated)])
        misses = np.concatenate([[0], np.cumsum(mated)]) + failed
        return ErrorCounts(below[-1] - below, misses, int(below[-1]), int(misses[-1]))


def allowed_false_matches(fmr: str, non_mated: int) -> int:
    """Return floor(fmr * non_mated), exactly."""
    rate = Fraction(fmr)
    return rate.numerator * non_mated // rate.denominator


def fnmr_at_fmr(counts: ErrorCounts, fmr: str) -> float | None:
    """Return FNMR at the smallest threshold with at most floor(fmr * N) false matches.

    A mated comparison that ties with the first false match not allowed is a miss. None where fmr * N < 1.
    """
    allowed = allowed_false_matches(fmr, counts.non_mated)
    return None if allowed < 1 else _fnmr_allowing(counts, allowed)


def zero_fmr(counts: ErrorCounts) -> float | None:
    """Return FNMR at the lowest threshold without a false match; None without non-mated comparisons."""
    return None if counts.non_mated == 0 else _fnmr_allowing(counts, 0)


def eer(counts: ErrorCounts) -> float | None:
    """Return (FMR + FNMR) / 2 where their difference is smallest; of equal differences the worse mean."""
    if counts.mated == 0 or counts.non_mated == 0:
        return None
    # In whole numbers: |FMR - FNMR| * N * M.
    difference = np.abs(counts.false_matches * counts.mated - counts.misses * counts.non_mated)
    nearest = difference == difference.min()
    both = counts.false_matches[nearest] / counts.non_mated + counts.misses[nearest] / counts.mated
    return float(both.max()) / 2.0


def _fnmr_allowing(counts: ErrorCounts, allowed: int) -> float | None:
    if counts.mated == 0:
        return None
    place = int(np.count_nonzero(counts.false_matches > allowed))
    return int(counts.misses[place]) / counts.mated
