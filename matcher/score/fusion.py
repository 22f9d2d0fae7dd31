"""Several fingers of one person, each of them compared perhaps several times, to one score.

A finger of the probe is compared with the subject's samples of its position. Those n comparisons show one
finger: their joint evidence is (sum u^3)^(1/3) - cost * 10 log10(n), which several fair scores raise and one
failed impression hardly lowers; `cost` is calibrated, and 1 at least (what choosing the best costs). Where a
position is unknown, comparisons are hypotheses of which at most one is true: the best counts, less 10
log10(n).

Comparisons of one eye, or of the face, are always taken so: no data at hand say what several of them cost
together, and a choice is never too cheap.

The fingers' scores become one by `matcher.score.person`; fingers, eyes and face by `matcher.score.units`. All
functions take arrays over subjects.
"""

from __future__ import annotations

import numpy as np

from matcher.score.person import F64, Bools, Counts, PersonCalibration

POWER = 3.0
"""Of the scores in the joint evidence: between their sum (1) and the best of them (infinity)."""


def joint_score(best: F64, powers: F64, comparisons: Counts, hypotheses: Bools, cost: float) -> F64:
    """Return the score of one finger, eye or face against each subject.

    Parameters
    ----------
    best : float64 array (S,)
        Highest calibrated score; ignored where there was none.
    powers : float64 array (S,)
        Sum of the scores to the power `POWER`.
    comparisons : integer array (S,)
        How many there were.
    hypotheses : bool array (S,)
        Whether at most one of them can be true: some position is unknown.
    cost : float
        `Evidence.impression_cost`.

    Returns
    -------
    float64 array (S,)
        -10 log10(FMR), at least 0; 0 where there was no comparison.
    """
    paid = 10.0 * np.log10(np.maximum(comparisons, 1))
    joint = np.cbrt(powers) - cost * paid
    score = np.where(hypotheses, np.where(comparisons > 0, best, 0.0) - paid, joint)
    result: F64 = np.maximum(np.where(comparisons == 1, best, score), 0.0)
    return np.where(comparisons > 0, result, 0.0)


class PersonSum:
    """Adds up the fingers of a probe, or its independent units, against every subject.

    Parameters
    ----------
    calibration : PersonCalibration
    subjects : int

    Attributes
    ----------
    compared : int32 array (S,)
        How many were there.
    """

    def __init__(self, calibration: PersonCalibration, subjects: int) -> None:
        self.calibration = calibration
        self.ratios: F64 = np.zeros(subjects)
        self.allowed: F64 = np.zeros(subjects)
        self.best: F64 = np.zeros(subjects)
        self.compared = np.zeros(subjects, np.int32)

    def add(self, best: F64, powers: F64, comparisons: Counts, hypotheses: Bools) -> F64:
        """Take in one finger, as `joint_score` does, and return its score, 0 where it was not compared."""
        cost = self.calibration.evidence.impression_cost
        score = joint_score(best, powers, comparisons, hypotheses, cost)
        self.take(score, comparisons > 0)
        return score

    def take(self, score: F64, there: Bools) -> None:
        """Take in scores of one finger or unit, which are 0 where it was not compared."""
        self.ratios += np.where(there, self.calibration.evidence.log_likelihood_ratio(score), 0.0)
        self.allowed += score
        np.maximum(self.best, score, out=self.best)
        self.compared += there

    def scores(self) -> F64:
        """Return the persons' scores, shape (S,)."""
        return self.calibration.score(self.ratios, self.allowed, self.best, self.compared)
