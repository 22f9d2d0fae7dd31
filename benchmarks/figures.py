"""Measures every figure of the README's table and writes them, dated, with the machine named.

    python -m benchmarks.figures                 every set at hand, into benchmarks/figures/YYYY-MM-DD.json
    python -m benchmarks.figures --smallest      a few synthetic prints: shows that the script runs
    python -m benchmarks.figures --only iris     that part afresh, the others as the newest file has them
    python -m benchmarks.table                   the README's table from the newest file

All times are CPU times on one core, with compiled kernels.
"""

from __future__ import annotations

import argparse
import datetime
import inspect
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import (
    figures_fingerprint,
    machine,
)
from benchmarks.bars import data_root
from benchmarks.figures_fingerprint import BARS
from benchmarks.out_of_sample import SCORES, of_sets
from benchmarks.parts import PARTS, TRUNK
from benchmarks.sets import UAREU, Set, real_sets
from matcher.datasets.load import load
from matcher.evaluate.definitions import DEFINITIONS
from matcher.evaluate.discard import Graded, curve_figures, discard_curve
from matcher.evaluate.extraction import median
from matcher.evaluate.modality import FingerprintModality, Modality
from matcher.evaluate.run import Evaluation, evaluate
from matcher.evaluate.scores_file import write_scores
from matcher.evaluate.slaps import evaluate_slaps

FIGURES = Path(__file__).resolve().parent / "figures"

LEADER_MEANS = ("eer_mean", "fnmr_at_fmr_1e-3_mean", "extract_ms_median")
"""Rows of the other extractor, over the four FVC sets."""

SYNTHETIC_SEED = 1
"""Of the synthetic set, in the `folders` layout."""

SLAPS, SMALLEST_SLAPS = 200, 3
"""Synthetic slaps that are segmented."""

DIFFICULTY = 0.5
"""Of the synthetic impressions, 0 easy to 1 hard."""

MEASURED = ("commit", "uncommitted_changes", "load_1_5_15_min")
"""Of the machine, kept beside each part."""

EXPANSIONS = 100
"""Templates that are expanded from stored to resident form for that figure."""


def synthetic_set(folder: Path, fingers: int, impressions: int) -> tuple[Set, float]:
    """Make a synthetic set; return it and the median CPU milliseconds of one image, its finger included."""
    from matcher.datasets.fingerprint_synthesis.folders import write_finger

    write_finger(folder / "warm", 1, seed=SYNTHETIC_SEED, impressions=1)  # compiles
    spent = []
    for number in range(1, fingers + 1):
        start = time.process_time()
        write_finger(
            folder / "set", number, seed=SYNTHETIC_SEED, impressions=impressions, difficulty=DIFFICULTY
        )
        spent.append((time.process_time() - start) * 1e3 / impressions)
    title = f"synthetic, {fingers} fingers x {impressions}"
    return Set(title, "folders", folder / "set", judged=False), statistics.median(spent)


def expansion_microseconds(modality: Modality, templates: Sequence[Any]) -> float | None:
    """Return the median CPU time of stored bytes to resident form, microseconds."""
    from matcher.template.codec import decode_template, encode_template

    spent = []
    for template in templates[:EXPANSIONS]:
        data = encode_template(template)
        start = time.process_time_ns()
        modality.resident(decode_template(data))
        spent.append((time.process_time_ns() - start) / 1e3)
    # The first one compiles or loads.
    return median(spent[1:])


def summary(
    sets: Sequence[Set], results: Sequence[Evaluation], modality: Modality, synthesis: float
) -> dict[str, Any]:
    """Return the figures over several sets, by the keys of `BARS` and a few more."""
    judged = [r for s, r in zip(sets, results, strict=True) if s.judged] or list(results)
    reports = [r.report for r in judged]
    items = [item for r in judged for item in r.extractions.items]
    templates = [item.template for item in items if item.template is not None]
    return {
        "eer_mean": _mean([r["eer"] for r in reports]),
        **{
            f"fnmr_at_fmr_{f}_mean": _mean([r["fnmr_at_fmr"][f] for r in reports])
            for f in ("1e-2", "1e-3", "1e-4")
        },
        "zero_fmr_mean": _mean([r["zero_fmr"] for r in reports]),
        "rank1_mean": _mean([r["rank1"] for r in reports]),
        "extract_ms_median": median(item.milliseconds for item in items),
        # The same number of comparisons in each set: the harmonic mean is all of them over all their time.
        "comparisons_per_second_core": statistics.harmonic_mean(
            [r["comparisons_per_second_core"] for r in reports]
        ),
        "template_bytes_median": median(item.stored_bytes for item in items if item.stored_bytes),
        "resident_bytes_median": median(modality.resident(t).nbytes for t in templates),
        "minutiae_median": median(len(t.minutiae) for t in templates),
        "expand_us_median": expansion_microseconds(modality, templates),
        "synthesis_ms_median": synthesis,
    }


def pooled_discard(results: Sequence[Evaluation]) -> dict[str, Any] | None:
    """Return error versus discard of all images together, one threshold for all; None where too few."""
    graded = [Graded.of(r.extractions, r.comparisons) for r in results]
    there = [g for g in graded if g is not None]
    curve = discard_curve(Graded.pooled(there)) if len(there) == len(graded) > 0 else None
    return None if curve is None else curve_figures(curve)


def two_finger_reports(sets: Sequence[Set], results: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Return the figures of two fused fingers of each set that says who the persons are."""
    from matcher.evaluate.persons_report import finger_scores, two_finger_report
    from matcher.score.person import load_person_calibration

    return [
        two_finger_report(
            finger_scores(s.title, r.dataset.samples, r.comparisons, r.score), load_person_calibration()
        )
        for s, r in zip(sets, results, strict=True)
        if r.score is not None and all(sample.person is not None for sample in r.dataset.samples)
    ]


def of_fingerprints(sets: Sequence[Set], results: Sequence[Evaluation], jobs: int) -> dict[str, Any]:
    """Return the rows that need more than one real set; None where there are none."""
    titles = [s.title for s in sets]
    judged = [r for s, r in zip(sets, results, strict=True) if s.judged]
    uareu = next((r.report for s, r in zip(sets, results, strict=True) if s.title == UAREU), None)
    others = figures_fingerprint.leader(sets, jobs) if uareu else None
    promise = of_sets(titles, results, UAREU, FingerprintModality()) if uareu else None
    speeds = figures_fingerprint.speed_at_levels(judged) if judged else {}
    data = data_root()
    found: dict[str, float | None] = {
        "uareu_eer": uareu["eer"] if uareu else None,
        "uareu_fnmr_at_fmr_1e-4": uareu["fnmr_at_fmr"]["1e-4"] if uareu else None,
        "card_fingers_nearest": figures_fingerprint.card_at_rank_one(data, results)
        if data and sets
        else None,
        **{f"comparisons_per_second_{k}": speeds.get(k) for k in figures_fingerprint.LEVELS},
        **{f"actual_over_nominal_{s}": promise[str(s)]["ratio"] if promise else None for s in SCORES},
        **{f"leader_{k}": others[k] if others else None for k in LEADER_MEANS},
        "leader_pooled_fnmr_at_fmr_1e-3": others["pooled"]["fnmr_at_fmr_1e-3"] if others else None,
        "leader_uareu_eer": others["sets"][UAREU]["eer"] if others else None,
        "leader_uareu_fnmr_at_fmr_1e-4": others["sets"][UAREU]["fnmr_at_fmr"]["1e-4"] if others else None,
    }
    return {
        "figures": found,
        "pooled": figures_fingerprint.pooled(judged) if judged else None,
        "actual_over_nominal_fmr": promise,
        "leader": others,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return float(np.mean(there)) if len(there) == len(values) else None


def measure(
    sets: Sequence[Set],
    *,
    fingers: int,
    impressions: int,
    jobs: int,
    slaps: int,
    scores: Path | None = None,
) -> dict[str, Any]:
    """Evaluate the sets and a synthetic one; return everything as plain JSON values."""
    modality = FingerprintModality()
    before = machine.describe()
    with tempfile.TemporaryDirectory() as folder:
        synthetic, synthesis = synthetic_set(Path(folder), fingers, impressions)
        every = [*sets, synthetic]
        results = []
        for one in every:
            print(f"evaluating {one.title} ...", flush=True)
            result = evaluate(load(one.dataset, one.root), modality, jobs=jobs)
            results.append(result)
            if scores is not None:
                names = [sample.name for sample in result.dataset.samples]
                file = scores / f"{one.title.replace(' ', '_').replace(',', '')}.csv"
                write_scores(file, names, result.comparisons, result.score)
    figures = summary(every, results, modality, synthesis)
    print(f"segmenting {slaps} slaps ...", flush=True)
    of_slaps = evaluate_slaps(slaps, SYNTHETIC_SEED)
    figures["slap_fingers_right"] = of_slaps["fingers_right"]
    discard = pooled_discard(results[:-1] or results)
    figures["fnmr_at_fmr_1e-3_fall_worst_fifth"] = None if discard is None else discard["fnmr_fall_at_0.2"]
    fused = two_finger_reports(every, results)
    figures["zero_fmr_two_fingers"] = _mean([report["zero_fmr"] for report in fused]) if fused else None
    more = of_fingerprints(sets, results[: len(sets)], jobs)
    figures |= more.pop("figures")
    return {
        "date": _date(time.time()),
        "command": "python -m benchmarks.figures",
        "machine": before,
        "means_over": [s.title for s in every if s.judged] or [s.title for s in every],
        "figures": figures,
        "slaps": of_slaps,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
        "discard_pooled": discard,
        "two_fingers": fused,
        **more,
        "sets": {
            s.title: {k: v for k, v in r.report.items() if k not in ("definitions", "folder")}
            for s, r in zip(every, results, strict=True)
        },
        "definitions": DEFINITIONS,
    }


def write(figures: dict[str, Any], folder: Path) -> Path:
    """Write the figures under their date and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{figures['date']}.json"
    path.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    from benchmarks.table import markdown

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=FIGURES, help="folder of the dated JSON")
    parser.add_argument(
        "--scores", type=Path, help="write score files into this folder, never into the checkout"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes; more than one makes times noisier")
    parser.add_argument("--smallest", action="store_true", help="4 synthetic fingers only, no real data")
    parser.add_argument(
        "--only", nargs="+", choices=list(PARTS), help="the others are taken from the newest file"
    )
    parser.add_argument(
        "--measured",
        nargs=2,
        metavar=("PART", "FILE"),
        action="append",
        default=[],
        help="what `benchmarks.losses --json` or `benchmarks.gallery` wrote, instead of measuring",
    )
    given = parser.parse_args(arguments)
    measured_before = dict(given.measured)
    chosen = given.only or list(measured_before) or list(PARTS)
    figures = {} if chosen == list(PARTS) else _newest(given.out)
    for name in chosen:  # written after each: hours of others are not lost with one that fails
        print(f"{name} ...", flush=True)
        earlier = measured_before.get(name)
        found = _part(name, given) if earlier is None else _judged(name, Path(earlier))
        figures = figures | found if name == TRUNK else {**figures, name: found}
        described = found.get("machine", {}) if earlier else machine.describe()
        measured = {key: described.get(key) for key in MEASURED}
        on = _date(time.time() if earlier is None else Path(earlier).stat().st_mtime)
        figures["parts"] = {**figures.get("parts", {}), name: {"date": on, **measured}}
        figures["date"] = _date(time.time())
        written = write(figures, given.out)
    print(f"\n{markdown(figures)}\nwritten to {written}")


def _newest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(max(folder.glob("*.json")).read_text(encoding="utf-8"))
    # The date of a file becomes that of the last part: the trunk's own stays beside the others'.
    trunk = {"date": found["date"], **{key: found["machine"].get(key) for key in MEASURED}}
    found["parts"] = {TRUNK: trunk} | found.get("parts", {})
    return found


def _date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


def _judged(name: str, file: Path) -> dict[str, Any]:
    """Return the figures of a part from what was measured before."""
    found: dict[str, Any] = PARTS[name].judged(json.loads(file.read_text(encoding="utf-8")))
    return found


def _part(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a part; those of fingerprints are the trunk that the others hang on."""
    small = given.smallest
    if name == TRUNK:
        return measure(
            [] if small else real_sets(),
            fingers=4 if small else 50,
            impressions=2 if small else 4,
            jobs=given.jobs,
            slaps=SMALLEST_SLAPS if small else SLAPS,
            scores=given.scores,
        )
    asked = {key: getattr(given, key) for key in ("jobs", "scores")}
    module = PARTS[name]
    taken = inspect.signature(module.measure).parameters
    found: dict[str, Any] = module.measure(smallest=small, **{k: v for k, v in asked.items() if k in taken})
    return found


if __name__ == "__main__":
    main()
