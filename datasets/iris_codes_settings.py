"""What generated iris codes are like: numbers that were fitted to real codes (`iris_codes.json`)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Any

from matcher.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class IrisCodeSettings:
    """What generated codes are like.

    Attributes
    ----------
    power_fall : float
        The texture's power falls as frequency ** -power_fall.
    row_length, row_growth : float
        Distance over which rows are alike, rows: row_length + row_growth * 8 / (cycles a turn).
    noise, noise_spread : float
        Share of a sample's texture power that is noise: the median over samples, and the deviation of its
        natural logarithm.
    noise_tilt : float
        The noise's power falls as frequency ** -(power_fall - noise_tilt).
    turn : float
        Deviation of a sample's rotation, angular steps.
    upper_lid, upper_spread, lower_lid, lower_spread : float
        Height of the lids' edges above and below the pupil's centre, iris radii: mean and deviation.
    lid_margin : float
        What is masked beside a lid, angular steps.
    pupil : float
        Radius of the pupil, iris radii.
    """

    power_fall: float
    row_length: float
    row_growth: float
    noise: float
    noise_spread: float
    noise_tilt: float
    turn: float
    upper_lid: float
    upper_spread: float
    lower_lid: float
    lower_spread: float
    lid_margin: float
    pupil: float

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> IrisCodeSettings:
        """Build from `{"settings": {name: number}}`.

        Raises
        ------
        ArgumentError
            If a setting is missing, unknown or no number.
        """
        names = {field.name for field in fields(cls)}
        found = value.get("settings")
        if not isinstance(found, dict) or set(found) != names:
            raise ArgumentError(f"Iris code settings: expected exactly {sorted(names)}.")
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in found.values()):
            raise ArgumentError("Iris code settings: expected finite numbers.")
        return cls(**found)


@lru_cache(maxsize=1)
def fitted_settings() -> IrisCodeSettings:
    """Return the settings that were fitted to real codes."""
    path = resources.files("matcher.datasets") / "iris_codes.json"
    return IrisCodeSettings.from_json(json.loads(path.read_text(encoding="utf-8")))
