"""The population's rows of `python -m benchmarks.figures`: how fast people are made, and how like real ones.

    python -m benchmarks.figures_population              full size, printed alone
    python -m benchmarks.figures_population --smallest   a few people: shows that the script runs

How like real ones: at the thresholds that have an FMR of 1e-2, 1e-3 and 1e-4 among synthetic prints, what is
the FMR of real ones? The shipped calibration says so (63,520 non-mated comparisons within five real sets), so
that no real print is needed here. The greater of the ratio and its inverse is the factor.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar
from matcher.datasets.population import Order, Population, write_population
from matcher.datasets.population.folder import SHARD
from matcher.fingerprint.parameters import EXTRACTOR_ID
from matcher.score.calibration import load_calibration
from matcher.types import Modality
from tools.population_statistics import Comparisons

BARS = (
    Bar("million_minutes_two_cores", "1 M people (2 fingers, 2 irises, face) on 2 cores, minutes", 20.0),
    Bar("actual_fmr_factor_1e-2", "FMR of real prints at its threshold for 1e-2, factor off", 2.0),
    Bar("actual_fmr_factor_1e-3", "the same for 1e-3", 2.0),
    Bar("actual_fmr_factor_1e-4", "the same for 1e-4", 3.0),
)

RATES = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}

TIMED = 20_480
"""Subjects that are timed: five whole shards."""

COMPARED = 500
"""Subjects whose prints are compared, all with all."""

SMALLEST = 60

LEAST_EXCEEDANCES = 10
"""Non-mated comparisons that must reach a threshold for it to say anything."""

MILLION = 1_000_000
CORES = 2
SEED = 6


def speed(subjects: int) -> dict[str, float]:
    """Return CPU milliseconds and bytes a subject, written to disk by one process."""
    Population(SEED).subjects(0, 1)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        write_population(Path(folder) / "population", Order(seed=SEED, subjects=subjects))
        spent = time.process_time() - start
        written = sum(path.stat().st_size for path in (Path(folder) / "population").iterdir())
    return {
        "subjects_timed": subjects,
        "ms_per_subject": 1e3 * spent / subjects,
        "bytes_per_subject": written / subjects,
        "million_minutes_two_cores": MILLION * spent / subjects / CORES / 60,
    }


def likeness(subjects: int) -> dict[str, Any]:
    """Return thresholds of synthetic prints, the FMR of real ones there, and the FNMR of synthetic mates."""
    population = Population(SEED, modalities=[Modality.FINGERPRINT])
    enrolled, probes = (population.prints(0, subjects, sample=sample) for sample in (None, 0))

    def compared(*drawn: Any) -> Comparisons:
        rows = [(prints, row) for prints in drawn for row in range(len(prints))]
        fingers = [f"{prints.number[row]}/{prints.position[row]}" for prints, row in rows]
        return Comparisons([prints.template(row) for prints, row in rows], fingers)

    strangers, mates = compared(enrolled), compared(enrolled, probes).mated
    calibration = load_calibration(EXTRACTOR_ID, EXTRACTOR_ID)
    found: dict[str, Any] = {"non_mated": len(strangers.non_mated), "mated": len(mates)}
    for name, rate in RATES.items():
        if rate * len(strangers.non_mated) < LEAST_EXCEEDANCES:
            found |= {f"{key}_{name}": None for key in ("threshold", "real_fmr", "actual_fmr_factor", "fnmr")}
            continue
        threshold = strangers.threshold(rate)
        real = 10 ** (-calibration.score(threshold).value / 10)
        found[f"threshold_{name}"] = threshold
        found[f"real_fmr_{name}"] = real
        found[f"actual_fmr_factor_{name}"] = max(real / rate, rate / real)
        found[f"fnmr_{name}"] = float((mates < threshold).mean())
    return found


def measure(*, smallest: bool) -> dict[str, Any]:
    """Return all rows, as plain JSON values."""
    print("making a population ...", flush=True)
    figures = speed(SMALLEST if smallest else TIMED) | likeness(SMALLEST if smallest else COMPARED)
    return {
        "figures": figures,
        "shard": SHARD,
        "bars": {
            bar.key: {"limit": bar.limit, "met": None if smallest else bar.met(figures[bar.key])}
            for bar in BARS
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a few people only")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest) | {"load": os.getloadavg()[0]}, indent=1))


if __name__ == "__main__":
    main()
