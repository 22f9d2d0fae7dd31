"""Quality of one print, 0 to 100: named parts an operator can act on, and one overall score.

Words of ISO/IEC 29794-1: a quality score says how well the sample will do in comparisons (utility); its parts
are quality components, each a native measure mapped to 0 to 100. The parts follow the kinds of measure of
ISO/IEC 29794-4 (area, ridge clarity, orientation flow, ridge-valley uniformity, minutiae); they are our own
measures, not that standard's, and the overall score is not NFIQ 2's.

The overall score is the weighted geometric mean of the parts: it rises with each of them, and a print that
is hopeless in one way is not saved by the others. The weights follow a fit (`benchmarks/fit_quality.py`) that
foretells which mated comparisons are accepted at an FMR of 1e-3, on synthetic prints and on FVC2002 DB1_B and
FVC2004 DB3_B; the other sets confirmed them. What discarding by quality gives hardly depends on them: equal
weights do nearly as well.

LIMITATIONS: plain, single-finger images. A print distorted by pressing or twisting looks no worse. Sensors
differ: dark ones look wet, those with little contrast look poor as a whole.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import enhance
from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import Orientation
from matcher.fingerprint.quality_measures import Measures, measure
from matcher.fingerprint.segment import pad_to_cells
from matcher.fingerprint.trace import Trace
from matcher.types import F32, MAX_QUALITY, Image, Minutiae

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
        Measures that score 0 and 100, linear between: about the worst hundredth and the better half of the
        real and synthetic prints that the weights were fitted to.
    weight : float
        Share in the overall score; all add up to 1.
    advice : str
        What to do where the measure is low.
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
    Component("usable_area", "mm^2", 20, 220, 0.19, "Too little usable area: press the whole pad flat."),
    Component("clarity", "share", 0.45, 0.80, 0.10, "Ridges are unclear: clean the sensor and the finger."),
    Component("flow", "cos", 0.60, 0.90, 0.05, "Ridges do not flow evenly: hold the finger still."),
    Component("regular_period", "share", 0.40, 1.0, 0.05, "Ridge spacing varies: do not slide the finger."),
    Component("minutiae", "count", 6, 45, 0.17, "Too few minutiae: show more of the finger, or another one."),
    Component("minutia_quality", "0-100", 20, 65, 0.11, "Minutiae are unclear: clean the sensor and finger."),
    Component(
        "ridge_share",
        "share",
        0.28,
        0.38,
        0.13,
        "Too dry: moisten the finger or press harder.",
        (0.51, 0.63, "Too wet: wipe the finger dry or press lighter."),
    ),
    Component("contrast", "grey levels", 8, 50, 0.05, "Too little contrast: press harder or set the sensor."),
    Component("centre_depth", "mm", 0, 5, 0.15, "The centre is at the edge: put the middle of the pad down."),
)
"""The parts, in the order they are shown; weights fitted, see the module's text."""


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One quality component of one print.

    Attributes
    ----------
    name, unit : str
    value : float
        The native measure, in `unit`; see `Measures`.
    score : int
        0 to 100.
    advice : str
        A sentence for the operator, "" where nothing needs doing.
    """

    name: str
    value: float
    unit: str
    score: int
    advice: str


@dataclass(frozen=True, slots=True)
class FingerprintQuality:
    """Quality of one print.

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
        """What the operator may do, the worst part's sentence first."""
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


def grade(measures: Measures) -> FingerprintQuality:
    """Return the quality that belongs to the measures."""
    parts, logarithm = [], 0.0
    for component in COMPONENTS:
        value = float(getattr(measures, component.name))
        score, advice = component.grade(value)
        parts.append(QualityPart(component.name, value, component.unit, score, advice))
        logarithm += component.weight * float(np.log(FLOOR + (1 - FLOOR) * score / MAX_QUALITY))
    overall = (float(np.exp(logarithm)) - FLOOR) / (1 - FLOOR)
    return FingerprintQuality(round(MAX_QUALITY * min(max(overall, 0.0), 1.0)), tuple(parts))


def assess(
    padded: F32,
    normalised: F32,
    orientation: Orientation,
    period: F32,
    quality: F32,
    mask: npt.NDArray[np.bool_],
    minutiae: Minutiae,
) -> FingerprintQuality:
    """Return the quality of a print from the intermediates of its extraction, see `measure`."""
    return grade(measure(padded, normalised, orientation, period, quality, mask, minutiae))


def assess_trace(image: Image, trace: Trace, minutiae: Minutiae) -> FingerprintQuality:
    """Return the quality of a print that was extracted with a trace; `overall` is the template's quality.

    Raises
    ------
    KeyError
        If the extraction did not come far enough to record the print's mask.
    """
    orientation = Orientation(trace["orientation"], trace["coherence"])
    normalised = trace["normalised"]
    cells = enhance.ridge_quality(normalised, trace["enhanced"], orientation, trace["contrast_mask"])
    padded = pad_to_cells(image.pixels, p.CELL)
    return assess(padded, normalised, orientation, trace["period"], cells, trace["mask"], minutiae)
