"""Samples of one person that show the same finger or eye: found, so that none is counted twice.

Two prints are one impression where their score is nearly that of a sample with itself. Genuine impressions
of one finger stay below it (highest share of 3,770 real mated pairs: 0.78); the same image encoded anew or
with some noise reached 0.90 in nine of ten real images. They show one finger where their calibrated score
says so.

Two pictures of an eye are one from a share of 0.88 on (highest of 312 real mated pairs: 0.83; the same
picture encoded anew, or with some noise, mostly lies above), two photographs of a face from 0.365, a cosine
of 0.99 (highest of 120 real mated pairs: 0.9875; lowest of 120 encoded anew, shrunk or cropped: 0.993). A
person has one face: all its samples show it.

LIMITATIONS: an image cropped by pixels that are no multiple of the extractor's cells gives minutiae as
different as those of another impression (share 0.56 to 0.87): it is told as the same finger, not as the same
impression.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from matcher.errors import ComparisonError
from matcher.gallery.search import F64, UNKNOWN_POSITION, Characteristic, Probe, Scorer
from matcher.person import MatchWarning, Side, WarningKind
from matcher.template.modality import position
from matcher.types import F32, I64, U64, Modality


@dataclass(frozen=True, slots=True)
class RepeatRule:
    """When two samples repeat each other.

    Attributes
    ----------
    same_impression : float
        Share of the lower self-score from which two samples are one impression.
    same_characteristic : float
        Calibrated score, less 10 log10 of the pairs looked at, from which two samples show one finger or eye.
    kind : WarningKind
        What it is called where they are labelled as two.
    """

    same_impression: float
    same_characteristic: float
    kind: WarningKind


RULES = {
    Modality.FINGERPRINT: RepeatRule(0.85, 50.0, WarningKind.SAME_FINGER_TWICE),
    Modality.IRIS: RepeatRule(0.88, 50.0, WarningKind.SAME_EYE_TWICE),
    # There are no two positions of a face that could clash: the kind is never told.
    Modality.FACE: RepeatRule(0.365, 50.0, WarningKind.SAME_IMPRESSION_TWICE),
}

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """Which samples of one person repeat each other.

    Attributes
    ----------
    characteristics : tuple of Characteristic
        The samples by finger, eye or face; a repeated impression of one position is left out.
    stands_for : dict of int to int
        Sample that is not the first of its characteristic's positions, to the first.
    warnings : tuple of MatchWarning
    """

    characteristics: tuple[Characteristic, ...]
    stands_for: dict[int, int]
    warnings: tuple[MatchWarning, ...]


def compare_samples(scorer: Scorer, probes: Sequence[Probe], residents: Sequence[U64]) -> tuple[F64, F64]:
    """Compare the samples of one person with each other and themselves; a single one is not compared.

    Returns
    -------
    value, share : float64 arrays (p, p)
        Calibrated score, of different samples, and raw score as a share of the lower of the two
        self-scores. Symmetric: the lower of both directions.

    Raises
    ------
    CalibrationMissingError
        If they are of one extractor, which has none.
    """
    if len(probes) == 1:
        scorer.calibration(probes[0].extractor, probes[0].extractor)
        return np.zeros((1, 1)), np.ones((1, 1))
    offsets = np.concatenate([[0], np.cumsum([len(r) for r in residents])]).astype(np.int64)
    words, rows = np.concatenate(residents), np.arange(len(residents), dtype=np.int64)
    names = list(dict.fromkeys(p.extractor for p in probes))
    if len(names) == 1:
        # Nearly always; enrolments come by here hundreds of times a second.
        raw = np.stack([scorer.score(p.prepared, words, offsets, rows, 1) for p in probes])
        raw = np.minimum(raw, raw.T)
        value, pairs = np.zeros(raw.shape), _pairs(len(raw))
        value[pairs] = scorer.calibration(names[0], names[0]).scores(raw[pairs])[0]
        value = value + value.T
    else:
        raw, value = _mixed(scorer, probes, words, offsets)
    own = np.diag(raw).astype(np.float64)
    share = raw / np.maximum(np.minimum(own[:, None], own[None, :]), np.finfo(np.float32).tiny)
    return value, share


def _mixed(scorer: Scorer, probes: Sequence[Probe], words: U64, offsets: I64) -> tuple[F32, F64]:
    """Return raw and calibrated scores, (p, p); 0 where the generations of two samples do not compare."""
    count = len(probes)
    raw, value = np.zeros((count, count), np.float32), np.zeros((count, count))
    of = np.array([probe.extractor for probe in probes])
    names = list(dict.fromkeys(of.tolist()))
    for p, probe in enumerate(probes):
        for name in names:
            with suppress(ComparisonError):
                scorer.calibration(probe.extractor, name)
                its = np.flatnonzero(of == name).astype(np.int64)
                raw[p, its] = scorer.score(probe.prepared, words, offsets, its, 1)
    raw = np.minimum(raw, raw.T)
    for one in names:
        for two in names:
            with suppress(ComparisonError):
                block = np.ix_(of == one, of == two)
                calibrated, _ = scorer.calibration(one, two).scores(raw[block].ravel())
                value[block] = calibrated.reshape(raw[block].shape)
    return raw, value


@cache
def _pairs(count: int) -> tuple[I64, I64]:
    """Return the indices of pairs, the first of each below the second."""
    one, two = np.triu_indices(count, 1)
    return one.astype(np.int64), two.astype(np.int64)


def find_repeats(modality: Modality, positions: Sequence[int], value: F64, share: F64, side: Side) -> Repeats:
    """Group the samples of one person and modality by finger, eye or face.

    Samples of one known position are one finger. Others join it where they are the same impression or show
    the same finger; of two known positions that do, one is wrong, and the finger may be either.

    Parameters
    ----------
    modality : Modality
    positions : sequence of int
        Of each sample, 0 unknown.
    value, share : float64 arrays (p, p)
        From `compare_samples`.
    side : Side
        Whose samples these are.
    """
    rule = RULES[modality]
    count = len(positions)
    if count == 1:
        return Repeats((Characteristic((0,)),), {}, ())
    paid = 10.0 * np.log10(max(count * (count - 1) // 2, 1))
    is_same = share >= rule.same_impression
    # Lists: a dozen entries are read one by one.
    same, alike = is_same.tolist(), (is_same | (value - paid >= rule.same_characteristic)).tolist()
    group = list(range(count))
    dropped: set[int] = set()
    warnings = []
    for j in range(count):
        for i in range(j):
            one, two = positions[i], positions[j]
            clash = one != two and UNKNOWN_POSITION not in (one, two)
            if alike[i][j] or (one == two != UNKNOWN_POSITION):
                group = [group[i] if g == group[j] else g for g in group]
            if alike[i][j] and (clash or same[i][j]):
                kind = WarningKind.SAME_IMPRESSION_TWICE if same[i][j] else rule.kind
                places = position(modality, one), position(modality, two)
                found = max(float(value[i, j]) - paid, 0.0)
                warnings.append(MatchWarning(modality, kind, side, *places, found))
            if same[i][j] and not clash and i not in dropped:
                # One impression sent twice says nothing new: the one of known position stays.
                dropped.add(i if one == UNKNOWN_POSITION != two else j)
    characteristics, stands_for = [], {}
    for first in sorted(set(group), key=group.index):
        members = [i for i in range(count) if group[i] == first]
        kept = tuple(i for i in members if i not in dropped) or (members[0],)
        known = {positions[i] for i in kept} - {UNKNOWN_POSITION}
        characteristics.append(Characteristic(kept, choice=len(known) > 1))
        stands_for.update(
            {i: kept[0] for i in members if i != kept[0] and positions[i] != positions[kept[0]]}
        )
    return Repeats(tuple(characteristics), stands_for, tuple(warnings))
