"""Connected prints, split where they only touch: fingertips, segments below the joints, pieces of both."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from matcher.fingerprint import slap_parameters as p
from matcher.fingerprint.slap_ridges import Mask, disc
from matcher.types import F32

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A print or a piece of one.

    Attributes
    ----------
    x, y : float64 arrays (N,)
        Of its cells' middles, px.
    axis : float
        Angle of its long axis from upright, rad, counter-clockwise, -pi/2 to pi/2.
    ratio : float
        Long over short axis, at least 1.
    clipped : bool
        Whether the image's border cuts it over a length.
    """

    x: Floats
    y: Floats
    axis: float
    ratio: float
    clipped: bool

    @property
    def area(self) -> int:
        """Cells."""
        return len(self.x)

    def project(self, angle: float) -> tuple[Floats, Floats]:
        """Return the cells across (to the right) and along (down) a hand turned by `angle`, px."""
        return project(self.x, self.y, angle)


def project(x: Floats, y: Floats, angle: float) -> tuple[Floats, Floats]:
    """Return positions across and along a direction turned by `angle` counter-clockwise from upright."""
    cos, sin = math.cos(angle), math.sin(angle)
    return x * cos - y * sin, x * sin + y * cos


def find_blobs(mask: Mask, strength: F32, valley: float) -> list[Blob]:
    """Return the blobs of a mask, largest first; see `split`."""
    labels = split(mask, strength, valley)
    blobs = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        rows, columns = np.nonzero(labels[box] == number)
        if len(rows) < p.MIN_BLOB_AREA:
            continue
        blobs.append(_blob(rows + box[0].start, columns + box[1].start, mask.shape))
    return sorted(blobs, key=lambda blob: -blob.area)


def _blob(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], shape: tuple[int, ...]) -> Blob:
    x, y = columns * float(p.CELL), rows * float(p.CELL)
    (xx, xy), (_, yy) = np.cov(np.stack([x, y]))
    root = math.hypot((xx - yy) / 2, xy)
    middle = (xx + yy) / 2
    # Of the double angle; upright is the y axis, which points down.
    axis = 0.5 * math.atan2(2 * xy, yy - xx)
    ratio = math.sqrt((middle + root) / max(middle - root, 1e-9))
    on_border = max(
        int((rows == 0).sum()),
        int((rows == shape[0] - 1).sum()),
        int((columns == 0).sum()),
        int((columns == shape[1] - 1).sum()),
    )
    return Blob(x, y, axis, ratio, on_border * p.CELL > p.TIP_WIDTH[0] / 2)


def split(mask: Mask, strength: F32, valley: float) -> npt.NDArray[np.int32]:
    """Label the mask's parts, cut at necks and along valleys of the ridge strength, int32 (rows, columns).

    Two fingers that touch, and both sides of a joint, are divided by weaker ridges, or by a neck of their
    outline. What is clearly inside a print is strong relative to its surroundings; the distance to the
    outside of that is smaller in a neck than on both sides. What is less than the share `valley` of the
    strength around it is a valley; 0 looks at the outline alone.
    """
    inner = _inside(mask, strength, valley)
    distance = ndimage.distance_transform_edt(np.pad(inner, 1, mode="edge"))[1:-1, 1:-1]
    distance = np.asarray(ndimage.gaussian_filter(distance, 0.7), np.float32)
    pieces, _ = ndimage.label(mask)
    labels = np.zeros(mask.shape, np.int32)
    count = 0
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        piece = pieces[box] == number
        cores = _cores(np.where(piece, distance[box], np.float32(0.0)), 0.0)
        seeds = np.zeros(piece.shape, np.int32)
        for core in cores:
            count += 1
            seeds[core] = count
        # Where nothing is inside any more, the way runs along the strongest ridges.
        height = distance[box] + strength[box]
        labels[box][piece] = count if len(cores) == 1 else _flood(seeds, height, piece)[piece]
    return labels


def _inside(mask: Mask, strength: F32, valley: float) -> Mask:
    """Return the cells of a mask that are no valley between stronger ones, pores of the print filled."""
    level = ndimage.gaussian_filter(strength, p.LEVEL_SMOOTHING)
    around = ndimage.maximum_filter(level, footprint=disc(p.LEVEL_RADIUS))
    inner: Mask = mask & (ndimage.gaussian_filter(strength, p.VALLEY_SMOOTHING) > valley * around)
    holes, count = ndimage.label(mask & ~inner)
    if count:
        numbers = np.arange(1, count + 1)
        thickness = ndimage.maximum(ndimage.distance_transform_edt(mask & ~inner), holes, numbers)
        areas = np.bincount(holes.ravel())[1:]
        edge = ndimage.maximum(~ndimage.binary_erosion(mask), holes, numbers)
        filled = (areas <= p.PORE_AREA) | (thickness >= p.OPENING)
        inner |= np.concatenate([[False], filled & (np.asarray(edge) == 0)])[holes]
    return inner


def _flood(seeds: npt.NDArray[np.int32], height: F32, inside: Mask) -> npt.NDArray[np.int32]:
    """Give each cell the seed that reaches it on the highest way (Meyer's priority flood)."""
    labels = seeds.copy()
    queue = [(-float(height[y, x]), int(y), int(x)) for y, x in np.argwhere(seeds > 0)]
    heapq.heapify(queue)
    while queue:
        _, y, x = heapq.heappop(queue)
        for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if (
                0 <= ny < labels.shape[0]
                and 0 <= nx < labels.shape[1]
                and inside[ny, nx]
                and labels[ny, nx] == 0
            ):
                labels[ny, nx] = labels[y, x]
                heapq.heappush(queue, (-float(height[ny, nx]), ny, nx))
    return labels


def _cores(distance: F32, level: float) -> list[Mask]:
    """Return the cores of the parts that necks divide: one if none does."""
    peak = float(distance.max())
    while level < peak:
        level += 0.5
        labels, count = ndimage.label(distance > level)
        if count < 2:
            continue
        tops = ndimage.maximum(distance, labels, np.arange(1, count + 1))
        # A bump that is hardly thicker than the neck is the same part.
        parts = [
            i for i, top in enumerate(tops, start=1) if level <= p.SPLIT_RATIO * top and top >= p.OPENING
        ]
        if len(parts) > 1:
            return [core for i in parts for core in _cores(np.where(labels == i, distance, 0.0), level)]
    return [distance >= max(0.9 * peak, 0.5)]
