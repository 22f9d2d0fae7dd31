"""A probe against one subject in one modality, every pair kept: verifications and explanations need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.errors import ComparisonError
from matcher.gallery.gather import Samples
from matcher.gallery.pairing import Pairing, pairing
from matcher.gallery.search import F64, UNKNOWN_POSITION, Probe, Scorer
from matcher.types import F32, I64, U8

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """Scores of p samples of a probe with r samples of a subject.

    Attributes
    ----------
    probe_position : uint8 array (p,)
    position : uint8 array (r,)
        Codes of the modality's positions, 0 unknown.
    compared : bool array (p, r)
        Where there is a score.
    comparable : bool array (p, r)
        Where the two may show one finger, eye or face: equal positions, or an unknown one. Those pairs count.
    value, raw : float64 array (p, r)
        Calibrated and raw; 0 where not compared.
    extrapolated : bool array (p, r)
    source : int64 array (p, r)
        Index into `calibrations`.
    calibrations : tuple of str
    """

    probe_position: U8
    position: U8
    compared: Bools
    comparable: Bools
    value: F64
    raw: F64
    extrapolated: Bools
    source: I64
    calibrations: tuple[str, ...]


def compare_pairs(
    scorer: Scorer,
    samples: Samples,
    probes: Sequence[Probe],
    *,
    across: bool,
) -> PairTable:
    """Compare a probe with one subject's samples.

    Parameters
    ----------
    scorer : Scorer
    samples : Samples
        The subject's samples of the modality.
    probes : sequence of Probe
    across : bool
        Whether samples of different positions are compared too.
        Samples that no form of a probe's compares with (`matcher.gallery.pairing`) are not.
    """
    mine = np.array([probe.position for probe in probes], np.uint8)
    position, extractor = samples.position, samples.extractor
    known = (mine[:, None] != UNKNOWN_POSITION) & (position[None, :] != UNKNOWN_POSITION)
    comparable: Bools = ~known | (mine[:, None] == position[None, :])
    compared: Bools = np.ones_like(comparable) if across else comparable
    if across and (pairs := _of_one_calibration(scorer, samples, probes)):
        # Nearly always: everything is compared with everything, by one calibration; as below, at once.
        return _at_once(scorer, samples, pairs, mine, comparable)
    shape = comparable.shape
    value, raw = np.zeros(shape), np.zeros(shape)
    extrapolated, source = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    ids: list[str] = []
    comparable, compared = comparable.copy(), compared.copy()
    for p, probe in enumerate(probes):
        for number in np.unique(extractor[compared[p]]).tolist():
            try:
                form, calibration = pairing(scorer, probe, samples.extractors[number])
            except ComparisonError:
                comparable[p, extractor == number] = compared[p, extractor == number] = False
                continue
            wanted = compared[p] & (extractor == number)
            raw[p, wanted] = score_samples(scorer, form, samples, wanted)[wanted]
            if calibration.id not in ids:
                ids.append(calibration.id)
            its = np.flatnonzero(wanted)
            value[p, its], extrapolated[p, its] = calibration.scores(raw[p, its].astype(np.float32))
            source[p, its] = ids.index(calibration.id)
    return PairTable(mine, position, compared, comparable, value, raw, extrapolated, source, tuple(ids))


def _of_one_calibration(scorer: Scorer, samples: Samples, probes: Sequence[Probe]) -> list[Pairing]:
    """Return the pairing of each probe where all are of one calibration and lie together; else none."""
    if len(samples.batches) != 1 or len(numbers := set(samples.extractor.tolist())) != 1:
        return []
    name = samples.extractors[numbers.pop()]
    try:
        pairs = [pairing(scorer, probe, name) for probe in probes]
    except ComparisonError:
        return []
    return pairs if all(pair.calibration is pairs[0].calibration for pair in pairs) else []


def _at_once(
    scorer: Scorer, samples: Samples, pairs: Sequence[Pairing], mine: U8, comparable: Bools
) -> PairTable:
    batch = samples.batches[0]
    scores = [scorer.score(p.probe.prepared, batch.words, batch.offsets, batch.rows, 1) for p in pairs]
    flat = scores[0] if len(scores) == 1 else np.concatenate(scores)
    shape = comparable.shape
    calibration = pairs[0].calibration
    value, beyond = calibration.scores(flat)
    return PairTable(
        mine,
        samples.position,
        np.ones(shape, np.bool_),
        comparable,
        value.reshape(shape),
        flat.astype(np.float64).reshape(shape),
        beyond.reshape(shape),
        np.zeros(shape, np.int64),
        (calibration.id,),
    )


def score_samples(scorer: Scorer, probe: Probe, samples: Samples, wanted: Bools) -> F32:
    """Return the raw scores of a probe with the samples that are wanted, 0 for the others."""
    raw = np.zeros(len(samples), np.float32)
    begin = 0
    for batch in samples.batches:
        own = np.flatnonzero(wanted[begin : begin + len(batch)])
        if len(own):
            its = batch.rows[own]
            raw[begin + own] = scorer.score(probe.prepared, batch.words, batch.offsets, its, 1)
        begin += len(batch)
    return raw


def probes_of(scorer: Scorer, samples: Samples) -> list[Probe]:
    """Return a subject's own samples as probes: to be compared with each other."""
    names = [samples.extractors[number] for number in samples.extractor.tolist()]
    return [
        Probe(scorer.prepare(form), position, name)
        for form, position, name in zip(samples.forms(), samples.position.tolist(), names, strict=True)
    ]
