"""What is no iris that can be compared: failures to extract, with a reason."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from matcher.errors import IrisNotFoundError, IrisOccludedError
from matcher.iris import parameters as p
from matcher.iris.kernels import phase
from matcher.iris.phase import PhaseCode
from matcher.iris.quality_measures import pupil_level
from matcher.iris.segment import Eye
from matcher.iris.shades import row_quantiles
from matcher.iris.sheet import Sheet
from matcher.types import F32


def require_texture(sheet: Sheet) -> None:
    """Refuse discs without an iris's texture: nothing there is larger than single pixels' noise.

    Raises
    ------
    IrisNotFoundError
    """
    seen = sheet.visible.astype(np.float32)
    share = np.maximum(_box(seen, p.TEXTURE_AROUND), np.float32(p.EVEN_SUPPORT))
    detail = np.asarray((sheet.grey - _box(sheet.grey * seen, p.TEXTURE_AROUND) / share) * seen, np.float32)
    broad = _box(detail, p.TEXTURE_BOX)
    core = ndimage.binary_erosion(
        sheet.visible, np.ones((2 * p.TEXTURE_BOX[0] + 1, 2 * p.TEXTURE_BOX[1] + 1))
    )
    # The rows beside the contours show how well these fit, not what lies between them.
    core[: p.TEXTURE_EDGE] = False
    core[-p.TEXTURE_EDGE :] = False
    if core.sum() < p.TEXTURE_SAMPLES:
        return
    deviation = float(broad[core].std())
    if deviation < p.TEXTURE_LEAST or deviation < p.TEXTURE_SHARE * float(detail[core].std()):
        raise IrisNotFoundError(
            "What surrounds the dark disc has no texture of an iris.",
            hint="Capture a living eye in near-infrared light, in focus.",
        )


def require_ring(eye: Eye, sheet: Sheet) -> None:
    """Refuse dark discs with no ring around them: eyes in the distance, buttons, shadows.

    Raises
    ------
    IrisNotFoundError

    Notes
    -----
    The pupil is darker than what surrounds it at all angles, but those where light is reflected, and an iris
    is about as bright at one angle as at another, beside the step at its pupil: what is seen there of a
    background is not. An eye from nearby in visible light is an eye, and may pass.
    """
    edge, uneven = ring_measures(eye, sheet)
    # Reflections on the pupil's border hide part of its edge: that alone is no reason to lose somebody's eye.
    hidden = edge < p.RING_EDGE_LEAST and uneven > p.RING_UNEVEN_HIDDEN
    if hidden or uneven > p.RING_UNEVEN_MOST:
        raise IrisNotFoundError(
            "What surrounds the dark disc is no ring: it varies along the disc's edge as no iris does.",
            hint="Capture the open eye alone, from nearby, in near-infrared light.",
        )


def ring_measures(eye: Eye, sheet: Sheet) -> tuple[float, float]:
    """Return the share of the pupil's edge that rises, and how uneven the iris is along angles.

    The latter is the deviation of the visible columns' medians over the step from the pupil to the iris.
    """
    edge = float(np.mean(eye.pupil.gain >= p.RING_EDGE_RISE))
    rows = slice(p.TEXTURE_EDGE, -p.TEXTURE_EDGE)
    grey, seen = sheet.grey[rows].T, sheet.visible[rows].T
    medians = row_quantiles(grey, seen, 0.5)[seen.sum(axis=1) >= p.RING_SAMPLES]
    if len(medians) < p.RING_COLUMNS:
        return edge, 0.0
    step = max(float(np.median(medians)) - pupil_level(eye), 1.0)
    return edge, float(medians.std()) / step


def require_visible(code: PhaseCode) -> None:
    """Refuse eyes of which too little is seen.

    Raises
    ------
    IrisOccludedError
    """
    if code.valid < p.VALID_LEAST:
        raise IrisOccludedError(
            f"Expected at least {p.VALID_LEAST:.0%} of the iris code to be visible, got {code.valid:.0%}.",
            hint="Capture the eye wide open, without reflections.",
        )


def _box(image: F32, half: tuple[int, int]) -> F32:
    out, scratch = np.empty_like(image), np.empty_like(image)
    phase.box_means(image, half[0], half[1], scratch, out)
    return out
