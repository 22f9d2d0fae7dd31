"""Pictures of an extraction and of a comparison. They show biometrics: keep them as you keep the images.

Endings are circles and bifurcations squares, each with a tick in its direction; the stronger the colour, the
higher the quality.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from matcher.fingerprint import parameters as p
from matcher.fingerprint.picture import ENDING, FADE, INK, MUTED, Array, draw_grey, draw_minutiae, save
from matcher.fingerprint.trace import Trace
from matcher.types import I64, FingerprintTemplate, Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 0.075
"""Height of the title, widths of the picture."""

MARGIN = 56
"""What is shown of a print around its minutiae, px."""

GAP = 26
"""White space between the two prints of a comparison, px of the prints."""

REMOVED = "#d62f3c"
"""Colour of candidates that are no minutiae."""


def plot_pair(
    probe_image: Image,
    probe: FingerprintTemplate,
    candidate_image: Image,
    candidate: FingerprintTemplate,
    pairs: I64,
    path: Path | str,
    title: str = "",
) -> None:
    """Draw two prints side by side and join the minutiae that are paired.

    Parameters
    ----------
    probe_image, candidate_image : Image
        What the templates came from; see `blank` where there is none.
    probe, candidate : FingerprintTemplate
    pairs : int64 array (P, 2)
        Numbers of minutiae in both templates, from `matcher.score.fingerprint.paired`.
    path : path
        PNG file to write.
    title : str
        One line above the prints.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    boxes = [
        _box(image, template) for image, template in ((probe_image, probe), (candidate_image, candidate))
    ]
    wide = sum(right - left for left, _, right, _ in boxes) + GAP
    high = max(lower - upper for _, upper, _, lower in boxes)
    bar = BAR * wide
    figure = Figure(figsize=(10, 10 * (high + bar) / wide), facecolor="white")
    axes = figure.add_axes((0, 0, 1, high / (high + bar)))
    shifts = []
    for image, template, box, joined, edge in zip(
        (probe_image, candidate_image),
        (probe, candidate),
        boxes,
        pairs.T,
        (0, wide - (boxes[1][2] - boxes[1][0])),
        strict=True,
    ):
        left, upper, right, lower = box
        shift = (edge - left, (high - (lower - upper)) / 2 - upper)
        draw_grey(axes, image.pixels[upper:lower, left:right], FADE, (left + shift[0], upper + shift[1]))
        paired = np.isin(np.arange(len(template.minutiae)), joined)
        draw_minutiae(axes, template, ~paired, shift=shift, faded=True)
        draw_minutiae(axes, template, paired, shift=shift)
        shifts.append(shift)
    starts, ends = (
        np.stack([t.minutiae.x[i] + dx, t.minutiae.y[i] + dy], axis=1)
        for t, i, (dx, dy) in zip((probe, candidate), pairs.T, shifts, strict=True)
    )
    lines = LineCollection(np.stack([starts, ends], axis=1).tolist(), linewidths=1.0, alpha=0.7, zorder=2)
    lines.set_color(colormaps["viridis"](0.05 + 0.8 * starts[:, 1] / high).tolist())
    axes.add_collection(lines)
    axes.set(xlim=(0, wide), ylim=(high, 0))
    counts = f"{len(pairs)} of {len(probe.minutiae)} and {len(candidate.minutiae)} minutiae paired"
    note = f"{counts}; circles are endings, squares bifurcations"
    for at, text, size, colour in ((0.62, title, 13, INK), (0.2, note, 8.5, MUTED)):
        figure.text(
            0.5, 1 - (1 - at) * bar / (high + bar), text, ha="center", va="center", size=size, color=colour
        )
    save(figure, path)


def plot_trace(image: Image, trace: Trace, template: FingerprintTemplate, path: Path | str) -> None:
    """Draw the stages of an extraction, from the image to its minutiae.

    Parameters
    ----------
    image : Image
    trace : Trace
        Filled by `extract(image, trace=trace)`.
    template : FingerprintTemplate
        What that returned.
    path : path
        PNG file to write.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    columns, rows, head = 4, 2, 0.11
    left, upper, right, lower = _box(image, template, trace["mask"])
    ratio = (lower - upper) / (right - left)
    high = 10 / columns * (ratio + head) * rows
    figure = Figure(figsize=(10, high), facecolor="white")
    grid = figure.subplots(
        rows,
        columns,
        gridspec_kw={"wspace": 0.02, "hspace": head / ratio, "left": 0.004, "right": 0.996, "bottom": 0.004}
        | {"top": 1 - 10 / columns * head / high},
    )
    count = len(template.minutiae)
    panels = (
        (f"image, {image.width} x {image.height}", _draw_image),
        ("contrast evened, print outlined", _draw_normalised),
        ("ridge orientation", _draw_orientation),
        (f"ridge period, median {np.median(trace['period'][trace['mask']]):.1f} px", _draw_period),
        ("enhanced", _draw_enhanced),
        ("ridges and skeleton", _draw_skeleton),
        (f"{len(trace['minutiae_raw'])} candidates, removed ones red", _draw_candidates),
        (f"{count} minutiae, quality {template.quality}", _draw_minutiae),
    )
    for axes, (name, draw) in zip(grid.ravel(), panels, strict=True):
        draw(axes, image, trace, template)
        axes.set(xlim=(left - 0.5, right - 0.5), ylim=(lower - 0.5, upper - 0.5))
        axes.set_title(name, fontsize=9, color=INK, pad=3.5)
        axes.axis("off")
    save(figure, path)


def blank(template: FingerprintTemplate) -> Image:
    """Return white paper of a template's size, for a template that comes without its image."""
    return Image(np.full((template.height, template.width), 255, np.uint8))


def _draw_image(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    draw_grey(axes, image.pixels)


def _draw_normalised(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    limit = p.NORMALISE_LIMIT
    axes.imshow(-trace["normalised"], cmap="gray", vmin=-limit, vmax=limit, interpolation="bilinear")
    _outline(axes, trace["mask"])


def _draw_orientation(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    """Lines along the ridges, every second cell; the stronger, the more parallel the ridges are."""
    from matplotlib.collections import LineCollection

    draw_grey(axes, image.pixels, 0.8)
    y, x = np.nonzero(trace["mask"][::2, ::2])
    angle, coherence = (trace[name][::2, ::2][y, x] for name in ("orientation", "coherence"))
    centre = np.stack([x, y], axis=1) * 2 * p.CELL + p.CELL / 2
    half = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.85 * p.CELL
    lines = LineCollection(np.stack([centre - half, centre + half], axis=1).tolist(), cmap="viridis_r")
    lines.set(array=coherence, clim=(0.3, 1.0), linewidth=1.3)
    axes.add_collection(lines)


def _draw_period(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    period = np.where(trace["mask"], trace["period"], np.nan)
    height, width = trace["binary"].shape
    axes.imshow(
        period, cmap="viridis", vmin=5, vmax=14, extent=(-0.5, width - 0.5, height - 0.5, -0.5), alpha=0.9
    )


def _draw_enhanced(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    inside = _pixels(trace["mask"])
    axes.imshow(
        np.where(inside, -trace["enhanced"], 1), cmap="gray", vmin=-1, vmax=1, interpolation="bilinear"
    )


def _draw_skeleton(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    shades = np.full((*trace["binary"].shape, 3), 255, np.uint8)
    shades[trace["binary"] == 1] = (206, 216, 226)
    shades[trace["skeleton"] == 1] = (11, 79, 148)
    axes.imshow(shades, interpolation="antialiased")


def _draw_candidates(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    axes.imshow(
        np.where(trace["skeleton"], 0.72, 1.0), cmap="gray", vmin=0, vmax=1, interpolation="antialiased"
    )
    raw, kept = (trace[name] for name in ("minutiae_raw", "minutiae"))
    places = {(x, y) for x, y, *_ in kept.tolist()}
    alive = np.array([(x, y) in places for x, y, *_ in raw.tolist()], np.bool_)
    axes.plot(raw[~alive, 0], raw[~alive, 1], "x", color=REMOVED, markersize=3.2, markeredgewidth=0.9)
    axes.plot(raw[alive, 0], raw[alive, 1], "o", color=ENDING[1], markersize=3.4)


def _draw_minutiae(axes: Axes, image: Image, trace: Trace, template: FingerprintTemplate) -> None:
    draw_grey(axes, image.pixels, FADE)
    draw_minutiae(axes, template, np.ones(len(template.minutiae), np.bool_), size=16, line=0.9)


def _box(image: Image, template: FingerprintTemplate, mask: Array | None = None) -> tuple[int, int, int, int]:
    """Return what is worth showing of an image: left, upper, right, lower, px."""
    xs: Array = template.minutiae.x
    ys: Array = template.minutiae.y
    margin = MARGIN
    if mask is not None:
        ys, xs = np.nonzero(_pixels(mask))
        margin = p.CELL
    if not len(xs):
        return 0, 0, image.width, image.height
    return (
        max(int(xs.min()) - margin, 0),
        max(int(ys.min()) - margin, 0),
        min(int(xs.max()) + margin + 1, image.width),
        min(int(ys.max()) + margin + 1, image.height),
    )


def _outline(axes: Axes, mask: Array) -> None:
    axes.contour(np.pad(_pixels(mask), 1)[1:-1, 1:-1], levels=[0.5], colors=["#2a9d5c"], linewidths=1.4)


def _pixels(mask: Array) -> Array:
    return np.repeat(np.repeat(mask, p.CELL, 0), p.CELL, 1)
