"""The spine of a de-duplication: each line is a stage."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matcher.dedup.allowance import Allowance, allowance, finger_pairs, holdings
from matcher.dedup.blocks import (
    BLOCK_RECORDS,
    LARGE_BLOCK_RECORDS,
    LIKENESS_CALIBRATIONS,
    Packing,
    block_names,
    likeness_name,
    pack_task,
)
from matcher.dedup.blocks import STAGE as PACK
from matcher.dedup.clusters import Clusters, find_clusters
from matcher.dedup.decide import Pair, decide_pairs
from matcher.dedup.explain import STAGE as FULL
from matcher.dedup.explain import explain_task, pair_tasks
from matcher.dedup.extract import STAGE as EXTRACT
from matcher.dedup.extract import Extraction, extract_task, extraction_tasks
from matcher.dedup.faces import (
    COHORT_PART,
    Likeness,
    calibration_task,
    cohort_task,
    enough_faces,
    likeness_task,
)
from matcher.dedup.faces import STAGE as LIKENESS
from matcher.dedup.fingers import MOST_COMPARED, describe_task, part_name
from matcher.dedup.fingers import STAGE as DESCRIBE
from matcher.dedup.modes import Asked
from matcher.dedup.nominate import HISTOGRAM_BINS, Comparison, nominate_task, nomination_tasks
from matcher.dedup.nominate import STAGE as CANDIDATES
from matcher.dedup.nominate_indexed import INDEXED_RECORDS, indexed_task, indexed_tasks
from matcher.dedup.pool import Progress, run_tasks
from matcher.dedup.records import Source, digest_of
from matcher.dedup.settings import REVIEW_BAND, Settings
from matcher.dedup.work import WorkFolder, array_text
from matcher.errors import CalibrationMissingError
from matcher.score.fusion_probe import Scorers
from matcher.score.scorers import default_scorers
from matcher.types import I64, Modality

WORK = "work"
"""Folder of unfinished and finished parts, below the output folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Deduplication:
    """What a run found.

    Attributes
    ----------
    source : Source
    settings : Settings
    asked : Asked
    allowed : Allowance
        Thresholds by kind of pair, and the false pairs that they let through.
    samples : Samples
        What became of every sample.
    histogram : int64 array (256,)
        Pairs compared, by fused score in dB.
    nominated : int
        Pairs that were compared in full.
    pairs : list of Pair
    clusters : Clusters
    seconds : dict of str to float
        Wall time of each stage in this run: what an earlier run had done is not in it.
    """

    source: Source
    settings: Settings
    asked: Asked
    allowed: Allowance
    samples: Samples
    histogram: I64
    nominated: int
    pairs: list[Pair]
    clusters: Clusters
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What became of the samples of a register.

    Attributes
    ----------
    templates : list of dict
        `record`, `name`, `modality`, `position`, `quality`, `extractor` of each.
    failures : list of dict
        `record`, `name`, `modality`, `reason` of each.
    same_files : list of list of (int, str)
        Record and name of samples that are one file, byte for byte.
    count : int
        Samples that there are.
    """

    templates: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    same_files: list[list[tuple[int, str]]]
    count: int


def deduplicate(
    source: Source,
    out: Path,
    settings: Settings,
    *,
    asked: Asked | None = None,
    key: bytes | None = None,
    progress: Progress | None = None,
) -> Deduplication:
    """Find the people who are in a register twice.

    Parameters
    ----------
    source : Source
    out : Path
        Folder; parts are kept in its folder `work`, and a run that was ended goes on from them.
    settings : Settings
    asked : Asked, optional
        Which pairs are compared; by default all.
    key : bytes, optional
        32 bytes: the work files are encrypted.
    progress : callable, optional
        Called with (stage, done, all).

    Raises
    ------
    ArgumentError, ModelError
        If a setting is wrong, or a model not at hand.
    CalibrationMissingError
        If templates of the register have no calibration with each other.
    StoreError
        If work files cannot be written.
    """
    tell = progress or (lambda stage, done, total: None)
    asked = asked or Asked()
    records = len(source.ids)
    seconds: dict[str, float] = {}
    clock = _Clock(seconds)

    parts = extraction_tasks(source)
    extracted = WorkFolder(out / WORK / "templates", settings.extraction_digest(), key)
    extracted.prepare()
    extraction = Extraction(source, settings.extractor, settings.face_model)
    run_tasks(EXTRACT, extract_task, extraction, parts, extracted, workers=settings.workers, progress=tell)
    samples = _samples(extracted, parts)
    allowed = allowance(holdings(samples.templates, records), asked, settings)
    clock.stage(EXTRACT)

    run = settings.comparison_digest(
        [name for name, _ in parts], asked.first_new, asked.within_new, digest_of(*calibrations(samples))
    )
    work = WorkFolder(out / WORK / "comparisons", run, key)
    work.prepare()
    indexed = records >= INDEXED_RECORDS and not settings.exhaustive
    size = LARGE_BLOCK_RECORDS if indexed else BLOCK_RECORDS
    blocks = block_names(records, size)
    run_tasks(
        PACK, pack_task, Packing(extracted, parts), blocks, work, workers=settings.workers, progress=tell
    )
    clock.stage(PACK)

    if enough_faces(samples.templates):
        likeness = Likeness(work, len(blocks))
        faces = [(likeness_name(number), number) for number in range(len(blocks))]
        for task, wanted, heard in (
            (cohort_task, [(COHORT_PART, None)], _quiet),
            (likeness_task, faces, tell),
            (calibration_task, [(LIKENESS_CALIBRATIONS, None)], _quiet),
        ):
            run_tasks(LIKENESS, task, likeness, wanted, work, workers=settings.workers, progress=heard)
        clock.stage(LIKENESS)

    described = indexed and finger_pairs(holdings(samples.templates, records), asked) > MOST_COMPARED
    if described:
        fingers = [(part_name(number), own) for number, (_, own) in enumerate(blocks)]
        packing = Packing(extracted, parts)
        run_tasks(DESCRIBE, describe_task, packing, fingers, work, workers=settings.workers, progress=tell)
        clock.stage(DESCRIBE)

    floors = tuple(one - REVIEW_BAND for one in allowed.thresholds())
    comparison = Comparison(work, settings.memory // settings.workers, floors, size, described)
    nominations = indexed_tasks(records, size, asked) if indexed else nomination_tasks(records, asked)
    run_tasks(
        CANDIDATES,
        indexed_task if indexed else nominate_task,
        (comparison, asked),
        nominations,
        work,
        workers=settings.workers,
        progress=tell,
    )
    probe, candidate, histogram = _nominated(work, [name for name, _ in nominations])
    clock.stage(CANDIDATES)

    tasks = pair_tasks(probe, candidate)
    run_tasks(FULL, explain_task, comparison, tasks, work, workers=settings.workers, progress=tell)
    told = [one for name, _ in tasks for one in json.loads(array_text(work.read(name)["text"]))]
    clock.stage(FULL)

    pairs = decide_pairs(told, allowed)
    clusters = find_clusters(pairs)
    extracted.keep_only({name for name, _ in parts})
    return Deduplication(
        source, settings, asked, allowed, samples, histogram, len(probe), pairs, clusters, seconds
    )


def calibrations(samples: Samples, scorers: Scorers | None = None) -> list[str]:
    """Return the ids of the calibrations that the register's templates compare with.

    Raises
    ------
    CalibrationMissingError
        If two of them have none.
    """
    found: set[str] = set()
    own = scorers if scorers is not None else default_scorers()
    for modality in Modality:
        names = sorted({t["extractor"] for t in samples.templates if t["modality"] == modality.name})
        for number, one in enumerate(names):
            for two in names[number:]:
                found.add(_calibration(own, modality, one, two))
    return sorted(found)


def _calibration(scorers: Scorers, modality: Modality, one: str, two: str) -> str:
    try:
        return scorers[modality].calibration(one, two).id
    except CalibrationMissingError as error:
        raise CalibrationMissingError(
            f"The register holds {modality.name} templates that do not compare: {error.message}",
            hint=error.hint,
        ) from None


def _quiet(stage: str, done: int, total: int) -> None:
    """Tell nothing: a short task between others of its stage."""


class _Clock:
    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def stage(self, name: str) -> None:
        """Note what passed since the last one."""
        now = time.monotonic()
        self._seconds[name], self._last = now - self._last, now


def _samples(work: WorkFolder, parts: list[tuple[str, tuple[int, int]]]) -> Samples:
    templates, failures = [], []
    by_digest: dict[bytes, list[tuple[int, str]]] = {}
    count = 0
    keys = ("record", "sample", "modality", "position", "quality", "sha256", "file_record", "text")
    for name, (begin, _) in parts:
        part = work.read(name, keys)
        text = json.loads(array_text(part["text"]))
        names = text["names"]
        count += len(names)
        columns = [part[key].tolist() for key in ("record", "sample", "modality", "position", "quality")]
        for row, (record, file, modality, position, quality) in enumerate(zip(*columns, strict=True)):
            told = {"record": record + begin, "file": file, "name": names[file], "position": position}
            told |= {"modality": Modality(modality).name, "quality": quality}
            templates.append(told | {"extractor": text["extractors"][row]})
        for failure in text["failures"]:
            file = failure.pop("file")
            failures.append(
                {**failure, "record": failure["record"] + begin, "name": names[file] if file >= 0 else ""}
            )
        for digest, record, sample in zip(part["sha256"], part["file_record"].tolist(), names, strict=True):
            if digest.any():
                by_digest.setdefault(digest.tobytes(), []).append((record + begin, sample))
    same = [own for own in by_digest.values() if len(own) > 1]
    return Samples(templates, failures, same, count)


def _nominated(work: WorkFolder, names: list[str]) -> tuple[I64, I64, I64]:
    parts = [work.read(name) for name in names]
    empty = np.zeros(0, np.int64)
    probe = np.concatenate([empty, *[part["probe"] for part in parts]])
    candidate = np.concatenate([empty, *[part["candidate"] for part in parts]])
    histogram = np.zeros(HISTOGRAM_BINS, np.int64)
    for part in parts:
        histogram += part["histogram"]
    order = np.lexsort((probe, candidate))
    return probe[order], candidate[order], histogram
