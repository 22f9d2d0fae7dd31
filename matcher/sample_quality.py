"""Quality of one sample, 0 to 100: named parts that who captures can act on, and one overall score.

Words of ISO/IEC 29794-1: a quality score says how well the sample will do in comparisons (utility); its parts
are quality components, each a native measure mapped to 0 to 100. Which they are is each modality's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matcher.types import MAX_QUALITY

FLOOR = 0.1
"""What a part of score 0 still counts for in the geometric mean: no part alone makes everything 0."""

ADVISE_BELOW = 50
"""A part's score below which its advice is given."""


@dataclass(frozen=True, slots=True)
class Component:
    """How one measure becomes a part.

    Attributes
    ----------
    name : str
        Of the part, and of the measure.
    unit : str
    worst, best : float
        Measures that score 0 and 100, linear between.
    weight : float
        Share in the overall score; all add up to 1.
    advice : str
        What to do where the measure is on the worst side.
    too_high : tuple, optional
        (100, 0) points and advice on the far side, for a measure that can be too high as well.
    """

    name: str
    unit: str
    worst: float
    best: float
    weight: float
    advice: str
    too_high: tuple[float, float, str] | None = None

    def grade(self, value: float) -> tuple[int, str]:
        """Return the part's score, 0 to 100, and the advice where it is below ADVISE_BELOW, else ""."""
        share, advice = (value - self.worst) / (self.best - self.worst), self.advice
        if self.too_high is not None:
            best, worst, other = self.too_high
            if (far := (worst - value) / (worst - best)) < share:
                share, advice = far, other
        score = round(MAX_QUALITY * min(max(share, 0.0), 1.0))
        return score, advice if score < ADVISE_BELOW else ""


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One quality component of one sample.

    Attributes
    ----------
    name, unit : str
    value : float
        The native measure, in `unit`.
    score : int
        0 to 100.
    advice : str
        A sentence for who captures, "" where nothing needs doing.
    """

    name: str
    value: float
    unit: str
    score: int
    advice: str


@dataclass(frozen=True, slots=True)
class SampleQuality:
    """Quality of one sample.

    Attributes
    ----------
    overall : int
        0 to 100: expected use in comparisons (ISO/IEC 29794-1 utility).
    parts : tuple of QualityPart
        In the order of the modality's components.
    """

    overall: int
    parts: tuple[QualityPart, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """What who captures may do, the worst part's sentence first."""
        poor = sorted((part for part in self.parts if part.advice), key=lambda part: part.score)
        return tuple(part.advice for part in poor)

    def part(self, name: str) -> QualityPart:
        """Return the part of that name; KeyError without one."""
        return {part.name: part for part in self.parts}[name]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        parts = {}
        for part in self.parts:
            values = {**asdict(part), "value": round(part.value, 3)}
            parts[values.pop("name")] = values
        return {"overall": self.overall, "advice": list(self.advice), "parts": parts}


def grade(components: Sequence[Component], measures: object) -> SampleQuality:
    """Return the quality that belongs to measures: attributes named as the components are.

    The overall score is the weighted geometric mean of the parts: it rises with each of them, and a sample
    that is hopeless in one way is not saved by the others.
    """
    parts, logarithm = [], 0.0
    for component in components:
        value = float(getattr(measures, component.name))
        score, advice = component.grade(value)
        parts.append(QualityPart(component.name, value, component.unit, score, advice))
        logarithm += component.weight * float(np.log(FLOOR + (1 - FLOOR) * score / MAX_QUALITY))
    overall = (float(np.exp(logarithm)) - FLOOR) / (1 - FLOOR)
    return SampleQuality(round(MAX_QUALITY * min(max(overall, 0.0), 1.0)), tuple(parts))
