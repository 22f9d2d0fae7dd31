"""Mates that the votes of minutiae lose: planted duplicates of fingers alone, compared directly and by votes.

python -m benchmarks.dedup_loss [--records 8000] [--seed 8]

Of the planted pairs whose fingers, compared directly, reach the threshold of such a register, it counts those
that `matcher.dedup.fingers` does not nominate, and the records that are nominated for each probe.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dedup_register import register
from matcher.dedup.blocks import Packing, block_name, pack_task
from matcher.dedup.extract import Extraction, extract_task, extraction_tasks
from matcher.dedup.fingers import FingerBlock, by_fingers, describe_task, part_name
from matcher.dedup.nominate import Comparison
from matcher.dedup.pairwise import PairScorer
from matcher.dedup.pool import run_tasks
from matcher.dedup.settings import HYPOTHESES_DB, MIRROR_COST, Settings
from matcher.dedup.source_templates import parquet_source
from matcher.dedup.work import WorkFolder
from matcher.template.modality import encode
from matcher.types import FingerprintTemplate

DUPLICATES = 0.05
"""Share of the records whose person is there before: more than in a register, so that there are mates."""


def measure(records: int, seed: int, folder: Path) -> dict[str, Any]:
    """Return the mates and the lost ones by kind, and the nominated records a probe."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    origin: dict[str, tuple[str, str]] = {}
    for person, kind, templates in register(records, seed, duplicates=DUPLICATES):
        prints = [one for one in templates if isinstance(one, FingerprintTemplate)]
        rows += [{"record_id": person.subject_id, "template": encode(one)} for one in prints]
        if prints and person.origin != person.number:
            origin[person.subject_id] = (f"S{person.origin:09d}", kind or "ordinary")
    pq.write_table(pa.Table.from_pylist(rows), folder / "fingers.parquet", compression="none")

    source = parquet_source(folder / "fingers.parquet")
    parts, count = extraction_tasks(source), len(source.ids)
    extracted, work = (WorkFolder(folder / name, "loss", None) for name in ("templates", "blocks"))
    for own in (extracted, work):
        own.prepare()
    extraction, packing, all_ = Extraction(source, "numba", None), Packing(extracted, parts), (0, count)

    def quiet(*_: object) -> None:
        """No progress is shown."""

    run_tasks("extract", extract_task, extraction, parts, extracted, workers=1, progress=quiet)
    run_tasks("pack", pack_task, packing, [(block_name(0), all_)], work, workers=1, progress=quiet)
    run_tasks("describe", describe_task, packing, [(part_name(0), all_)], work, workers=1, progress=quiet)

    number = {name: place for place, name in enumerate(source.ids)}
    pairs = sorted(
        (number[first], number[second], kind) for second, (first, kind) in origin.items() if first in number
    )
    probe, candidate = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    block, fingers = Comparison(work, 1 << 33, ()).blocks()[0], FingerBlock(work, 0)
    scorer = PairScorer(block, block)
    scores = np.maximum(
        scorer.scores(probe, candidate, swapped=False),
        scorer.scores(probe, candidate, swapped=True) - MIRROR_COST,
    )
    threshold = Settings().threshold(count) + HYPOTHESES_DB
    mates, lost, nominated = Counter[str](), Counter[str](), 0
    everybody = np.ones(count, np.bool_)
    for (one, two, kind), score in zip(pairs, scores.tolist(), strict=True):
        found = by_fingers(block, fingers, one, block, fingers, everybody)
        nominated += len(found)
        if score >= threshold:
            mates[kind] += 1
            lost[kind] += two not in found
    return {
        "records": count,
        "threshold": threshold,
        "mates": dict(mates),
        "lost": dict(lost),
        "nominated_share": nominated / max(len(pairs), 1) / count,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=8)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(asked.records, asked.seed, Path(name)), indent=2))


if __name__ == "__main__":
    main()
