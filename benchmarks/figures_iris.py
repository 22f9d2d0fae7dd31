"""The iris rows of `python -m benchmarks.figures`: error rates of both codes, failures, time, search, bytes.

    python -m benchmarks.figures_iris              the sets at hand and a synthetic one, printed alone
    python -m benchmarks.figures_iris --smallest   a few synthetic eyes: shows that the script runs

All times are CPU times on one core, with compiled kernels. Search is `benchmarks.iris_search`'s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import iris_search
from benchmarks.bars import Bar, data_root
from matcher.datasets.load import load
from matcher.datasets.protocol import pairs
from matcher.evaluate.comparisons import comparable
from matcher.evaluate.extraction import median
from matcher.evaluate.modality_iris import IrisCode, IrisModality
from matcher.evaluate.report import error_figures
from matcher.evaluate.run import Evaluation, compare_pairs, evaluate
from matcher.evaluate.scores_file import write_scores

SYNTHETIC_SEED = 1
"""Of the synthetic set, in the `folders` layout."""

DIFFICULTY = 0.6
"""Of the synthetic pictures, 0 easy to 1 hard."""

SMALLEST: dict[str, float] = {"difficulty": 0.2, "height": 240, "width": 320}
"""How the pictures of the smallest run differ: easy and small."""

FMR = "1e-4"
"""The false match rate that the bars name."""

BARS = (
    Bar("casia1_eer", "CASIA1: EER", 0.001),
    Bar("casia1_fnmr_at_fmr_1e-4", "CASIA1: FNMR at FMR 1e-4", 0.003),
    Bar("mmu2_eer", "MMU2 (50 persons): EER", 0.012),
    Bar("mmu2_fnmr_at_fmr_1e-4", "MMU2: FNMR at FMR 1e-4", 0.04),
    Bar("failures_to_extract", "failures to extract, both sets", 0.002),
    Bar("extract_ms_median", "extraction, milliseconds, median over them", 80.0),
    Bar("search_code_fnmr_above_full", "FNMR at FMR 1e-4 of the search code above the full code's", 0.01),
    Bar(
        "one_probe_pairs_per_second",
        "1 probe against 1 M templates, 31 rotations, pairs/s",
        12e6,
        at_least=True,
    ),
    Bar("batch_pairs_per_second", "32 probes a pass, the same, pairs/s", 15e6, at_least=True),
    Bar(
        "mates_returned_rate",
        "of 100,000 generated mates of exhaustive scores 60 to 70, returned",
        0.9999,
        at_least=True,
    ),
    Bar("scores_that_differ", "of these, returned with another score than the exhaustive one", 0),
    Bar(
        "share_of_reading_rate",
        "pass at one rotation, bytes/s of a loop that only reads",
        0.85,
        at_least=True,
    ),
    Bar("bytes_per_eye", "memory, search code, mask and two numbers, bytes an eye", 530),
)
"""What the project's issues ask for."""


@dataclass(frozen=True, slots=True)
class IrisSet:
    """A data set to evaluate: its key among the figures, layout and folder."""

    key: str
    dataset: str
    root: Path


def real_sets() -> list[IrisSet]:
    """Return the real sets that are at hand."""
    data = data_root()
    if data is None:
        return []
    sets = [IrisSet(name, name, data / "iris" / name) for name in ("casia1", "mmu2")]
    return [s for s in sets if s.root.is_dir()]


def synthetic_set(folder: Path, eyes: int, samples: int, smallest: bool) -> tuple[IrisSet, float]:
    """Make a synthetic set; return it and the median CPU milliseconds of one picture, its eye included."""
    from matcher.datasets.iris_synthesis.folders import write_eye
    from matcher.datasets.iris_synthesis.warm import warm

    warm()
    drawn: dict[str, Any] = SMALLEST if smallest else {"difficulty": DIFFICULTY}
    spent = []
    for number in range(1, eyes + 1):
        start = time.process_time()
        write_eye(folder, number, seed=SYNTHETIC_SEED, samples=samples, **drawn)
        spent.append((time.process_time() - start) * 1e3 / samples)
    return IrisSet(f"synthetic, {eyes} eyes x {samples}", "folders", folder), statistics.median(spent)


def search_code_figures(result: Evaluation) -> dict[str, Any]:
    """Return the error rates of the search code alone, of the templates that an evaluation extracted."""
    kind = IrisModality(code=IrisCode.SEARCH)
    items = result.extractions.items
    nothing = np.empty(0, np.uint64)
    residents = [nothing if item.template is None else kind.resident(item.template) for item in items]
    wanted = comparable(pairs(result.dataset), result.extractions.failed)
    return error_figures(result.dataset, compare_pairs(wanted, kind, result.extractions, residents))


def summary(
    sets: Sequence[IrisSet], results: Sequence[Evaluation], searched: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the figures by the keys of `BARS`; null where a set is not at hand."""
    figures: dict[str, Any] = {bar.key: None for bar in BARS}
    for one, result in zip(sets, results, strict=True):
        figures[f"{one.key}_eer"] = result.report["eer"]
        figures[f"{one.key}_fnmr_at_fmr_1e-4"] = result.report["fnmr_at_fmr"][FMR]
    items = [item for result in results for item in result.extractions.items]
    if not items:
        return figures
    figures["failures_to_extract"] = sum(item.template is None for item in items) / len(items)
    figures["extract_ms_median"] = median(item.milliseconds for item in items)
    rates = [
        (search["fnmr_at_fmr"][FMR], result.report["fnmr_at_fmr"][FMR])
        for search, result in zip(searched, results, strict=True)
    ]
    there = [search - full for search, full in rates if search is not None and full is not None]
    figures["search_code_fnmr_above_full"] = max(there) if there else None
    return figures


def search_figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return what `benchmarks.iris_search` measured by the keys of `BARS`."""
    return {
        "one_probe_pairs_per_second": found["one_probe"]["pairs_per_second"],
        "batch_pairs_per_second": found["batch"]["pairs_per_second"],
        "mates_returned_rate": found["mates"]["returned_rate"],
        "scores_that_differ": found["mates"]["scores_that_differ"],
        "share_of_reading_rate": found["read_bound"]["share_of_reading"],
        "bytes_per_eye": found["bytes_per_eye"],
    }


def measure(*, smallest: bool = False, jobs: int = 1, scores: Path | None = None) -> dict[str, Any]:
    """Evaluate the sets and a synthetic one; return everything as plain JSON values."""
    sets = [] if smallest else real_sets()
    with tempfile.TemporaryDirectory() as folder:
        synthetic, synthesis = synthetic_set(Path(folder), *((4, 2) if smallest else (40, 4)), smallest)
        every = [*sets, synthetic]
        results, searched = [], []
        for one in every:
            print(f"evaluating {one.key} ...", flush=True)
            result = evaluate(load(one.dataset, one.root, modality="iris"), IrisModality(), jobs=jobs)
            results.append(result)
            searched.append(search_code_figures(result))
            if scores is not None:
                names = [sample.name for sample in result.dataset.samples]
                file = scores / f"iris_{one.key.replace(' ', '_').replace(',', '')}.csv"
                write_scores(file, names, result.comparisons, result.score)
    # Figures are of the real sets alone: the synthetic one is no judge of accuracy.
    count = len(sets)
    figures = summary(sets, results[:count], searched[:count])
    print("searching among generated irises ...", flush=True)
    found = iris_search.measure(*(iris_search.SMALLEST if smallest else iris_search.FULL_SIZE))
    # The bars are of a million: a small gallery is no judge.
    figures |= {} if smallest else search_figures(found)
    return {
        "figures": {**figures, "synthesis_ms_median": synthesis},
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
        "sets": {
            one.key: {
                **{k: v for k, v in result.report.items() if k not in ("definitions", "folder")},
                "search_code": search,
            }
            for one, result, search in zip(every, results, searched, strict=True)
        },
        "search": found,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes; more than one makes times noisier")
    parser.add_argument(
        "--smallest", action="store_true", help="4 synthetic eyes and a small gallery, no real data"
    )
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest, jobs=given.jobs), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
