"""Scores to decisions: a threshold is asked for as a rate, and a search pays for the size of its gallery."""

from __future__ import annotations

from matcher.errors import ArgumentError
from matcher.score.calibration import threshold_for_fmr
from matcher.types import Decision, Score

__all__ = [
    "DEFAULT_FMR",
    "DEFAULT_FPIR",
    "MAX_THRESHOLD",
    "decide",
    "threshold_for_fmr",
    "threshold_for_fpir",
    "threshold_for_search",
    "threshold_for_verification",
]

DEFAULT_FMR = 1e-4
"""Rate of false matches of a verification where the caller names none (threshold 40)."""

DEFAULT_FPIR = 1e-2
"""Share of non-mated searches that return anybody, where the caller names none."""

MAX_THRESHOLD = 1000.0
"""Highest threshold that may be asked for; no score comes near it."""


def threshold_for_fpir(fpir: float, subjects: int) -> float:
    """Return the score to ask for so that a non-mated search returns anybody at rate `fpir`.

    score = -10 log10(FPIR / N): each of N comparisons may falsely match at FPIR / N.

    Raises
    ------
    ArgumentError
        If `fpir` is not above 0 and at most 1.
    """
    if not 0.0 < fpir <= 1.0:
        raise ArgumentError(f"FPIR: expected a rate above 0 and at most 1, got {fpir}.")
    return threshold_for_fmr(fpir / max(subjects, 1))


def threshold_for_verification(fmr: float | None, threshold: float | None) -> float:
    """Return the threshold of a verification from the one of the two that the caller gave, or the default."""
    if threshold is not None:
        return _checked(threshold, fmr)
    return threshold_for_fmr(DEFAULT_FMR if fmr is None else fmr)


def threshold_for_search(fpir: float | None, threshold: float | None, subjects: int) -> float:
    """Return the threshold of a search over `subjects` people, as `threshold_for_verification` does."""
    if threshold is not None:
        return _checked(threshold, fpir)
    return threshold_for_fpir(DEFAULT_FPIR if fpir is None else fpir, subjects)


def decide(score: Score, threshold: float) -> Decision:
    """Hold a score against a threshold."""
    return Decision(score.value >= threshold, score, threshold)


def _checked(threshold: float, rate: float | None) -> float:
    if rate is not None:
        raise ArgumentError("Expected a rate or a threshold, got both.")
    if not 0.0 <= threshold <= MAX_THRESHOLD:
        raise ArgumentError(f"Threshold: expected 0 to {MAX_THRESHOLD:g}, got {threshold}.")
    return threshold
