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

from matcher.face.geometry import F64
from matcher.face.quality_measures import Measures, measure
from matcher.sample_quality import Component, SampleQuality
from matcher.sample_quality import grade as graded
from matcher.types import U8

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
    Component("background", "grey levels", 18.5, 5.5, 0.02, "The background is busy: use a plain wall."),
    Component("visibility", "0-1", 0.60, 0.90, 0.08, "Something may cover the face: remove it."),
    Component(
        "open_eyes", "ratio", 0.5, 1.0, 0.06, "The eyes are hard to see: take off dark glasses, clear hair."
    ),
    Component("open_mouth", "ratio", 0.5, 1.0, 0.06, "The mouth is hard to see: take off mask or scarf."),
)
"""The parts, in the order they are shown. Ranges: about the worst hundredth and the better half of LFW's
View 1 test pictures, widened where those are better than what a camera at a desk gives."""


def grade(measures: Measures) -> SampleQuality:
    """Return the quality that belongs to the measures."""
    return graded(COMPONENTS, measures)


def assess(pixels: U8, points: F64, score: float) -> SampleQuality:
    """Return the quality of one face: pixels uint8 (H, W, 3), points float64 (5, 2), the detector's score."""
    return grade(measure(pixels, points, score))
