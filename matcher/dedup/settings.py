"""What a run is asked for, and the numbers that its stages share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from matcher.errors import ArgumentError, MatcherError
from matcher.score.decision import threshold_for_fpir

DEFAULT_FPIR = 1e-3
"""Share of records that are falsely paired with another, where the caller names none."""

DEFAULT_MEMORY = 4 << 30
"""Bytes that all processes together keep of templates, where the caller names no number."""

REVIEW_BAND = 10.0
"""dB below the threshold down to which pairs are listed for review: ten times as many false ones there."""

MIRROR_COST = 10.0
"""dB that a pair pays whose hands (or eyes) are taken as swapped: a second hypothesis about each pair. It
adds a tenth to the false pairs, which thresholds allow for."""

MIN_THRESHOLD = 30.0
"""No pair of a small register is accepted below: two records at FPIR 1e-3 would ask for 33 dB."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a register is de-duplicated.

    Attributes
    ----------
    fpir : float
        Records that may be falsely paired, as a share: FPIR x records / 2 false pairs are expected.
    extractor : str
        Of fingerprint images: "numba" or "leader".
    face_model : str or None
        Manifest of the face model, by name or path; None for the default.
    modality : str
        Of image files whose names do not say it: "fingerprint", "iris" or "face".
    ppi : float or None
        Resolution of fingerprint images whose files do not say it.
    exhaustive : bool
        Compare every pair of records in full, however many there are.
    memory : int
        Bytes of templates that all processes together keep.
    workers : int
        Processes. The result does not depend on it.

    Raises
    ------
    ArgumentError
        If a number is out of range.
    """

    fpir: float = DEFAULT_FPIR
    extractor: str = "numba"
    face_model: str | None = None
    modality: str = "fingerprint"
    ppi: float | None = None
    exhaustive: bool = False
    memory: int = DEFAULT_MEMORY
    workers: int = 1

    def __post_init__(self) -> None:
        threshold_for_fpir(self.fpir, 1)
        if not 1 <= self.workers <= 256:
            raise ArgumentError(f"--workers: expected 1 to 256, got {self.workers}.")
        if self.memory < 1 << 26:
            raise ArgumentError("--memory: expected at least 64 MB.")
        if self.modality not in ("fingerprint", "iris", "face"):
            raise ArgumentError("--modality: expected fingerprint, iris or face.")

    def threshold(self, records: int) -> float:
        """Return the score from which two of so many records are one person, were all pairs of one kind.

        -10 log10(FPIR / N); `matcher.dedup.allowance` shares what it lets through.
        """
        return max(threshold_for_fpir(self.fpir, records), MIN_THRESHOLD)

    def expected_false_pairs(self, searches: float) -> float:
        """Return the false pairs to be expected: each record is a search, each pair is seen from two."""
        return self.fpir * searches / 2.0

    def extraction_digest(self) -> str:
        """Return a name for what templates depend on besides the samples."""
        return _digest([self.extractor, self.modality, self.ppi, *_extractors(self)])

    def comparison_digest(self, *parts: object) -> str:
        """Return a name for what comparisons depend on; `parts` name templates and pairs."""
        return _digest([self.extraction_digest(), self.exhaustive, self.fpir, *parts])


def _extractors(settings: Settings) -> list[str]:
    """Return what the extractors are called that a run uses, down to the bytes of its models.

    A name of a setting says less: another model may lie behind the same path, another version of an extractor
    behind the same word.
    """
    from matcher.face.model import DEFAULT_MODEL, stated_model_id
    from matcher.fingerprint.extractors import find_extractor
    from matcher.iris.parameters import EXTRACTOR_ID
    from matcher.models.registry import MODELS

    named = settings.face_model or DEFAULT_MODEL
    try:
        face = stated_model_id(named)
    except MatcherError:
        face = named  # who extracts with it is told; who looks at what was extracted needs it no more
    files = [model.sha256 for model in MODELS]  # of the detector of faces and LEADER, too
    return [find_extractor(settings.extractor).id, EXTRACTOR_ID, face, *files]


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps([WORK_VERSION, *parts]).encode()).hexdigest()


HYPOTHESES_DB = 0.4139
"""10 log10(1 + 10 ** (-MIRROR_COST / 10)): what two hypotheses about each pair cost."""

WORK_VERSION = 3
"""Of the work files; another begins anew."""
