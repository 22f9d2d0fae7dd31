"""From fingers, eyes and face of a person to one score: independent units, summed and calibrated once more.

A unit is what speaks for itself: all fingers together (`matcher.score.person` makes them one score), each
eye, the face. Each has a calibrated score u = -10 log10(FMR).

1. ASSUMPTION: two people who are not one are alike in one unit no more often because they are alike in
   another. Irises are chaotic even between the two eyes of a person and between identical twins (Daugman
   2004); fingers and faces come from other sensors. It fails for poor captures that hurt several units at
   once (they are like nobody, which costs no false match), and for twins' fingers and faces, which are alike
   together in part.
2. u has the log-likelihood ratio 10 log10(floor + density * 10^(u/10)), the same for all units: no data at
   hand show people with all of them, so none is weighed against another.
3. u above `UNIT_SUPPORT`, what the data of every calibration support, counts half.
4. The sum over the n units compared is mapped to -10 log10(P(a non-mated person reaches it)), by convolution:
   of a non-mated unit, P(U >= u) = 10^(-u/10). The map ends where every unit is at its support; above, the
   score grows no faster than the sum does (FMR <= 1 / LR), and is marked extrapolated.
5. One unit alone keeps its own score; the best of several may speak alone too (`matcher.score.person.claim`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from matcher.score.person import F64, MAX_FINGERS_FUSED, Evidence, PersonCalibration
from matcher.score.person_fit import tables

UNIT_SUPPORT = 35.0
"""Calibrated score up to which units are taken at their word, dB: the calibrations of all modalities count
non-mated comparisons up to here, as a test says."""

POOR_SHARE = 0.05
"""Share of a mate's units that score like a stranger's: a closed eye, a turned face, a worn finger. A guess
on the high side of the sets at hand."""

MATED_SPREAD = 100.0
"""Width of a mate's scores, dB; by convolution it only says where the floor begins to matter."""

MAX_UNITS = MAX_FINGERS_FUSED
"""Most units of one probe: as many as a request has samples."""

NO_FACTOR: F64 = np.zeros(1)
"""Units are independent: there is nothing to integrate over."""


@lru_cache(maxsize=1)
def unit_calibration() -> PersonCalibration:
    """Return the calibration of 2 and more units; it stands on the assumptions above and on no data."""
    evidence = Evidence(
        POOR_SHARE, (1.0 - POOR_SHARE) / (MATED_SPREAD * np.log(10.0) / 10.0), UNIT_SUPPORT, 1.0
    )
    supported = float(evidence.log_likelihood_ratio(np.array([UNIT_SUPPORT]))[0])
    knots = [
        _up_to(n * supported, sums, scores)
        for n, (sums, scores) in enumerate(tables(evidence, 0.0, MAX_UNITS, nodes=NO_FACTOR), 2)
    ]
    return PersonCalibration(
        evidence,
        0.0,
        tuple(sums for sums, _ in knots),
        tuple(scores for _, scores in knots),
        tuple(float(scores[-1]) for _, scores in knots),
        {"units": "independent", "unit_support": UNIT_SUPPORT},
    )


def _up_to(limit: float, sums: F64, scores: F64) -> tuple[F64, F64]:
    """Return the knots up to a sum, at least two."""
    kept = max(int(np.searchsorted(sums, limit, side="right")), 2)
    return sums[:kept], scores[:kept]
