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

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import enhance
from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import Orientation
from matcher.fingerprint.quality_measures import Measures, measure
from matcher.fingerprint.rulings import remove_rulings
from matcher.fingerprint.segment import pad_to_cells
from matcher.fingerprint.trace import Trace
from matcher.sample_quality import Component, SampleQuality
from matcher.sample_quality import grade as graded
from matcher.types import F32, Image, Minutiae

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
"""The parts, in the order they are shown; weights fitted, see the module's text. Ranges: about the worst
hundredth and the better half of the real and synthetic prints that the weights were fitted to."""


def grade(measures: Measures) -> SampleQuality:
    """Return the quality that belongs to the measures."""
    return graded(COMPONENTS, measures)


def assess(
    padded: F32,
    normalised: F32,
    orientation: Orientation,
    period: F32,
    quality: F32,
    mask: npt.NDArray[np.bool_],
    minutiae: Minutiae,
) -> SampleQuality:
    """Return the quality of a print from the intermediates of its extraction, see `measure`."""
    return grade(measure(padded, normalised, orientation, period, quality, mask, minutiae))


def assess_trace(image: Image, trace: Trace, minutiae: Minutiae) -> SampleQuality:
    """Return the quality of a print that was extracted with a trace; `overall` is the template's quality.

    Raises
    ------
    KeyError
        If the extraction did not come far enough to record the print's mask.
    """
    orientation = Orientation(trace["orientation"], trace["coherence"])
    normalised = trace["normalised"]
    cells = enhance.ridge_quality(normalised, trace["enhanced"], orientation, trace["contrast_mask"])
    padded = pad_to_cells(remove_rulings(image.pixels), p.CELL)
    return assess(padded, normalised, orientation, trace["period"], cells, trace["mask"], minutiae)
