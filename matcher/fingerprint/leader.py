"""From a fingerprint image to its template by LEADER, a small network trained for minutiae."""

from __future__ import annotations

import numpy as np

from matcher.errors import ImageTooLargeError, NoForegroundError, TooFewMinutiaeError
from matcher.fingerprint import parameters as p
from matcher.fingerprint import segment
from matcher.fingerprint.leader_network import MULTIPLE, Found, network
from matcher.fingerprint.trace import Trace
from matcher.types import (
    DIRECTION_STEPS,
    MAX_QUALITY,
    U8,
    FingerPosition,
    FingerprintTemplate,
    Image,
    Minutiae,
    MinutiaKind,
)

EXTRACTOR_ID = "leader/1"
"""Names the extractor in templates and calibrations; a change that moves scores changes it."""

SCORE_THRESHOLD = 0.5
"""Least score of a minutia; its authors use 0.6. The FVC sets do not tell 0.5 from 0.55 (a mate or two of
280), 0.6 loses on them; the sparse prints of UareU need every minutia."""

ENDING_THRESHOLD = 0.5
"""Least probability of an ending; below, it is a bifurcation (its authors' value)."""

MARGIN = 24
"""Kept around the print, px: what the network sees beside a minutia on the edge."""

MAX_PIXELS = 2**20
"""Largest print that goes into the network, px at 500 ppi: 2 x 2 inches, where a rolled finger has 1.6 x 1.5.
It takes 1 kB a pixel meanwhile."""


def extract_leader(
    image: Image,
    *,
    position: FingerPosition = FingerPosition.UNKNOWN,
    trace: Trace | None = None,
) -> FingerprintTemplate:
    """Find the minutiae of one fingerprint with the LEADER network.

    Parameters
    ----------
    image : Image
        Grey, ridges dark, 500 ppi.
    position : FingerPosition
        Kept in the template.
    trace : Trace, optional
        Collects "contrast_mask" and "minutiae".

    Returns
    -------
    FingerprintTemplate
        With minutiae in the image's own coordinates, best quality first. The quality of a minutia is its
        score in per cent, that of the sample the mean of its minutiae's.

    Raises
    ------
    ImageTooSmallError, BlankImageError, NoForegroundError, TooFewMinutiaeError
        Failures to extract, with a reason code.
    ImageTooLargeError
        If the print covers more than MAX_PIXELS.
    ModelMissingError, ModelCorruptError, ModelRuntimeError
        If the model or its runtime is not at hand: `matcher models fetch leader`. Nothing is fetched here.

    Notes
    -----
    Cappelli & Ferrara, "LEADER: Lightweight End-to-end Attention-gated Dual Encoder-decodeR for minutiae
    extraction", arXiv 2602.15493. The network reads the raw image, and of it only the part with contrast.
    LIMITATIONS: plain, single-finger images; ridges darker than valleys.
    """
    segment.require_contrast(image.pixels)
    mask = segment.contrast_mask(segment.pad_to_cells(image.pixels, p.CELL))
    left, top, right, bottom = print_box(mask, image.width, image.height)
    found = network().find(image.pixels[top:bottom, left:right], SCORE_THRESHOLD)
    minutiae = _minutiae(found, left, top)
    if trace is not None:
        trace.record("contrast_mask", mask)
        columns = (minutiae.x, minutiae.y, minutiae.direction, minutiae.kind)
        trace.record("minutiae", np.stack([column.astype(np.int64) for column in columns], axis=1))
    return FingerprintTemplate(
        minutiae=minutiae,
        width=image.width,
        height=image.height,
        extractor=EXTRACTOR_ID,
        quality=round(float(minutiae.quality.mean())),
        position=position,
    )


def print_box(mask: segment.Mask, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the part of an image that holds the print: left, top, right, bottom, px.

    MARGIN wider than the mask on each side, and grown to multiples of what the network takes where the
    image allows.

    Parameters
    ----------
    mask : bool (rows, columns)
        Cells of CELL px.
    width, height : int
        Of the image, px.

    Raises
    ------
    NoForegroundError
        If the mask is empty.
    ImageTooLargeError
        If the part has more than MAX_PIXELS.
    """
    if int(mask.sum()) < segment.MIN_PRINT_CELLS:
        raise NoForegroundError(
            "No area of the image looks like a fingerprint.",
            hint="Check that it shows one finger, ridges dark.",
        )
    top, bottom = _span(np.logical_or.reduce(mask, axis=1), height)
    left, right = _span(np.logical_or.reduce(mask, axis=0), width)
    if (right - left) * (bottom - top) > MAX_PIXELS:
        raise ImageTooLargeError(
            f"Expected one print of at most {MAX_PIXELS} pixels at 500 ppi, "
            f"got {right - left} x {bottom - top}.",
            hint="Cut slaps and cards into fingers first, and check the resolution.",
        )
    return left, top, right, bottom


def _span(used: segment.Mask, length: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last of the used cells, with margin, in multiples."""
    cells = np.flatnonzero(used)
    start = max(int(cells[0]) * p.CELL - MARGIN, 0)
    stop = min((int(cells[-1]) + 1) * p.CELL + MARGIN, length)
    missing = -(stop - start) % MULTIPLE
    start = max(start - missing // 2, 0)
    stop = min(stop + -(stop - start) % MULTIPLE, length)
    return max(stop - -(-(stop - start) // MULTIPLE) * MULTIPLE, 0), stop


def _minutiae(found: Found, left: int, top: int) -> Minutiae:
    """Return what the network found in stored units, best first.

    Raises
    ------
    TooFewMinutiaeError
        If there are fewer than MIN_MINUTIAE.
    """
    if len(found.x) < p.MIN_MINUTIAE:
        raise TooFewMinutiaeError(
            f"Expected at least {p.MIN_MINUTIAE} minutiae, found {len(found.x)}.",
            hint="Capture a larger or clearer part of the finger.",
        )
    quality: U8 = np.rint(MAX_QUALITY * found.score.clip(0, 1)).astype(np.uint8)
    units = np.rint(found.angle * (DIRECTION_STEPS / (2 * np.pi))).astype(np.int64) % DIRECTION_STEPS
    kind = np.where(found.ending >= ENDING_THRESHOLD, MinutiaKind.ENDING, MinutiaKind.BIFURCATION)
    order = np.argsort(-quality.astype(np.int16), kind="stable")
    return Minutiae(
        x=(found.x + left)[order].astype(np.int16),
        y=(found.y + top)[order].astype(np.int16),
        direction=units[order].astype(np.uint8),
        kind=kind[order].astype(np.uint8),
        quality=quality[order],
    )
