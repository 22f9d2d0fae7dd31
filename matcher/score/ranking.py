"""From the tally of a search to ranked candidates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.gallery.search import Tally
from matcher.score.fusion import F64
from matcher.types import Candidate, Score

NOT_COMPARED = "none"
"""Calibration id of a score that comes from no comparison."""


def score_of(tally: Tally, fused: F64, subject: int) -> Score:
    """Return the score of one subject; `raw` is that of its best comparison."""
    if not tally.hypotheses[subject]:
        return Score(0.0, 0.0, NOT_COMPARED, False)
    return Score(
        float(fused[subject]),
        float(tally.raw[subject]),
        tally.calibrations[tally.source[subject]],
        bool(tally.extrapolated[subject]),
    )


def ranked(
    tally: Tally, fused: F64, name: Callable[[int], str | None], threshold: float, limit: int
) -> tuple[Candidate, ...]:
    """Return the subjects at or above a threshold, best first; of equals, the earlier enrolled.

    Parameters
    ----------
    tally : Tally
    fused : float64 array (S,)
        Score of each subject.
    name : callable
        Subject number to id, None for one deleted since the search began: it is left out.
    threshold : float
    limit : int
        Most candidates returned.
    """
    passing = np.flatnonzero((tally.hypotheses > 0) & (fused >= threshold))
    order = passing[np.argsort(-fused[passing], kind="stable")]
    found: list[Candidate] = []
    for subject in order.tolist():
        subject_id = name(subject)
        if subject_id is not None:
            found.append(Candidate(subject_id, score_of(tally, fused, subject), len(found) + 1))
            if len(found) == limit:
                break
    return tuple(found)
