"""The parts of a comparison of persons: what each finger gave, and what looks wrong with the labels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matcher.types import FingerPosition


class FingerUse(StrEnum):
    """What became of a finger of the probe; the values are reason codes."""

    USED = "USED"
    """Compared, and part of the person's score."""

    NOT_ENROLLED = "NOT_ENROLLED"
    """The subject has no sample of that position and none of unknown position: contributes 0."""

    COUNTED_ONCE = "COUNTED_ONCE"
    """It shows the finger of another sample of the probe, whose part counts for both."""

    SAMPLE_TAKEN = "SAMPLE_TAKEN"
    """The subject's only samples it could match went to other fingers that match them better."""


class WarningKind(StrEnum):
    """What looks wrong; the values are reason codes."""

    WRONG_POSITION_SUSPECTED = "WRONG_POSITION_SUSPECTED"
    """The fingers match clearly better under other positions: a swapped hand or a wrong label."""

    SAME_IMPRESSION_TWICE = "SAME_IMPRESSION_TWICE"
    """Two samples are one impression: nearly the same minutiae. It is counted once."""

    SAME_FINGER_TWICE = "SAME_FINGER_TWICE"
    """Two samples of different positions show one finger. It is counted once."""


class Side(StrEnum):
    """Whose samples a warning is about."""

    PROBE = "PROBE"
    CANDIDATE = "CANDIDATE"
    BOTH = "BOTH"


@dataclass(frozen=True, slots=True)
class FingerPart:
    """What one finger of the probe gave.

    Attributes
    ----------
    probe_position : FingerPosition
        As the probe says it.
    candidate_position : FingerPosition
        Of the subject's sample that matched best; UNKNOWN also where nothing was compared.
    use : FingerUse
    score : float
        Calibrated score of the finger, all its comparisons taken together: -10 log10(FMR), at least 0.
    log_likelihood_ratio : float
        What it adds to the person's evidence, in 10 log10 units; 0 where it is not used.
    comparisons : int
        Pairs of samples that the score was made from.
    """

    probe_position: FingerPosition
    candidate_position: FingerPosition
    use: FingerUse
    score: float
    log_likelihood_ratio: float
    comparisons: int


@dataclass(frozen=True, slots=True)
class MatchWarning:
    """Something about the labels or samples that an operator should look at.

    Attributes
    ----------
    kind : WarningKind
    side : Side
        BOTH for a position of the probe that matches another position of the subject.
    first, second : FingerPosition
        The two positions; for side BOTH the probe's, then the subject's.
    score : float
        Calibrated score of the comparison that shows it, less 10 log10 of the number of pairs looked at.
    """

    kind: WarningKind
    side: Side
    first: FingerPosition
    second: FingerPosition
    score: float
