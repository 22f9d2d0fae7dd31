"""Pictures of an extraction. They show biometrics: keep them as you keep the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from matcher.fingerprint.picture import INK, Array, save
from matcher.iris import parameters as p
from matcher.iris.eyelids import Eyelid
from matcher.iris.trace import Trace
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.types import U8, Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUPIL, LIMBUS, LID = "#ff9d2e", "#35c46a", "#4aa8ff"
"""Colours of the contours."""

HIDDEN = (214, 47, 60)
"""Colour of what is masked, RGB."""

REACH = 1.4
"""What is shown of the eye, iris radii from its centre."""


def plot(image: Image | U8, trace: Trace, template: IrisTemplate, path: Path | str) -> None:
    """Draw the eye with its contours and mask, the unwrapped iris, and the code.

    Parameters
    ----------
    image : Image or uint8 array (H, W)
    trace : Trace
        Filled by `extract(image, trace=trace)`.
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

    pixels = image.pixels if isinstance(image, Image) else image
    figure = Figure(figsize=(10, 5.2), facecolor="white")
    grid = figure.add_gridspec(
        3, 2, width_ratios=(1, 1.15), left=0.005, right=0.995, bottom=0.01, top=0.94, wspace=0.02, hspace=0.3
    )
    eye = figure.add_subplot(grid[:, 0])
    _draw_eye(eye, pixels, trace)
    eye.set_title(f"pupil, limbus, lids; quality {template.quality}", fontsize=9, color=INK, pad=4)
    visible = 100 * float(trace["visible"].mean())
    valid = 100 * float(np.bitwise_count(template.mask).mean()) / 64
    panels = (
        ("unwrapped iris, pupil above", _stretched(trace)),
        (f"visible: {visible:.0f} %, hidden red", _masked(trace)),
        (f"phase code, {valid:.0f} % valid", _code(template)),
    )
    for row, (name, picture) in enumerate(panels):
        axes = figure.add_subplot(grid[row, 1])
        axes.imshow(picture, aspect="auto", interpolation="nearest")
        axes.set_title(name, fontsize=9, color=INK, pad=3.5)
        axes.axis("off")
    save(figure, path)


def _draw_eye(axes: Axes, pixels: U8, trace: Trace) -> None:
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    limbus = trace["limbus"]
    for name, colour in (("pupil", PUPIL), ("limbus", LIMBUS)):
        closed = np.concatenate([trace[name], trace[name][:1]])
        axes.plot(closed[:, 0], closed[:, 1], color=colour, linewidth=1.3)
    centre = limbus.mean(axis=0)
    radius = float(np.hypot(*(limbus - centre).T).mean())
    x = np.linspace(-1.1, 1.1, 60)
    for values in trace["eyelids"]:
        lid = Eyelid(*(float(value) for value in values))
        if lid.seen:
            axes.plot(centre[0] + x * radius, centre[1] + lid.at(x) * radius, color=LID, linewidth=1.2)
    height, width = pixels.shape
    left, right = max(centre[0] - REACH * radius, -0.5), min(centre[0] + REACH * radius, width - 0.5)
    upper, lower = max(centre[1] - REACH * radius, -0.5), min(centre[1] + REACH * radius, height - 0.5)
    axes.set(xlim=(left, right), ylim=(lower, upper))
    axes.axis("off")


def _stretched(trace: Trace) -> Array:
    """Return the sheet as RGB, its visible grey levels stretched."""
    sheet, visible = trace["sheet"], trace["visible"]
    shown = sheet[visible] if visible.any() else sheet.ravel()
    low, high = np.percentile(shown, [1, 99])
    grey = np.clip((sheet - low) / max(float(high - low), 1.0), 0, 1) * 230 + 12
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


def _masked(trace: Trace) -> Array:
    picture = _stretched(trace)
    hidden = ~trace["visible"]
    picture[hidden] = (picture[hidden] * 0.35 + np.array(HIDDEN) * 0.65).astype(np.uint8)
    return picture


def _code(template: IrisTemplate) -> Array:
    """Return the bits as RGB: rows from the pupil outwards for each wavelength, grey where not valid."""
    places = np.arange(p.CODE_ROWS * len(p.CODE_WAVELENGTHS), dtype=np.uint64)[:, None]
    bits, valid = ((word[None, :] >> places) & np.uint64(1) for word in (template.code, template.mask))
    picture = np.full((len(places), ANGLES, 3), 178, np.uint8)
    picture[valid == 1] = (252, 252, 252)
    picture[(bits & valid) == 1] = (11, 79, 148)
    return picture
