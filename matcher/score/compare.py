"""Two fingerprint templates to one calibrated score: prepare, score, calibrate."""

from __future__ import annotations

from matcher.fingerprint.resident import resident
from matcher.score.calibration import load_calibration
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import FingerprintTemplate, Score


def compare(probe: FingerprintTemplate, candidate: FingerprintTemplate) -> Score:
    """Compare two fingerprints, 1:1.

    Parameters
    ----------
    probe, candidate : FingerprintTemplate
        Of extractors that have a calibration with each other.

    Returns
    -------
    Score
        -10 log10(FMR): 40 means that one non-mated comparison in 10,000 scores this high.

    Raises
    ------
    CalibrationMissingError
        If the extractors have no checked calibration with each other.
    """
    calibration = load_calibration(probe.extractor, candidate.extractor)
    prepared = FingerprintProbe(probe)
    parts = score(prepared, resident(candidate))
    return calibration.score(parts.raw)
