"""What is kept of one face."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.types import F32, MAX_QUALITY, frozen_array

I8 = npt.NDArray[np.int8]

MAX_DIMENSIONS = 4096
"""Most values of an embedding; models in use have 128 to 1,024."""

MODEL_ID_LENGTH = 64
"""Hexadecimal digits of a model id (a SHA-256)."""


class FacePosition(IntEnum):
    """A person has one face: its position is known without being said."""

    FACE = 1


@dataclass(frozen=True, slots=True, eq=False)
class FaceTemplate:
    """What is kept of one face sample.

    Attributes
    ----------
    values : int8 array (D,)
        The embedding's direction: `values * scale` is a vector of length 1 but for rounding. -128 is
        not used.
    scale : float
        Above 0; a float32 value.
    model : str
        Id of the model, 64 lower-case hexadecimal digits: SHA-256 over source file, converter and manifest.
        Embeddings of different models never compare.
    quality : int
        Of the whole sample, 0 to 100.
    """

    values: I8
    scale: float
    model: str
    quality: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array("FaceTemplate.values", self.values, np.int8, 1))
        if not 1 <= len(self.values) <= MAX_DIMENSIONS:
            raise ArgumentError(
                f"FaceTemplate.values: expected 1 to {MAX_DIMENSIONS} values, got {len(self.values)}."
            )
        if self.values.min() < -127 or not self.values.any():
            raise ArgumentError("FaceTemplate.values: expected values from -127 to 127, not all of them 0.")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ArgumentError("FaceTemplate.scale: expected a positive number.")
        object.__setattr__(self, "scale", float(np.float32(self.scale)))
        if len(self.model) != MODEL_ID_LENGTH or set(self.model) - set(string.hexdigits.lower()):
            raise ArgumentError(
                f"FaceTemplate.model: expected {MODEL_ID_LENGTH} lower-case hexadecimal digits."
            )
        if not 0 <= self.quality <= MAX_QUALITY:
            raise ArgumentError(f"FaceTemplate.quality: expected 0 to {MAX_QUALITY}, got {self.quality}.")

    def vector(self) -> F32:
        """Return the embedding, float32 (D,), of length 1."""
        vector = self.values.astype(np.float32)
        unit: F32 = vector / np.float32(np.linalg.norm(vector))
        return unit

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FaceTemplate):
            return NotImplemented
        return np.array_equal(self.values, other.values) and (self.scale, self.model, self.quality) == (
            other.scale,
            other.model,
            other.quality,
        )

    def __hash__(self) -> int:
        return hash((self.values.tobytes(), self.model))
