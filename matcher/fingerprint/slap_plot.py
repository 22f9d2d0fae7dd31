"""A picture of a slap with the box of each finger. It shows biometrics: keep it as you keep the image."""

from __future__ import annotations

import math
from pathlib import Path

from matcher.fingerprint.picture import FADE, INK, WIDTH, draw_grey, save
from matcher.fingerprint.slap_types import Slap
from matcher.types import Image

BOX, TIP = "#d62f3c", "#0b4f94"
"""Colours of boxes, and of their ends at the tip."""

DPI = 100


def plot_slap(image: Image, slap: Slap, path: Path | str) -> None:
    """Draw a slap and its boxes into a PNG file.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    width = WIDTH / DPI
    figure = Figure(figsize=(width, width * image.height / image.width), dpi=DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    draw_grey(axes, image.pixels, FADE)
    for finger in slap.fingers:
        corners = finger.corners()
        xs, ys = zip(*corners, corners[0], strict=True)
        axes.plot(xs, ys, color=BOX, linewidth=2.0)
        axes.plot(xs[:2], ys[:2], color=TIP, linewidth=4.0)
        name = finger.position.name.lower().replace("_", " ")
        axes.text(
            finger.x,
            finger.y,
            f"{name}\n{finger.quality}, {math.degrees(finger.angle):+.0f}°",
            color=INK,
            fontsize=15,
            ha="center",
            va="center",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none"},
        )
    axes.set_xlim(-0.5, image.width - 0.5)
    axes.set_ylim(image.height - 0.5, -0.5)
    save(figure, path)
