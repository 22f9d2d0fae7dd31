"""Stage 1: samples to templates. A failure becomes a row with its reason; nothing stops the run but a model
that is not at hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from matcher.dedup.records import NamedSample, Source
from matcher.dedup.work import Arrays, text_array
from matcher.errors import MatcherError, ModelError
from matcher.samples import Sample, SampleReader, templates_of
from matcher.score.fusion_probe import Scorers
from matcher.score.scorers import default_scorers
from matcher.template.modality import Template, encode, extractor_of, modality_of, position_of

STAGE = "extract"


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the extraction stage needs; it travels to workers.

    Attributes
    ----------
    source : Source
    extractor : str
    face_model : str or None
    """

    source: Source
    extractor: str
    face_model: str | None

    def reader(self) -> SampleReader:
        """Return how samples become templates."""
        return _reader(self.extractor, self.face_model)

    def scorers(self) -> Scorers:
        """Return the scorers, whose resident forms are kept."""
        return _scorers()


def extraction_tasks(source: Source) -> list[tuple[str, tuple[int, int]]]:
    """Return the tasks of a source: names of their parts, told by content, and the records of each."""
    records, step = len(source.ids), source.records_a_task
    ranges = [(begin, min(begin + step, records)) for begin in range(0, records, step)]
    return [(f"extract-{source.digest(*own)[:32]}", own) for own in ranges]


def extract_task(context: Extraction, records: tuple[int, int]) -> Arrays:
    """Extract the samples of records from number `records[0]` below `records[1]`.

    Returns
    -------
    dict of arrays
        Of t templates: `record` int64 (from `records[0]`), `modality`, `position`, `quality` uint8, `sample`
        int64 (t,) the number of the sample; `words` uint64 with `word_offsets` (t + 1,), the resident forms;
        `data` uint8 with `data_offsets` (t + 1,), the stored ones. Of f samples: `sha256` uint8 (f, 32) of
        their bytes, `file_record` int64 (f,), as `record`. `text`, JSON: names of samples, extractors by
        template, failures.

    Raises
    ------
    ModelError
        If a model that a sample needs is not at hand.
    """
    read, scorers = context.reader(), context.scorers()
    begin, end = records
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    owners: list[int] = []
    digests, failures = [], []
    for record, samples in enumerate(context.source.read(begin, end)):
        for sample in samples:
            number = len(names)
            names.append(sample.name)
            owners.append(record)
            digests.append(_digest(sample))
            found, failure = _templates(sample, read)
            rows += [_row(record, number, template, scorers) for template in found]
            if failure is not None:
                failures.append({"record": record, "file": number, **failure})
        if not samples:
            failures.append({"record": record, "file": -1, "modality": "", "reason": "NO_SAMPLES"})
    residents = [row["words"] for row in rows]
    stored = [np.frombuffer(row["data"], np.uint8) for row in rows]
    text = {"names": names, "extractors": [row["extractor"] for row in rows], "failures": failures}
    return {
        "record": np.array([row["record"] for row in rows], np.int64),
        "sample": np.array([row["sample"] for row in rows], np.int64),
        **{
            key: np.array([row[key] for row in rows], np.uint8) for key in ("modality", "position", "quality")
        },
        "words": np.concatenate([np.zeros(0, np.uint64), *residents]),
        "word_offsets": _offsets([len(words) for words in residents]),
        "data": np.concatenate([np.zeros(0, np.uint8), *stored]),
        "data_offsets": _offsets([len(data) for data in stored]),
        "sha256": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32),
        "file_record": np.array(owners, np.int64),
        "text": text_array(json.dumps(text)),
    }


def _templates(sample: NamedSample, read: SampleReader) -> tuple[list[Template], Mapping[str, str] | None]:
    said = sample.sample
    if said is None:
        reason = sample.error.reason if sample.error is not None else "UNREADABLE"
        return [], {"modality": "", "reason": reason}
    try:
        return templates_of([said], read, lambda: None), None
    except ModelError:
        raise
    except MatcherError as error:
        return [], {"modality": said.modality.name, "reason": error.reason}


def _row(record: int, number: int, template: Template, scorers: Scorers) -> dict[str, Any]:
    modality = modality_of(template)
    return {
        "record": record,
        "sample": number,
        "modality": int(modality),
        "position": int(position_of(template)),
        "quality": template.quality,
        "extractor": extractor_of(template),
        "words": scorers[modality].resident(template),
        "data": encode(template),
    }


def _digest(sample: NamedSample) -> bytes:
    said: Sample | None = sample.sample
    return hashlib.sha256(said.data).digest() if said is not None else bytes(32)


def _offsets(lengths: list[int]) -> Any:
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)


@lru_cache(maxsize=4)
def _reader(extractor: str, face_model: str | None) -> SampleReader:
    from matcher.reader import reader

    return reader(extractor, face_model)


@lru_cache(maxsize=1)
def _scorers() -> Scorers:
    return default_scorers()
