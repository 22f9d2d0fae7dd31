"""A scorer and a sample reader without kernels: tests of store, engine and service are exact and fast.

An image is `IMG <identity> <impression>`; a mated pair scores 100, a non-mated one 0 to 20. Words that make
trouble: `BAD` (unreadable), `BLANK` (failure to extract), `SLOW <s> <identity>` (takes s seconds),
`BOOM <text>` (a defect).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matcher.errors import BlankImageError, CalibrationMissingError, ImageFormatError
from matcher.samples import Sample, SampleKind
from matcher.template.codec import decode_template, encode_template
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae

MATED = 100.0
SUPPORT = 60.0
ALIEN = "alien"
"""An extractor without a calibration with any other."""


def template(
    identity: int,
    impression: int = 0,
    position: FingerPosition = FingerPosition.UNKNOWN,
    extractor: str = "fake",
) -> FingerprintTemplate:
    """Return a template of a finger; its first minutia carries the identity."""
    rng = np.random.default_rng([identity, impression])
    x = rng.integers(0, 500, 30).astype(np.int16)
    y = rng.integers(0, 500, 30).astype(np.int16)
    x[0], y[0] = identity % 500, identity // 500
    zeros = np.zeros(30, np.uint8)
    minutiae = Minutiae(x, y, rng.integers(0, 256, 30).astype(np.uint8), zeros, zeros)
    return FingerprintTemplate(minutiae, 500, 500, extractor, 50, position)


def image(identity: int, impression: int = 0, position: FingerPosition = FingerPosition.UNKNOWN) -> Sample:
    """Return a sample that `read` understands."""
    return Sample(f"IMG {identity} {impression}".encode(), SampleKind.IMAGE, position)


def stored(identity: int, impression: int = 0, position: FingerPosition = FingerPosition.UNKNOWN) -> Sample:
    """Return the same finger as a template in our own form."""
    return Sample(encode_template(template(identity, impression, position)), SampleKind.TEMPLATE)


def read(sample: Sample) -> Sequence[FingerprintTemplate]:
    """A `SampleReader`."""
    if sample.kind is SampleKind.TEMPLATE:
        return [decode_template(sample.data)]
    word, *rest = sample.data.decode("ascii", "replace").split(" ") if sample.data else [""]
    if word == "SLOW":
        time.sleep(float(rest[0]))
        return [template(int(rest[1]))]
    if word == "BOOM":
        raise RuntimeError(" ".join(rest))
    if word == "BLANK":
        raise BlankImageError("The image has no contrast.")
    if word != "IMG":
        raise ImageFormatError("Not an image.", hint="Send an image.")
    return [template(int(rest[0]), int(rest[1]))]


class Calibration:
    """Raw scores are on the common scale already."""

    id = "fake-1"

    def scores(self, raw: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        return raw.astype(np.float64), raw > SUPPORT


class Scorer:
    """A `matcher.gallery.search.Scorer`: the same identity scores MATED."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s

    def resident(self, template: FingerprintTemplate) -> npt.NDArray[np.uint64]:
        identity = int(template.minutiae.x[0]) + 500 * int(template.minutiae.y[0])
        return np.array([identity] + [0] * (identity % 3), np.uint64)

    def prepare(self, source: FingerprintTemplate | npt.NDArray[np.uint64]) -> int:
        return int((self.resident(source) if isinstance(source, FingerprintTemplate) else source)[0])

    def score(
        self,
        probe: int,
        words: npt.NDArray[np.uint64],
        offsets: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        threads: int,
    ) -> npt.NDArray[np.float32]:
        time.sleep(self.pause_s)
        candidates = words[offsets[rows]].astype(np.int64)
        assert (offsets[rows + 1] - offsets[rows] == 1 + candidates % 3).all()
        return np.where(candidates == probe, MATED, (candidates * 31 + probe * 17) % 21).astype(np.float32)

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        if ALIEN in (probe_extractor, candidate_extractor):
            raise CalibrationMissingError("No calibration.")
        return Calibration()
