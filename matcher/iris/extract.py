"""From an eye image to its template. The spine: each line is a stage."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from matcher.iris import parameters as p
from matcher.iris.phase import PhaseCode, encode
from matcher.iris.quality import grade
from matcher.iris.quality_measures import Measures, measure
from matcher.iris.reduce import grey_pixels
from matcher.iris.refuse import require_ring, require_texture, require_visible
from matcher.iris.segment import Eye, find_eye
from matcher.iris.sheet import Sheet, unwrap
from matcher.iris.trace import Trace
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.types import U8, Image


def extract(
    image: Image | U8,
    *,
    position: EyePosition = EyePosition.UNKNOWN,
    trace: Trace | None = None,
) -> IrisTemplate:
    """Encode the iris of one eye.

    Parameters
    ----------
    image : Image or uint8 array (H, W)
        Near-infrared grey image of one eye at its native resolution, 120 to 4096 px a side, the iris 80 to
        300 px across. `matcher.image.read.read_grey` reads a file so, without resampling.
    position : EyePosition
        Kept in the template.
    trace : Trace, optional
        Collects every intermediate.

    Returns
    -------
    IrisTemplate

    Raises
    ------
    ArgumentError, ImageTooSmallError, ImageTooLargeError
    BlankImageError, PupilNotFoundError, IrisNotFoundError, IrisOccludedError
        Failures to extract, with a reason code.

    Notes
    -----
    Pupil by votes of gradients, limbus by the integro-differential operator (Daugman, "High confidence visual
    recognition of persons by a test of statistical independence", TPAMI 1993), both refined to contours by
    dynamic programming (Sutra et al., ICB 2012); rubber sheet between the contours; log-Gabor phase bits.
    LIMITATIONS: near-infrared light, a dark pupil, an eye that looks roughly at the camera. Of portraits 1 in
    120 still gives a template, at twice their size 1 in 30; an eye from nearby in visible light often does.
    """
    pixels = grey_pixels(image)
    eye = find_eye(pixels)
    _record_eye(trace, eye)
    sheet = unwrap(eye)
    require_texture(sheet)
    require_ring(eye, sheet)
    phase = encode(sheet)
    _record_code(trace, sheet, phase)
    require_visible(phase)
    measures = measure(eye, sheet, phase, pixels.shape)
    _record_measures(trace, measures)
    return IrisTemplate(
        code=phase.code,
        mask=phase.mask,
        search_code=phase.search_code,
        search_mask=phase.search_mask,
        extractor=p.EXTRACTOR_ID,
        quality=grade(measures).overall,
        position=position,
    )


def _record_eye(trace: Trace | None, eye: Eye) -> None:
    if trace is None:
        return
    trace.record("glints", eye.view.glints)
    trace.record("pupil", eye.view.to_image(eye.pupil).points())
    trace.record("limbus", eye.view.to_image(eye.limbus).points())
    lids = [[lid.score, lid.height, lid.slope, lid.bend] for lid in (eye.upper, eye.lower)]
    trace.record("eyelids", np.array(lids))
    trace.record("frame", np.array([eye.view.factor, eye.view.x, eye.view.y]))


def _record_code(trace: Trace | None, sheet: Sheet, phase: PhaseCode) -> None:
    if trace is None:
        return
    trace.record("sheet", sheet.grey)
    trace.record("open", sheet.open)
    trace.record("visible", sheet.visible)
    trace.record("code", phase.code)
    trace.record("mask", phase.mask)


def _record_measures(trace: Trace | None, measures: Measures) -> None:
    if trace is not None:
        trace.record("measures", np.array(astuple(measures)))
