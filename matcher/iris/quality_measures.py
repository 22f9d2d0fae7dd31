"""What can be measured of one iris sample's quality, from intermediates that extraction has anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.iris import parameters as p
from matcher.iris.contour import directions
from matcher.iris.kernels import polar
from matcher.iris.phase import PhaseCode
from matcher.iris.reduce import smoothed
from matcher.iris.segment import Eye
from matcher.iris.sheet import Sheet
from matcher.types import F32

SCLERA_RING = (1.1, 1.15, 1.2)
"""Where the sclera is looked at, shares of the limbus's radii (ISO/IEC 29794-6)."""
PUPIL_DISC = (0.2, 0.4, 0.6, 0.8)
"""Where the pupil is looked at, shares of its radii (ISO/IEC 29794-6: up to 0.8)."""
SIDES = 30.0
"""How far above and below the horizontal the sclera is looked at, degrees: lids are beyond."""
WEBER_OFFSET, WEBER_HALF = 20.0, 0.75
"""Constants of the iris-pupil contrast (ISO/IEC 29794-6)."""
MARGINS = (0.6, 0.2)
"""Margins wanted at the sides and above and below, iris radii (ISO/IEC 29794-6)."""
SHARP_SIGMAS = (0.012, 0.024)
"""Deviations whose difference of Gaussians shows focus, iris radii: finer than the code's own texture."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers of one eye, named as in ISO/IEC 29794-6.

    Attributes
    ----------
    usable_area : float
        Visible share of the iris's area, per cent.
    iris_sclera_contrast, iris_pupil_contrast : float
        0 to 100.
    pupil_dilation : float
        Pupil's radius over the iris's, per cent.
    pupil_circularity : float
        100 less the root mean square departure of the pupil's contour from a circle, per cent of its radius.
    grey_utilisation : float
        Entropy of the iris's grey levels, bits.
    sharpness : float
        Deviation of the finest visible texture over that of all visible texture, per cent.
    margin : float
        How far the iris lies from the image's border, per cent of what is wanted (0.6 radii at the sides,
        0.2 above and below).
    iris_radius : float
        Image px.
    concentricity : float
        100 less the distance of both centres, per cent of the iris's radius.
    valid_bits : float
        Valid share of the full code, per cent; not of the standard.
    """

    usable_area: float
    iris_sclera_contrast: float
    iris_pupil_contrast: float
    pupil_dilation: float
    pupil_circularity: float
    grey_utilisation: float
    sharpness: float
    margin: float
    iris_radius: float
    concentricity: float
    valid_bits: float


def measure(eye: Eye, sheet: Sheet, phase: PhaseCode, shape: tuple[int, int]) -> Measures:
    """Measure one eye; `shape` is that of its image, (H, W)."""
    pupil, limbus = eye.pupil.circle, eye.limbus.circle
    shown = sheet.grey[sheet.visible]
    iris = float(np.median(shown)) if shown.size else 0.0
    dark, white = pupil_level(eye), _sclera_level(eye)
    weber = abs(iris - dark) / (WEBER_OFFSET + dark)
    span = iris + white - 2 * dark
    # The rubber sheet shows inner rows too large: rows count by their radius.
    rows = np.linspace(pupil.radius, limbus.radius, p.SHEET_ROWS)[:, None]
    ripple = eye.pupil.radii / np.float32(pupil.radius) - 1
    away = float(np.hypot(pupil.x - limbus.x, pupil.y - limbus.y))
    return Measures(
        usable_area=100 * float((sheet.visible * rows).sum() / (rows.sum() * sheet.visible.shape[1])),
        iris_sclera_contrast=100 * float(np.clip(abs(white - iris) / max(span, 1.0), 0, 1)),
        iris_pupil_contrast=100 * weber / (WEBER_HALF + weber),
        pupil_dilation=100 * pupil.radius / limbus.radius,
        pupil_circularity=100 * max(1 - float(np.sqrt(np.mean(np.square(ripple)))), 0.0),
        grey_utilisation=_entropy(shown),
        sharpness=_sharpness(eye, sheet),
        margin=_margin(eye, shape),
        iris_radius=limbus.radius * eye.view.factor,
        concentricity=100 * max(1 - away / limbus.radius, 0.0),
        valid_bits=100 * phase.valid,
    )


def pupil_level(eye: Eye) -> float:
    """Return the median grey level of the pupil's disc."""
    centre = np.array([eye.pupil.circle.x, eye.pupil.circle.y], np.float32)
    points = eye.pupil.points()
    return _level(eye.view.filled, np.broadcast_to(centre, points.shape), points, PUPIL_DISC)


def _sclera_level(eye: Eye) -> float:
    centre = np.array([eye.limbus.circle.x, eye.limbus.circle.y], np.float32)
    sides = np.abs(directions()[1]) < np.sin(np.radians(SIDES))
    points = eye.limbus.points()[sides]
    return _level(eye.view.filled, np.broadcast_to(centre, points.shape), points, SCLERA_RING)


def _level(image: F32, inner: F32, outer: F32, shares: tuple[float, ...]) -> float:
    samples = np.empty((len(shares), len(outer)), np.float32)
    polar.sample_between(image, inner, outer, np.array(shares, np.float32), samples)
    return 0.0 if np.isnan(samples).all() else float(np.nanmedian(samples))


def _entropy(grey: F32) -> float:
    counts = np.bincount(np.clip(grey, 0, 255).astype(np.int64), minlength=256)
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(share * np.log2(share)).sum())


def _sharpness(eye: Eye, sheet: Sheet) -> float:
    """Of the view, as the sheet stretches the texture."""
    if not sheet.visible.any():
        return 0.0
    fine, broad = (smoothed(eye.view.filled, max(s * eye.limbus.circle.radius, 0.5)) for s in SHARP_SIGMAS)
    detail = np.empty_like(sheet.grey)
    shares = ((np.arange(p.SHEET_ROWS) + 0.5) / p.SHEET_ROWS).astype(np.float32)
    polar.sample_between(fine - broad, eye.pupil.points(), eye.limbus.points(), shares, detail)
    return 100 * float(np.nanstd(detail[sheet.visible])) / max(float(sheet.grey[sheet.visible].std()), 1.0)


def _margin(eye: Eye, shape: tuple[int, int]) -> float:
    circle = eye.view.to_image(eye.limbus).circle
    beside = min(circle.x, shape[1] - 1 - circle.x) / circle.radius - 1
    above = min(circle.y, shape[0] - 1 - circle.y) / circle.radius - 1
    return 100 * float(np.clip(min(beside / MARGINS[0], above / MARGINS[1]), 0, 1))
