"""Drawn eyes: discs with band-limited texture, lids as parabolas, a reflection, sensor noise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DrawnEye:
    """What is drawn; lengths in px, angles in degrees counter-clockwise."""

    identity: int = 0
    capture: int = 0
    shape: tuple[int, int] = (240, 320)
    iris: tuple[float, float, float] = (160.0, 120.0, 60.0)
    pupil: tuple[float, float, float] = (162.0, 121.0, 22.0)
    turn: float = 0.0
    upper: float | None = -0.75
    lower: float | None = 0.85
    greys: tuple[float, float, float, float] = (25.0, 95.0, 170.0, 215.0)
    noise: float = 2.0
    texture: float = 12.0
    glint: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> DrawnEye:
        """Return the eye with other values."""
        return replace(self, **changes)


def texture(identity: int) -> npt.NDArray[np.float64]:
    """Return an iris's texture, unit variance, float (64, 1024): rows from the pupil outwards."""
    rng = np.random.default_rng(1000 + identity)
    noise = rng.standard_normal((64, 1024))
    fine = ndimage.gaussian_filter(noise, (2.0, 6.0), mode=("nearest", "wrap"))
    broad = ndimage.gaussian_filter(rng.standard_normal((64, 1024)), (5.0, 14.0), mode=("nearest", "wrap"))
    return fine / fine.std() + broad / broad.std()


def draw(eye: DrawnEye) -> U8:
    """Draw an eye: uint8 (H, W)."""
    height, width = eye.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    ix, iy, ir = eye.iris
    px, py, pr = eye.pupil
    pupil_grey, iris_grey, sclera, skin = eye.greys
    away, inner = np.hypot(x - ix, y - iy), np.hypot(x - px, y - py)
    angle = np.arctan2(-(y - py), x - px)
    # Where the ray from the pupil's centre meets the iris's circle.
    dx, dy = np.cos(angle), -np.sin(angle)
    along = (ix - px) * dx + (iy - py) * dy
    far = along + np.sqrt(np.maximum(along**2 - (ix - px) ** 2 - (iy - py) ** 2 + ir**2, 1e-6))
    depth = np.clip((inner - pr) / np.maximum(far - pr, 1e-6), 0, 1)
    turned = (np.degrees(angle) - eye.turn) / 360 % 1
    shade = ndimage.map_coordinates(
        texture(eye.identity), [depth * 63, turned * 1024], order=1, mode="grid-wrap"
    )
    grey = np.where(away < ir, iris_grey + eye.texture * shade, sclera)
    grey = np.where(inner < pr, pupil_grey, grey)
    if eye.glint:
        grey = np.where(np.hypot(x - px - 0.3 * pr, y - py + 0.2 * pr) < 0.12 * pr + 1, 250.0, grey)
    across = (x - ix) / ir
    if eye.upper is not None:
        grey = np.where((y - iy) / ir < eye.upper + 0.3 * across**2, skin, grey)
    if eye.lower is not None:
        grey = np.where((y - iy) / ir > eye.lower - 0.25 * across**2, skin, grey)
    grey = ndimage.gaussian_filter(grey, 0.012 * ir)
    rng = np.random.default_rng([eye.identity, eye.capture])
    return np.clip(np.rint(grey + eye.noise * rng.standard_normal(grey.shape)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def drawn() -> Any:
    """Return (DrawnEye, draw)."""
    return DrawnEye, draw
