"""The picture of a comparison. It shows biometrics: keep it as you keep the images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from matcher.fingerprint.picture import INK, save
from matcher.iris.panels import HIDDEN, OTHER, SAME, draw_bits, draw_sheet, name, show
from matcher.iris.regions import Regions, compare_regions
from matcher.iris.trace import Trace
from matcher.iris.types import IrisTemplate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    draw_sheet(panels[0], "probe, unwrapped: pupil above, limbus below", probe.trace)
    draw_sheet(panels[1], f"candidate, turned by {turn * 360 / 256:.1f} degrees", candidate.trace, turn)
    draw_bits(panels[2], "probe, code", regions.probe, regions.common)
    draw_bits(panels[3], "candidate, code", regions.candidate, regions.common)
    _draw_agreement(panels[4], regions)
    _draw_distances(panels[5], regions)
    figure.text(0.5, 0.965, title, ha="center", va="center", size=13, color=INK)
    save(figure, path)


def _draw_agreement(axes: Axes, regions: Regions) -> None:
    common, differing = int(regions.common.sum()), int(regions.differing.sum())
    share = f"{differing / common:.3f}" if common else "none"
    name(axes, f"blue: equal, red: different; {differing:,} of {common:,} common bits, distance {share}")
    picture = np.full((*regions.common.shape, 3), HIDDEN)
    picture[regions.common] = SAME
    picture[regions.differing] = OTHER
    show(axes, picture)


def _draw_distances(axes: Axes, regions: Regions) -> None:
    name(axes, f"distance by region: white 0, red {CHANCE} (chance); grey: nothing to compare")
    share = np.clip(np.nan_to_num(regions.distance) / CHANCE, 0.0, 1.0)[:, :, None]
    picture = 255 + (np.array(OTHER) - 255) * share
    picture[np.isnan(regions.distance)] = HIDDEN
    show(axes, picture)
