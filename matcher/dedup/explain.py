"""Stage 3: nominated pairs compared in full, with their parts and what looks wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from matcher.dedup.allowance import kind_of
from matcher.dedup.blocks import UNKNOWN, Block, Rows
from matcher.dedup.names import mirrored
from matcher.dedup.nominate import Comparison, persons, scorers
from matcher.dedup.settings import MIRROR_COST
from matcher.dedup.work import Arrays, text_array
from matcher.gallery.compare import PairTable
from matcher.gallery.search import Probe, Scorer
from matcher.person import MatchWarning, PartUse, PersonPart, Side
from matcher.score.fusion_person import ModalityScore, PersonScore, fuse, fuse_fingers, fuse_units, misplaced
from matcher.score.fusion_repeats import RULES, Repeats, compare_samples, find_repeats
from matcher.score.units import unit_calibration
from matcher.types import F32, I64, U64, Modality

STAGE = "full scores"

PAIRS_A_TASK = 256
"""Pairs of one task: about a second."""


@dataclass(frozen=True, slots=True)
class Reused:
    """Two samples of two records that are one capture.

    Attributes
    ----------
    modality : str
    probe_sample, candidate_sample : int
        Numbers of the samples within their parts of extraction.
    share : float
        Raw score as a share of the lower self-score.
    """

    modality: str
    probe_sample: int
    candidate_sample: int
    share: float


def pair_tasks(probe: I64, candidate: I64) -> list[tuple[str, tuple[Sequence[int], Sequence[int]]]]:
    """Return the tasks of nominated pairs, in their order."""
    return [
        (
            f"pairs-{begin // PAIRS_A_TASK:07d}",
            (probe[begin : begin + PAIRS_A_TASK].tolist(), candidate[begin : begin + PAIRS_A_TASK].tolist()),
        )
        for begin in range(0, len(probe), PAIRS_A_TASK)
    ]


def explain_task(context: Comparison, pairs: tuple[Sequence[int], Sequence[int]]) -> Arrays:
    """Compare pairs of records in full.

    Returns
    -------
    dict of arrays
        `text`: a JSON list with an object for each pair, as `explain` returns it.
    """
    blocks = context.blocks()
    found = []
    for probe, candidate in zip(*pairs, strict=True):
        size = context.block_records
        one, two = blocks[probe // size], blocks[candidate // size]
        told = explain(one, probe - one.begin, two, candidate - two.begin)
        kind = kind_of(int(one.held[probe - one.begin] & two.held[candidate - two.begin]))
        found.append({"probe": probe, "candidate": candidate, "kind": kind, **told})
    return {"text": text_array(json.dumps(found))}


def explain(one: Block, probe: int, two: Block, candidate: int) -> dict[str, Any]:
    """Compare two records, given by their numbers within their blocks.

    Returns
    -------
    dict
        Plain JSON values: `score`, `raw`, `calibration`, `extrapolated`, `comparisons`, `swapped` (whether
        the hypothesis of swapped hands decided), `parts`, `warnings`, `reused`.
    """
    labelled: list[ModalityScore] = []
    swapped: list[ModalityScore] = []
    warnings: list[MatchWarning] = []
    reused: list[Reused] = []
    qualities: dict[tuple[str, str, int], int] = {}
    for modality in Modality:
        mine, its = one.rows[modality], two.rows[modality]
        own, other = mine.of(probe), its.of(candidate)
        if not own or not other:
            continue
        scorer = scorers()[modality]
        probes = _probes(scorer, mine, own)
        repeats = _repeats(modality, scorer, mine, own, probes, Side.PROBE)
        back = _repeats(modality, scorer, its, other, _probes(scorer, its, other), Side.CANDIDATE)
        table = _table(scorer, probes, (mine, own), its, other)
        labelled.append(_fused(modality, _comparable(table), repeats))
        mirror = replace(
            table, position=np.array([mirrored(modality, int(p)) for p in table.position], np.uint8)
        )
        swapped.append(_fused(modality, _comparable(mirror), repeats))
        if modality is not Modality.FACE:
            warnings += misplaced(modality, table)
        warnings += [*repeats.warnings, *back.warnings]
        reused += _reused(modality, scorer, mine, own, its, other, probes, table)
        for side, rows, numbers in (("probe", mine, own), ("candidate", its, other)):
            for row in numbers:
                key = (side, modality.name, int(rows.position[row]))
                qualities[key] = max(qualities.get(key, 0), int(rows.quality[row]))
    straight, turned = fuse(labelled, unit_calibration()), fuse(swapped, unit_calibration())
    is_turned = turned.score.value - MIRROR_COST > straight.score.value
    person: PersonScore = turned if is_turned else straight
    value = turned.score.value - MIRROR_COST if is_turned else straight.score.value
    return {
        "score": value,
        "raw": person.score.raw,
        "calibration": person.score.calibration,
        "extrapolated": person.score.extrapolated,
        "comparisons": person.comparisons,
        "swapped": is_turned,
        "parts": [_part(part, qualities, is_turned) for part in person.parts],
        "warnings": [_warning(warning) for warning in dict.fromkeys(warnings)],
        "reused": [asdict(one) for one in reused],
    }


def _fused(modality: Modality, table: PairTable, repeats: Repeats) -> ModalityScore:
    if modality is Modality.FINGERPRINT:
        return fuse_fingers(table, repeats, persons())
    return fuse_units(modality, table, repeats, unit_calibration())


def _probes(scorer: Scorer, rows: Rows, own: range) -> list[Probe]:
    return [
        Probe(scorer.prepare(rows.row(r)), int(rows.position[r]), rows.extractors[int(rows.extractor[r])])
        for r in own
    ]


def _repeats(
    modality: Modality, scorer: Scorer, rows: Rows, own: range, probes: Sequence[Probe], side: Side
) -> Repeats:
    words: list[U64] = [np.asarray(rows.row(row)) for row in own]
    value, share = compare_samples(scorer, probes, words)
    return find_repeats(modality, [probe.position for probe in probes], value, share, side)


def _table(
    scorer: Scorer, probes: Sequence[Probe], samples: tuple[Rows, range], its: Rows, other: range
) -> PairTable:
    """Compare every sample with every sample of the other record, of whatever position."""
    rows = np.array(other, np.int64)
    mine_rows, own = samples
    shape = (len(probes), len(rows))
    value, raw = np.zeros(shape), np.zeros(shape)
    extrapolated, source = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    ids: list[str] = []
    for number, probe in enumerate(probes):
        scores: F32 = scorer.score(probe.prepared, its.words, its.offsets, rows, 1)
        raw[number] = scores
        for name in np.unique(its.extractor[rows]).tolist():
            of_it = its.extractor[rows] == name
            calibration, value[number, of_it], extrapolated[number, of_it] = mine_rows.calibrated(
                own[number],
                its,
                rows[of_it],
                scores[of_it],
                scorer.calibration(probe.extractor, its.extractors[name]),
            )
            if calibration.id not in ids:
                ids.append(calibration.id)
            source[number, of_it] = ids.index(calibration.id)
    mine = np.array([probe.position for probe in probes], np.uint8)
    everything = np.ones(shape, np.bool_)
    return PairTable(
        mine, its.position[rows], everything, everything, value, raw, extrapolated, source, tuple(ids)
    )


def _comparable(table: PairTable) -> PairTable:
    """Return the table with what the positions let count."""
    mine, its = table.probe_position[:, None], table.position[None, :]
    return replace(table, comparable=(mine == its) | (mine == UNKNOWN) | (its == UNKNOWN))


def _reused(
    modality: Modality,
    scorer: Scorer,
    mine: Rows,
    own: range,
    its: Rows,
    other: range,
    probes: Sequence[Probe],
    table: PairTable,
) -> list[Reused]:
    """Return the samples of the two records that are one capture."""
    selves = np.array(
        [
            float(scorer.score(p.prepared, mine.words, mine.offsets, np.array([r], np.int64), 1)[0])
            for p, r in zip(probes, own, strict=True)
        ]
    )
    theirs = np.array(
        [
            float(
                scorer.score(scorer.prepare(its.row(r)), its.words, its.offsets, np.array([r], np.int64), 1)[
                    0
                ]
            )
            for r in other
        ]
    )
    least = np.maximum(np.minimum(selves[:, None], theirs[None, :]), np.finfo(np.float32).tiny)
    share = table.raw / least
    return [
        Reused(
            modality.name, int(mine.sample[own[i]]), int(its.sample[other[j]]), round(float(share[i, j]), 4)
        )
        for i, j in np.argwhere(share >= RULES[modality].same_impression).tolist()
    ]


def _part(part: PersonPart, qualities: dict[tuple[str, str, int], int], turned: bool) -> dict[str, Any]:
    name = part.modality.name
    place = int(part.candidate_position)
    if turned:
        place = mirrored(part.modality, place)
    kind = type(part.candidate_position)
    used = part.use is PartUse.USED
    return {
        "modality": name,
        "probe_position": part.probe_position.name,
        "candidate_position": kind(place).name,
        "use": part.use.value,
        "score": round(part.score, 6),
        "log_likelihood_ratio": round(part.log_likelihood_ratio, 6),
        "comparisons": part.comparisons,
        "probe_quality": qualities.get(("probe", name, int(part.probe_position)), 0),
        "candidate_quality": qualities.get(("candidate", name, place), 0) if used else 0,
    }


def _warning(warning: MatchWarning) -> dict[str, Any]:
    return {
        "modality": warning.modality.name,
        "kind": warning.kind.value,
        "side": warning.side.value,
        "first": warning.first.name,
        "second": warning.second.name,
        "score": round(warning.score, 6),
    }
