"""Accuracy over folds, as the protocols of face sets state it: the threshold of each fold from the others.

Accuracy is the share of right decisions, "same" where score >= t. The threshold of a fold is the one of
highest accuracy on all other folds, the strictest one of those that are equal; a protocol of one fold takes
it from itself, which flatters. A pair of which one image gave no template is decided "different".

The strictest is what the evaluations in common use take: the first maximum over rising distances (function
`calculate_roc` of Sandberg's facenet, src/facenet.py, and of those made from it, such as verification.py of
InsightFace). They try distances in steps of 0.01 between embeddings of length 1; here every score is tried,
for steps that suit one model are coarse for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """One fold: its accuracy, as a fraction, and the raw score that was its threshold."""

    accuracy: float
    threshold: float


def best_threshold(raw: F64, mated: Bools) -> float:
    """Return the highest of the thresholds with most right decisions; -inf never stands for one.

    Parameters
    ----------
    raw : float64 array (p,)
        -inf for failures.
    mated : bool array (p,)
    """
    values = np.unique(raw[np.isfinite(raw)])
    if not len(values):
        return float("inf")
    same, other = np.sort(raw[mated]), np.sort(raw[~mated])
    accepted = len(same) - np.searchsorted(same, values)
    rejected = np.searchsorted(other, values)
    # Above every score nothing is accepted: right of every non-mated pair.
    right = np.append(accepted + rejected, len(other))
    best = int(np.flatnonzero(right == right.max())[-1])
    return float("inf") if best == len(values) else float(values[best])


def fold_accuracies(raw: F64, mated: Bools, fold: npt.NDArray[np.int32]) -> list[FoldAccuracy]:
    """Return each fold's accuracy.

    Parameters
    ----------
    raw : float array (p,)
        Raw scores, NaN for failures.
    mated : bool array (p,)
    fold : int32 array (p,)
        From 0, each there.
    """
    scores = np.where(np.isnan(raw), -np.inf, raw).astype(np.float64)
    found = []
    for number in range(int(fold.max()) + 1):
        own = fold == number
        others = ~own if not own.all() else own
        threshold = best_threshold(scores[others], mated[others])
        found.append(FoldAccuracy(float(((scores[own] >= threshold) == mated[own]).mean()), threshold))
    return found


def fold_report(raw: F64, mated: Bools, fold: npt.NDArray[np.int32]) -> dict[str, Any]:
    """Return mean, standard error of the mean over folds (null for one), and each fold, as JSON values."""
    found = fold_accuracies(raw, mated, fold)
    accuracy = np.array([one.accuracy for one in found])
    several = len(found) > 1
    return {
        "accuracy": float(accuracy.mean()),
        "standard_error": float(accuracy.std(ddof=1) / np.sqrt(len(found))) if several else None,
        "folds": [
            {
                "accuracy": one.accuracy,
                "threshold": one.threshold if np.isfinite(one.threshold) else None,
                "pairs": int((fold == number).sum()),
            }
            for number, one in enumerate(found)
        ],
        "threshold_from": "the other folds" if several else "the same pairs",
    }
