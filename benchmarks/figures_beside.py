"""The row of searches beside enrolments: what is left of their rate while 200 people a second are enrolled.

python -m benchmarks.figures_beside              20,000 people; a minute and a half
python -m benchmarks.figures_beside --smallest   some people: shows that the script runs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.bars import Bar
from benchmarks.enrolments import PEOPLE
from benchmarks.enrolments import measure as measure_enrolments

SUBJECTS, SECONDS = 20_000, 5.0
SMALLEST_SUBJECTS, SMALLEST_PEOPLE, SMALLEST_SECONDS = 40, 4, 0.2

BARS = (
    Bar(
        "share_of_idle",
        f"searches/s beside 200 enrolments/s, of those alone, {SUBJECTS} people, a searching thread a core",
        0.8,
        at_least=True,
    ),
)


def measure(*, smallest: bool = False) -> dict[str, Any]:
    """Return the figure and its parts as plain JSON values; the bar is not judged at the smallest size."""
    details = measure_enrolments(
        people=SMALLEST_PEOPLE if smallest else PEOPLE,
        seconds=SMALLEST_SECONDS if smallest else SECONDS,
        databases=(),
        subjects=SMALLEST_SUBJECTS if smallest else SUBJECTS,
    )
    return judged(details, smallest=smallest)


def judged(details: Mapping[str, Any], *, smallest: bool = False) -> dict[str, Any]:
    """Return the part of a file of figures, from what `benchmarks.enrolments --beside` prints."""
    figures = {bar.key: details["beside"][bar.key] for bar in BARS}
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
