"""Rows of the shortlist of fingerprint search.

python -m benchmarks.figures_shortlist              full size, printed alone; ten minutes, 6 GB
python -m benchmarks.figures_shortlist --smallest   some hundred people: shows that the script runs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from benchmarks.bars import Bar
from benchmarks.fingerprint_shortlist import measure as measure_shortlist
from benchmarks.shortlist_prints import real_prints

BARS = (
    Bar("real_lost_rate_100k", "two index fingers, 100,000 subjects: real mates the shortlist loses", 0.005),
    Bar("lost_rate_100k", "the same, real and synthetic mates", 0.005),
    Bar("search_ms_median_100k", "shortlist and scorer, one thread, median, ms", 60.0),
    Bar("lost_rate_1600k", "two index fingers, 1,600,000 subjects: mates lost, every twelfth probe", 0.005),
    Bar("search_ms_median_1600k", "shortlist and scorer, one thread, median, ms", 600.0),
    Bar("bytes_a_finger", "search descriptor, bytes a finger", 1_000.0),
)

SMALL, LARGE = 100_000, 1_600_000
DISTINCT, PROBES = 30_000, 2_000
EVERY = 12
"""Probes searched among the large gallery: ranks are those of the small one, in proportion."""

SMALLEST, SMALLEST_PROBES = 200, 20


def measure(*, smallest: bool = False) -> dict[str, Any]:
    """Return every figure as plain JSON values; bars are not judged at the smallest size."""
    figures: dict[str, Any] = dict.fromkeys(bar.key for bar in BARS)
    if smallest:
        details = {
            "small": measure_shortlist([SMALLEST], distinct=SMALLEST, probes=SMALLEST_PROBES, real=None)
        }
    else:
        real = real_prints()
        small = measure_shortlist([SMALL], distinct=DISTINCT, probes=PROBES, real=real)
        large = measure_shortlist([LARGE], distinct=DISTINCT, probes=PROBES, real=real, every=EVERY)
        details = {"small": small, "large": large}
        for name, found in (("100k", small["sizes"][0]), ("1600k", large["sizes"][0])):
            lost = found["lost"]["all"]
            figures[f"lost_rate_{name}"] = lost["lost"] / max(lost["mates"], 1)
            figures[f"search_ms_median_{name}"] = found["search_ms_median"]
        only = small["sizes"][0]["lost"]["real"]
        figures["real_lost_rate_100k"] = only["lost"] / only["mates"] if only["mates"] else None
        figures["bytes_a_finger"] = small["sizes"][0]["bytes_a_finger"]
    return {
        "figures": figures,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
        **details,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="some hundred people, no real data")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
