"""What makes one impression differ from another: every degree of freedom, and how difficulty spreads them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from matcher.errors import ArgumentError

HEIGHT = 374
"""Default rows of an impression, pixels at 500 ppi (a common optical sensor's window)."""

WIDTH = 388
"""Default columns of an impression, pixels at 500 ppi."""

MIN_SIDE = 64
"""Smallest side of an impression, pixels."""

MAX_SIDE = 2000
"""Largest side of an impression, pixels (10 cm)."""


class Background(IntEnum):
    """What the sensor shows where no finger touches."""

    OPTICAL = 0
    CAPACITIVE = 1
    RESIDUE = 2


BACKGROUND_SHARE = {Background.OPTICAL: 0.7, Background.CAPACITIVE: 0.15, Background.RESIDUE: 0.15}
"""How often each background is drawn."""


@dataclass(frozen=True, slots=True)
class ImpressionSettings:
    """One way of putting a finger on a sensor.

    Attributes
    ----------
    height, width : int
        Of the image, pixels, 64 to 2000.
    rotation : float
        Of the finger, degrees, counter-clockwise as seen, -180 to 180.
    shift_y, shift_x : float
        Of the contact area from the image's middle, pixels.
    center_y, center_x : float
        Point of the finger in the middle of the contact area, master pixels.
    semi_height, semi_width : float
        Of the contact ellipse, pixels, over 10.
    slip_y, slip_x, slip_angle : float
        Displacement (pixels) and turn (degrees) of the finger against the skin that sticks to the sensor.
    pressure : float
        -1 (dry, light: thin broken ridges) over 0 to 1 (wet, pressed: ridges merge).
    unevenness : float
        Share of the contact area with weak touch, 0 to 1.
    noise : float
        0 (clean edges) to 1.
    scratches : int
        Passing scratches, 0 to 100.
    contrast : float
        0.1 to 1.
    background : Background
    """

    height: int = HEIGHT
    width: int = WIDTH
    rotation: float = 0.0
    shift_y: float = 0.0
    shift_x: float = 0.0
    center_y: float = 240.0
    center_x: float = 192.0
    semi_height: float = 195.0
    semi_width: float = 135.0
    slip_y: float = 0.0
    slip_x: float = 0.0
    slip_angle: float = 0.0
    pressure: float = 0.0
    unevenness: float = 0.0
    noise: float = 0.1
    scratches: int = 0
    contrast: float = 1.0
    background: Background = Background.OPTICAL

    def __post_init__(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "height": (MIN_SIDE, MAX_SIDE),
            "width": (MIN_SIDE, MAX_SIDE),
            "rotation": (-180.0, 180.0),
            "semi_height": (10.0, MAX_SIDE),
            "semi_width": (10.0, MAX_SIDE),
            "pressure": (-1.0, 1.0),
            "unevenness": (0.0, 1.0),
            "noise": (0.0, 1.0),
            "scratches": (0, 100),
            "contrast": (0.1, 1.0),
            "background": (0, len(Background) - 1),
            "slip_angle": (-45.0, 45.0),
        }
        for entry in fields(self):
            value = getattr(self, entry.name)
            low, high = limits.get(entry.name, (-MAX_SIDE, MAX_SIDE))
            if not low <= value <= high:
                raise ArgumentError(
                    f"ImpressionSettings.{entry.name}: expected {low:g} to {high:g}, got {value!r}."
                )


def draw_settings(
    rng: np.random.Generator, difficulty: float, height: int = HEIGHT, width: int = WIDTH
) -> ImpressionSettings:
    """Return settings drawn for a difficulty.

    Parameters
    ----------
    rng : numpy Generator
    difficulty : float
        0 (a trained user on a clean sensor) to 1 (dry, wet, distorted and partial prints are common).
    height, width : int
        Of the image, pixels.

    Raises
    ------
    ArgumentError
        If difficulty lies outside 0 to 1.
    """
    if not 0.0 <= difficulty <= 1.0:
        raise ArgumentError(f"difficulty: expected 0 to 1, got {difficulty!r}.")
    hard = float(difficulty)
    scale = float(np.clip(rng.normal(1.0 - 0.2 * hard, 0.05 + 0.1 * hard), 0.5, 1.1))
    spread = 6.0 + 26.0 * hard
    slip = 1.5 + 9.0 * hard
    backgrounds = list(BACKGROUND_SHARE)
    return ImpressionSettings(
        height=height,
        width=width,
        rotation=float(np.clip(rng.normal(0.0, 3.0 + 12.0 * hard), -40.0, 40.0)),
        shift_y=float(rng.normal(0.0, 0.5 * spread)),
        shift_x=float(rng.normal(0.0, 0.5 * spread)),
        center_y=float(240.0 + np.clip(rng.normal(0.0, spread), -90.0, 90.0)),
        center_x=float(192.0 + np.clip(rng.normal(0.0, 0.6 * spread), -60.0, 60.0)),
        semi_height=195.0 * scale * float(rng.uniform(0.92, 1.08)),
        semi_width=135.0 * scale * float(rng.uniform(0.92, 1.08)),
        slip_y=float(rng.normal(0.0, slip)),
        slip_x=float(rng.normal(0.0, slip)),
        slip_angle=float(np.clip(rng.normal(0.0, 0.8 + 3.5 * hard), -15.0, 15.0)),
        pressure=float(np.clip(rng.normal(0.0, 0.12 + 0.4 * hard), -1.0, 1.0)),
        unevenness=float(np.clip(rng.normal(0.5 * hard, 0.2 * hard), 0.0, 1.0)),
        noise=float(np.clip(rng.normal(0.1 + 0.5 * hard, 0.05 + 0.12 * hard), 0.0, 1.0)),
        scratches=min(int(rng.poisson(0.2 + 3.0 * hard)), 100),
        contrast=float(np.clip(1.0 - abs(rng.normal(0.0, 0.1 + 0.25 * hard)), 0.35, 1.0)),
        background=backgrounds[int(rng.choice(len(backgrounds), p=list(BACKGROUND_SHARE.values())))],
    )
