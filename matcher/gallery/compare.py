"""A probe against one subject in one modality, every pair kept: verifications and explanations need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.gallery.rows import Place
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
    places: Sequence[Place],
    probes: Sequence[Probe],
    *,
    across: bool,
) -> PairTable:
    """Compare a probe with one subject's samples.

    Parameters
    ----------
    scorer : Scorer
    places : sequence of Place
        Where the subject's samples of the modality are.
    probes : sequence of Probe
    across : bool
        Whether samples of different positions are compared too.

    Raises
    ------
    CalibrationMissingError
        If the subject has templates that the probe has no calibration with.
    """
    mine = np.array([probe.position for probe in probes], np.uint8)
    position = np.array([place.block.position[place.row] for place in places], np.uint8)
    known = (mine[:, None] != UNKNOWN_POSITION) & (position[None, :] != UNKNOWN_POSITION)
    comparable: Bools = ~known | (mine[:, None] == position[None, :])
    compared: Bools = np.ones_like(comparable) if across else comparable
    shape = comparable.shape
    value, raw = np.zeros(shape), np.zeros(shape)
    extrapolated, source = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    ids: list[str] = []
    for p, probe in enumerate(probes):
        wanted = np.flatnonzero(compared[p])
        if not len(wanted):
            continue
        raw[p, wanted] = score_places(scorer, probe, [places[i] for i in wanted.tolist()])
        for name in {places[i].extractor for i in wanted.tolist()}:
            calibration = scorer.calibration(probe.extractor, name)
            if calibration.id not in ids:
                ids.append(calibration.id)
            its = np.array([i for i in wanted.tolist() if places[i].extractor == name])
            value[p, its], extrapolated[p, its] = calibration.scores(raw[p, its].astype(np.float32))
            source[p, its] = ids.index(calibration.id)
    return PairTable(mine, position, compared, comparable, value, raw, extrapolated, source, tuple(ids))


def score_places(scorer: Scorer, probe: Probe, places: Sequence[Place]) -> F32:
    """Return the raw scores of a probe with the samples at `places`, in their order."""
    raw = np.zeros(len(places), np.float32)
    for block in {id(place.block): place.block for place in places}.values():
        at = [i for i, place in enumerate(places) if place.block is block]
        rows = np.array([places[i].row for i in at], np.int64)
        raw[at] = scorer.score(probe.prepared, block.words, block.offsets[: int(rows.max()) + 2], rows, 1)
    return raw


def probes_of(scorer: Scorer, places: Sequence[Place]) -> list[Probe]:
    """Return a subject's own samples as probes: to be compared with each other."""
    return [
        Probe(
            scorer.prepare(place.block.row(place.row)), int(place.block.position[place.row]), place.extractor
        )
        for place in places
    ]
