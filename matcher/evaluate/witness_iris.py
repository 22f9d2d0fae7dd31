"""A few raw scores of made-up irises: they tell whether a calibration was made with the scorer at hand.

As `matcher.evaluate.witness` for fingerprints.
"""

from __future__ import annotations

import numpy as np

from matcher.iris.types import ANGLES, IrisTemplate
from matcher.score.iris import IrisProbe, score, search_score
from matcher.score.iris_record import resident

_SEED = 2006
_ERRORS = (0.0, 0.1, 0.25)
"""Share of bits that differ between the samples of an eye and its code."""
_MASKED = (0.0, 0.4)


def iris_scorer_witness() -> list[float]:
    """Return the raw scores, full and search, of made-up mates and of eyes that are no mates."""
    scores = []
    for masked in _MASKED:
        probe = IrisProbe(_made_up(1, 0.0, masked))
        others = [_made_up(1, errors, masked, turn=3) for errors in _ERRORS] + [_made_up(2, 0.0, masked)]
        for form in map(resident, others):
            scores += [score(probe, form).raw, search_score(probe, form).raw]
    return scores


def _made_up(eye: int, errors: float, masked: float, turn: int = 0) -> IrisTemplate:
    rng = np.random.default_rng((_SEED, eye))
    sides = []
    for dtype in (np.uint64, np.uint8):
        bits = 8 * np.dtype(dtype).itemsize
        code, flipped, mask = rng.random((3, ANGLES, bits))
        valid = mask >= masked
        for plane in (((code < 0.5) ^ (flipped < errors)) & valid, valid):
            packed = np.packbits(plane, axis=1, bitorder="little")
            sides.append(np.roll(packed.view(np.dtype(dtype).newbyteorder("<")).reshape(ANGLES), turn))
    words = [side.astype(side.dtype.newbyteorder("=")) for side in sides]
    return IrisTemplate(words[0], words[1], words[2], words[3], extractor="made-up")
