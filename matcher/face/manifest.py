"""What a face model's file does not say itself: how faces go in and what comes out. TOML.

    format = 1
    name = "my-model"               # 1 to 40 of a-z, 0-9, '.', '_' and '-'
    licence = "MIT"                 # as its owner states it
    source = "where it comes from"  # optional

    [file]
    path = "model.onnx"             # beside the manifest; or
    model = "dlib-face"             # a file that `matcher models fetch` knows
    sha256 = "..."                  # of that file, 64 hexadecimal digits

    [input]
    width = 112                     # px
    height = 112
    layout = "nchw"                 # or "nhwc"
    colour = "rgb"                  # or "bgr", "grey"
    mean = [127.5, 127.5, 127.5]    # (value - mean) * scale, in the order of `colour`, grey levels 0 to 255
    scale = [0.0078125, 0.0078125, 0.0078125]
    whitening = "fixed"             # or "image": each crop by its own mean and deviation (no mean, no scale)

    [alignment]                     # where the five points come to lie in the crop, px from pixel centres:
    points = [[38.3, 51.7], ...]    # eye on the left of the picture, the other, nose, mouth left, mouth right

    [embedding]
    dimensions = 512
    flip = true                     # add the embedding of the mirrored crop
    metric = "cosine"               # or "euclidean", between embeddings of length 1; of `thresholds`

    [thresholds]                    # optional: what the model's owner states, FMR = value of the metric;
    "1e-3" = 0.35                   # `matcher compare` decides by it where the model has no calibration

What moves an embedding is part of the model's id; name, licence, source, metric and thresholds are not.

Thresholds decide in `matcher compare` only, and there only for a model without a calibration. A store, its
searches and `matcher dedup` ask for a measured one (tools/fit_face_calibration.py) and refuse a model without
it before anything is stored. A search in N subjects needs scores of -10 log10(FPIR / N), far above the
strictest rate that owners state: it would accept nobody, and look as if it had found nobody. And scores that
are summed, or listed for review when within 10 dB, have to mean rates between the stated ones too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Point = tuple[float, float]


class Layout(StrEnum):
    """Order of the axes of what goes in."""

    NCHW = "nchw"
    NHWC = "nhwc"


class Colour(StrEnum):
    """Order of the channels of what goes in."""

    RGB = "rgb"
    BGR = "bgr"
    GREY = "grey"


class Whitening(StrEnum):
    """Where mean and scale come from."""

    FIXED = "fixed"
    IMAGE = "image"


class Metric(StrEnum):
    """How two embeddings of length 1 are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest; see the module's text for the fields.

    Attributes
    ----------
    path, model : str
        One of the two, the other is "".
    mean, scale : tuple of float
        One value a channel; empty where `whitening` is IMAGE.
    points : tuple of five points
    thresholds : tuple of (FMR, value of the metric)
        By falling FMR.
    """

    name: str
    licence: str
    source: str
    path: str
    model: str
    sha256: str
    width: int
    height: int
    layout: Layout
    colour: Colour
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    whitening: Whitening
    points: tuple[Point, ...]
    dimensions: int
    flip: bool
    metric: Metric
    thresholds: tuple[tuple[float, float], ...]

    @property
    def stated(self) -> tuple[tuple[float, float], ...]:
        """Rates of false matches and the cosine from which on two faces match at each, by falling rate."""
        if self.metric is Metric.COSINE:
            return self.thresholds
        # Of two vectors of length 1: distance**2 = 2 - 2 cosine.
        return tuple((rate, 1.0 - distance * distance / 2.0) for rate, distance in self.thresholds)

    @property
    def channels(self) -> int:
        """Planes that go in."""
        return 1 if self.colour is Colour.GREY else 3

    def digest(self) -> str:
        """Return the SHA-256, hexadecimal, over everything here that moves an embedding."""
        moving: dict[str, Any] = {
            "input": [self.width, self.height, self.layout, self.colour, self.mean, self.scale],
            "whitening": self.whitening,
            "points": self.points,
            "dimensions": self.dimensions,
            "flip": self.flip,
        }
        return hashlib.sha256(json.dumps(moving, sort_keys=True).encode()).hexdigest()

    def model_id(self, converter: str) -> str:
        """Return the id that embeddings carry: SHA-256 over source file, converter version and `digest`.

        Parameters
        ----------
        converter : str
            Version of the conversion that the file went through, "" without one.
        """
        parts = f"{self.sha256}\n{converter}\n{self.digest()}\n"
        return hashlib.sha256(parts.encode()).hexdigest()
