"""Where the eye is: the pupil and the limbus that go best together, and the eyelids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.errors import IrisNotFoundError, PupilNotFoundError
from matcher.iris import parameters as p
from matcher.iris.contour import Circle, Contour, side_weights
from matcher.iris.eyelids import Eyelid, find_eyelids
from matcher.iris.limbus import find_limbus, fit_limbus, held
from matcher.iris.pupil import darkness, evenness, find_discs, fit_pupil, inner_level
from matcher.iris.reduce import Mask, fill_glints, reduced, smoothed
from matcher.iris.samples import Samples, sample_iris
from matcher.types import F32, U8


@dataclass(frozen=True, slots=True)
class View:
    """A part of the image at a resolution that stages work at.

    Attributes
    ----------
    grey, filled, smooth : float32 (H, W)
        Block means; without reflections; that smoothed.
    glints : bool (H, W)
        Where reflections were.
    factor : int
        Image px per px of the view.
    x, y : int
        Where the view starts, image px.
    """

    grey: F32
    filled: F32
    smooth: F32
    glints: Mask
    factor: int
    x: int
    y: int

    def to_image(self, contour: Contour) -> Contour:
        """Return a contour of the view in px of the image."""
        return contour.moved(float(self.factor), -float(self.x), -float(self.y))


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye as it was found.

    Attributes
    ----------
    view : View
        What the rest is in px of.
    pupil, limbus : Contour
    samples : Samples
        Between the two.
    upper, lower : Eyelid
    score : float
        How much it looks like an eye: mean rise across the pupil's edge times that across the limbus, less
        where the pupil is rough or bright, grey levels squared.
    """

    view: View
    pupil: Contour
    limbus: Contour
    samples: Samples
    upper: Eyelid
    lower: Eyelid
    score: float


def find_eye(pixels: U8) -> Eye:
    """Find the eye in an image.

    Parameters
    ----------
    pixels : uint8 (H, W)

    Raises
    ------
    PupilNotFoundError
        If nothing looks like a pupil.
    IrisNotFoundError
        If nothing around it looks like an iris.
    """
    coarse, pupil, circle, score = _first_look(pixels)
    factor = max(int(circle.radius * coarse.factor / p.VIEW_RADIUS), 1)
    view = coarse
    if factor < coarse.factor:
        view, pupil, circle = _closer(pixels, coarse, factor, pupil, circle)
    limbus = fit_limbus(view.smooth, circle)
    if limbus is None or limbus.circle.radius <= pupil.circle.radius:
        raise _no_iris()
    limbus = held(limbus, pupil.circle)
    samples = sample_iris(view.grey, view.glints, pupil, limbus)
    upper, lower = find_eyelids(view.smooth, samples, pupil.circle, limbus.circle)
    return Eye(view, pupil, limbus, samples, upper, lower, score)


def _first_look(pixels: U8) -> tuple[View, Contour, Circle, float]:
    """Return the coarse view, and the pupil, the limbus and their score there.

    In a reduced image, where nothing looks surely like an eye, the reflections are looked for once more as
    smaller ones: several fill a small pupil, and small irises are themselves as narrow as reflections.
    """
    factor = -(-max(pixels.shape) // p.COARSE_SIDE)
    looks = ((p.GLINT_RADIUS, p.GLINT_MARGIN), (p.GLINT_RADIUS_REDUCED, p.GLINT_MARGIN_REDUCED))
    best: tuple[View, Contour, Circle, float] | None = None
    least = 0.0
    for radius, margin in looks if factor > 1 else looks[:1]:
        view = _view(pixels, factor, (0, 0, pixels.shape[1], pixels.shape[0]), radius, margin)
        try:
            pupil, circle, score = _best_pair(view)
        except (PupilNotFoundError, IrisNotFoundError) as reason:
            refusal = reason
            score = 0.0
        if score > least:
            best = view, pupil, circle, score
        if score >= p.EYE_SURE:
            break
        least = max(p.EYE_SECOND, p.EYE_SECOND_MORE * score)
    if best is None:
        raise refusal
    return best


@dataclass(frozen=True, slots=True)
class _Pair:
    """A pupil and a limbus; `plain` is the score without regard to how even the pupil is inside."""

    pupil: Contour
    limbus: Circle
    score: float
    plain: float

    def is_iris_of(self, other: _Pair) -> bool:
        """Whether what is taken for the pupil here is the iris there."""
        disc, iris = self.pupil.circle, other.limbus
        near = np.hypot(disc.x - iris.x, disc.y - iris.y) < p.NESTED_TOLERANCE * disc.radius
        return bool(near) and abs(iris.radius / disc.radius - 1) < p.NESTED_TOLERANCE


def _best_pair(view: View) -> tuple[Contour, Circle, float]:
    """Return the pupil and the limbus that look most like an eye, and how much."""
    pupils = [fit_pupil(view.smooth, disc) for disc in find_discs(view.filled, view.smooth)]
    there = [pupil for pupil in pupils if pupil is not None]
    if not there:
        raise PupilNotFoundError(
            "Nothing in the image looks like a pupil: a round dark disc.",
            hint="Capture the open eye in near-infrared light, in focus.",
        )
    # Where an iris is nearly as bright as the white, circles on its own texture may look better than the
    # limbus: what is smaller than irises are is left out, but only where nothing was found without that.
    for usual, least in ((0.0, p.EYE_LEAST), (p.EYE_RADIUS / view.factor, p.EYE_LEAST_AGAIN)):
        pairs = [_pair(view, pupil, usual) for pupil in there]
        best = _best([pair for pair in pairs if pair is not None], least)
        if best is not None:
            return best.pupil, best.limbus, best.plain
    raise _no_iris()


def _best(found: list[_Pair], least: float) -> _Pair | None:
    """Return the pair that looks most like an eye, None where none looks enough like one."""
    if not found:
        return None
    best = max(found, key=lambda pair: pair.score)
    inner = [pair for pair in found if best.is_iris_of(pair) and pair.plain > p.NESTED_LEAST * best.plain]
    if inner and best.score < p.NESTED_EVENNESS * best.plain:
        return max(inner, key=lambda pair: pair.plain)
    return best if best.plain >= least else None


def _pair(view: View, pupil: Contour, usual: float) -> _Pair | None:
    found = find_limbus(view.smooth, pupil.circle, usual)
    if found is None:
        return None
    circle, gain = found
    if circle.radius * view.factor < p.EYE_RADIUS:
        return None
    plain = min(_sure_gain(pupil), p.PUPIL_GAIN_ENOUGH) * min(gain, p.LIMBUS_GAIN_ENOUGH)
    plain *= float(np.exp(-((pupil.roughness / p.PUPIL_ROUGHNESS) ** 2)))
    plain *= float(darkness(view.smooth, inner_level(view.smooth, pupil.circle)))
    plain *= _room(circle.radius / pupil.circle.radius)
    return _Pair(pupil, circle, plain * evenness(view.smooth, pupil.circle), plain)


def _sure_gain(pupil: Contour) -> float:
    """Return the rise that most of the pupil's sides exceed: an edge all around, not a strong one in part."""
    return float(np.percentile(pupil.gain[side_weights(0.0, 0.0) == 1], p.PUPIL_GAIN_PERCENTILE))


def _room(ratio: float) -> float:
    """Return how likely an iris is of that radius in pupil radii: hardly any pupil fills it."""
    none, enough = p.LIMBUS_ROOM
    return float(np.clip((ratio - none) / (enough - none), 0, 1))


def _closer(
    pixels: U8, coarse: View, factor: int, pupil: Contour, circle: Circle
) -> tuple[View, Contour, Circle]:
    """Return a finer view of the eye, and its pupil and limbus there."""
    whole = circle.moved(float(coarse.factor))
    reach = p.VIEW_REACH * whole.radius
    left, upper = max(int(whole.x - reach), 0), max(int(whole.y - reach), 0)
    right, lower = (
        min(int(whole.x + reach) + 1, pixels.shape[1]),
        min(int(whole.y + reach) + 1, pixels.shape[0]),
    )
    view = _view(pixels, factor, (left, upper, right, lower))
    scale = coarse.factor / factor
    start = pupil.circle.moved(scale, left / factor, upper / factor)
    finer = fit_pupil(view.smooth, start, 2)
    if finer is None:
        finer = pupil.moved(scale, left / factor, upper / factor)
    return view, finer, circle.moved(scale, left / factor, upper / factor)


def _view(
    pixels: U8,
    factor: int,
    box: tuple[int, int, int, int],
    radius: int = p.GLINT_RADIUS,
    margin: int = p.GLINT_MARGIN,
) -> View:
    left, upper, right, lower = box
    grey = reduced(np.ascontiguousarray(pixels[upper:lower, left:right]), factor)
    filled, glints = fill_glints(grey, radius, margin)
    return View(grey, filled, smoothed(filled, p.SMOOTH_SIGMA), glints, factor, left, upper)


def _no_iris() -> IrisNotFoundError:
    return IrisNotFoundError(
        "Nothing around a dark disc looks like an iris with its white beside it.",
        hint="Capture the open eye in near-infrared light, in focus.",
    )
