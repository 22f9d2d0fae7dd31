"""What pictures of prints are drawn with: faded prints, marks of minutiae, PNG files of bounded size."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.types import DIRECTION_STEPS, MAX_QUALITY, FingerprintTemplate, MinutiaKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

WIDTH = 1600
"""Width of the pictures, px; less where the file would be larger than MAX_BYTES."""

MAX_BYTES = 300_000
"""Largest picture, bytes: it is to load at once from a README."""

GREYS, COLOURS = 40, 88
"""Greys and colours of the palette that a picture is saved with."""

TICK = 13.0
"""Length of a direction tick, px of the print: over one ridge period."""

FADE = 0.55
"""How far a print is faded towards white under its minutiae, 0 to 1."""

PAPER = 80
"""Percentile of the grey levels that is drawn as white paper under minutiae."""

INK, MUTED = "#1d2733", "#8a94a0"
"""Colours of titles and of notes."""
ENDING = ("#a9d0ef", "#0b4f94")
"""Colours of endings of quality 0 and 100."""
BIFURCATION = ("#f6c79d", "#b8390e")
"""Colours of bifurcations of quality 0 and 100."""


def draw_grey(axes: Axes, pixels: Array, fade: float = 0.0, corner: tuple[float, float] = (0.0, 0.0)) -> None:
    """Draw a print faded towards white, its upper left corner at `corner`."""
    left, upper = corner
    height, width = pixels.shape
    # Under minutiae the paper is white, whatever grey it has.
    paper = max(float(np.percentile(pixels, PAPER)), 1.0) if fade else 255.0
    axes.imshow(
        255 - (255 - np.minimum(pixels * (255 / paper), 255)) * (1 - fade),
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="bilinear",
        extent=(left - 0.5, left + width - 0.5, upper + height - 0.5, upper - 0.5),
    )
    axes.axis("off")


def draw_minutiae(
    axes: Axes,
    template: FingerprintTemplate,
    chosen: Array,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    faded: bool = False,
    size: float = 30.0,
    line: float = 1.3,
) -> None:
    """Draw the chosen minutiae: mark by type, tick by direction, shade by quality."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    minutiae = template.minutiae
    for kinds, marker, shades in (
        ((MinutiaKind.ENDING, MinutiaKind.OTHER), "o", ENDING),
        ((MinutiaKind.BIFURCATION,), "s", BIFURCATION),
    ):
        some = np.flatnonzero(chosen & np.isin(minutiae.kind, kinds))
        colours = LinearSegmentedColormap.from_list("quality", shades)(minutiae.quality[some] / MAX_QUALITY)
        if faded:
            colours[:, 3] = 0.4
        x, y = minutiae.x[some] + float(shift[0]), minutiae.y[some] + float(shift[1])
        angle = minutiae.direction[some] * (2 * np.pi / DIRECTION_STEPS)
        tips = np.stack([x + TICK * np.cos(angle), y - TICK * np.sin(angle)], axis=1)
        ticks = np.stack([np.stack([x, y], axis=1), tips], axis=1)
        axes.add_collection(LineCollection(ticks.tolist(), colors=colours, linewidths=line, zorder=3))
        axes.scatter(
            x,
            y,
            s=size,
            marker=marker,
            facecolors="white",
            edgecolors=colours.tolist(),
            linewidths=line,
            zorder=4,
        )


def save(figure: Figure, path: Path | str) -> None:
    """Write a PNG with a palette, narrower where it would be too large."""
    data = b""
    width = float(WIDTH)
    while not data or len(data) > MAX_BYTES:
        data = _png(figure, width)
        width *= 0.85
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ArgumentError(f"Cannot write {os.fspath(path)}: {error.strerror}.") from error


def _png(figure: Figure, width: float) -> bytes:
    """Return a figure as PNG. Greys and colours share its palette by plan: prints would take all of it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image as Picture

    figure.set_dpi(width / figure.get_figwidth())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgb = np.array(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    coloured = rgb[np.ptp(rgb, axis=2) > 16].reshape(1, -1, 3)
    palette = np.repeat(np.linspace(0, 255, GREYS).round(), 3).astype(int).tolist()
    if coloured.size:
        few = Picture.fromarray(np.ascontiguousarray(coloured)).quantize(COLOURS)
        palette += few.getpalette() or []
    chosen = Picture.new("P", (1, 1))
    chosen.putpalette(palette)
    picture = Picture.fromarray(np.ascontiguousarray(rgb)).quantize(
        palette=chosen, dither=Picture.Dither.NONE
    )
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
