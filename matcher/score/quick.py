"""Who of those proposed is scored in full: quick scores, by the forms that lie in memory.

    eyes, face -> somebody decided? -> fingers, of whom they may still say something -> who may pass

Fingers are what costs: a comparison is a hundred times that of two search codes. So eyes and face come first.
Where they already name somebody far above the threshold, fingers are not compared of those who

- show all of the probe's eyes and its face, and
- look like a stranger in all of these together, and
- are not among the `BEST_LISTED` whom the votes of the fingers name first.

Whoever lacks an eye or the face is compared in every finger, so a second enrolment of the same person without
irises is found as ever. What may be lost is a second enrolment of somebody who is found: one with eyes and
a face that look like another's, and fingers that hardly anything votes for. A probe that its eyes and face do
not decide, such as one of a person who is not enrolled, skips nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matcher.gallery.columns import I32, Bools
from matcher.gallery.gather import Person
from matcher.gallery.search import has_shortlist
from matcher.score.fusion import PersonSum
from matcher.score.fusion_probe import PersonProbe
from matcher.types import I64

QUICK_MARGIN = 30.0
"""Quick scores so far below the threshold, dB, are followed by full ones."""

FULL_AT_LEAST = 32
"""Subjects that are scored in full, whatever their quick scores."""

DECIDED_MARGIN = 20.0
"""Quick scores of eyes and face so far above the threshold, dB, decide: so far above it a stranger is a
hundred times rarer than those whom a search may return."""

DECIDED_UNITS = 3
"""Eyes and face that decide, at least, and that must look strange: a face and one eye may both be poor."""

STRANGE_BELOW = 20.0
"""Score of eyes and face together, dB, below which somebody looks like a stranger: 99 of 100 strangers do."""

BEST_LISTED = 64
"""Subjects that the votes of fingers name first, whose fingers are compared whatever the rest says."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """Subjects that are proposed.

    Attributes
    ----------
    subjects : int64 array (s,)
        Ascending.
    listed : int32 array (l,)
        Those of them whom fingers propose, best first.
    """

    subjects: I64
    listed: I32


def likely(
    probe: PersonProbe,
    people: Person,
    proposed: Proposed,
    threshold: float,
    threads: int,
    check: Callable[[], None],
) -> Bools:
    """Return which of the proposed subjects are to be scored in full, bool (S,).

    Parameters
    ----------
    probe : PersonProbe
    people : mapping of Modality to Samples
        As they lie in memory; owners are indexes of the S subjects.
    proposed : Proposed
    threshold : float
    threads : int
        For the scorers.
    check : callable
        Called every some thousand rows; what it raises ends the search.

    Raises
    ------
    CalibrationMissingError
        If the gallery holds templates that the probe has no calibration with.
    """
    subjects = proposed.subjects

    def strange(units: PersonSum) -> Bools:
        passed = np.isin(subjects, proposed.listed[:BEST_LISTED])
        return strangers(units, units_without_fingers(probe), threshold) & ~passed

    scores = probe.score(people, len(subjects), quick=True, threads=threads, check=check, spare=strange)
    kept: Bools = scores.values >= threshold - QUICK_MARGIN
    kept[np.argsort(-scores.values, kind="stable")[:FULL_AT_LEAST]] = True
    return kept


def units_without_fingers(probe: PersonProbe) -> int:
    """Return how many eyes and faces a probe has."""
    return sum(len(m.repeats.characteristics) for m in probe.modalities if not has_shortlist(m.scorer))


def strangers(units: PersonSum, shown: int, threshold: float) -> Bools:
    """Return who looks like a stranger beside somebody who is decided; nobody where nobody is.

    Parameters
    ----------
    units : PersonSum
        Eyes and face, compared with everybody proposed.
    shown : int
        How many of them the probe has.
    threshold : float
    """
    values = units.scores()
    everything = (units.compared >= shown) & (shown >= DECIDED_UNITS)
    if not (everything & (values >= threshold + DECIDED_MARGIN)).any():
        return np.zeros(len(values), np.bool_)
    # Where the threshold is low, who is near it is no stranger.
    strange: Bools = everything & (values < min(STRANGE_BELOW, threshold - QUICK_MARGIN))
    return strange
