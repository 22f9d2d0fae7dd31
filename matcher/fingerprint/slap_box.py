"""The box of a fingertip, down to its joint, its upright picture and its quality."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from matcher.fingerprint import slap_parameters as p
from matcher.fingerprint.slap_blobs import Blob, Floats, project
from matcher.fingerprint.slap_hand import View
from matcher.types import F32, MAX_QUALITY, Image

CUBIC = 3
"""Order of the splines that turn pictures: ridges keep their sharpness."""


def finger_box(
    blobs: Sequence[Blob], view: View, tip: int, strength: F32
) -> tuple[float, float, float, float, float]:
    """Return a fingertip's box: middle x, y, width, height (px), angle (rad).

    Parameters
    ----------
    blobs, view
        Of the slap, under the hand's angle.
    tip : int
        Number of the fingertip's blob.
    strength : float32 array (rows, columns)
        Of ridges.
    """
    x, y = _pieces(blobs, view, tip)
    angle = view.angle
    for _ in range(2):
        top, bottom = _ends(x, y, angle, strength)
        _, v = project(x, y, angle)
        inside = (v >= top) & (v <= bottom)
        angle = _own_angle(x[inside], y[inside], blobs[tip], view, tip)
    top, bottom = _ends(x, y, angle, strength)
    u, v = project(x, y, angle)
    inside = (v >= top) & (v <= bottom)
    left, right = np.percentile(u[inside], (1.0, 99.0))
    width, height = float(right - left) + p.CELL, bottom - top + p.CELL
    across, along = float(left + right) / 2, (top + bottom) / 2
    cos, sin = math.cos(angle), math.sin(angle)
    # The projection's inverse; cells' middles are where their windows are centred.
    return across * cos + along * sin, -across * sin + along * cos, width, height, angle


def _pieces(blobs: Sequence[Blob], view: View, tip: int) -> tuple[Floats, Floats]:
    """Return the cells of a tip, with the pieces below it where it is broken."""
    x, y = blobs[tip].x, blobs[tip].y
    bottom = view.bottom[tip]
    for j in view.below[tip]:
        if bottom - view.top[tip] >= p.SHORT * view.width[tip] or view.top[j] - bottom > p.SHORT_GAP:
            break
        x, y = np.concatenate([x, blobs[j].x]), np.concatenate([y, blobs[j].y])
        bottom = view.bottom[j]
    return x, y


def _own_angle(x: Floats, y: Floats, blob: Blob, view: View, tip: int) -> float:
    """Return a finger's angle: its long axis and the way to its next segment, held near the hand's angle."""
    if len(x) < 3:
        return view.angle
    (xx, xy), (_, yy) = np.cov(np.stack([x, y]))
    axis = 0.5 * math.atan2(2 * xy, yy - xx)
    root = math.hypot((xx - yy) / 2, xy)
    ratio = math.sqrt(((xx + yy) / 2 + root) / max((xx + yy) / 2 - root, 1e-9))
    # The axis of a round blob says nothing; that of a long one is good to a few degrees.
    weights, values = [1.0 / p.FAN_DEVIATION**2], [view.angle]
    difference = (axis - view.angle + math.pi / 2) % math.pi - math.pi / 2
    if not blob.clipped:
        weights.append((3.0 * max(ratio - 1.0, 0.0) / p.FAN_DEVIATION) ** 2)
        values.append(view.angle + difference)
    if not math.isnan(view.lean[tip]):
        weights.append(1.0 / p.FAN_DEVIATION**2)
        values.append(view.angle + view.lean[tip])
    return float(np.average(values, weights=weights))


def _ends(x: Floats, y: Floats, angle: float, strength: F32) -> tuple[float, float]:
    """Return where a fingertip begins and where its joint is, along its own direction, px."""
    u, v = project(x, y, angle)
    top = float(np.percentile(v, 0.5))
    end = float(v.max())
    head = u[v <= top + 1.3 * p.STANDARD_WIDTH]
    width = float(np.ptp(np.percentile(head, (2.0, 98.0)))) + p.CELL
    rows = np.arange(int((end - top) / p.CELL) + 1)
    row = np.clip(((v - top) / p.CELL).round().astype(int), 0, len(rows) - 1)
    middle = float(np.median(head))
    centre = np.abs(u - middle) < 0.4 * width
    values = strength[(y / p.CELL).astype(int), (x / p.CELL).astype(int)]
    order = np.argsort(row[centre], kind="stable")
    cuts = np.searchsorted(row[centre][order], rows[1:])
    profile = np.array(
        [
            np.percentile(part, p.JOINT_PERCENTILE) if len(part) else 0.0
            for part in np.split(values[centre][order], cuts)
        ]
    )
    profile = ndimage.gaussian_filter1d(profile, 1.0, mode="nearest")
    first, last = int(p.JOINT[0] * width / p.CELL), int(p.JOINT[1] * width / p.CELL)
    best, joint = p.JOINT_DEPTH, None
    for i in range(max(first, 1), min(last, len(rows) - 4)):
        before = float(profile[max(0, i - 14) : i].max())
        after = float(profile[i + 1 : i + 15].max())
        depth = float(profile[i]) / max(min(before, after), 1e-6)
        if depth < best:
            best, joint = depth, i
    if joint is not None:
        return top, top + joint * p.CELL
    if end - top > p.MAX_LENGTH * width:
        return top, top + p.TYPICAL_LENGTH * width
    return top, end


def cut_out(image: Image, x: float, y: float, width: float, height: float, angle: float) -> Image:
    """Return a box turned upright with a margin, by cubic splines; white outside the image."""
    rows, columns = (math.ceil(side) + 2 * p.MARGIN for side in (height, width))
    cos, sin = math.cos(angle), math.sin(angle)
    half = math.hypot(rows, columns) / 2 + 2
    left, upper = max(0, int(x - half)), max(0, int(y - half))
    part = image.pixels[upper : int(y + half) + 2, left : int(x + half) + 2].astype(np.float32)
    # (row, column) of the source for (row, column) of the picture.
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([y - upper, x - left]) - turn @ np.array([(rows - 1) / 2, (columns - 1) / 2])
    turned = ndimage.affine_transform(
        part, turn, centre, output_shape=(rows, columns), order=CUBIC, mode="constant", cval=255.0
    )
    pixels = np.clip(np.rint(turned), 0, 255).astype(np.uint8)
    return Image(pixels, image.native_ppi, image.resolution_source)


def quality(strength: F32, x: float, y: float, width: float, height: float, angle: float) -> int:
    """Return how clear ridges are in the ellipse inside a box, 0 to 100: their mean strength."""
    t, s = np.mgrid[-0.9:0.91:0.1, -0.9:0.91:0.1]
    inside = s * s + t * t <= 0.81
    across, along = s[inside] * width / 2, t[inside] * height / 2
    cos, sin = math.cos(angle), math.sin(angle)
    column = np.rint((x + across * cos + along * sin) / p.CELL).astype(int)
    row = np.rint((y - across * sin + along * cos) / p.CELL).astype(int)
    there = (row >= 0) & (row < strength.shape[0]) & (column >= 0) & (column < strength.shape[1])
    values = np.where(there, strength[np.where(there, row, 0), np.where(there, column, 0)], 0.0)
    return int(np.clip(round(MAX_QUALITY * float(values.mean())), 0, MAX_QUALITY))
