"""From a fingerprint image to its template. The spine: each line is a stage."""

from __future__ import annotations

from matcher.fingerprint import enhance, field, minutiae, ridges, segment
from matcher.fingerprint import parameters as p
from matcher.fingerprint.quality import assess
from matcher.fingerprint.rulings import remove_rulings
from matcher.fingerprint.trace import Trace
from matcher.types import FingerPosition, FingerprintTemplate, Image


def extract(
    image: Image,
    *,
    position: FingerPosition = FingerPosition.UNKNOWN,
    trace: Trace | None = None,
) -> FingerprintTemplate:
    """Find the minutiae of one fingerprint.

    Parameters
    ----------
    image : Image
        Grey, ridges dark, 500 ppi.
    position : FingerPosition
        Kept in the template.
    trace : Trace, optional
        Collects every intermediate.

    Returns
    -------
    FingerprintTemplate
        With minutiae in the image's own coordinates, best quality first.

    Raises
    ------
    BlankImageError, NoForegroundError, TooFewMinutiaeError
        Failures to extract, with a reason code.

    Notes
    -----
    Contextual filtering after Hong, Wan & Jain (TPAMI 1998), orientation and period estimated twice: on the
    normalised image, and again with the help of the enhanced one.
    LIMITATIONS: plain, single-finger images; ridges darker than valleys.
    """
    record = trace.record if trace is not None else None
    segment.require_contrast(image.pixels)
    cleared = remove_rulings(image.pixels)
    padded = segment.pad_to_cells(cleared, p.CELL)
    normalised = segment.normalise(padded)
    contrast = segment.contrast_mask(padded)
    first = field.estimate_orientation([normalised], contrast, p.ORIENTATION_SIGMAS)
    period = field.estimate_period(normalised, first, contrast)
    draft = enhance.enhance(normalised, first, period, contrast)
    second = field.estimate_orientation([normalised, draft], contrast, p.REFINED_SIGMAS)
    period = field.estimate_period(normalised, second, contrast)
    enhanced = enhance.enhance(normalised, second, period, contrast)
    quality = enhance.ridge_quality(normalised, enhanced, second, contrast)
    mask = segment.print_mask(quality, contrast)
    segment.require_ridges(normalised, second.angle, mask)
    binary = ridges.binarise(enhanced, mask)
    skeleton = ridges.thin(binary)
    if record is not None:
        for name, value in (
            ("normalised", normalised),
            ("contrast_mask", contrast),
            ("orientation", second.angle),
            ("coherence", second.coherence),
            ("period", period),
            ("mask", mask),
            ("enhanced", enhanced),
            ("binary", binary),
            ("skeleton", skeleton),
        ):
            record(name, value)
    found = minutiae.find(skeleton, second, mask, quality, image.width, image.height, record)
    assessed = assess(padded, normalised, second, period, quality, mask, found)
    return FingerprintTemplate(
        minutiae=found,
        width=image.width,
        height=image.height,
        extractor=p.EXTRACTOR_ID,
        quality=assessed.overall,
        position=position,
    )
