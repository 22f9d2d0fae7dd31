"""The service's rows of `python -m benchmarks.figures`: calls a second and their times over loopback.

    python -m benchmarks.figures_service              everything, beside searches in a million, printed alone
    python -m benchmarks.figures_service --smallest   a dozen people: shows that the script runs

Client and server share the cores of this machine, so rates and times are wall time and mean something on an
idle machine only; CPU times stand beside them in the file. See `benchmarks.service`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from benchmarks.bars import Bar
from benchmarks.service import CALLERS, Sizes, run

BARS = (
    Bar("secured_verifications_per_second", "Verify, 16 callers, mTLS, roles, audit, per second", 1200, True),
    Bar("verifications_per_second", "Verify, 16 callers, plain, per second", 1800, True),
    Bar("verify_one_median_ms", "Verify, one caller, plain: median, ms", 2.0),
    Bar("verify_one_p99_ms", "Verify, one caller, plain: p99, ms", 6.0),
    Bar("verify_image_median_ms", "Verify with a fingerprint image, one caller: median, ms", 60.0),
    Bar("verify_beside_searches_p99_ms", "Verify beside searches at full load: p99, ms", 60.0),
    Bar("bulk_encounters_per_second", "BulkEnroll, templates, encounters per second", 500, True),
)
"""Of the issue's table; what kills and mutations show is counted by the tests of `make soak`."""

FULL = Sizes(subjects=1000, seconds=10.0, crowd=1_000_000)
SMALLEST = Sizes(subjects=12, seconds=0.3, crowd=40)
SMALLEST_PARTS = ("secured",)


PLACES: Mapping[str, tuple[str, str, str]] = {
    "secured_verifications_per_second": ("secured", f"verify_{CALLERS}", "calls_per_s"),
    "verifications_per_second": ("plain", f"verify_{CALLERS}", "calls_per_s"),
    "verify_one_median_ms": ("plain", "verify_one", "median_ms"),
    "verify_one_p99_ms": ("plain", "verify_one", "p99_ms"),
    "verify_image_median_ms": ("image", "verify_one", "median_ms"),
    "verify_beside_searches_p99_ms": ("beside", "verify_beside_searches", "p99_ms"),
    "bulk_encounters_per_second": ("plain", "bulk_enroll", "encounters_per_s"),
}
"""Where each row stands in what `benchmarks.service` found."""


def measure(*, smallest: bool = False) -> dict[str, Any]:
    """Return the part of a file of figures; the smallest run starts one server, and judges nothing."""
    found = run(SMALLEST, SMALLEST_PARTS) if smallest else run(FULL)
    figures = {
        key: found[part][name][figure] if part in found else None
        for key, (part, name, figure) in PLACES.items()
    }
    bars = {
        bar.key: {"limit": bar.limit, "met": None if smallest else bar.met(figures[bar.key])} for bar in BARS
    }
    return {
        "command": "python -m benchmarks.figures_service",
        "machine": found.pop("machine"),
        "figures": figures,
        "bars": bars,
        "found": found,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true")
    print(json.dumps(measure(smallest=parser.parse_args().smallest), indent=1))


if __name__ == "__main__":
    main()
