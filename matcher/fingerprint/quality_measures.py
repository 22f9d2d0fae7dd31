"""What can be measured of one print's quality, from intermediates that extraction has anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import Orientation, smooth
from matcher.fingerprint.kernels import grey
from matcher.types import F32, PPI, Minutiae

Mask = npt.NDArray[np.bool_]

MM_PER_CELL = p.CELL * 25.4 / PPI
"""Side of a cell, mm."""

USABLE_QUALITY = 0.4
"""Least ridge quality (0 to 1) of a cell that counts as usable area."""

PERIOD_TOLERANCE = 0.2
"""Largest departure of a cell's ridge period from the print's median that counts as regular, as a share."""

PERIOD_PLAUSIBLE = (5.0, 14.0)
"""Ridge periods of fingers at 500 ppi, px: from small children's to large adults' (0.25 to 0.7 mm)."""

CENTRE_SIGMA = 2.5
"""Reach over which ridges are asked whether they bend, cells (1 mm): about one core."""

CENTRE_BEND = 0.5
"""Least bend (0 straight, 1 all directions alike) of what counts as the centre of the ridge pattern."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers of one print.

    Attributes
    ----------
    usable_area : float
        Print with ridge quality of at least USABLE_QUALITY, mm^2.
    clarity : float
        Root mean share of the local contrast that is ridges of the found orientation and period, 0 to 1.
    flow : float
        Mean agreement of ridge orientations 1.6 mm apart, cos of twice the difference, -1 to 1.
    regular_period : float
        Share of the print whose ridge period is plausible and near the print's median.
    minutiae : int
        Number of minutiae.
    minutia_quality : float
        Their mean quality, 0 to 100.
    ridge_share : float
        Share of the print's pixels that are darker than their surroundings: low when dry, high when wet.
    contrast : float
        Median standard deviation of grey levels within a cell, 8-bit levels.
    centre_depth : float
        Distance of the centre of the ridge pattern (where ridges bend most) from the end of the print, mm.
        Where nothing bends like a core, as on an arch, of the middle of the print.
    """

    usable_area: float
    clarity: float
    flow: float
    regular_period: float
    minutiae: int
    minutia_quality: float
    ridge_share: float
    contrast: float
    centre_depth: float


def measure(
    padded: F32,
    normalised: F32,
    orientation: Orientation,
    period: F32,
    quality: F32,
    mask: Mask,
    minutiae: Minutiae,
) -> Measures:
    """Measure one print.

    Parameters
    ----------
    padded, normalised : float32 (H, W)
        The image in whole cells, grey levels; the same with local mean 0 and ridges positive.
    orientation, period, quality
        Per cell, see `field` and `enhance.ridge_quality`.
    mask : bool (rows, columns)
        The print; at least one cell.
    minutiae : Minutiae
    """
    deviation, ridge_share = np.empty_like(quality), np.empty_like(quality)
    grey.cell_grey(padded, normalised, mask, p.CELL, deviation, ridge_share)
    inside = quality[mask]
    share = inside / np.maximum(orientation.coherence[mask], np.float32(1e-3))
    cosine = np.where(mask, np.cos(2 * orientation.angle), np.float32(0))
    sine = np.where(mask, np.sin(2 * orientation.angle), np.float32(0))
    periods = period[mask]
    regular = np.abs(periods / np.median(periods) - 1) <= PERIOD_TOLERANCE
    regular &= (periods >= PERIOD_PLAUSIBLE[0]) & (periods <= PERIOD_PLAUSIBLE[1])
    return Measures(
        usable_area=float((inside >= USABLE_QUALITY).sum()) * MM_PER_CELL**2,
        clarity=float(np.minimum(share, 1).mean()),
        flow=_flow(cosine, sine, mask),
        regular_period=float(regular.mean()),
        minutiae=len(minutiae),
        minutia_quality=float(minutiae.quality.mean()) if len(minutiae) else 0.0,
        ridge_share=float(ridge_share[mask].mean()),
        contrast=float(np.median(deviation[mask])),
        centre_depth=_centre_depth(cosine, sine, mask),
    )


def _flow(cosine: F32, sine: F32, mask: Mask) -> float:
    total, count = 0.0, 0
    for one, other in (
        (np.s_[: -p.FLOW_STEP, :], np.s_[p.FLOW_STEP :, :]),
        (np.s_[:, : -p.FLOW_STEP], np.s_[:, p.FLOW_STEP :]),
    ):
        # Both fields are 0 outside the mask, so only pairs inside it add to the sum.
        total += float((cosine[one] * cosine[other] + sine[one] * sine[other]).sum())
        count += int((mask[one] & mask[other]).sum())
    return total / max(count, 1)


def _centre_depth(cosine: F32, sine: F32, mask: Mask) -> float:
    weight = np.maximum(smooth(mask, CENTRE_SIGMA), np.float32(1e-3))
    straight = np.hypot(smooth(cosine, CENTRE_SIGMA), smooth(sine, CENTRE_SIGMA)) / weight
    bend = np.where(mask, 1 - straight, np.float32(0))
    place = np.unravel_index(int(bend.argmax()), bend.shape)
    if bend[place] < CENTRE_BEND:
        place = np.argwhere(mask).mean(axis=0).round()
    outside = np.argwhere(~np.pad(mask, 1)) - 1
    return float(np.sqrt(((outside - np.array(place)) ** 2).sum(axis=1).min())) * MM_PER_CELL
