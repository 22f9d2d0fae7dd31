"""Quality of one face, 0 to 100: named parts that a photographer can act on, and one overall score.

Words of ISO/IEC 29794-1: a quality score says how well the sample will do in comparisons (utility); its parts
are quality components, each a native measure mapped to 0 to 100. The parts follow the kinds of measure of
ISO/IEC 29794-5 (pose, inter-eye distance, sharpness, exposure, dynamic range, illumination uniformity,
background uniformity, eyes and mouth visible); they are our own measures, not that standard's.

The overall score is the weighted geometric mean of the parts: it rises with each of them, and a picture that
is hopeless in one way is not saved by the others. What discarding by it gives is in benchmarks/LOG_FACE.md.

LIMITATIONS: what covers a face is seen by lacking detail around eyes and mouth only: a beard or thick glasses
may look like it. Expression, red eyes and shadows behind the head are not measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matcher.face.geometry import F64
from matcher.face.quality_measures import Measures, measure
from matcher.types import MAX_QUALITY, U8

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
        Of the part, and of the measure in `Measures`.
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


COMPONENTS = (
    Component("yaw", "degrees", 50, 15, 0.10, "The head is turned aside: look straight into the camera."),
    Component("pitch", "degrees", 35, 12, 0.07, "The head is bent up or down: hold the chin level."),
    Component("roll", "degrees", 35, 10, 0.03, "The head leans to one side: hold it upright."),
    Component("eye_distance", "px", 10, 50, 0.12, "The face is too small: come closer or zoom in."),
    Component(
        "sharpness", "ratio", 0.12, 0.32, 0.14, "The face is blurred: focus on the eyes and hold still."
    ),
    Component(
        "exposure",
        "grey level",
        40,
        105,
        0.12,
        "The face is too dark: add light from the front.",
        (185, 245, "The face is too bright: use less light or a shorter exposure."),
    ),
    Component(
        "unclipped", "share", 0.70, 0.98, 0.06, "Parts of the face are black or white: soften the light."
    ),
    Component(
        "contrast", "grey levels", 20, 70, 0.05, "The face has little contrast: avoid haze and backlight."
    ),
    Component("evenness", "ratio", 0.35, 0.80, 0.09, "One side of the face is dark: light both sides alike."),
    Component("background", "grey levels", 20, 6, 0.02, "The background is busy: use a plain wall."),
    Component("visibility", "0-1", 0.60, 0.90, 0.08, "Something may cover the face: remove it."),
    Component(
        "open_eyes", "ratio", 0.5, 1.0, 0.06, "The eyes are hard to see: take off dark glasses, clear hair."
    ),
    Component("open_mouth", "ratio", 0.5, 1.0, 0.06, "The mouth is hard to see: take off mask or scarf."),
)
"""The parts, in the order they are shown. Ranges: about the worst hundredth and the better half of LFW's
View 1 test pictures, widened where those are better than what a camera at a desk gives."""


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One quality component of one face.

    Attributes
    ----------
    name, unit : str
    value : float
        The native measure, in `unit`; see `Measures`.
    score : int
        0 to 100.
    advice : str
        A sentence for the photographer, "" where nothing needs doing.
    """

    name: str
    value: float
    unit: str
    score: int
    advice: str


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Quality of one face.

    Attributes
    ----------
    overall : int
        0 to 100: expected use in comparisons (ISO/IEC 29794-1 utility).
    parts : tuple of QualityPart
        In the order of `COMPONENTS`.
    """

    overall: int
    parts: tuple[QualityPart, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """What the photographer may do, the worst part's sentence first."""
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


def grade(measures: Measures) -> FaceQuality:
    """Return the quality that belongs to the measures."""
    parts, logarithm = [], 0.0
    for component in COMPONENTS:
        value = float(getattr(measures, component.name))
        score, advice = component.grade(value)
        parts.append(QualityPart(component.name, value, component.unit, score, advice))
        logarithm += component.weight * float(np.log(FLOOR + (1 - FLOOR) * score / MAX_QUALITY))
    overall = (float(np.exp(logarithm)) - FLOOR) / (1 - FLOOR)
    return FaceQuality(round(MAX_QUALITY * min(max(overall, 0.0), 1.0)), tuple(parts))


def assess(pixels: U8, points: F64, score: float) -> FaceQuality:
    """Return the quality of one face: pixels uint8 (H, W, 3), points float64 (5, 2), the detector's score."""
    return grade(measure(pixels, points, score))
