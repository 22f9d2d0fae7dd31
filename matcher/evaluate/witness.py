"""A few raw scores of made-up minutiae: they tell whether a calibration was made with the scorer at hand.

A calibration maps the raw scores of one scorer. A changed scorer would go unseen, and its scores would be
wrong without an error; so each shipped calibration keeps these scores, and a test compares.
"""

from __future__ import annotations

import numpy as np

from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import FingerprintTemplate, Minutiae

KEY = "scorer_witness"
"""Under which a calibration's provenance keeps them."""

TOLERANCE = 1e-3
"""Relative; another processor's sines may round a cylinder otherwise."""

_SEED = 2005
_SIDE = 360
_COUNTS = (8, 14, 25, 40, 60)
"""Minutiae of the made-up prints: sparse to crowded."""

_JITTERS = (0, 3, 8)
"""Displacement of their mates, pixels."""


def scorer_witness() -> list[float]:
    """Return the raw scores of made-up mates, near and far, and of prints that are no mates."""
    scores = []
    for count in _COUNTS:
        base = _made_up(count, 0)
        probe = FingerprintProbe(base)
        scores += [score(probe, resident(_made_up(count, jitter))).raw for jitter in _JITTERS]
        scores.append(score(probe, resident(_made_up(count + 1, 0))).raw)
    return scores


def _made_up(count: int, jitter: int) -> FingerprintTemplate:
    # The seed is the count: all jitters of one count are of one print.
    rng = np.random.default_rng((_SEED, count))
    margin = max(_JITTERS)
    x, y = rng.integers(margin, _SIDE - margin, (2, count))
    direction, kind = rng.integers(0, 256, count), rng.integers(1, 3, count)
    dx, dy = rng.integers(-jitter, jitter + 1, (2, count))
    minutiae = Minutiae(
        (x + dx).astype(np.int16),
        (y + dy).astype(np.int16),
        direction.astype(np.uint8),
        kind.astype(np.uint8),
        np.full(count, 50, np.uint8),
    )
    return FingerprintTemplate(minutiae, _SIDE, _SIDE, "made-up")
