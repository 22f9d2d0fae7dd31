"""Scorers and a sample reader without kernels: tests of store, engine and service are exact and fast.

An image is `IMG <identity> <impression>`, of a finger, an eye or a face as the sample says; a mated pair
scores 100, a non-mated one 0 to 20. Words that make
trouble: `BAD` (unreadable), `BLANK` (failure to extract), `SLOW <s> <identity>` (takes s seconds),
`BOOM <text>` (a defect), `NOMODEL` (a model is missing).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matcher.errors import (
    BlankImageError,
    CalibrationMissingError,
    ImageFormatError,
    ModelMissingError,
    ModelsDifferError,
)
from matcher.face.types import FacePosition, FaceTemplate
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.samples import Sample, SampleKind
from matcher.template.codec import encode_template
from matcher.template.modality import Template, decode, encode
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality

MATED = 100.0
SUPPORT = 60.0
ALIEN = "alien"
"""An extractor without a calibration with any other."""

MODEL, OTHER_MODEL = "ab" * 32, "cd" * 32
"""Ids of two face models, which never compare."""


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


def iris(
    identity: int, impression: int = 0, position: EyePosition = EyePosition.UNKNOWN, extractor: str = "fake-i"
) -> IrisTemplate:
    """Return a template of an eye; its first word carries the identity, its second the impression."""
    code, search = np.zeros(ANGLES, np.uint64), np.zeros(ANGLES, np.uint8)
    code[:2] = identity, impression
    full, full_search = np.full(ANGLES, 2**64 - 1, np.uint64), np.full(ANGLES, 255, np.uint8)
    return IrisTemplate(code, full, search, full_search, extractor, 60, position)


def face(identity: int, impression: int = 0, model: str = MODEL) -> FaceTemplate:
    """Return a template of a face; its first three values carry the identity, the next the impression."""
    digits = [identity % 100, identity // 100 % 100, identity // 10_000, impression, 1]
    return FaceTemplate(np.array(digits, np.int8), 0.5, model, 70)


def identity_of(template: Template) -> int:
    """Return who a template is of."""
    if isinstance(template, FingerprintTemplate):
        return int(template.minutiae.x[0]) + 500 * int(template.minutiae.y[0])
    if isinstance(template, IrisTemplate):
        return int(template.code[0])
    return int(np.dot(template.values[:3].astype(int), [1, 100, 10_000]))


Position = FingerPosition | EyePosition | FacePosition


def image(identity: int, impression: int = 0, position: Position = FingerPosition.UNKNOWN) -> Sample:
    """Return a sample that `read` understands; the position says of which modality."""
    return Sample(f"IMG {identity} {impression}".encode(), SampleKind.IMAGE, position)


def stored(identity: int, impression: int = 0, position: FingerPosition = FingerPosition.UNKNOWN) -> Sample:
    """Return the same finger as a template in our own form."""
    return Sample(encode_template(template(identity, impression, position)), SampleKind.TEMPLATE)


def stored_as(template: Template) -> Sample:
    """Return a template of any modality in our own form."""
    return Sample(encode(template), SampleKind.TEMPLATE)


def read(sample: Sample) -> Sequence[Template]:
    """A `SampleReader`."""
    if sample.kind is SampleKind.TEMPLATE:
        return [decode(sample.data)]
    word, *rest = sample.data.decode("ascii", "replace").split(" ") if sample.data else [""]
    if word == "SLOW":
        time.sleep(float(rest[0]))
        return [template(int(rest[1]))]
    if word == "BOOM":
        raise RuntimeError(" ".join(rest))
    if word == "BLANK":
        raise BlankImageError("The image has no contrast.")
    if word == "NOMODEL":
        raise ModelMissingError("No face model.", hint="Run `matcher models fetch`.")
    if word != "IMG":
        raise ImageFormatError("Not an image.", hint="Send an image.")
    make = {Modality.FINGERPRINT: template, Modality.IRIS: iris, Modality.FACE: face}[sample.modality]
    return [make(int(rest[0]), int(rest[1]))]


class Calibration:
    """Raw scores are on the common scale already."""

    id = "fake-1"

    def scores(self, raw: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        return raw.astype(np.float64), raw > SUPPORT


class Scorer:
    """A `matcher.gallery.search.Scorer` of any modality: the same identity scores MATED."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s

    def resident(self, template: Template) -> npt.NDArray[np.uint64]:
        identity = identity_of(template)
        return np.array([identity] + [0] * (identity % 3), np.uint64)

    def prepare(self, source: Template | npt.NDArray[np.uint64]) -> int:
        return int(source[0] if isinstance(source, np.ndarray) else identity_of(source))

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
        pair = (probe_extractor, candidate_extractor)
        if OTHER_MODEL in pair and probe_extractor != candidate_extractor:
            raise ModelsDifferError("Two models.")
        if ALIEN in pair:
            raise CalibrationMissingError("No calibration.")
        return Calibration()


def scorers(pause_s: float = 0.0) -> dict[Modality, Scorer]:
    """Return a scorer of each modality."""
    return {modality: Scorer(pause_s) for modality in Modality}
