"""Which blobs are the fingertips, which finger each is, and how the hand is turned: one joint search.

Every reading of the slap - an angle, some blobs as tips, a finger for each - has a log-likelihood under a
model of hands (spacing across the hand, how far each tip lies behind the middle finger's, widths, the axis
that long blobs and the segments below tips show). What is like a fingertip and left over, and fingers that
are missing without having been declared, cost. The best reading wins; how much the next one is worse tells
how sure it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.fingerprint import slap_parameters as p
from matcher.fingerprint.slap_blobs import Blob, Floats
from matcher.fingerprint.slap_types import POSITIONS, SlapKind
from matcher.types import FingerPosition


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a slap.

    Attributes
    ----------
    score : float
        Log-likelihood, nats.
    angle : float
        Of the hand, rad.
    tips : tuple of int
        Numbers of blobs, from left to right.
    positions : tuple of FingerPosition
        Theirs.
    unexplained : int
        Whole prints like fingertips that are left over.
    """

    score: float
    angle: float
    tips: tuple[int, ...]
    positions: tuple[FingerPosition, ...]
    unexplained: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The blobs as seen upright under one angle; arrays (N,) of px.

    Attributes
    ----------
    across, top, bottom, width : float64 arrays
        Of each blob's tip: middle, upper and lower end, width.
    below : list of list of int
        Blobs below each, nearest first.
    lean : float64 array
        Direction to the next segment below relative to the hand, rad; NaN where there is none.
    """

    angle: float
    across: Floats
    top: Floats
    bottom: Floats
    width: Floats
    below: list[list[int]]
    lean: Floats


def like_tip(view: View, i: int) -> bool:
    """Tell whether a blob has the size of a fingertip's print."""
    return bool(
        p.TIP_WIDTH[0] <= view.width[i] <= p.TIP_WIDTH[1] and view.bottom[i] - view.top[i] >= p.TIP_LENGTH
    )


def look(blobs: Sequence[Blob], angle: float) -> View:
    """Return the blobs under one angle."""
    across, top, bottom, width, middles = [], [], [], [], []
    for blob in blobs:
        u, v = blob.project(angle)
        low, high = np.percentile(v, (1.0, 99.0))
        head = u[v <= low + 1.3 * p.STANDARD_WIDTH]
        left, right = np.percentile(head, (3.0, 97.0))
        across.append((left + right) / 2)
        width.append(right - left + p.CELL)
        top.append(low)
        bottom.append(high)
        middles.append((float(u.mean()), float(v.mean())))
    below: list[list[int]] = []
    lean = np.full(len(blobs), np.nan)
    for i in range(len(blobs)):
        found = []
        for j in range(len(blobs)):
            down = middles[j][1] - middles[i][1]
            if i == j or down <= 0 or top[j] < (top[i] + bottom[i]) / 2:
                continue
            aside = abs(middles[j][0] - middles[i][0])
            if aside < 0.45 * width[i] + math.tan(p.CHAIN_DEVIATION) * down:
                found.append((top[j], j))
        below.append([j for _, j in sorted(found)])
        if found:
            j = below[i][0]
            lean[i] = math.atan2(middles[j][0] - middles[i][0], middles[j][1] - middles[i][1])
    return View(angle, np.array(across), np.array(top), np.array(bottom), np.array(width), below, lean)


def views_of(blobs: Sequence[Blob]) -> list[View]:
    """Return the blobs under every angle that is looked for."""
    steps = int(p.MAX_ANGLE / p.ANGLE_STEP)
    return [look(blobs, step * p.ANGLE_STEP) for step in range(-steps, steps + 1)]


def read_hand(
    blobs: Sequence[Blob],
    views: Sequence[View],
    kind: SlapKind,
    missing: Collection[FingerPosition],
    least: float = -math.inf,
) -> list[Reading]:
    """Return readings of a slap as one kind, best first; different ones in tips or positions.

    Parameters
    ----------
    blobs : sequence of Blob
    views : sequence of View
        Of them, see `views_of`.
    kind : SlapKind
        Not UNKNOWN.
    missing : collection of FingerPosition
        Declared ones: they are no part of any reading.
    least : float
        Score under which no reading is of interest; some are returned all the same.
    """
    best: dict[tuple[tuple[int, ...], tuple[FingerPosition, ...]], Reading] = {}
    top = least + p.HOPELESS
    for view in views:
        axis = _axis_evidence(blobs, view.angle)
        for reading in _readings(blobs, view, kind, frozenset(missing), axis, top - p.HOPELESS):
            top = max(top, reading.score)
            key = (reading.tips, reading.positions)
            if key not in best or reading.score > best[key].score:
                best[key] = reading
    return sorted(best.values(), key=lambda reading: -reading.score)


def _axis_evidence(blobs: Sequence[Blob], angle: float) -> float:
    """Return what the long axes of blobs say for an angle, nats."""
    total, weights = 0.0, 0.0
    for blob in blobs:
        weight = blob.area * (p.CLIPPED_WEIGHT if blob.clipped else 1.0)
        total += weight * min(math.log2(blob.ratio), 1.0) * (math.cos(2 * (angle - blob.axis)) - 1.0)
        weights += weight
    return p.AXIS_WEIGHT * total / max(weights, 1.0) - 0.5 * (angle / p.ANGLE_DEVIATION) ** 2


def _readings(
    blobs: Sequence[Blob],
    view: View,
    kind: SlapKind,
    missing: frozenset[FingerPosition],
    axis: float,
    least: float,
) -> Iterator[Reading]:
    """Yield readings of one angle that may score `least`; none takes a blob below another one as a tip."""
    tips = [i for i in range(len(blobs)) if like_tip(view, i)][: p.MAX_CANDIDATES]
    under = {j for i in tips for j in view.below[i] if not blobs[i].clipped}
    tips = [i for i in tips if i not in under]
    present = [position for position in POSITIONS[kind] if position not in missing]
    order = {position: i for i, position in enumerate(POSITIONS[kind])}
    for count in range(1, min(len(present), len(tips)) + 1):
        for chosen in itertools.combinations(sorted(tips, key=lambda i: view.across[i]), count):
            covered = set(chosen).union(*(view.below[i] for i in chosen))
            left_over = [i for i in tips if i not in covered]
            unexplained = sum(not blobs[i].clipped for i in left_over)
            cost = p.UNEXPLAINED_COST * unexplained + p.CLIPPED_COST * (len(left_over) - unexplained)
            cost += sum(p.CLIPPED_COST for i in chosen if blobs[i].clipped)
            cost += p.MISSING_COST * (len(present) - count)
            ratio = (view.bottom - view.top)[list(chosen)] / view.width[list(chosen)]
            short = np.maximum(p.SHORT_RATIO - ratio, 0.0) / p.SHORT_DEVIATION
            cost += 0.5 * float((short * short).sum())
            lean = view.lean[list(chosen)]
            lean = lean[~np.isnan(lean)] / p.CHAIN_DEVIATION
            cost += 0.5 * float(np.minimum(lean * lean, 9.0).sum())
            if axis - cost < least:  # a fit only costs more
                continue
            for positions in itertools.combinations(present, count):
                slots = np.array([order[position] for position in positions])
                fit = _thumbs_fit if kind is SlapKind.TWO_THUMBS else _hand_fit
                score = axis - cost - fit(view, np.array(chosen), slots, kind)
                yield Reading(score, view.angle, chosen, positions, unexplained)


def _hand_fit(view: View, chosen: npt.NDArray[np.intp], slots: npt.NDArray[np.intp], kind: SlapKind) -> float:
    """Return how badly tips fit the fingers of `slots` (0 leftmost to 3), nats."""
    fingers = slots if kind is SlapKind.RIGHT_FOUR else 3 - slots
    expected_width = np.array(p.RELATIVE_WIDTH)[fingers]
    scaled = np.log(view.width[chosen] / expected_width)
    scale = float(np.clip(np.exp(np.median(scaled)) / p.STANDARD_WIDTH, 0.55, 1.3))
    misfit = 0.5 * float((((scaled - scaled.mean()) / p.WIDTH_DEVIATION) ** 2).sum())
    drops = view.top[chosen] / scale - np.array(p.TIP_DROP)[fingers]
    misfit += 0.5 * float((((drops - drops.mean()) / p.DROP_DEVIATION) ** 2).sum())
    if len(chosen) > 1:
        steps = np.diff(slots)
        gaps = np.diff(view.across[chosen]) / scale
        # The hand's own spacing: the mean under its prior.
        ratio = (p.STEP_DEVIATION / p.SPACING_DEVIATION) ** 2
        spacing = (gaps.sum() + ratio * p.SPACING) / (steps.sum() + ratio)
        misfit += 0.5 * float((((gaps - steps * spacing) ** 2) / (steps * p.STEP_DEVIATION**2)).sum())
        misfit += 0.5 * float(((spacing - p.SPACING) / p.SPACING_DEVIATION) ** 2)
    return misfit


def _thumbs_fit(
    view: View, chosen: npt.NDArray[np.intp], slots: npt.NDArray[np.intp], kind: SlapKind
) -> float:
    """Return how badly tips fit thumbs, nats."""
    if len(chosen) < 2:
        return 0.0
    gap = float(np.diff(view.across[chosen])[0])
    drop = float(np.diff(view.top[chosen])[0])
    width = float(np.diff(np.log(view.width[chosen]))[0])
    return 0.5 * (
        ((gap - p.THUMB_SPACING) / p.THUMB_SPACING_DEVIATION) ** 2
        + (drop / p.THUMB_DROP_DEVIATION) ** 2
        + (width / p.WIDTH_DEVIATION) ** 2 / 2
    )
