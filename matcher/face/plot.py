"""Pictures of an extraction and of a comparison. They show biometrics: keep them as you keep the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Picture

from matcher.errors import ArgumentError
from matcher.face.trace import Trace
from matcher.types import U8, ColourImage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 1200
"""Width of the pictures, px."""

INCHES = 10.0
CROPS = 8
"""Most aligned faces that are drawn beside a picture."""

BAR = 0.06
"""Height of the title, widths of the picture."""

INK, MUTED, CHOSEN, POINTS = "#1d2733", "#8a94a0", "#1f9d55", "#ffd23f"


def plot_faces(image: ColourImage, trace: Trace, path: Path | str, title: str = "") -> None:
    """Draw a picture with every face that was seen, and the aligned crops that were embedded.

    Parameters
    ----------
    image : ColourImage
    trace : Trace
        Of its extraction.
    path : path
        PNG file to write.
    title : str
        One line above.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    crops: list[U8] = list(trace["crops"][:CROPS]) if "crops" in trace else []
    height, width, _ = image.pixels.shape
    side = 0.3 if crops else 0.0
    high = (1 - side) * height / width
    figure = Figure(figsize=(INCHES, INCHES * (high + BAR)), facecolor="white")
    top = high / (high + BAR)
    axes = figure.add_axes((0, 0, 1 - side, top))
    axes.imshow(image.pixels, interpolation="bilinear")
    chosen = set(trace["chosen"].tolist()) if "chosen" in trace else set()
    for number, (box, score) in enumerate(zip(trace["boxes"], trace["scores"], strict=True)):
        colour = CHOSEN if number in chosen else MUTED
        axes.add_patch(Rectangle(box[:2], box[2], box[3], fill=False, edgecolor=colour, linewidth=2))
        axes.text(box[0], box[1] - 3, f"{score:.2f}", color=colour, fontsize=9)
    if "points" in trace:
        x, y = trace["points"].reshape(-1, 2).T
        axes.plot(x, y, "o", color=POINTS, markersize=4, markeredgecolor=INK, markeredgewidth=0.6)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_axis_off()
    rows = max(len(crops), 2)
    for number, crop in enumerate(crops):
        _draw_crop(figure.add_axes((1 - side, top * (1 - (number + 1) / rows), side, top / rows)), crop)
    _finish(figure, path, title)


def plot_pair(probe: U8 | None, candidate: U8 | None, path: Path | str, title: str = "") -> None:
    """Draw the aligned faces of a comparison side by side, as the model was given them.

    Parameters
    ----------
    probe, candidate : uint8 array (h, w, 3) or None
        The crop of an extraction; None where there is only a template.
    path : path
        PNG file to write.
    title : str
        One line above.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES, INCHES * (0.5 + BAR)), facecolor="white")
    top = 0.5 / (0.5 + BAR)
    for left, crop, name in ((0.0, probe, "probe"), (0.5, candidate, "candidate")):
        axes = figure.add_axes((left, 0, 0.5, top))
        _draw_crop(axes, crop, name)
    _finish(figure, path, title)


def _draw_crop(axes: Axes, crop: U8 | None, name: str = "") -> None:
    axes.set_axis_off()
    if crop is None:
        axes.text(0.5, 0.5, f"{name}: a template, no picture", ha="center", color=MUTED)
        return
    axes.imshow(crop, interpolation="bilinear")
    if name:
        axes.text(3, 8, name, color="white", fontsize=11, bbox={"color": INK, "alpha": 0.6, "pad": 2})


def _finish(figure: Figure, path: Path | str, title: str) -> None:
    """Write the title and the file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    width, height = figure.get_size_inches()
    figure.text(0.5, 1 - BAR * width / height / 2, title, ha="center", va="center", size=12, color=INK)
    figure.set_dpi(WIDTH / INCHES)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    try:
        Picture.fromarray(np.array(canvas.buffer_rgba())[..., :3]).save(path, "PNG", optimize=True)
    except OSError as error:
        raise ArgumentError(f"Cannot write the picture: {error.strerror}.") from error
