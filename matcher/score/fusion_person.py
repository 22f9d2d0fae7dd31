"""One probe against one subject in full: score, parts, and what looks wrong with the labels.

The score is that of the search over all subjects but for one thing that a search cannot see: where positions
are unknown, two fingers of the probe may have found one and the same sample. Here each sample serves one
finger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.gallery.compare import PairTable
from matcher.gallery.search import F64, UNKNOWN_POSITION
from matcher.person import FingerPart, FingerUse, MatchWarning, Side, WarningKind
from matcher.score.fusion import finger_score
from matcher.score.fusion_repeats import Repeats
from matcher.score.person import PersonCalibration
from matcher.types import FingerPosition, Score

NOT_COMPARED = "none"
"""Calibration id of a score that comes from no comparison."""

SUSPECTED = 40.0
"""Score, less 10 log10 of the pairs of positions looked at, from which a match across positions is told."""

CLEARLY = 20.0
"""A match across positions is told only where it lies this much above what the labels say."""

_MORE = 1e-6
"""Added to scores in the assignment, so that a score of 0 is more than no sample."""


@dataclass(frozen=True, slots=True)
class PersonScore:
    """A probe against a subject.

    Attributes
    ----------
    score : Score
        Value 0 where nothing was compared. `raw` is that of the best comparison.
    parts : tuple of FingerPart
        Of each finger of the probe.
    comparisons : int
        Pairs of samples that the score was made from.
    """

    score: Score
    parts: tuple[FingerPart, ...]
    comparisons: int


@dataclass(slots=True)
class _Found:
    """One finger of the probe against the subject's samples."""

    score: float
    comparisons: int
    row: int
    choice: bool
    use: FingerUse


def fuse(table: PairTable, repeats: Repeats, calibration: PersonCalibration) -> PersonScore:
    """Return the score of a probe against a subject with its parts.

    Parameters
    ----------
    table : PairTable
    repeats : Repeats
        Of the probe: which samples show one finger.
    calibration : PersonCalibration
    """
    found = [
        _finger(table, finger.members, finger.choice, calibration.evidence.impression_cost)
        for finger in repeats.fingers
    ]
    fused = _fused(calibration, found)
    _one_finger_a_sample(table, [finger.members for finger in repeats.fingers], found)
    fused = min(fused, _fused(calibration, found))
    parts = []
    for finger, one in zip(repeats.fingers, found, strict=True):
        there = one.use is FingerUse.USED
        ratio = float(calibration.evidence.log_likelihood_ratio(np.array([one.score]))[0]) if there else 0.0
        where = int(table.position[one.row]) if there else UNKNOWN_POSITION
        mine = int(table.probe_position[finger.members[0]])
        parts.append(_part(mine, where, one.use, one.score if there else 0.0, ratio, one.comparisons))
    for other in repeats.stands_for:
        position = int(table.probe_position[other])
        parts.append(_part(position, UNKNOWN_POSITION, FingerUse.COUNTED_ONCE, 0.0, 0.0, 0))
    return PersonScore(
        _score(table, repeats, calibration, fused, sum(f.use is FingerUse.USED for f in found)),
        tuple(parts),
        sum(f.comparisons for f in found),
    )


def _fused(calibration: PersonCalibration, found: Sequence[_Found]) -> float:
    scores = np.array([f.score for f in found if f.use is FingerUse.USED])
    if not len(scores):
        return 0.0
    ratios = calibration.evidence.log_likelihood_ratio(scores).sum()
    ratio, allowed, best = (np.array([x]) for x in (ratios, scores.sum(), scores.max()))
    return float(calibration.score(ratio, allowed, best, np.array([len(scores)]))[0])


def _finger(table: PairTable, members: Sequence[int], choice: bool, cost: float) -> _Found:
    own = np.array(members)
    pairs = table.comparable[own]
    n = int(pairs.sum())
    if n == 0:
        return _Found(0.0, 0, -1, choice, FingerUse.NOT_ENROLLED)
    values = np.where(pairs, table.value[own], -np.inf)
    unknown = (table.probe_position[own][:, None] == UNKNOWN_POSITION) | (table.position == UNKNOWN_POSITION)
    choice = choice or bool((unknown & pairs).any())
    score = finger_score(
        values.max(keepdims=True).ravel(),
        np.array([(values[pairs] ** 3).sum()]),
        np.array([n]),
        np.array([choice]),
        cost,
    )
    return _Found(float(score[0]), n, int(values.max(axis=0).argmax()), choice, FingerUse.USED)


def _one_finger_a_sample(table: PairTable, members: Sequence[Sequence[int]], found: list[_Found]) -> None:
    """Where fingers of unknown position found one sample, assign samples to fingers for the highest sum."""
    rows = [f.row for f in found if f.use is FingerUse.USED]
    if len(set(rows)) == len(rows) or not any(f.choice for f in found):
        return
    from scipy.optimize import linear_sum_assignment

    value = np.stack(
        [
            np.where(table.comparable[np.array(own)], table.value[np.array(own)] + _MORE, -1.0).max(axis=0)
            for own in members
        ]
    )
    # A finger that is not comparable with a sample (-1) gains less there than nowhere: columns of 0 stand
    # beside.
    spare = np.zeros((len(found), len(found)))
    assigned = dict(zip(*linear_sum_assignment(np.hstack([value, spare]), maximize=True), strict=True))
    for number, finger in enumerate(found):
        row = int(assigned[number])
        if not finger.choice or finger.use is not FingerUse.USED or row == finger.row:
            continue
        if row >= value.shape[1]:
            finger.use, finger.score = FingerUse.SAMPLE_TAKEN, 0.0
        else:
            finger.row = row
            finger.score = max(float(value[number, row]) - _MORE - 10.0 * np.log10(finger.comparisons), 0.0)


def _score(
    table: PairTable, repeats: Repeats, calibration: PersonCalibration, fused: float, fingers: int
) -> Score:
    kept = np.zeros(len(table.probe_position), np.bool_)
    kept[[member for finger in repeats.fingers for member in finger.members]] = True
    counted = table.comparable & kept[:, None]
    if not counted.any():
        return Score(0.0, 0.0, NOT_COMPARED, False)
    best = np.unravel_index(np.where(counted, table.value, -np.inf).argmax(), counted.shape)
    raw = float(table.raw[best])
    if fingers == 1:
        name = table.calibrations[table.source[best]]
        return Score(fused, raw, name, bool(table.extrapolated[best]))
    beyond = calibration.extrapolated(np.array([fused]), np.array([fingers]))
    return Score(fused, raw, calibration.id, bool(beyond[0]))


def _part(mine: int, its: int, use: FingerUse, score: float, ratio: float, comparisons: int) -> FingerPart:
    return FingerPart(FingerPosition(mine), FingerPosition(its), use, score, ratio, comparisons)


def misplaced(table: PairTable) -> tuple[MatchWarning, ...]:
    """Tell where the fingers match clearly better under another assignment of positions.

    Parameters
    ----------
    table : PairTable
        With the comparisons across positions.

    Returns
    -------
    tuple of MatchWarning
        One for each position of the probe that matches another position of the subject.
    """
    from scipy.optimize import linear_sum_assignment

    score: F64 = np.zeros((len(FingerPosition), len(FingerPosition)))
    mine, its = table.probe_position, table.position
    np.maximum.at(score, (mine[:, None], its[None, :]), table.value)
    score[UNKNOWN_POSITION, :] = score[:, UNKNOWN_POSITION] = 0.0
    stated = np.diag(score).copy()
    looked = len(set(mine.tolist()) - {UNKNOWN_POSITION}) * len(set(its.tolist()) - {UNKNOWN_POSITION})
    paid = 10.0 * np.log10(max(looked, 1))
    warnings = []
    for one, two in zip(*linear_sum_assignment(score, maximize=True), strict=True):
        found = float(score[one, two]) - paid
        if one != two and found >= max(SUSPECTED, stated[one] + CLEARLY, stated[two] + CLEARLY):
            kind = WarningKind.WRONG_POSITION_SUSPECTED
            warnings.append(
                MatchWarning(kind, Side.BOTH, FingerPosition(int(one)), FingerPosition(int(two)), found)
            )
    return tuple(warnings)
