"""Rows of the mates that whole searches lose.

python -m benchmarks.figures_losses              25,000 subjects, 5,000 mated probes a condition; 40 minutes
python -m benchmarks.figures_losses --smallest   some people: shows that the script runs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.bars import Bar
from benchmarks.losses import ALL, GOOD, TWO_FINGERS
from benchmarks.losses import measure as measure_losses
from benchmarks.losses_real import real_people
from matcher.types import Modality

SIZES = (25_000,)
PROBES, OTHERS = 5_000, 10_000

SMALLEST, SMALLEST_PROBES = 130, 1

ALTERED = tuple(f"{what} {modality.name.lower()}" for what in ("no", "worst") for modality in Modality)

BARS = (
    Bar("lost_all_good", "whole searches, all captures good: mates lost, upper 95 % bound", 0.001),
    *(
        Bar(f"lost_{name.replace(' ', '_')}", f"the same, {name}: mates lost, upper 95 % bound", 0.005)
        for name in ALTERED
    ),
    Bar("lost_two_fingers", "the same, two index fingers alone: mates lost", 0.005),
    Bar("real_lost", "the same, real mates lost, all that there is of each", 0.005),
)


def measure(*, smallest: bool = False, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Return every figure, of the largest gallery, as plain JSON values; the smallest size is not judged."""
    if smallest:
        return judged(measure_losses([SMALLEST], SMALLEST_PROBES, SMALLEST_PROBES, real=[]), smallest=True)
    return judged(measure_losses(sizes, PROBES, OTHERS, real=real_people()))


def judged(details: Mapping[str, Any], *, smallest: bool = False) -> dict[str, Any]:
    """Return the part of a file of figures, from what `benchmarks.losses --json` writes."""
    figures: dict[str, Any] = dict.fromkeys(bar.key for bar in BARS)
    if not smallest:
        row = details["sizes"][-1]
        for name in (GOOD, *ALTERED):
            figures[f"lost_{name.replace(' ', '_')}"] = row["mated"][name].get("lost_upper_95")
        figures["lost_two_fingers"] = row["mated"][TWO_FINGERS].get("lost_rate")
        figures["real_lost"] = row["real"][ALL].get("lost_rate")
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
    parser.add_argument("--smallest", action="store_true", help="some people, no real data")
    parser.add_argument("--subjects", type=int, nargs="+", default=SIZES)
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest, sizes=given.subjects), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
