"""Quality of one iris sample, 0 to 100: named parts an operator can act on, and one overall score."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.iris.phase import PhaseCode
from matcher.iris.segment import Eye
from matcher.iris.sheet import Sheet
from matcher.types import MAX_QUALITY


@dataclass(frozen=True, slots=True)
class IrisQuality:
    """The overall score, 0 to 100."""

    overall: int


def assess(eye: Eye, sheet: Sheet, phase: PhaseCode) -> IrisQuality:
    """Return the quality of an iris from the intermediates of its extraction."""
    return IrisQuality(round(MAX_QUALITY * min(float(sheet.visible.mean()), 1.0)))
