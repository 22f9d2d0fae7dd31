"""The picture of a comparison. It shows biometrics: keep it as you keep the images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from matcher.fingerprint.picture import INK, MUTED, save
from matcher.iris.regions import Regions, compare_regions
from matcher.iris.trace import Trace
from matcher.iris.types import IrisTemplate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAME, OTHER, HIDDEN = (40, 110, 170), (214, 47, 60), (214, 217, 221)
"""Colours of bits that agree, that differ, and that are not valid in both."""

CHANCE = 0.5
"""Distance of codes that have nothing to do with each other."""

ROWS = (1.0, 1.0, 0.7, 0.7, 0.7, 0.8)
"""Relative heights of the panels."""


@dataclass(frozen=True, slots=True, eq=False)
class PairSide:
    """One side: a template, and the trace of its extraction where it came from an image."""

    template: IrisTemplate
    trace: Trace | None = None


def plot_pair(
    probe: PairSide,
    candidate: PairSide,
    turn: int,
    path: Path | str,
    title: str = "",
) -> None:
    """Draw both unwrapped irises, both codes, where they agree, and the distance of each region.

    Parameters
    ----------
    probe, candidate : PairSide
    turn : int
        Rotation that the score was found at, see `regions.compare_regions`.
    path : path
        PNG file to write.
    title : str
        One line above the panels.

    Raises
    ------
    ArgumentError
        If the templates come from different extractors, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    regions = compare_regions(probe.template, candidate.template, turn)
    figure = Figure(figsize=(10, 9), facecolor="white")
    panels = figure.subplots(
        len(ROWS),
        1,
        gridspec_kw={
            "height_ratios": ROWS,
            "hspace": 0.35,
            "left": 0.015,
            "right": 0.985,
            "top": 0.91,
            "bottom": 0.02,
        },
    )
    _draw_sheet(panels[0], "probe, unwrapped: pupil above, limbus below", probe, 0)
    _draw_sheet(panels[1], f"candidate, turned by {turn * 360 / 256:.1f} degrees", candidate, turn)
    _draw_bits(panels[2], "probe, code", regions.probe, regions.common)
    _draw_bits(panels[3], "candidate, code", regions.candidate, regions.common)
    _draw_agreement(panels[4], regions)
    _draw_distances(panels[5], regions)
    figure.text(0.5, 0.965, title, ha="center", va="center", size=13, color=INK)
    save(figure, path)


def _draw_sheet(axes: Axes, name: str, side: PairSide, turn: int) -> None:
    _name(axes, name)
    if side.trace is None:
        axes.text(0.5, 0.5, "stored template: no picture", ha="center", va="center", color=MUTED, size=9)
        return
    sheet, visible = (np.roll(side.trace[stage], turn, axis=1) for stage in ("sheet", "visible"))
    shown = sheet[visible] if visible.any() else sheet
    low, high = np.percentile(shown, (1, 99))
    grey = np.clip((sheet - low) / max(high - low, 1e-6), 0.0, 1.0)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    # What is hidden is tinted, not blackened: the eye shall see why.
    picture[~visible] = 0.55 * picture[~visible] + 0.45 * np.array(OTHER) / 255
    axes.imshow(picture, aspect="auto", interpolation="bilinear")


def _draw_bits(axes: Axes, name: str, bits: npt.NDArray[np.bool_], common: npt.NDArray[np.bool_]) -> None:
    _name(axes, name)
    picture = np.where(bits[:, :, None], 255, 60) * np.ones(3)
    picture[~common] = HIDDEN
    _show(axes, picture)


def _draw_agreement(axes: Axes, regions: Regions) -> None:
    common, differing = int(regions.common.sum()), int(regions.differing.sum())
    share = f"{differing / common:.3f}" if common else "none"
    _name(axes, f"blue: equal, red: different; {differing:,} of {common:,} common bits, distance {share}")
    picture = np.full((*regions.common.shape, 3), HIDDEN)
    picture[regions.common] = SAME
    picture[regions.differing] = OTHER
    _show(axes, picture)


def _draw_distances(axes: Axes, regions: Regions) -> None:
    _name(axes, f"distance by region: white 0, red {CHANCE} (chance); grey: nothing to compare")
    share = np.clip(np.nan_to_num(regions.distance) / CHANCE, 0.0, 1.0)[:, :, None]
    picture = 255 + (np.array(OTHER) - 255) * share
    picture[np.isnan(regions.distance)] = HIDDEN
    _show(axes, picture)


def _show(axes: Axes, picture: npt.NDArray[Any]) -> None:
    axes.imshow(picture.astype(np.uint8), aspect="auto", interpolation="nearest")


def _name(axes: Axes, name: str) -> None:
    axes.set_title(name, loc="left", size=8.5, color=MUTED, pad=3)
    axes.set(xticks=[], yticks=[])
    for edge in axes.spines.values():
        edge.set_visible(False)
