"""Which point of the finger lies under each pixel: rotation, displacement, plastic distortion of the skin.

The distortion is the model of Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint
images" (ICAPR 2001): skin in the middle of the contact sticks to the sensor, the finger outside moves and
turns with the bone, and between them a brake opens as a raised cosine of the distance from the middle region.
LIMITATIONS: the model is applied from image to finger with the movement reversed, which for movements of a
few per cent of the contact area differs from inverting it by less than their square.
"""

from __future__ import annotations

import numpy as np

from .randomness import F32
from .settings import ImpressionSettings

STICKING_SHARE = 0.35
"""Semi-axes of the sticking region, share of the contact area's."""

PLASTICITY = 1.8
"""Elliptic distance beyond the sticking region (in its semi-axes) over which the brake opens: their k."""


def plastic_displacement(settings: ImpressionSettings, dy: F32, dx: F32) -> tuple[F32, F32]:
    """Return how far the skin moves at offsets (dy, dx) from the contact's middle, float32 arrays, pixels."""
    semi_y = STICKING_SHARE * settings.semi_height
    semi_x = STICKING_SHARE * settings.semi_width
    distance = np.maximum(0.0, np.hypot(dy / semi_y, dx / semi_x) - 1.0)
    brake = 0.5 - 0.5 * np.cos(np.pi * np.minimum(distance / PLASTICITY, 1.0))
    angle = np.deg2rad(settings.slip_angle)
    cos, sin = np.cos(angle), np.sin(angle)
    # Counter-clockwise as seen: y points down.
    moved_y = cos * dy - sin * dx + settings.slip_y - dy
    moved_x = sin * dy + cos * dx + settings.slip_x - dx
    return (brake * moved_y).astype(np.float32), (brake * moved_x).astype(np.float32)


def finger_coordinates(settings: ImpressionSettings) -> tuple[F32, F32, F32, F32]:
    """Return master positions and contact offsets of every pixel.

    Returns
    -------
    ys, xs : float32 arrays (height, width)
        Master pixels, rotated, displaced and distorted.
    dy, dx : float32 arrays (height, width)
        Offsets from the middle of the contact area along and across the finger, pixels, not distorted.
    """
    y, x = np.mgrid[: settings.height, : settings.width].astype(np.float32)
    y -= (settings.height - 1) / 2 + settings.shift_y
    x -= (settings.width - 1) / 2 + settings.shift_x
    angle = np.deg2rad(settings.rotation)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dy = cos * y + sin * x
    dx = cos * x - sin * y
    move_y, move_x = plastic_displacement(settings, dy, dx)
    return (
        (dy + move_y + np.float32(settings.center_y)).astype(np.float32),
        (dx + move_x + np.float32(settings.center_x)).astype(np.float32),
        dy,
        dx,
    )
