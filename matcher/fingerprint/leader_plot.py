"""A picture of an extraction by LEADER. It shows biometrics: keep it as you keep the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.fingerprint import parameters as p
from matcher.fingerprint.picture import FADE, INK, draw_grey, draw_minutiae, save
from matcher.fingerprint.trace import Trace
from matcher.types import FingerprintTemplate, Image

WIDTH = 10.0
"""Of the picture, inches."""

HEAD = 0.4
"""Height of the titles, inches."""


def plot_leader(image: Image, trace: Trace, template: FingerprintTemplate, path: Path | str) -> None:
    """Draw the image with what the network was given of it, and the minutiae that it found.

    Parameters
    ----------
    image : Image
    trace : Trace
        Filled by `extract_leader(image, trace=trace)`.
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

    high = WIDTH / 2 * image.height / image.width + HEAD
    figure = Figure(figsize=(WIDTH, high), facecolor="white")
    first, second = figure.subplots(
        1, 2, gridspec_kw={"wspace": 0.02, "left": 0, "right": 1, "bottom": 0, "top": 1 - HEAD / high}
    )
    draw_grey(first, image.pixels)
    outline = np.repeat(np.repeat(trace["contrast_mask"], p.CELL, 0), p.CELL, 1)
    first.contour(outline, levels=[0.5], colors=["#2a9d5c"], linewidths=1.4)
    draw_grey(second, image.pixels, FADE)
    draw_minutiae(second, template, np.ones(len(template.minutiae), np.bool_))
    titles = (
        f"image, {image.width} x {image.height}, area of contrast",
        f"{len(template.minutiae)} minutiae, quality {template.quality}",
    )
    for axes, title in zip((first, second), titles, strict=True):
        axes.set(xlim=(-0.5, image.width - 0.5), ylim=(image.height - 0.5, -0.5))
        axes.set_title(title, fontsize=9, color=INK, pad=3.5)
        axes.axis("off")
    save(figure, path)
