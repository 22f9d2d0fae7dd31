"""Rows of a million people in memory: whole searches of two fingers, two irises and a face, on two cores.

python -m benchmarks.figures_gallery              991,000 subjects; 12 minutes, 8 GB
python -m benchmarks.figures_gallery --smallest   some people: shows that the script runs
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar
from benchmarks.gallery import measure as measure_gallery

KIND = "two fingers, two irises, face"

PEOPLE, ONCE, COPIES = 23_000, 1_000, 45
"""Distinct people, those of them who are probed and enrolled once, and how often the others are."""

PROBES, THREADS = 96, 2
BATCHES = (8, 32)
"""Searches that are answered together."""

SMALLEST, SMALLEST_PROBES = 60, 8

BARS = (
    Bar("search_ms_median", f"{KIND}, 1 M subjects, two threads: a search, median, ms", 300.0),
    Bar("search_ms_p99", "the same, 99th percentile, ms", 700.0),
    Bar("non_mated_ms_median", "the same, of somebody not enrolled, median, ms", 300.0),
    Bar("batch_searches_per_second", "the same in batches of 32: searches/s", 8.0, at_least=True),
    Bar("lost", "mates lost by these searches", 0.0),
    Bar("process_gb", "memory of the process, resident, GB", 6.5),
    Bar("delete_memory_ms", "a delete in memory, without the store, median, ms", 5.0),
    Bar("ready_s", "ready from a snapshot, s", 10.0),
)


def measure(*, smallest: bool = False) -> dict[str, Any]:
    """Return every figure as plain JSON values; bars are not judged at the smallest size."""
    people, once, copies = (SMALLEST, SMALLEST, 1) if smallest else (PEOPLE, ONCE, COPIES)
    probes = SMALLEST_PROBES if smallest else PROBES
    with tempfile.TemporaryDirectory() as folder:
        details = measure_gallery(
            people,
            copies,
            probes,
            THREADS,
            2,
            Path(folder),
            once=once,
            only=KIND,
            batch=[probes] if smallest else BATCHES,
        )
    return judged(details, smallest=smallest)


def judged(details: Mapping[str, Any], *, smallest: bool = False) -> dict[str, Any]:
    """Return the part of a file of figures, from what `benchmarks.gallery` prints."""
    found = details["searches"][KIND]
    figures = {
        "search_ms_median": found["wall_median_ms"],
        "search_ms_p99": found["wall_p99_ms"],
        "non_mated_ms_median": found["non_mated"]["wall_median_ms"],
        "batch_searches_per_second": found["batches"][-1]["searches_per_second"],
        "lost": found["mates_lost"],
        "process_gb": details["process_gb_before"] + details["process_gb_of_the_gallery"],
        "delete_memory_ms": details["delete_ms"],
        "ready_s": details["restart"]["ready_s"],
    }
    return {
        "figures": figures,
        "bars": {
            bar.key: {"limit": bar.limit, "met": None if smallest else bar.met(figures[bar.key])}
            for bar in BARS
        },
        **details,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="some people")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
