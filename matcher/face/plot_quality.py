"""A face with the parts of its quality. The picture shows biometrics: keep it as you keep the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matcher.errors import ArgumentError
from matcher.face.trace import Trace
from matcher.sample_quality import ADVISE_BELOW, SampleQuality
from matcher.types import ColourImage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEANT, OTHER, POINT, INK, POOR = "#2a9d5c", "#c9a227", "#e63946", "#222222", "#d62f3c"
"""Colours: the face that is meant, other faces, points, text, poor parts."""

WIDTH = 10.0
"""Of the figure, inches."""


def plot_quality(image: ColourImage, trace: Trace, quality: SampleQuality, path: Path | str) -> None:
    """Draw the faces that were seen, the crop that the model was given, and the parts of its quality.

    Parameters
    ----------
    image : ColourImage
    trace : Trace
        Filled by `extract(image, trace=trace)`.
    quality : SampleQuality
        From `assess_trace`.
    path : path
        PNG file to write.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.2), facecolor="white")
    left, middle, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": (1.4, 1.0, 1.1)})
    _draw_faces(left, image, trace)
    middle.imshow(trace["crops"][0])
    side = trace["crops"].shape[1:3]
    middle.set_title(f"aligned, {side[1]} x {side[0]}", fontsize=9, color=INK)
    middle.axis("off")
    _draw_quality(right, quality)
    figure.subplots_adjust(left=0.01, right=0.97, top=0.92, bottom=0.06, wspace=0.42)
    _save(figure, path)


def _draw_faces(axes: Axes, image: ColourImage, trace: Trace) -> None:
    from matplotlib.patches import Rectangle

    chosen = set(trace["chosen"].tolist())
    axes.imshow(image.pixels)
    for row, (x, y, wide, tall) in enumerate(trace["boxes"].tolist()):
        colour = MEANT if row in chosen else OTHER
        axes.add_patch(Rectangle((x, y), wide, tall, fill=False, edgecolor=colour, linewidth=2.0))
        axes.text(x, y - 3, f"{trace['scores'][row]:.2f}", fontsize=7, color=colour, va="bottom")
    for points in trace["points"]:
        axes.plot(points[:, 0], points[:, 1], "o", color=POINT, markersize=3.0)
    axes.set(xlim=(-0.5, image.width - 0.5), ylim=(image.height - 0.5, -0.5))
    count = len(trace["boxes"])
    axes.set_title(f"{count} face{'s' if count != 1 else ''} in {image.width} x {image.height}", fontsize=9)
    axes.axis("off")


def _draw_quality(axes: Axes, quality: SampleQuality) -> None:
    parts = quality.parts[::-1]
    colours = [POOR if part.score < ADVISE_BELOW else MEANT for part in parts]
    axes.barh(range(len(parts)), [part.score for part in parts], color=colours, height=0.62)
    names = [f"{part.name.replace('_', ' ')}  {part.value:.3g}" for part in parts]
    axes.set_yticks(range(len(parts)), names, fontsize=7, color=INK)
    axes.tick_params(axis="x", labelsize=7)
    axes.set(xlim=(0, 100))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"quality {quality.overall}", fontsize=9, color=INK)


def _save(figure: Figure, path: Path | str) -> None:
    try:
        figure.savefig(path, dpi=130, format="png")
    except OSError as error:
        raise ArgumentError(
            f"The picture cannot be written: {error.strerror}.", hint="Check the path."
        ) from None
