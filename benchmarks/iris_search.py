"""Search among generated irises, measured: pairs a second beside this machine's limits, mates returned.

    python -m benchmarks.iris_search               1 M templates, 100,000 mates: four minutes
    python -m benchmarks.iris_search --smallest    a few thousand: shows that the script runs

All times are CPU times on one core. The limits are measured in the same run: a pass that looks at everything,
and a loop that only reads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcher import _core
from matcher.datasets.iris_codes import IrisCodes
from matcher.datasets.iris_codes_settings import fitted_settings
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.score.iris_record import search_records
from matcher.score.iris_scorer import search_calibration
from matcher.score.iris_search import MAX_REACH, IrisHits, search
from matcher.types import U64

FULL_SIZE, SMALLEST = (1_000_000, 100_000), (4_000, 100)
"""Templates, and mates that are looked for."""

TURNS = 2 * MAX_REACH + 1
"""Rotations that each pair is compared at, over +-21 degrees."""

LOW_SCORE, HIGH_SCORE = 60.0, 70.0
"""Mates between these are weak: a search at a country's size must not lose them."""

SEED = 9

TURN = 4.0
"""Deviation of the generated eyes' rotation, angular steps: more than real ones have, so that all occur."""

PROBE_NOISE = 0.05
"""Share of noise of the probes that times are taken with."""

FIRST_PROBE = 1000
"""Eye of the first of them."""

STEP = 4096
"""Eyes drawn at once."""

PILOT_NOISE = tuple(round(0.04 * i, 2) for i in range(5, 25))
"""Shares of noise that are tried for mates of the wanted scores."""

ENOUGH = 0.7
"""A share of noise is used where it gives at least this share of the wanted mates that the best one gives."""

EXHAUSTIVE_ROWS = 50_000
"""Of the pass that looks at everything."""

ROW_NUMBER_BYTES = 8
"""Of a subject's and a sample's number beside each record."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchTask:
    """Eyes in a gallery, and raw scores of search codes that are worth LOW_SCORE and HIGH_SCORE."""

    codes: IrisCodes
    gallery: U64
    low: float
    high: float


def generated_task(rows: int) -> SearchTask:
    """Return a gallery of the first sample of so many generated eyes."""
    calibration = search_calibration(EXTRACTOR_ID)
    codes = IrisCodes(SEED, replace(fitted_settings(), turn=TURN))
    parts = [records(codes, first, min(STEP, rows - first)) for first in range(0, rows, STEP)]
    return SearchTask(
        codes, np.concatenate(parts), calibration.raw_at(LOW_SCORE), calibration.raw_at(HIGH_SCORE)
    )


def records(codes: IrisCodes, first: int, count: int, sample: int = 0, noise: float | None = None) -> U64:
    """Return the search records of samples of some eyes, uint64 (count, 64)."""
    return search_records(*codes.search_codes(first, count, sample, noise=noise))


def cpu(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Return the median CPU time of some runs, seconds, and what the last one gave."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        made = work()
        times.append(time.process_time() - start)
    return statistics.median(times), made


def speed(task: SearchTask, count: int, rounds: int = 5) -> dict[str, float]:
    """Return pairs a second of a pass with `count` probes whose mates are there, beside an exhaustive one.

    Raises
    ------
    SystemExit
        If a mate is lost or its score is not the exhaustive one: a wrong answer has no speed.
    """
    probes = records(task.codes, FIRST_PROBE, count, 1, PROBE_NOISE)

    def run() -> IrisHits:
        return search(probes, task.gallery, least_raw=task.low, reliable_raw=task.low)

    spent, hits = cpu(run, rounds)
    for p in range(count):
        row = FIRST_PROBE + p
        rows, raw = hits.of(p)
        exact = search(probes[p : p + 1], task.gallery, begin=row, end=row + 1).raw
        if exact < task.low:
            continue
        if not np.array_equal(raw[rows == row], exact):
            raise SystemExit(f"iris search: eye {row} was not found with its exhaustive score.")
    part = task.gallery[:EXHAUSTIVE_ROWS]
    limit, _ = cpu(lambda: search(probes[:1], part, least_raw=0.9), 3)
    return {
        "pairs_per_second": hits.pairs / spent,
        "exhaustive_pairs_per_second": len(part) / limit,
        "turns_passed_per_pair": hits.turns_passed / hits.pairs,
        "scored_share": hits.scored / hits.pairs,
    }


def mates_returned(task: SearchTask, wanted: int) -> dict[str, Any]:
    """Return how many are returned of `wanted` or more mates of exhaustive scores LOW_SCORE to HIGH_SCORE.

    Each mate is a second sample of an eye of the gallery, with so much noise that its score often lies there,
    and is searched for in that eye's row: whether a pair is discarded depends on nothing else.
    """
    levels = fruitful_noise(task)
    near = lost = differing = pairs = 0
    while near < wanted:
        sample, first = divmod(pairs, len(task.gallery))
        count = min(STEP, len(task.gallery) - first)
        noise = levels[pairs // STEP % len(levels)]
        probes = records(task.codes, first, count, 1 + sample, noise)
        pairs += count
        for p in range(count):
            probe, row = probes[p : p + 1], first + p
            exact = search(probe, task.gallery, begin=row, end=row + 1, least_raw=task.low).raw
            if len(exact) == 0 or exact[0] > task.high:
                continue
            quick = search(
                probe, task.gallery, begin=row, end=row + 1, least_raw=task.low, reliable_raw=task.low
            ).raw
            near += 1
            lost += len(quick) == 0
            differing += len(quick) == 1 and bool(quick[0] != exact[0])
    return {
        "mates": near,
        "lost": lost,
        "returned_rate": 1 - lost / near,
        "scores_that_differ": differing,
        "pairs_drawn": pairs,
        "noise": list(levels),
        "raw": [task.low, task.high],
    }


def fruitful_noise(task: SearchTask) -> tuple[float, ...]:
    """Return the shares of noise that give most mates of the wanted scores.

    Raises
    ------
    SystemExit
        If none gives any: there would be no end.
    """
    count = min(512, len(task.gallery))
    found = []
    for noise in PILOT_NOISE:
        probes = records(task.codes, 0, count, 1, noise)
        raw = [search(probes[p : p + 1], task.gallery, begin=p, end=p + 1).raw[0] for p in range(count)]
        found.append(sum(task.low <= r <= task.high for r in raw))
    if not any(found):
        raise SystemExit("iris search: no share of noise gives mates of the wanted scores.")
    return tuple(n for n, f in zip(PILOT_NOISE, found, strict=True) if f >= ENOUGH * max(found))


def read_bound(task: SearchTask, rounds: int = 7) -> dict[str, float]:
    """Return the bytes a second of a pass at one rotation, and its share of a loop that reads and adds."""
    wanted = np.uint64(task.gallery.sum(dtype=np.uint64))
    probe = records(task.codes, FIRST_PROBE, 1, 1, PROBE_NOISE)
    ratios, rates = [], []
    for _ in range(rounds):
        reading, total = cpu(lambda: _core.read_sum(task.gallery), 1)
        passing, hits = cpu(lambda: search(probe, task.gallery, reach=0, least_raw=0.4), 1)
        if total != wanted or hits.pairs != len(task.gallery):
            raise SystemExit("iris search: a pass did not read everything.")
        ratios.append(reading / passing)
        rates.append(task.gallery.nbytes / passing)
    return {
        "bytes_per_second": statistics.median(rates),
        "share_of_reading": statistics.median(ratios),
    }


def bytes_per_eye(task: SearchTask) -> float:
    """Return the bytes of a search code, its mask and two numbers."""
    return task.gallery.nbytes / len(task.gallery) + 2 * ROW_NUMBER_BYTES


def measure(rows: int, mates: int, probes: int = 32) -> dict[str, Any]:
    """Return everything."""
    task = generated_task(rows)
    return {
        "rows": rows,
        "rotations": TURNS,
        "one_probe": speed(task, 1),
        "batch": {"probes": probes, **speed(task, probes, 3)},
        "mates": mates_returned(task, mates),
        "read_bound": read_bound(task),
        "bytes_per_eye": bytes_per_eye(task),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="a small gallery")
    given = parser.parse_args(arguments)
    found = measure(*(SMALLEST if given.smallest else FULL_SIZE))
    print(json.dumps(found, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
