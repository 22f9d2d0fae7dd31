"""Minutiae from the skeleton: found, cleaned of false ones, directed and graded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import TooFewMinutiaeError
from matcher.fingerprint import parameters as p
from matcher.fingerprint.field import Orientation
from matcher.fingerprint.kernels import false_minutiae
from matcher.fingerprint.kernels import skeleton as kernel
from matcher.types import DIRECTION_STEPS, F32, MAX_MINUTIAE, MAX_QUALITY, U8, Minutiae

Mask = npt.NDArray[np.bool_]
Record = Callable[[str, npt.NDArray[Any]], None]


def find(
    skeleton: U8,
    orientation: Orientation,
    mask: Mask,
    quality: F32,
    width: int,
    height: int,
    record: Record | None = None,
) -> Minutiae:
    """Return the minutiae of a skeleton, best quality first.

    Parameters
    ----------
    skeleton : uint8 (H, W)
        Whole cells; `width` and `height` are the image's own, smaller or equal.
    orientation, mask, quality
        Per cell.
    record : callable, optional
        Given every candidate and the minutiae that are left, see `trace.STAGES`.

    Raises
    ------
    TooFewMinutiaeError
        If fewer than MIN_MINUTIAE are left.
    """
    ids = np.zeros(skeleton.shape, np.int32)
    xs, ys, kinds = (np.empty(p.MAX_CANDIDATES, np.int32) for _ in range(3))
    count = kernel.find_candidates(skeleton, ids, xs, ys, kinds)
    xs, ys, kinds = xs[:count], ys[:count], kinds[:count]
    ends = np.zeros((count, 3, 2), np.float32)
    stops, lengths = np.empty((count, 3), np.int32), np.empty((count, 3), np.int32)
    work = skeleton.copy()
    kernel.trace_branches(work, ids, xs, ys, count, p.TRACE_LENGTH, p.TANGENT_LENGTH, ends, stops, lengths)
    directions = _directions(ends, kinds, orientation, xs, ys)
    units = np.rint(np.arctan2(-directions[:, 1], directions[:, 0]) * (DIRECTION_STEPS / (2 * np.pi)))
    units = units.astype(np.int64) % DIRECTION_STEPS
    if record is not None:
        record("minutiae_raw", np.stack([xs, ys, units, kinds], axis=1))
    alive = np.ones(count, np.bool_)
    false_minutiae.mark_structures(
        kinds, stops, lengths, count, p.SPUR_LENGTH, p.ISLAND_LENGTH, p.BRIDGE_LENGTH, alive
    )
    false_minutiae.mark_breaks(xs, ys, kinds, directions, count, p.BREAK_REACH, p.BREAK_COSINE, alive)
    false_minutiae.mark_border(
        xs, ys, directions, kinds, count, mask, p.CELL, p.BORDER_MARGIN, p.BORDER_AHEAD, alive
    )
    alive &= (xs < width) & (ys < height)
    if int(alive.sum()) < p.MIN_MINUTIAE:
        raise TooFewMinutiaeError(
            f"Expected at least {p.MIN_MINUTIAE} minutiae, found {int(alive.sum())}.",
            hint="Capture a larger or clearer part of the finger.",
        )
    grades = np.rint(MAX_QUALITY * np.clip(quality[ys // p.CELL, xs // p.CELL], 0, 1)).astype(np.uint8)
    order = np.flatnonzero(alive)
    order = order[np.argsort(-grades[order].astype(np.int16), kind="stable")][:MAX_MINUTIAE]
    if record is not None:
        record("minutiae", np.stack([xs, ys, units, kinds], axis=1)[order])
    return Minutiae(
        x=xs[order].astype(np.int16),
        y=ys[order].astype(np.int16),
        direction=units[order].astype(np.uint8),
        kind=kinds[order].astype(np.uint8),
        quality=grades[order],
    )


def _directions(
    ends: F32,
    kinds: npt.NDArray[np.int32],
    orientation: Orientation,
    xs: npt.NDArray[np.int32],
    ys: npt.NDArray[np.int32],
) -> F32:
    """Return unit vectors (N, 2), y down: along the cell's orientation, signed by the traced ridges.

    The skeleton knows which way the ridge goes but its tangent is ragged; the orientation field is smooth. A
    bifurcation points to the side on which two of its three branches lie: the sign of the median one.
    """
    angle = orientation.angle[ys // p.CELL, xs // p.CELL]
    axis = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    units = ends / np.maximum(np.linalg.norm(ends, axis=2, keepdims=True), np.float32(1e-6))
    along = (units * axis[:, None, :]).sum(axis=2)
    votes = np.where(kinds == kernel.ENDING, along[:, 0], np.median(along, axis=1))
    return (axis * np.where(votes >= 0, 1, -1)[:, None]).astype(np.float32)
