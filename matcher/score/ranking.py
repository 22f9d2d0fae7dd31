"""From the scores of a search to ranked candidates, each looked at in full."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from matcher.score.person import F64, Counts
from matcher.types import Candidate


@dataclass(frozen=True, slots=True)
class Examined:
    """A candidate whose rank is not known yet, and its number among the subjects."""

    candidate: Candidate
    subject: int


def ranked(
    scores: F64,
    comparisons: Counts,
    examine: Callable[[int, int], Candidate | None],
    threshold: float,
    limit: int,
) -> tuple[Candidate, ...]:
    """Return the subjects at or above a threshold, best first; of equals, the earlier enrolled.

    A search says at least what a full look says. So subjects are looked at from the highest score down, until
    as many as are wanted are known to be above all that were not looked at.

    Parameters
    ----------
    scores : float64 array (S,)
        Of each subject, from the search.
    comparisons : integer array (S,)
        How many samples were compared; of a subject with none nothing is returned.
    examine : callable
        From a subject's number, and how many were looked at before, to the candidate with its parts (its rank
        does not matter); None for one deleted since the search began: it is left out.
    threshold : float
    limit : int
        Most candidates returned.
    """
    passing = np.flatnonzero((comparisons > 0) & (scores >= threshold))
    order = passing[np.argsort(-scores[passing], kind="stable")]
    found: list[Examined] = []
    below_zero: list[float] = []  # the negated scores of `found`, ascending
    for looked, subject in enumerate(order.tolist()):
        if bisect.bisect_right(below_zero, -float(scores[subject])) >= limit:
            break
        candidate = examine(subject, looked)
        if candidate is not None and candidate.score.value >= threshold:
            value = min(candidate.score.value, float(scores[subject]))
            bisect.insort(below_zero, -value)
            found.append(Examined(replace(candidate, score=replace(candidate.score, value=value)), subject))
    found.sort(key=lambda one: (-one.candidate.score.value, one.subject))
    return tuple(replace(one.candidate, rank=rank) for rank, one in enumerate(found[:limit], 1))
