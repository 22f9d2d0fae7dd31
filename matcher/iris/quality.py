"""Quality of one iris sample, 0 to 100: named parts an operator can act on, and one overall score.

The parts are the measures of ISO/IEC 29794-6, scaled to the iris's radius where the standard counts pixels;
each is mapped to 0 to 100 between a value that is useless and one that is good. The overall score is their
weighted geometric mean: it rises with each of them, and an eye that is hopeless in one way is not saved by
the others. The weights are set by hand: how much of the iris is visible decides. They are not fitted.

LIMITATIONS: gaze is not measured: one eye's image does not tell it from the camera's pixel aspect. Motion
blur along the lids looks like a soft iris.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from matcher.iris.phase import PhaseCode
from matcher.iris.quality_measures import Measures, measure
from matcher.iris.segment import Eye
from matcher.iris.sheet import Sheet
from matcher.types import MAX_QUALITY

FLOOR = 0.02
"""What a part of 0 counts as in the geometric mean."""


@dataclass(frozen=True, slots=True)
class Component:
    """How a measure becomes a part: 0 at `useless`, 100 at `good`; falling where good lies below useless."""

    name: str
    useless: float
    good: float
    weight: float


COMPONENTS = (
    Component("usable_area", 15.0, 70.0, 0.30),
    Component("valid_bits", 8.0, 45.0, 0.30),
    Component("iris_sclera_contrast", 0.0, 40.0, 0.10),
    Component("iris_pupil_contrast", 5.0, 40.0, 0.06),
    Component("pupil_circularity", 75.0, 92.0, 0.04),
    Component("grey_utilisation", 2.0, 5.0, 0.04),
    Component("sharpness", 2.0, 12.0, 0.04),
    Component("margin", -50.0, 50.0, 0.04),
    Component("iris_radius", 25.0, 60.0, 0.04),
    Component("concentricity", 80.0, 92.0, 0.04),
)
"""Useless and good follow ISO/IEC 29794-6 where it states a value, and are set by hand elsewhere.
The standard's pupil dilation has a good range instead: see `DILATION`."""

DILATION = (8.0, 20.0, 60.0, 82.0)
"""Pupil dilation, per cent: useless, good from, good to, useless (good: ISO/IEC 29794-6 counts 20 to 70)."""

DILATION_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """One quality component: its name, native measure, and score from 0 to 100."""

    name: str
    native: float
    score: int


@dataclass(frozen=True, slots=True)
class IrisQuality:
    """The overall score, 0 to 100, and its parts."""

    overall: int
    parts: tuple[Part, ...]

    def __getitem__(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)


def assess(eye: Eye, sheet: Sheet, phase: PhaseCode, shape: tuple[int, int]) -> IrisQuality:
    """Return the quality of an iris from the intermediates of its extraction; `shape` is the image's."""
    return grade(measure(eye, sheet, phase, shape))


def grade(measures: Measures) -> IrisQuality:
    """Map measures to parts, and these to one score."""
    native = asdict(measures)
    parts, logarithm, weights = [], 0.0, 0.0
    for component in COMPONENTS:
        value = native[component.name]
        share = float(np.clip((value - component.useless) / (component.good - component.useless), 0, 1))
        parts.append(Part(component.name, value, round(MAX_QUALITY * share)))
        logarithm += component.weight * float(np.log(FLOOR + (1 - FLOOR) * share))
        weights += component.weight
    share = float(np.interp(measures.pupil_dilation, DILATION, (0.0, 1.0, 1.0, 0.0)))
    parts.append(Part("pupil_dilation", measures.pupil_dilation, round(MAX_QUALITY * share)))
    logarithm += DILATION_WEIGHT * float(np.log(FLOOR + (1 - FLOOR) * share))
    overall = (float(np.exp(logarithm / (weights + DILATION_WEIGHT))) - FLOOR) / (1 - FLOOR)
    return IrisQuality(round(MAX_QUALITY * min(max(overall, 0.0), 1.0)), tuple(parts))
