"""What the owner of a face model states about it, as a calibration: for a model that has no measured one."""

from __future__ import annotations

import math

import numpy as np

from matcher.score.calibration import Calibration, threshold_for_fmr
from matcher.score.face import SCORER_ID, raw_of
from matcher.score.tail import GeneralisedPareto

Stated = tuple[tuple[float, float], ...]
"""Rates of false matches and the cosine from which on two faces match at each, by falling rate."""

RISE = 0.01
"""What a score may rise between two stated thresholds, and above the last: a calibration rises strictly."""

STEP = 1e-6
"""Width of the step up to a stated threshold, share of its raw score."""

HIGHEST_RAW = 16.0
"""Above every raw score: identical embeddings have 14.5."""


def stated_calibration(model: str, pairing: str, stated: Stated) -> Calibration:
    """Return a staircase: a score is the strictest rate whose threshold is reached, nothing between.

    Parameters
    ----------
    model : str
        Whole id of the model.
    pairing : str
        What a calibration calls it.
    stated : tuple of (rate, cosine)
        At least one, by falling rate and rising cosine.
    """
    raw, score = [0.0], [0.0]
    for rate, cosine in stated:
        at = raw_of(cosine)
        raw += [at * (1.0 - STEP), at]
        score += [score[-1] + RISE, threshold_for_fmr(rate)]
    # Exponential, so wide that it adds RISE at most.
    scale = 10.0 / math.log(10.0) * HIGHEST_RAW / RISE
    return Calibration(
        pairing=(pairing, pairing),
        scorer=SCORER_ID,
        knot_raw=np.array(raw),
        knot_score=np.array(score),
        tail=GeneralisedPareto(raw[-1], scale, 0.0),
        non_mated=0,
        provenance={"model": model, "stated": [list(one) for one in stated]},
    )
