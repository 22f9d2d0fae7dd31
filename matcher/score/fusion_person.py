"""One probe against one subject in full: score, parts, and what looks wrong with the labels.

The score is that of the search over all subjects but for one thing that a search cannot see: where positions
are unknown, two fingers (or eyes) of the probe may have found one and the same sample. Here each sample
serves one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.gallery.compare import PairTable
from matcher.gallery.search import F64, UNKNOWN_POSITION, Characteristic
from matcher.person import MatchWarning, PartUse, PersonPart, Side, WarningKind
from matcher.score.fusion import joint_score
from matcher.score.fusion_repeats import Repeats
from matcher.score.person import PersonCalibration
from matcher.template.modality import POSITIONS, position, unknown_position
from matcher.types import Modality, Score

NOT_COMPARED = "none"
"""Calibration id of a score that comes from no comparison."""

SUSPECTED = 40.0
"""Score, less 10 log10 of the pairs of positions looked at, from which a match across positions is told."""

CLEARLY = 20.0
"""A match across positions is told only where it lies this much above what the labels say."""

_MORE = 1e-6
"""Added to scores in the assignment, so that a score of 0 is more than no sample."""


@dataclass(frozen=True, slots=True)
class ModalityScore:
    """The samples of one modality against a subject.

    Attributes
    ----------
    searched, served : tuple of float
        Scores of the independent units (see `matcher.score.units`) as a search has them, and with each sample
        serving one unit.
    best : Score or None
        Of the modality alone, or where it has several units, of the best comparison; None if there was none.
    parts : tuple of PersonPart
        Of each finger, eye or face of the probe.
    comparisons : int
        Pairs of samples that the scores were made from.
    """

    searched: tuple[float, ...]
    served: tuple[float, ...]
    best: Score | None
    parts: tuple[PersonPart, ...]
    comparisons: int


@dataclass(slots=True)
class _Found:
    """One finger, eye or face of the probe against the subject's samples."""

    score: float
    comparisons: int
    row: int
    choice: bool
    use: PartUse


def fuse_fingers(table: PairTable, repeats: Repeats, calibration: PersonCalibration) -> ModalityScore:
    """Return what the fingers of a probe give: they are one unit.

    Parameters
    ----------
    table : PairTable
    repeats : Repeats
        Of the probe: which samples show one finger.
    calibration : PersonCalibration
        Of fingers.
    """
    found = _characteristics(table, repeats, calibration.evidence.impression_cost)
    searched = _scores(found)
    fused = _fused(calibration, searched)
    _one_use_a_sample(table, repeats, found)
    used = _scores(found)
    if used != searched:
        fused = min(fused, _fused(calibration, used))
    best = _best(table, repeats)
    if best is not None and len(used) != 1:
        beyond = calibration.extrapolated(np.array([fused]), np.array([len(used)]))
        best = Score(fused, best.raw, calibration.id, bool(beyond[0]))
    units = (fused,) if used else ()
    parts = _parts(Modality.FINGERPRINT, table, repeats, found, calibration)
    return ModalityScore(units, units, best, parts, sum(f.comparisons for f in found))


def fuse_units(
    modality: Modality, table: PairTable, repeats: Repeats, units: PersonCalibration
) -> ModalityScore:
    """Return what the eyes or the face of a probe give: each is a unit.

    Parameters
    ----------
    modality : Modality
    table : PairTable
    repeats : Repeats
    units : PersonCalibration
        Of independent units; for the likelihood ratios of the parts.
    """
    found = _characteristics(table, repeats, None)
    searched = _scores(found)
    _one_use_a_sample(table, repeats, found)
    parts = _parts(modality, table, repeats, found, units)
    comparisons = sum(f.comparisons for f in found)
    return ModalityScore(searched, _scores(found), _best(table, repeats), parts, comparisons)


def _characteristics(table: PairTable, repeats: Repeats, cost: float | None) -> list[_Found]:
    """Return each finger, eye or face; without a cost of impressions, comparisons are always a choice."""
    return [_characteristic(table, one, cost) for one in repeats.characteristics]


def _scores(found: Sequence[_Found]) -> tuple[float, ...]:
    return tuple(f.score for f in found if f.use is PartUse.USED)


def _fused(calibration: PersonCalibration, scores: Sequence[float]) -> float:
    """Return the score of several fingers or units; of none 0, of one its own."""
    if not scores:
        return 0.0
    if len(scores) == 1:
        return scores[0]
    own = np.array(scores)
    ratios = calibration.evidence.log_likelihood_ratio(own).sum()
    ratio, allowed, best = (np.array([x]) for x in (ratios, own.sum(), own.max()))
    return float(calibration.score(ratio, allowed, best, np.array([len(own)]))[0])


def _characteristic(table: PairTable, one: Characteristic, cost: float | None) -> _Found:
    choice = one.choice or cost is None
    if len(one.members) == 1 and (found := _single(table, one.members[0], choice)) is not None:
        return found
    own = np.array(one.members)
    pairs = table.comparable[own]
    n = int(pairs.sum())
    if n == 0:
        return _Found(0.0, 0, -1, choice, PartUse.NOT_ENROLLED)
    values = np.where(pairs, table.value[own], -np.inf)
    unknown = (table.probe_position[own][:, None] == UNKNOWN_POSITION) | (table.position == UNKNOWN_POSITION)
    choice = choice or bool((unknown & pairs).any())
    if n == 1:
        # What `joint_score` says of one comparison: nothing is paid for it.
        alone = max(float(values.max()), 0.0)
        return _Found(alone, n, int(values.max(axis=0).argmax()), choice, PartUse.USED)
    score = joint_score(
        values.max(keepdims=True).ravel(),
        np.array([(values[pairs] ** 3).sum()]),
        np.array([n]),
        np.array([choice]),
        1.0 if cost is None else cost,
    )
    return _Found(float(score[0]), n, int(values.max(axis=0).argmax()), choice, PartUse.USED)


def _single(table: PairTable, member: int, choice: bool) -> _Found | None:
    """Return what one sample found that compares with one other at most; None where there are several.

    Nearly always, and without an array: the same numbers as the rest of `_characteristic`.
    """
    columns = [column for column, there in enumerate(table.comparable[member].tolist()) if there]
    if not columns:
        return _Found(0.0, 0, -1, choice, PartUse.NOT_ENROLLED)
    if len(columns) > 1:
        return None
    [row] = columns
    choice = choice or UNKNOWN_POSITION in (int(table.probe_position[member]), int(table.position[row]))
    return _Found(max(float(table.value[member, row]), 0.0), 1, row, choice, PartUse.USED)


def _one_use_a_sample(table: PairTable, repeats: Repeats, found: list[_Found]) -> None:
    """Where some of unknown position found one sample, assign samples to them for the highest sum."""
    rows = [f.row for f in found if f.use is PartUse.USED]
    if len(set(rows)) == len(rows) or not any(f.choice for f in found):
        return
    from scipy.optimize import linear_sum_assignment

    members = [np.array(one.members) for one in repeats.characteristics]
    value = np.stack(
        [np.where(table.comparable[own], table.value[own] + _MORE, -1.0).max(axis=0) for own in members]
    )
    # A finger that is not comparable with a sample (-1) gains less there than nowhere: columns of 0 stand
    # beside.
    spare = np.zeros((len(found), len(found)))
    assigned = dict(zip(*linear_sum_assignment(np.hstack([value, spare]), maximize=True), strict=True))
    for number, one in enumerate(found):
        row = int(assigned[number])
        if not one.choice or one.use is not PartUse.USED or row == one.row:
            continue
        if row >= value.shape[1]:
            one.use, one.score = PartUse.SAMPLE_TAKEN, 0.0
        else:
            one.row = row
            one.score = max(float(value[number, row]) - _MORE - 10.0 * np.log10(one.comparisons), 0.0)


def _best(table: PairTable, repeats: Repeats) -> Score | None:
    members = sorted(member for one in repeats.characteristics for member in one.members)
    comparable, values = table.comparable.tolist(), table.value.tolist()
    counted = [(m, r) for m in members for r, there in enumerate(comparable[m]) if there]
    if not counted:
        return None
    best = max(counted, key=lambda pair: values[pair[0]][pair[1]])  # of equal ones the first
    name = table.calibrations[table.source[best]]
    return Score(float(table.value[best]), float(table.raw[best]), name, bool(table.extrapolated[best]))


def _parts(
    modality: Modality,
    table: PairTable,
    repeats: Repeats,
    found: Sequence[_Found],
    calibration: PersonCalibration,
) -> tuple[PersonPart, ...]:
    nowhere = unknown_position(modality)
    evidence = calibration.evidence
    parts = []
    for characteristic, one in zip(repeats.characteristics, found, strict=True):
        there = one.use is PartUse.USED
        ratio = evidence.log_likelihood_ratio_of(one.score) if there else 0.0
        where = position(modality, int(table.position[one.row])) if there else nowhere
        mine = position(modality, int(table.probe_position[characteristic.members[0]]))
        score = one.score if there else 0.0
        parts.append(PersonPart(modality, mine, where, one.use, score, ratio, one.comparisons))
    for other in repeats.stands_for:
        mine = position(modality, int(table.probe_position[other]))
        parts.append(PersonPart(modality, mine, nowhere, PartUse.COUNTED_ONCE, 0.0, 0.0, 0))
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class PersonScore:
    """A probe against a subject.

    Attributes
    ----------
    score : Score
        Value 0 where nothing was compared. `raw` is that of the best comparison.
    parts : tuple of PersonPart
        Of each finger, eye and face of the probe.
    comparisons : int
        Pairs of samples that the score was made from.
    """

    score: Score
    parts: tuple[PersonPart, ...]
    comparisons: int


def fuse(modalities: Sequence[ModalityScore], units: PersonCalibration) -> PersonScore:
    """Return the score of a probe against a subject with its parts.

    Parameters
    ----------
    modalities : sequence of ModalityScore
        In the order in which their parts are to stand.
    units : PersonCalibration
        Of independent units.
    """
    searched = [score for modality in modalities for score in modality.searched]
    served = [score for modality in modalities for score in modality.served]
    value = _fused(units, searched)
    if served != searched:
        value = min(value, _fused(units, served))
    best = max((m.best for m in modalities if m.best is not None), key=lambda s: s.value, default=None)
    if best is None:
        score = Score(0.0, 0.0, NOT_COMPARED, False)
    elif len(served) == 1:
        score = Score(value, best.raw, best.calibration, best.extrapolated)
    else:
        beyond = units.extrapolated(np.array([value]), np.array([len(served)]))
        score = Score(value, best.raw, units.id, bool(beyond[0]))
    parts = tuple(part for modality in modalities for part in modality.parts)
    return PersonScore(score, parts, sum(modality.comparisons for modality in modalities))


def misplaced(modality: Modality, table: PairTable) -> tuple[MatchWarning, ...]:
    """Tell where fingers or eyes match clearly better under another assignment of positions.

    Parameters
    ----------
    modality : Modality
    table : PairTable
        With the comparisons across positions.

    Returns
    -------
    tuple of MatchWarning
        One for each position of the probe that matches another position of the subject.
    """
    mine, its = table.probe_position, table.position
    # Most have nothing to tell, and the assignment is dear: no pair of two positions is alike.
    where = its.tolist()
    if not any(
        score >= SUSPECTED and one != two
        for one, row in zip(mine.tolist(), table.value.tolist(), strict=True)
        for two, score in zip(where, row, strict=True)
    ):
        return ()
    from scipy.optimize import linear_sum_assignment

    codes = int(max(POSITIONS[modality])) + 1
    score: F64 = np.zeros((codes, codes))
    np.maximum.at(score, (mine[:, None], its[None, :]), table.value)
    score[UNKNOWN_POSITION, :] = score[:, UNKNOWN_POSITION] = 0.0
    stated = np.diag(score).copy()
    looked = len(set(mine.tolist()) - {UNKNOWN_POSITION}) * len(set(its.tolist()) - {UNKNOWN_POSITION})
    paid = 10.0 * np.log10(max(looked, 1))
    warnings = []
    for one, two in zip(*linear_sum_assignment(score, maximize=True), strict=True):
        found = float(score[one, two]) - paid
        if one != two and found >= max(SUSPECTED, stated[one] + CLEARLY, stated[two] + CLEARLY):
            places = position(modality, int(one)), position(modality, int(two))
            kind = WarningKind.WRONG_POSITION_SUSPECTED
            warnings.append(MatchWarning(modality, kind, Side.BOTH, *places, found))
    return tuple(warnings)
