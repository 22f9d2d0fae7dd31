"""Quality of one iris sample, 0 to 100: named parts an operator can act on, and one overall score.

The parts are the measures of ISO/IEC 29794-6, scaled to the iris's radius where the standard counts pixels;
each is mapped to 0 to 100 between a value that is useless and one that is good. The overall score is their
weighted geometric mean (`matcher.sample_quality`). The weights are set by hand: how much of the iris is
visible decides. They are not fitted.

LIMITATIONS: gaze is not measured: one eye's image does not tell it from the camera's pixel aspect. Pupils
of straight looks are 1.13 times as wide as high by one camera (MMU2) and 0.98 times by another (CASIA1), as
far apart as a turn of 30 degrees makes them. With each camera's own limit, at 2 % of straight looks below it,
5 to 43 % of pictures squeezed as by a turn of 20 degrees are found by the pupil's shape, 3 to 4 % by the
limbus's (synthetic eyes, which are rounder than people's: 95 and 42 %); the pupil's place in the limbus says
nothing.
Motion blur along the lids looks like a soft iris.
"""

from __future__ import annotations

from matcher.iris.quality_measures import Measures
from matcher.iris.trace import Trace
from matcher.sample_quality import Component, SampleQuality
from matcher.sample_quality import grade as graded

COMPONENTS = (
    Component(
        "usable_area", "per cent", 15, 70, 0.28, "Lids or lashes cover the iris: ask to open the eye wide."
    ),
    Component(
        "iris_sclera_contrast",
        "0-100",
        0,
        40,
        0.10,
        "The iris hardly stands out from the white: turn up the light.",
    ),
    Component(
        "iris_pupil_contrast",
        "0-100",
        5,
        40,
        0.06,
        "The pupil hardly stands out from the iris: turn up the light.",
    ),
    Component(
        "pupil_dilation",
        "per cent",
        8,
        20,
        0.04,
        "The pupil is very narrow: use less visible light.",
        (60, 82, "The pupil is very wide: use more visible light."),
    ),
    Component(
        "pupil_circularity",
        "per cent",
        75,
        92,
        0.04,
        "The pupil is not round: ask to look straight into the camera.",
    ),
    Component(
        "grey_utilisation", "bits", 2, 5, 0.04, "The iris has few shades of grey: mend exposure or light."
    ),
    Component("sharpness", "per cent", 2, 12, 0.04, "The iris is blurred: focus, and ask to hold still."),
    Component("margin", "per cent", 0, 50, 0.04, "The eye is at the border: bring it to the middle."),
    Component("iris_radius", "px", 25, 60, 0.04, "The iris is too small: come closer."),
    Component(
        "concentricity",
        "per cent",
        80,
        92,
        0.04,
        "The pupil lies aside: ask to look straight into the camera.",
    ),
    Component(
        "valid_bits",
        "per cent",
        8,
        45,
        0.28,
        "Little of the iris can be read: open the eye, avoid reflections.",
    ),
)
"""In the order of `Measures`. Worst and best follow ISO/IEC 29794-6 where it states a value (a pupil
dilation of 20 to 70 is good), and are set by hand elsewhere."""


def grade(measures: Measures) -> SampleQuality:
    """Return the quality that belongs to the measures."""
    return graded(COMPONENTS, measures)


def assess_trace(trace: Trace) -> SampleQuality:
    """Return the quality of the iris of an extraction, from the measures that its trace holds."""
    return grade(Measures(*trace["measures"].tolist()))
