"""The parts of a comparison of persons: what each finger, eye and face gave, and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from matcher.types import Modality

if TYPE_CHECKING:
    from matcher.template.modality import Position


class PartUse(StrEnum):
    """What became of a finger, an eye or the face of the probe; the values are reason codes."""

    USED = "USED"
    """Compared, and part of the person's score."""

    NOT_ENROLLED = "NOT_ENROLLED"
    """The subject has no sample of that position and none of unknown position: contributes 0."""

    COUNTED_ONCE = "COUNTED_ONCE"
    """It shows the finger or eye of another sample of the probe, whose part counts for both."""

    SAMPLE_TAKEN = "SAMPLE_TAKEN"
    """The subject's only samples it could match went to other fingers or eyes that match them better."""


class WarningKind(StrEnum):
    """What looks wrong; the values are reason codes."""

    WRONG_POSITION_SUSPECTED = "WRONG_POSITION_SUSPECTED"
    """Fingers or eyes match clearly better under other positions: a swapped hand or a wrong label."""

    SAME_IMPRESSION_TWICE = "SAME_IMPRESSION_TWICE"
    """Two samples are one capture: nearly the same template. It is counted once."""

    SAME_FINGER_TWICE = "SAME_FINGER_TWICE"
    """Two samples of different positions show one finger. It is counted once."""

    SAME_EYE_TWICE = "SAME_EYE_TWICE"
    """A right and a left sample show one eye. It is counted once."""


class Side(StrEnum):
    """Whose samples a warning is about."""

    PROBE = "PROBE"
    CANDIDATE = "CANDIDATE"
    BOTH = "BOTH"


@dataclass(frozen=True, slots=True)
class PersonPart:
    """What one finger, eye or face of the probe gave.

    Attributes
    ----------
    modality : Modality
    probe_position : Position
        As the probe says it, of the modality's own type.
    candidate_position : Position
        Of the subject's sample that matched best; unknown also where nothing was compared.
    use : PartUse
    score : float
        Calibrated score, all its comparisons taken together: -10 log10(FMR), at least 0.
    log_likelihood_ratio : float
        What it adds to the evidence, in 10 log10 units; 0 where it is not used. A finger adds to that of the
        fingers, an eye or a face to that of the person.
    comparisons : int
        Pairs of samples that the score was made from.
    """

    modality: Modality
    probe_position: Position
    candidate_position: Position
    use: PartUse
    score: float
    log_likelihood_ratio: float
    comparisons: int


@dataclass(frozen=True, slots=True)
class MatchWarning:
    """Something about the labels or samples that an operator should look at.

    Attributes
    ----------
    modality : Modality
    kind : WarningKind
    side : Side
        BOTH for a position of the probe that matches another position of the subject.
    first, second : Position
        The two positions, of the modality's own type; for side BOTH the probe's, then the subject's.
    score : float
        Calibrated score of the comparison that shows it, less 10 log10 of the number of pairs looked at.
    """

    modality: Modality
    kind: WarningKind
    side: Side
    first: Position
    second: Position
    score: float
