"""Faces on the register's own scale: each one's look-alikes among a cohort, and what strangers then score.

Every face is compared with some thousands of the register, evenly taken (`matcher.score.cohort`). Measured on
25,000 synthetic faces and on the photographs of LFW, it halves the mates that are lost at the false match
rates of a register (benchmarks/LOG_FACE.md). A model of which the register has too few faces keeps the
calibration that it comes with.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.dedup.blocks import Blocks, Normal, Rows, likeness_name
from matcher.dedup.work import Arrays, WorkFolder, array_text, text_array
from matcher.score.cohort import (
    COHORT,
    FEWEST,
    LEAST_DEVIATION,
    Highest,
    counted,
    highest_scores,
    normalised,
    register_calibration,
)
from matcher.score.face import MIN_DISTANCE, SCORER_ID, embeddings
from matcher.score.face_calibration import pairing_name
from matcher.score.person import F64
from matcher.types import F32, I64, Modality

STAGE = "likeness of faces"

COHORT_PART = "likeness-cohort"

AT_ONCE = 1024
"""Faces whose scores with the cohort are in memory together: 16 MB."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the tasks of this stage need; it travels to workers.

    Attributes
    ----------
    work : WorkFolder
        Where the blocks are.
    blocks : int
        How many.
    """

    work: WorkFolder
    blocks: int


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Faces of one model that all of that model are compared with.

    Attributes
    ----------
    vectors : float32 array (M, D)
        Integers; their products are exact.
    inverse : float32 array (M,)
        One over their lengths.
    record : int64 array (M,)
    mean, deviation : float64 array (M,)
        Of their own highest scores.
    """

    vectors: F32
    inverse: F32
    record: I64
    mean: F64
    deviation: F64


def enough_faces(templates: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether some model has faces enough, of all templates (`extractor` and `modality` of each)."""
    models = Counter(one["extractor"] for one in templates if one["modality"] == Modality.FACE.name)
    return max(models.values(), default=0) >= FEWEST


def cohort_task(context: Likeness, _: None) -> Arrays:
    """Choose the cohort of each model that has faces enough.

    Returns
    -------
    dict of arrays
        `text`: the models; of the one with index m `m.values` int8 (M, D), `m.record` int64, `m.mean` and
        `m.deviation` float64, `m.samples` int64 (1,), how many faces the register has of it.
    """
    values: dict[str, list[npt.NDArray[np.int8]]] = {}
    records: dict[str, list[I64]] = {}
    for number in range(context.blocks):
        block = Blocks(context.work, 0)[number]
        for model, rows in _by_model(block.rows[Modality.FACE]):
            values.setdefault(model, []).append(_values(block.rows[Modality.FACE], rows))
            records.setdefault(model, []).append(block.rows[Modality.FACE].record[rows] + block.begin)
    found: dict[str, Any] = {}
    models = sorted(model for model, own in records.items() if sum(map(len, own)) >= FEWEST)
    for number, model in enumerate(models):
        everyone, whose = np.concatenate(values[model]), np.concatenate(records[model])
        places = np.linspace(0, len(whose) - 1, min(COHORT, len(whose))).round().astype(np.int64)
        chosen, record = everyone[places], whose[places]
        vectors, inverse = _vectors(chosen)
        nothing = np.zeros(0)
        alone = Cohort(vectors, inverse, record, nothing, nothing)
        highest = [
            highest_scores(_scores(vectors[at], inverse[at], record[at], alone))
            for at in _slices(len(places))
        ]
        mean, deviation = (
            np.concatenate([getattr(h, key) for h in highest]) for key in ("mean", "deviation")
        )
        found |= {f"{number}.values": chosen, f"{number}.record": record}
        found |= {f"{number}.mean": mean, f"{number}.deviation": _bounded(deviation, deviation)}
        found[f"{number}.samples"] = np.array([len(whose)], np.int64)
    return {"text": text_array(json.dumps(models)), **found}


def likeness_task(context: Likeness, number: int) -> Arrays:
    """Compare the faces of a block with the cohort of their model.

    Returns
    -------
    dict of arrays
        `mean`, `deviation` float64 (R,) of the block's faces, 0 and 1 of a model without a cohort; `m.counts`
        int64, the histogram of normalised scores of model m.
    """
    block = Blocks(context.work, 0)[number]
    rows = block.rows[Modality.FACE]
    mean, deviation = np.zeros(len(rows)), np.ones(len(rows))
    models = _models(context.work)
    found: dict[str, Any] = {}
    for model, own in _by_model(rows):
        if model not in models:
            continue
        cohort = _cohort(context.work, models.index(model))
        samples = int(context.work.read(COHORT_PART, (f"{models.index(model)}.samples",)).popitem()[1][0])
        vectors, inverse = _vectors(_values(rows, own))
        record = rows.record[own] + block.begin
        counts: Any = 0
        for at in _slices(len(own)):
            scores = _scores(vectors[at], inverse[at], record[at], cohort)
            highest = highest_scores(scores)
            mean[own[at]] = highest.mean
            deviation[own[at]] = _bounded(highest.deviation, cohort.deviation)
            counts = counts + _counted(
                scores, highest, record[at], cohort, whole=len(cohort.record) == samples
            )
        found[f"{models.index(model)}.counts"] = counts
    return {"mean": mean, "deviation": deviation, **found}


def calibration_task(context: Likeness, _: None) -> Arrays:
    """Return what normalised scores of each model are worth: `text`, a JSON object by model."""
    found = {}
    cohort = context.work.read(COHORT_PART)
    parts = [context.work.read(likeness_name(number)) for number in range(context.blocks)]
    for number, model in enumerate(_models(context.work)):
        own = [part[f"{number}.counts"] for part in parts if f"{number}.counts" in part]
        samples = int(cohort[f"{number}.samples"][0])
        name = pairing_name(model)
        found[model] = register_calibration(
            np.sum(own, axis=0), samples, name, f"{SCORER_ID} normalised", model
        ).to_json()
    return {"text": text_array(json.dumps(found))}


def faces_chosen(
    rows: Rows, others: Rows, mine: I64, its: I64, normal: Normal, least_db: float
) -> Iterator[tuple[I64, I64]]:
    """Yield pairs of faces of one model that reach a score, as indices into `mine` and `its`.

    Parameters
    ----------
    rows, others : Rows
        Of faces, both with `normal`.
    mine, its : int64 arrays
        Rows of one model.
    normal : Normal
        Of `rows`.
    least_db : float
    """
    assert others.normal is not None
    least = normal.calibration(rows.extractors[int(rows.extractor[mine[0]])]).raw_at(least_db)
    vectors, inverse = _vectors(_values(rows, mine))
    candidates, its_inverse = _vectors(_values(others, its))
    candidates *= its_inverse[:, None]
    weight, its_weight = 0.5 / normal.deviation[mine], 0.5 / others.normal.deviation[its]
    level, its_level = normal.mean[mine], others.normal.mean[its]
    asked, its_asked = level + least / (2 * weight), its_level + least / (2 * its_weight)
    # Raw scores that suffice lie between what both sides ask for: no pair below the bound is worth a look.
    low, most = float(its_asked.min()), float(its_weight.max())
    mixed = (weight * asked + most * low) / (weight + most)
    bound = np.where(low < asked, mixed, asked)
    floor = (1.0 - 2.0 * np.exp(-bound) - 1e-5).astype(np.float32)
    for begin in range(0, len(mine), AT_ONCE // 8):
        at = slice(begin, begin + AT_ONCE // 8)
        cosine = (vectors[at] * inverse[at][:, None]) @ candidates.T
        row, column = np.nonzero(cosine >= floor[at][:, None])
        raw = -np.log(np.maximum(1.0 - cosine[row, column].astype(np.float64), MIN_DISTANCE) / 2.0)
        row = row + begin
        total = weight[row] * (raw - level[row]) + its_weight[column] * (raw - its_level[column])
        reached = total >= least - 1e-3
        yield row[reached], column[reached]


def _models(work: WorkFolder) -> list[str]:
    models: list[str] = json.loads(array_text(work.read(COHORT_PART, ("text",))["text"]))
    return models


@lru_cache(maxsize=2)
def _cohort(work: WorkFolder, number: int) -> Cohort:
    keys = [f"{number}.{key}" for key in ("values", "record", "mean", "deviation")]
    part = work.read(COHORT_PART, keys)
    vectors, inverse = _vectors(part[keys[0]])
    return Cohort(vectors, inverse, *(part[key] for key in keys[1:]))


def _by_model(rows: Rows) -> Iterator[tuple[str, I64]]:
    for number in np.unique(rows.extractor).tolist():
        yield rows.extractors[number], np.flatnonzero(rows.extractor == number).astype(np.int64)


def _values(rows: Rows, wanted: I64) -> npt.NDArray[np.int8]:
    """Return the stored values of faces of one model, int8 (n, D)."""
    length = int(rows.offsets[wanted[0] + 1] - rows.offsets[wanted[0]])
    return np.ascontiguousarray(embeddings(rows.words[rows.offsets[wanted][:, None] + np.arange(length)]))


def _vectors(values: npt.NDArray[np.int8]) -> tuple[F32, F32]:
    """Return values as float32, and one over their lengths."""
    vectors = values.astype(np.float32)
    inverse = 1.0 / np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))
    return vectors, inverse.astype(np.float32)


def _scores(vectors: F32, inverse: F32, record: I64, cohort: Cohort) -> F32:
    """Return raw scores with a cohort, float32 (n, M); -1 within one record.

    Products of integers below 2 ** 24 are exact in float32: the same whatever the order of the sums.
    """
    cosine = vectors @ cohort.vectors.T
    cosine *= inverse[:, None]
    cosine *= cohort.inverse[None, :]
    distance = np.maximum(np.float32(1.0) - cosine, np.float32(MIN_DISTANCE))
    scores: F32 = -np.log(distance * np.float32(0.5))
    scores[record[:, None] == cohort.record[None, :]] = -1.0
    return scores


def _counted(scores: F32, highest: Highest, record: I64, cohort: Cohort, *, whole: bool) -> I64:
    """Return the histogram of normalised scores with the cohort, of records that are not in it.

    A score with the cohort has had a part in its own normalisation; those of most pairs of a large register
    have not, so it is taken away. In a register that is a cohort as a whole all scores are like that.
    """
    wanted = np.ones(len(record), np.bool_) if whole else ~np.isin(record, cohort.record)
    middle, spread = highest.mean, _bounded(highest.deviation, cohort.deviation)
    values = normalised(scores, middle[:, None], spread[:, None], cohort.mean, cohort.deviation)
    if not whole:
        row, column = np.nonzero(scores >= highest.least[:, None].astype(np.float32))
        own = scores[row, column].astype(np.float64)
        middle, spread = highest.without(row, own)
        spread = _bounded(spread, cohort.deviation)
        values[row, column] = normalised(own, middle, spread, cohort.mean[column], cohort.deviation[column])
    same = record[:, None] == cohort.record[None, :]
    return counted(values[wanted[:, None] & ~same])


def _bounded(deviation: F64, of_all: F64) -> F64:
    return np.maximum(deviation, max(LEAST_DEVIATION * float(np.median(of_all)), 1e-6))


def _slices(count: int) -> Sequence[slice]:
    return [slice(begin, begin + AT_ONCE) for begin in range(0, count, AT_ONCE)]
