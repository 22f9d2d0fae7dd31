"""Stage 2 for large registers: irises and faces nominate; fingers where there is no eye in common.

A block of candidates is searched by the probes' irises (search codes, coarse to fine) and faces (cosines of
all pairs). Pairs in which either scores `NOMINATED_DB` are fused from all their samples. Pairs without an eye
in common are compared finger by finger: all of them, or where they are too many, those whose minutiae vote
for each other (`matcher.dedup.fingers`).

Loss: a pair with an eye in common whose every eye and face score below `NOMINATED_DB` is not seen, however
well its fingers match.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.dedup.blocks import UNKNOWN, Block, Rows, held_bit
from matcher.dedup.faces import faces_chosen
from matcher.dedup.fingers import by_fingers, finger_block
from matcher.dedup.modes import Asked
from matcher.dedup.nominate import HISTOGRAM_BINS, Comparison, scorers
from matcher.dedup.pairwise import PairScorer
from matcher.dedup.settings import MIRROR_COST
from matcher.dedup.work import Arrays
from matcher.iris.types import EyePosition
from matcher.score.iris_record import RESIDENT_WORDS, SEARCH_WORDS
from matcher.score.iris_scorer import search_calibration
from matcher.score.iris_search import search
from matcher.types import F32, I64, U64, Modality

INDEXED_RECORDS = 8192
"""Records from which irises and faces nominate; below, every pair is compared in all its parts."""

PROBES_A_TASK = 512
"""Records of one task as probes, of which a block has a whole number: some seconds against 16,384."""

NOMINATED_DB = 40.0
"""Score of an eye or a face from which a pair is compared in full, or less where a pair of those alone may be
listed at less: of strangers one in 10,000 by each."""

FACES_AT_ONCE = 128
"""Probes whose cosines with a block are in memory together."""

Bools = npt.NDArray[np.bool_]


def indexed_tasks(records: int, block_records: int, asked: Asked) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the tasks: a block of candidates, and the probes (of one block) that are compared with it."""
    tasks = []
    step = min(PROBES_A_TASK, block_records)
    for block in range(-(-records // block_records)):
        last = min((block + 1) * block_records, records)
        if last <= asked.first_new:
            continue
        probes = last if asked.within_new else asked.first_new
        for begin in range(0, probes, step):
            name = f"nominate-{block:05d}-{begin // step:06d}"
            tasks.append((name, (block, begin, min(begin + step, probes))))
    return tasks


def indexed_task(context: tuple[Comparison, Asked], task: tuple[int, int, int]) -> Arrays:
    """Nominate pairs of some records and those of a block that come after them; as `nominate_task`."""
    comparison, asked = context
    number, begin, end = task
    blocks = comparison.blocks()
    others, own = blocks[number], blocks[begin // comparison.block_records]
    wanted = np.arange(begin - own.begin, end - own.begin, dtype=np.int64)
    least = {
        one: min(NOMINATED_DB, comparison.floors[held_bit(one)]) for one in (Modality.IRIS, Modality.FACE)
    }
    asked_for, chosen, shared = _among(own, wanted, others, asked)
    if comparison.fingers:
        mine = finger_block(comparison.work, begin // comparison.block_records)
        its = finger_block(comparison.work, number)
        for row in np.flatnonzero(chosen.any(axis=1)).tolist():
            nominated = by_fingers(own, mine, int(wanted[row]), others, its, chosen[row])
            chosen[row] = False
            chosen[row, nominated] = True
    # Nobody before the first is asked for: a block is half done against itself.
    first = int(asked_for.any(axis=0).argmax())
    for nominate, modality in ((_by_irises, Modality.IRIS), (_by_faces, Modality.FACE)):
        nominate(chosen, own.rows[modality], wanted, others.rows[modality], first, least[modality])
    chosen &= asked_for
    place, candidate = (axis.astype(np.int64) for axis in np.nonzero(chosen))
    probe, shared_eye = wanted[place], shared[place, candidate]
    scorer = PairScorer(own, others)
    labelled = scorer.scores(probe, candidate, swapped=False)
    swapped = np.zeros_like(labelled)
    # Where an eye is shared the labels of hands hardly matter: the eye decides.
    alone = np.flatnonzero(~shared_eye)
    turned = scorer.scores(probe[alone], candidate[alone], swapped=True)
    swapped[alone] = np.maximum(turned - MIRROR_COST, 0.0)
    best = np.maximum(labelled, swapped)
    floors = np.array(comparison.floors)[own.held[probe] & others.held[candidate]]
    hits = np.flatnonzero(best >= floors)
    binned = np.minimum(best.astype(np.int64), HISTOGRAM_BINS - 1)
    return {
        "probe": probe[hits] + own.begin,
        "candidate": candidate[hits] + others.begin,
        "labelled": labelled[hits],
        "swapped": swapped[hits],
        "histogram": np.bincount(binned, minlength=HISTOGRAM_BINS).astype(np.int64),
    }


def _among(own: Block, wanted: I64, others: Block, asked: Asked) -> tuple[Bools, Bools, Bools]:
    """Return which pairs are asked for; of them those with fingers and no eye in common; and with an eye."""
    count = others.end - others.begin
    least = np.maximum(np.maximum(own.begin + wanted + 1, asked.first_new), others.begin) - others.begin
    eyes, its_eyes = _eyes(own)[wanted], _eyes(others)
    shared: Bools = np.zeros((len(wanted), count), np.bool_)
    for eye in range(eyes.shape[1]):
        shared |= eyes[:, eye][:, None] & its_eyes[:, eye][None, :]
    has, its = (
        np.diff(block.rows[Modality.FINGERPRINT].starts)[which] > 0
        for block, which in ((own, wanted), (others, slice(None)))
    )
    asked_for = np.arange(count)[None, :] >= least[:, None]
    return asked_for, asked_for & ~shared & has[:, None] & its[None, :], shared


def _eyes(block: Block) -> Bools:
    """Return which eyes each record has, bool (B, 2); one of unknown side may be either."""
    rows = block.rows[Modality.IRIS]
    found: Bools = np.zeros((block.end - block.begin, 2), np.bool_)
    for column, eye in enumerate((EyePosition.RIGHT, EyePosition.LEFT)):
        found[rows.record[(rows.position == eye) | (rows.position == UNKNOWN)], column] = True
    return found


def _by_irises(chosen: Bools, mine: Rows, wanted: I64, its: Rows, first: int, least_db: float) -> None:
    if not len(mine) or not len(its):
        return
    my_records, records = _search_records(mine), _search_records(its)
    numbers = np.full(mine.records, -1, np.int64)
    numbers[wanted] = np.arange(len(wanted))
    for maker in np.unique(mine.extractor).tolist():
        raw = search_calibration(mine.extractors[maker]).raw_at(least_db)
        for eye in np.unique(mine.position).tolist():
            probes = np.flatnonzero(
                (mine.position == eye) & (mine.extractor == maker) & (numbers[mine.record] >= 0)
            )
            listed = its.comparable(eye, first)
            listed = listed[[its.extractors[m] == mine.extractors[maker] for m in its.extractor[listed]]]
            candidates = np.ascontiguousarray(records[listed])
            for begin in range(0, len(probes) if len(listed) else 0, PROBES_A_TASK):
                part = probes[begin : begin + PROBES_A_TASK]
                hits = search(my_records[part], candidates, reliable_raw=raw, least_raw=raw)
                chosen[numbers[mine.record[part[hits.probe]]], its.record[listed[hits.row]]] = True


def _search_records(rows: Rows) -> U64:
    """Return the search records that resident irises begin with: uint64 (R, 64)."""
    whole = rows.words.reshape(-1, RESIDENT_WORDS)
    return np.ascontiguousarray(whole[:, :SEARCH_WORDS])


def _by_faces(chosen: Bools, mine: Rows, wanted: I64, its: Rows, first: int, least_db: float) -> None:
    numbers = np.full(mine.records, -1, np.int64)
    numbers[wanted] = np.arange(len(wanted))
    for maker in np.unique(mine.extractor).tolist():
        model = mine.extractors[maker]
        probes = np.flatnonzero((mine.extractor == maker) & (numbers[mine.record] >= 0))
        same = [number for number, name in enumerate(its.extractors) if name == model]
        listed = np.flatnonzero(np.isin(its.extractor, same) & (its.record >= first))
        if not len(probes) or not len(listed):
            continue
        if mine.normal is not None and its.normal is not None and model in mine.normal.calibrations:
            for row, column in faces_chosen(mine, its, probes, listed, mine.normal, least_db):
                chosen[numbers[mine.record[probes[row]]], its.record[listed[column]]] = True
            continue
        raw = scorers()[Modality.FACE].calibration(model, model).raw_at(least_db)  # type: ignore[attr-defined]
        least = np.float32(1.0 - 2.0 * np.exp(-raw))
        vectors, others = _unit_vectors(mine, probes), _unit_vectors(its, listed)
        for begin in range(0, len(probes), FACES_AT_ONCE):
            cosine = vectors[begin : begin + FACES_AT_ONCE] @ others.T
            row, column = np.nonzero(cosine >= least)
            chosen[numbers[mine.record[probes[begin + row]]], its.record[listed[column]]] = True


def _unit_vectors(rows: Rows, wanted: I64) -> F32:
    """Return embeddings of length 1, float32 (n, D), from resident forms (of one model: equally long)."""
    length = int(rows.offsets[wanted[0] + 1] - rows.offsets[wanted[0]])
    words = rows.words[rows.offsets[wanted][:, None] + np.arange(length)]
    values = np.ascontiguousarray(words[:, 1:]).view(np.int8).astype(np.float32)
    unit: F32 = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit
