"""Panels that pictures of irises are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matcher.fingerprint.picture import MUTED
from matcher.iris.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAME, OTHER, HIDDEN = (40, 110, 170), (214, 47, 60), (214, 217, 221)
"""Colours of bits that agree, that differ (and of what hides an iris), and that are not valid."""

TINT = 0.45
"""Share of the colour over what is hidden: the eye shall see why it is."""


def draw_sheet(axes: Axes, title: str, trace: Trace | None, turn: int = 0) -> None:
    """Draw an unwrapped iris, what is hidden tinted; without a trace say that there is no picture."""
    name(axes, title)
    if trace is None:
        axes.text(0.5, 0.5, "stored template: no picture", ha="center", va="center", color=MUTED, size=9)
        return
    sheet, visible = (np.roll(trace[stage], turn, axis=1) for stage in ("sheet", "visible"))
    shown = sheet[visible] if visible.any() else sheet
    low, high = np.percentile(shown, (1, 99))
    grey = np.clip((sheet - low) / max(high - low, 1e-6), 0.0, 1.0)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    picture[~visible] = (1 - TINT) * picture[~visible] + TINT * np.array(OTHER) / 255
    axes.imshow(picture, aspect="auto", interpolation="bilinear")


def draw_bits(axes: Axes, title: str, bits: npt.NDArray[np.bool_], valid: npt.NDArray[np.bool_]) -> None:
    """Draw a code, bool (64, 256): black and white, grey where it is not valid."""
    name(axes, title)
    picture = np.where(bits[:, :, None], 255, 60) * np.ones(3)
    picture[~valid] = HIDDEN
    show(axes, picture)


def show(axes: Axes, picture: npt.NDArray[Any]) -> None:
    """Draw colours of 0 to 255, (H, W, 3), cell by cell."""
    axes.imshow(picture.astype(np.uint8), aspect="auto", interpolation="nearest")


def name(axes: Axes, title: str) -> None:
    """Title a panel and take its frame away."""
    axes.set_title(title, loc="left", size=8.5, color=MUTED, pad=3)
    axes.set(xticks=[], yticks=[])
    for edge in axes.spines.values():
        edge.set_visible(False)
