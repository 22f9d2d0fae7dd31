"""What shines: the camera's lights on the cornea, and tears along the lower lid."""

from __future__ import annotations

import numpy as np

from ..fingerprint_synthesis.randomness import F32
from .lids import Opening
from .settings import EyeSettings

TEARS = 5.0
"""Mean number of glints along the tear film."""


def reflection_cover(
    rng: np.random.Generator, settings: EyeSettings, opening: Opening, v: F32, u: F32
) -> F32:
    """Return how far each pixel is drowned in reflected light, 0 to 1, float32 (H, W)."""
    cover = np.zeros(v.shape, np.float32)
    # The lights sit around the lens: a row or a ring, mirrored near the middle of the cornea.
    middle_v, middle_u = rng.normal(0.0, 0.12), rng.normal(0.0, 0.12)
    reach, start = rng.uniform(0.10, 0.28), rng.uniform(0.0, 2.0 * np.pi)
    for light in range(settings.leds):
        angle = start + 2.0 * np.pi * light / max(settings.leds, 1)
        size = settings.led_size * rng.uniform(0.8, 1.2)
        dv = v - np.float32(middle_v + reach * np.sin(angle))
        du = u - np.float32(middle_u + reach * np.cos(angle))
        away = np.sqrt(dv * dv + du * du) / np.float32(size)
        spot = 1.0 / (1.0 + np.exp(np.clip((away - 1.0) * 8.0, -30.0, 30.0)))
        halo = 0.10 * np.exp(-((away / 2.2) ** 2))
        np.maximum(cover, np.asarray(np.clip(spot + halo, 0.0, 1.0), np.float32), out=cover)
    for _ in range(rng.poisson(TEARS)):
        at = np.float32(rng.normal(0.0, 0.6))
        at_v = opening.lower_at(np.array([at]))[0] - np.float32(0.04)
        wide, high = rng.uniform(0.01, 0.05), rng.uniform(0.008, 0.02)
        glint = np.exp(-(((u - at) / np.float32(wide)) ** 2) - ((v - at_v) / np.float32(high)) ** 2)
        np.maximum(cover, np.float32(rng.uniform(0.4, 1.0)) * glint, out=cover)
    return cover
