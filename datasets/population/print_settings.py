"""What generated prints are like: every number that the kernels read, with its unit."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

from matcher.errors import ArgumentError


class PrintSettings(NamedTuple):
    """What generated fingers and captures are like; kernels take it as it is.

    Lengths in px at 500 ppi, angles in rad. Clarity says how clear ridges are, in deviates:
    the logit of a minutia's chance and its quality are linear in it.

    Attributes
    ----------
    warp, warp_shortest : float
        Displacement of the ideal pattern, its deviation along each axis, and its shortest wave.
    bend, bend_shortest : float
        Unsteadiness of ridges: deviation of the angle, shortest wave.
    harmonics : float
        Deviation of the free harmonics at cores and deltas.
    pattern_size, pattern_spread : float
        Size of a pattern in a finger of size 1, in that which the ranges of cores and deltas are given for;
        deviation of its logarithm.
    pattern_aspect, aspect_spread : float
        How much a pattern is stretched along the finger; deviation of its logarithm.
    finger_period : float
        Deviation of the logarithm of a finger's ridge period about its person's.
    paired : float
        Minutiae of either sense per 10,000 px^2, beside those that the flow demands.
    person_density, finger_density, density_field : float
        Deviations of its logarithm: of a person, of a finger, from place to place.
    carried : float
        Minutiae for each that the flow's divergence demands. Ridge counting says 1, and real prints obey it
        where their flow is measured; a flow in closed form lacks the finer bends that demand some more.
    most_demanded, most_crowded : float
        Bounds of the density that the flow demands, and of all, per 10,000 px^2.
    hard_core, soft_core : float
        No two minutiae are closer; few are within the second.
    pair_reach, pair_opposed : float
        Share of minutiae closer than this that point against their neighbour.
    own_angle, wild_angle, wild_share : float
        Deviation of a minutia from the flow; a share of them has the second.
    endings : float
        Share of ridge endings.
    own_clarity, clarity_field : float
        How clear a minutia is on all captures of its finger, deviates: its own part, its place's.
    person_clearness, finger_clearness, encounter_clearness, capture_clearness, capture_clarity : float
        The same of a person, a finger, an encounter, a capture, and of places on one capture.
    edge_reach : float
        Clarity comes back within this of the contact's outline.
    same_sensor : float
        Share of encounters at the kind of sensor that the person meets usually.
    habit_share : float
        Deviation of a person's own way of placing fingers, in that of one placement.
    place_x, place_y, place_middle : float
        Deviation of the contact's middle, and where it is below the pattern's.
    semi_width, semi_height, semi_spread, ragged : float
        Contact: semi-axes of its ellipse for a finger of size 1, their spread (logarithm), unevenness of its
        outline.
    partial_share : float
        Share of captures that show a part of what others do.
    turn, turned, turned_share : float
        Deviation of rotation; a share of captures has the second.
    jitter, turn_noise, far_share, flip_share : float
        Noise of a minutia's place along each axis, of its direction; share of directions with three times
        that, and of reversed ones.
    stretch, skin, skin_spread : float
        Distortion: deviations of each term of a linear one, of smooth displacement, and of the latter's
        logarithm.
    kind_flips : float
        Share of minutiae whose type is reported wrong.
    seen, seen_slope : float
        Logit of a true minutia's chance at clarity 0, and what a deviate adds.
    extra, extra_clearness, extra_turn, extra_apart, extra_grade : float
        False minutiae per 10,000 px^2 where nothing is clear; what a deviate of the
        capture's clearness takes off the logarithm; deviation from the flow; least distance from others; how
        much less clear than their place they look.
    quality_middle, quality_slope, quality_noise : float
        Quality of a minutia, 0 to 100: at clarity 0, for a deviate of clarity, deviation.
    """

    warp: float
    warp_shortest: float
    bend: float
    bend_shortest: float
    harmonics: float
    pattern_size: float
    pattern_spread: float
    pattern_aspect: float
    aspect_spread: float
    finger_period: float
    paired: float
    person_density: float
    finger_density: float
    density_field: float
    carried: float
    most_demanded: float
    most_crowded: float
    hard_core: float
    soft_core: float
    pair_reach: float
    pair_opposed: float
    own_angle: float
    wild_angle: float
    wild_share: float
    endings: float
    own_clarity: float
    clarity_field: float
    person_clearness: float
    finger_clearness: float
    encounter_clearness: float
    capture_clearness: float
    capture_clarity: float
    edge_reach: float
    same_sensor: float
    habit_share: float
    place_x: float
    place_y: float
    place_middle: float
    semi_width: float
    semi_height: float
    semi_spread: float
    ragged: float
    partial_share: float
    turn: float
    turned: float
    turned_share: float
    jitter: float
    turn_noise: float
    far_share: float
    flip_share: float
    stretch: float
    skin: float
    skin_spread: float
    kind_flips: float
    seen: float
    seen_slope: float
    extra: float
    extra_clearness: float
    extra_turn: float
    extra_apart: float
    extra_grade: float
    quality_middle: float
    quality_slope: float
    quality_noise: float


def settings_from_json(value: dict[str, Any]) -> PrintSettings:
    """Return the settings in `{"settings": {name: number}}`.

    Raises
    ------
    ArgumentError
        If a setting is missing, unknown or no number.
    """
    found = value.get("settings")
    if not isinstance(found, dict) or set(found) != set(PrintSettings._fields):
        raise ArgumentError(f"Print settings: expected exactly {sorted(PrintSettings._fields)}.")
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in found.values()):
        raise ArgumentError("Print settings: expected finite numbers.")
    return PrintSettings(**{name: float(v) for name, v in found.items()})


@lru_cache(maxsize=1)
def fitted_settings() -> PrintSettings:
    """Return the settings that were fitted to real prints."""
    path = resources.files("matcher.datasets") / "population_prints.json"
    return settings_from_json(json.loads(path.read_text(encoding="utf-8")))
