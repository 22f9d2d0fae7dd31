"""De-duplication's rows of `python -m benchmarks.figures`: planted duplicates found, false pairs, wall time.

    python -m benchmarks.figures_dedup              full size, printed alone; about half an hour
    python -m benchmarks.figures_dedup --smallest   some hundreds of records: shows that the script runs

A duplicate is found where both of its records are in one cluster. Times are wall times of templates to
clusters with two processes; the registers are written before.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import review_case
from benchmarks.bars import Bar, data_root
from benchmarks.dedup_register import write_register
from matcher.dedup.decide import Verdict
from matcher.dedup.open import open_source
from matcher.dedup.run import Deduplication, deduplicate
from matcher.dedup.settings import Settings
from matcher.dedup.summary import expected_false, poisson_interval

BARS = (
    Bar("minutes_100000", "100,000 records (2 fingers, 2 irises, face), 2 cores, minutes", 20.0),
    Bar("minutes_25000", "25,000 records of that kind, 2 cores, minutes", 3.0),
    Bar("found_rate", "planted duplicates found, all", 0.99, at_least=True),
    Bar("found_hard_rate", "planted duplicates found, the hard 30 %", 0.95, at_least=True),
    Bar("false_pairs_off", "false pairs beyond the predicted 95 % interval at FPIR 1e-3", 0),
    Bar("uareu_false_joins", "UareU, 325 one-finger records: false joins", 1),
    Bar("case_opens_ms", "a case of the review console opens (median of 40 in Chromium), ms", 300.0),
    Bar("uareu_outside_rate", "the same: prints outside their finger's cluster", 0.06),
)

RECORDS = {"25000": 25_000, "100000": 100_000}
SMALLEST = 600
WORKERS = 2
SEED = 8

SAMPLES_A_FINGER = 5
"""Of UareU."""


def planted(folder: Path, records: int) -> dict[str, Any]:
    """De-duplicate a register of that size; return what was found of what was planted."""
    file = folder / f"register-{records}.parquet"
    told = write_register(file, records, SEED)
    settings = Settings(workers=WORKERS)
    start = time.monotonic()
    found = deduplicate(open_source(str(file), settings), folder / f"out-{records}", settings)
    minutes = (time.monotonic() - start) / 60.0
    pairs = {(one["first"], one["second"]): one["kind"] for one in told["planted"]}
    first = {two: one for one, two in pairs}
    cluster = _cluster_of(found)
    there = Counter(pairs.values())
    hit = Counter(kind for (one, two), kind in pairs.items() if cluster.get(one, -1) == cluster.get(two, -2))
    hard = sum(count for kind, count in there.items() if kind)
    low, high = poisson_interval(expected_false(found))
    ids = found.source.ids
    false = [
        pair
        for pair in found.pairs
        if pair.verdict is Verdict.DUPLICATE
        and first.get(ids[pair.probe], ids[pair.probe]) != first.get(ids[pair.candidate], ids[pair.candidate])
    ]
    return {
        "records": records,
        "minutes": minutes,
        "seconds_by_stage": dict(found.seconds),
        "planted": sum(there.values()),
        "found": sum(hit.values()),
        "hard": hard,
        "hard_found": sum(count for kind, count in hit.items() if kind),
        "by_kind": {kind or "ordinary": [hit[kind], count] for kind, count in sorted(there.items())},
        "by_what_is_in_common": {
            kind.value: {
                "pairs": own.pairs,
                "threshold": own.threshold,
                "false_pairs_predicted": own.false_pairs,
                "false_pairs": sum(pair.kind is kind for pair in false),
            }
            for kind, own in found.allowed.kinds.items()
        },
        "false_pairs": len(false),
        "false_pairs_predicted": [low, high],
        "false_pairs_off": max(low - len(false), len(false) - high, 0),
    }


def uareu(folder: Path) -> dict[str, float]:
    """De-duplicate UareU without ids; nothing where it is not at hand."""
    root = data_root()
    if root is None or not (root / "fingerprint" / "uareu").is_dir():
        return {}
    settings = Settings(workers=WORKERS)
    source = open_source(str(root / "fingerprint" / "uareu"), settings)
    found = deduplicate(source, folder / "uareu", settings)
    finger = [name.rpartition("_")[0] for name in source.ids]
    joins = sum(
        pair.verdict is Verdict.DUPLICATE and finger[pair.probe] != finger[pair.candidate]
        for pair in found.pairs
    )
    largest = dict.fromkeys(finger, 1)
    for cluster in found.clusters.found:
        for name, count in Counter(finger[record] for record in cluster.records).items():
            largest[name] = max(largest[name], count)
    outside = sum(SAMPLES_A_FINGER - count for count in largest.values())
    return {"uareu_false_joins": joins, "uareu_outside_rate": outside / len(finger)}


def measure(*, smallest: bool) -> dict[str, Any]:
    """Return all rows, as plain JSON values."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs: dict[str, Any] = {}
        for key, records in {"smallest": SMALLEST}.items() if smallest else RECORDS.items():
            print(f"de-duplicating {records:,} records ...", flush=True)
            runs[key] = planted(folder, records)
        figures: dict[str, float | None] = {bar.key: None for bar in BARS}
        if not smallest:
            largest = runs["100000"]
            figures.update({f"minutes_{key}": run["minutes"] for key, run in runs.items()})
            figures["found_rate"] = largest["found"] / largest["planted"]
            figures["found_hard_rate"] = largest["hard_found"] / largest["hard"]
            figures["false_pairs_off"] = largest["false_pairs_off"]
            figures.update(uareu(folder))
            opened = review_case.measure(review_case.registered(folder))
            figures["case_opens_ms"], runs["review"] = opened.get("median_ms"), opened
    return {
        "figures": figures,
        "runs": runs,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
    }


def _cluster_of(found: Deduplication) -> dict[str, int]:
    ids = found.source.ids
    return {
        ids[record]: number
        for number, cluster in enumerate(found.clusters.found)
        for record in cluster.records
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="some hundreds of records only")
    print(json.dumps(measure(smallest=parser.parse_args(arguments).smallest), indent=2))


if __name__ == "__main__":
    main()
