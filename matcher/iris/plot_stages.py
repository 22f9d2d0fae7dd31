"""The picture of an extraction. It shows biometrics: keep it as you keep the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matcher.fingerprint.picture import INK, save
from matcher.iris.panels import OTHER, TINT, draw_bits, draw_sheet, name
from matcher.iris.regions import bit_planes
from matcher.iris.trace import Trace
from matcher.iris.types import IrisTemplate
from matcher.types import U8

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUPIL, LIMBUS = "#e8a200", "#1f9d55"
"""Colours of the contours."""

ROWS = (3.2, 1.0, 0.7)
"""Relative heights of the panels."""


def plot_stages(pixels: U8, trace: Trace, template: IrisTemplate, path: Path | str) -> None:
    """Draw the eye with its contours and what hides the iris, the unwrapped iris, and the code.

    Parameters
    ----------
    pixels : uint8 array (H, W)
        The picture.
    trace : Trace
        Filled by `extract(pixels, trace=trace)`.
    template : IrisTemplate
        What that returned.
    path : path
        PNG file to write.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 11), facecolor="white")
    ratios = {"height_ratios": ROWS, "hspace": 0.14}
    edges = {"left": 0.015, "right": 0.985, "top": 0.935, "bottom": 0.015}
    eye, sheet, code = figure.subplots(len(ROWS), 1, gridspec_kw={**ratios, **edges})
    _draw_eye(eye, pixels, trace)
    draw_sheet(sheet, "unwrapped: pupil above, limbus below; red is hidden", trace)
    valid = bit_planes(template.mask)
    draw_bits(code, f"code: {valid.mean():.0%} of its bits are valid", bit_planes(template.code), valid)
    figure.text(0.5, 0.97, f"quality {template.quality}", ha="center", va="center", size=13, color=INK)
    save(figure, path)


def _draw_eye(axes: Axes, pixels: U8, trace: Trace) -> None:
    name(axes, "orange: pupil, green: limbus, red: hidden by lids, lashes, shadows or reflections")
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    pupil, limbus = trace["pupil"], trace["limbus"]
    hidden = ~trace["visible"]
    x, y = _cells(pupil, limbus, hidden.shape[0])
    colours = np.zeros((*hidden.shape, 4))
    colours[hidden] = (*(np.array(OTHER) / 255), TINT)
    axes.pcolormesh(x, y, colours, shading="flat", linewidth=0, antialiased=False)
    for contour, colour in ((pupil, PUPIL), (limbus, LIMBUS)):
        closed = np.concatenate([contour, contour[:1]])
        axes.plot(closed[:, 0], closed[:, 1], color=colour, linewidth=1.6)
    height, width = pixels.shape
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")


def _cells(
    pupil: npt.NDArray[Any], limbus: npt.NDArray[Any], rows: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the corners of the sheet's cells on the picture: x and y, (rows + 1, 257)."""
    # Contour point i is the middle of column i: a cell begins half a step before it.
    before = [(np.roll(contour, 1, axis=0) + contour) / 2 for contour in (pupil, limbus)]
    inner, outer = (np.concatenate([edge, edge[:1]]).astype(np.float64) for edge in before)
    share = np.linspace(0.0, 1.0, rows + 1)[:, None, None]
    corners = (1 - share) * inner[None] + share * outer[None]
    return corners[:, :, 0], corners[:, :, 1]
