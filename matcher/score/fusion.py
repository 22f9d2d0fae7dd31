"""Several fingers of one person, each of them compared perhaps several times, to one score.

A finger of the probe is compared with the subject's samples of its position. Those n comparisons show one
finger: their joint evidence is (sum u^3)^(1/3) - cost * 10 log10(n), which several fair scores raise and one
failed impression hardly lowers; `cost` is calibrated, and 1 at least (what choosing the best costs). Where a
position is unknown, comparisons are hypotheses of which at most one is true: the best counts, less 10
log10(n).

The fingers' scores become one by `matcher.score.person`. All functions take arrays over subjects.
"""

from __future__ import annotations

import numpy as np

from matcher.score.person import F64, Bools, Counts, PersonCalibration

POWER = 3.0
"""Of the scores in the joint evidence: between their sum (1) and the best of them (infinity)."""


def finger_score(best: F64, powers: F64, comparisons: Counts, hypotheses: Bools, cost: float) -> F64:
    """Return the score of one finger against each subject.

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
    """Adds up the fingers of a probe against every subject.

    Parameters
    ----------
    calibration : PersonCalibration
    subjects : int
    """

    def __init__(self, calibration: PersonCalibration, subjects: int) -> None:
        self.calibration = calibration
        self.ratios: F64 = np.zeros(subjects)
        self.allowed: F64 = np.zeros(subjects)
        self.best: F64 = np.zeros(subjects)
        self.fingers = np.zeros(subjects, np.int32)

    def add(self, best: F64, powers: F64, comparisons: Counts, hypotheses: Bools) -> F64:
        """Take in one finger, as `finger_score` does, and return its score, 0 where it was not compared."""
        evidence = self.calibration.evidence
        score = finger_score(best, powers, comparisons, hypotheses, evidence.impression_cost)
        there = comparisons > 0
        self.ratios += np.where(there, evidence.log_likelihood_ratio(score), 0.0)
        self.allowed += score
        np.maximum(self.best, score, out=self.best)
        self.fingers += there
        return score

    def scores(self) -> F64:
        """Return the persons' scores, shape (S,)."""
        return self.calibration.score(self.ratios, self.allowed, self.best, self.fingers)
