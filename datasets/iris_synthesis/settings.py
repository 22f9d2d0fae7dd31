"""What makes one picture of an eye differ from another: every degree of freedom, and how difficulty spreads
them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from matcher.errors import ArgumentError

HEIGHT, WIDTH = 480, 640
"""Default size of a picture, pixels (ISO/IEC 19794-6: VGA)."""

MIN_SIDE = 160
"""Smallest side of a picture, pixels."""

MAX_SIDE = 1280
"""Largest side of a picture, pixels."""

MIN_RADIUS, MAX_RADIUS = 20.0, 300.0
"""Limbus radii that can be asked for, pixels; cameras give 40 to 150."""

MAX_TILT = 20.0
"""Largest tilt of the head that is drawn, degrees."""

MAX_LEDS = 4


@dataclass(frozen=True, slots=True)
class EyeSettings:
    """One way of taking a picture of an eye. Lengths without a unit are limbus radii.

    Attributes
    ----------
    height, width : int
        Of the picture, pixels, 160 to 1280.
    radius : float
        Of the limbus, pixels, 20 to 300.
    center_y, center_x : float
        Centre of the limbus, pixels; NaN is the picture's middle.
    tilt : float
        Of the head, degrees, counter-clockwise as seen, -45 to 45.
    dilation : float
        Radius of the pupil over that of the limbus, 0.15 to 0.75.
    gaze_y, gaze_x : float
        Direction of the look below and to the right of the camera, degrees, -30 to 30.
    upper, lower : float
        Lid edges above and below the limbus's centre, -0.9 to 1.6; together above 0.
    lashes : float
        Share of the eye's lashes that hang down before it, 0 to 1.
    leds : int
        Lights that the cornea reflects, 0 to 4.
    led_size : float
        Radius of a reflection.
    exposure : float
        Factor on all grey levels, 0.3 to 2.
    shadow : float
        How much of the light the upper lid and its lashes take away just below them, 0 to 1.
    vignette : float
        How much light is lost towards the picture's corners, 0 to 1.
    change : float
        How much of the texture is of this picture alone, relative to the eye's own, 0 to 2: light falls
        otherwise on the relief of the iris, and the cornea mirrors the surroundings.
    blur : float
        Standard deviation, pixels, 0 to 8.
    noise : float
        Standard deviation, grey levels, 0 to 30.
    """

    height: int = HEIGHT
    width: int = WIDTH
    radius: float = 110.0
    center_y: float = float("nan")
    center_x: float = float("nan")
    tilt: float = 0.0
    dilation: float = 0.4
    gaze_y: float = 0.0
    gaze_x: float = 0.0
    upper: float = 0.9
    lower: float = 0.98
    lashes: float = 0.1
    leds: int = 2
    led_size: float = 0.06
    exposure: float = 1.0
    shadow: float = 0.2
    vignette: float = 0.15
    change: float = 0.25
    blur: float = 0.7
    noise: float = 1.5

    def __post_init__(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "height": (MIN_SIDE, MAX_SIDE),
            "width": (MIN_SIDE, MAX_SIDE),
            "radius": (MIN_RADIUS, MAX_RADIUS),
            "center_y": (-MAX_SIDE, 2 * MAX_SIDE),
            "center_x": (-MAX_SIDE, 2 * MAX_SIDE),
            "tilt": (-45.0, 45.0),
            "dilation": (0.15, 0.75),
            "gaze_y": (-30.0, 30.0),
            "gaze_x": (-30.0, 30.0),
            "upper": (-0.9, 1.6),
            "lower": (-0.9, 1.6),
            "lashes": (0.0, 1.0),
            "leds": (0, MAX_LEDS),
            "led_size": (0.01, 0.3),
            "exposure": (0.3, 2.0),
            "shadow": (0.0, 1.0),
            "vignette": (0.0, 1.0),
            "change": (0.0, 2.0),
            "blur": (0.0, 8.0),
            "noise": (0.0, 30.0),
        }
        for entry in fields(self):
            value = getattr(self, entry.name)
            low, high = limits[entry.name]
            middle = entry.name.startswith("center") and np.isnan(value)
            if not (low <= value <= high or middle):
                raise ArgumentError(f"EyeSettings.{entry.name}: expected {low:g} to {high:g}, got {value!r}.")
        if self.upper + self.lower <= 0.0:
            raise ArgumentError("EyeSettings: expected the upper lid's edge above the lower one's.")

    @property
    def center(self) -> tuple[float, float]:
        """Centre of the limbus (y, x), pixels."""
        y = (self.height - 1) / 2 if np.isnan(self.center_y) else self.center_y
        x = (self.width - 1) / 2 if np.isnan(self.center_x) else self.center_x
        return y, x


def draw_settings(
    rng: np.random.Generator, difficulty: float, height: int = HEIGHT, width: int = WIDTH
) -> EyeSettings:
    """Return settings drawn for a difficulty.

    Parameters
    ----------
    rng : numpy Generator
    difficulty : float
        0 (a patient user before a good camera) to 1 (half-closed, tilted, averted, blurred eyes are common).
    height, width : int
        Of the picture, pixels.

    Raises
    ------
    ArgumentError
        If difficulty lies outside 0 to 1.
    """
    if not 0.0 <= difficulty <= 1.0:
        raise ArgumentError(f"difficulty: expected 0 to 1, got {difficulty!r}.")
    hard = float(difficulty)
    side = min(height, width * 3 / 4)
    radius = side * float(np.clip(rng.normal(0.24, 0.01 + 0.03 * hard), 0.15, 0.31))
    spread = 0.15 + 0.35 * hard

    def normal(mean: float, deviation: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, deviation), low, high))

    def off_middle(length: int) -> float:
        # The whole iris stays within the picture, with a little around it.
        room = max(length / 2 - 1.15 * radius, 0.0)
        return (length - 1) / 2 + normal(0.0, spread * radius, -room, room)

    return EyeSettings(
        height=height,
        width=width,
        radius=radius,
        center_y=off_middle(height),
        center_x=off_middle(width),
        tilt=normal(0.0, 1.5 + 6.0 * hard, -MAX_TILT, MAX_TILT),
        dilation=normal(0.4, 0.03 + 0.07 * hard, 0.22, 0.65),
        gaze_y=normal(0.0, 1.0 + 5.0 * hard, -15.0, 15.0),
        gaze_x=normal(0.0, 1.0 + 6.0 * hard, -18.0, 18.0),
        upper=normal(0.88 - 0.2 * hard, 0.06 + 0.12 * hard, 0.2, 1.2),
        lower=normal(0.96 - 0.1 * hard, 0.05 + 0.08 * hard, 0.5, 1.25),
        lashes=normal(0.05 + 0.25 * hard, 0.04 + 0.1 * hard, 0.0, 0.7),
        leds=int(rng.integers(1, MAX_LEDS + 1)),
        led_size=float(rng.uniform(0.03, 0.05 + 0.05 * hard)),
        exposure=normal(1.0, 0.05 + 0.12 * hard, 0.65, 1.4),
        shadow=normal(0.15 + 0.2 * hard, 0.06, 0.0, 0.6),
        vignette=normal(0.15, 0.08, 0.0, 0.5),
        change=normal(0.2 + 0.4 * hard, 0.05 + 0.1 * hard, 0.05, 1.0),
        blur=abs(rng.normal(0.5 + 0.5 * hard, 0.1 + 0.4 * hard)) * side / HEIGHT,
        noise=normal(1.5 + 2.0 * hard, 0.3 + hard, 0.3, 8.0),
    )
