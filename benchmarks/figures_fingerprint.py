"""Rows of the fingerprint table that need several sets, another extractor, or another instruction set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import Bar
from benchmarks.machine import ROOT
from matcher.datasets.load import load
from matcher.errors import FailureToExtractError, ModelError
from matcher.evaluate.modality import FingerprintModality
from matcher.evaluate.rates import ScoreOrder, eer, fnmr_at_fmr
from matcher.evaluate.run import Evaluation, evaluate
from matcher.types import FingerPosition, Image

BARS = (
    Bar("eer_mean", "mean EER over the four FVC sets", 0.025),
    Bar("fnmr_at_fmr_1e-3_mean", "mean FNMR at FMR 1e-3 over them", 0.06),
    Bar("uareu_eer", "UareU: EER", 0.0085),
    Bar("uareu_fnmr_at_fmr_1e-4", "UareU: FNMR at FMR 1e-4", 0.027),
    Bar("leader_eer_mean", "LEADER minutiae: mean EER over the four FVC sets", 0.007),
    Bar("leader_fnmr_at_fmr_1e-3_mean", "LEADER minutiae: mean FNMR at FMR 1e-3", 0.015),
    Bar(
        "leader_pooled_fnmr_at_fmr_1e-3",
        "LEADER minutiae: FNMR at FMR 1e-3, one threshold for all four",
        0.023,
    ),
    Bar("leader_uareu_eer", "LEADER minutiae, UareU: EER", 0.004),
    Bar("leader_uareu_fnmr_at_fmr_1e-4", "LEADER minutiae, UareU: FNMR at FMR 1e-4", 0.008),
    Bar("extract_ms_median", "extraction, milliseconds, median", 35.0),
    Bar("leader_extract_ms_median", "extraction with LEADER, milliseconds, median", 350.0),
    Bar("comparisons_per_second_avx512", "1:N comparisons a second, AVX-512", 150_000, at_least=True),
    Bar("comparisons_per_second_avx2", "the same, AVX2", 80_000, at_least=True),
    Bar("resident_bytes_median", "resident bytes a finger", 2000),
    Bar("template_bytes_median", "stored bytes a finger", 900),
    Bar("actual_over_nominal_20", "actual over nominal FMR at score 20, out of sample", 2.0),
    Bar("actual_over_nominal_30", "the same at score 30", 2.0),
    Bar("actual_over_nominal_40", "the same at score 40", 3.0),
    Bar(
        "card_fingers_nearest",
        "fingers of a ten-print card's slaps nearest to their own rolls",
        10,
        at_least=True,
    ),
    Bar("slap_fingers_right", "fingers of synthetic slaps boxed within 64 px and named", 0.97, at_least=True),
    Bar("synthesis_ms_median", "a synthetic image, milliseconds", 500.0),
    Bar(
        "fnmr_at_fmr_1e-3_fall_worst_fifth",
        "fall of FNMR at a fixed FMR of 1e-3, all real sets, without the worst fifth by quality",
        0.30,
        at_least=True,
    ),
    Bar("zero_fmr_two_fingers", "two fingers of a person fused (UareU): FNMR without a false match", 0.003),
)
"""What the project's issues ask for."""

LEVELS = ("avx512", "avx2")
"""Instruction sets with a bar of their own."""

CANDIDATES, PROBES = 10_000, 8
"""Of one timed search, and searches; as `matcher.evaluate.speed`."""

CARD_SLAPS = {
    13: ("right", ()),
    14: ("left", ()),
    11: ("thumbs", (FingerPosition.LEFT_THUMB,)),
    12: ("thumbs", (FingerPosition.RIGHT_THUMB,)),
}
"""Plain pictures of the ten-print card, by position code: kind of slap, and fingers it does not show."""


def pooled(results: Sequence[Evaluation]) -> dict[str, float | None]:
    """Return error rates of several sets at one threshold for all."""
    rows = [result.comparisons for result in results]
    raw = np.concatenate([row.raw for row in rows])
    mated = np.concatenate([row.mated for row in rows])
    failed = np.isnan(raw)
    counts = ScoreOrder.of(raw[~mated], raw[mated & ~failed]).count(failed=int(failed.sum()))
    return {"eer": eer(counts), "fnmr_at_fmr_1e-3": fnmr_at_fmr(counts, "1e-3")}


def speed_at_levels(results: Sequence[Evaluation]) -> dict[str, float | None]:
    """Return comparisons a second and core at each instruction set, over the sets' own templates.

    The level is chosen when the core loads: a process each. None where the processor lacks it.
    """
    modality = FingerprintModality()
    with tempfile.TemporaryDirectory() as folder:
        for number, result in enumerate(results):
            templates = [item.template for item in result.extractions.items if item.template is not None]
            owners = [
                sample.identity
                for sample, item in zip(result.dataset.samples, result.extractions.items, strict=True)
                if item.template is not None
            ]
            residents = [modality.resident(template) for template in templates]
            np.savez(
                Path(folder) / f"{number}.npz",
                words=np.concatenate(residents),
                sizes=np.array([len(r) for r in residents]),
                owners=np.unique(owners, return_inverse=True)[1],
            )
        return {level: _speed(Path(folder), level) for level in LEVELS}


def _speed(folder: Path, level: str) -> float | None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.figures_fingerprint", str(folder)],
        cwd=ROOT,
        env={**os.environ, "MATCHER_SIMD": level},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        if "has no" in done.stderr:
            return None
        raise RuntimeError(done.stderr)
    found: float = json.loads(done.stdout)
    return found


def measure_level(folder: Path) -> float:
    """Return the comparisons a second of all sets in `folder`, same number of comparisons each."""
    import time

    from matcher.score.fingerprint import FingerprintProbe, score_many

    nanoseconds = compared = 0
    for file in sorted(folder.glob("*.npz")):
        held = np.load(file)
        sizes, owners = held["sizes"], held["owners"]
        copies = -(-2 * CANDIDATES // len(sizes))
        words = np.tile(held["words"], copies)
        offsets = np.concatenate([[0], np.cumsum(np.tile(sizes, copies))]).astype(np.int64)
        own = np.tile(owners, copies)
        score_many(FingerprintProbe(words[: sizes[0]]), words, offsets, rows=np.arange(100), threads=1)
        for place in np.linspace(0, len(sizes) - 1, PROBES).astype(int).tolist():
            rows = np.flatnonzero(own != owners[place])[:CANDIDATES].astype(np.int64)
            start = time.process_time_ns()
            probe = FingerprintProbe(words[offsets[place] : offsets[place + 1]])
            scores = score_many(probe, words, offsets, rows=rows, threads=1)
            nanoseconds += time.process_time_ns() - start
            compared += len(scores)
            assert np.isfinite(scores).all()
    return compared / (nanoseconds / 1e9)


def leader(sets: Sequence[Any], jobs: int) -> dict[str, Any] | None:
    """Return the same rows with LEADER's minutiae, or None where its model was not fetched.

    Parameters
    ----------
    sets : sequence of benchmarks.figures.Set
        Real ones.
    jobs : int
    """
    from matcher.fingerprint.extractors import find_extractor

    try:
        chosen = find_extractor("leader")
        chosen.load()
    except ModelError:
        return None
    modality = FingerprintModality(chosen.name, chosen.id)
    results = []
    for one in sets:
        print(f"evaluating {one.title} with LEADER ...", flush=True)
        results.append(evaluate(load(one.dataset, one.root), modality, jobs=jobs))
    judged = [r for s, r in zip(sets, results, strict=True) if s.judged]
    reports = {s.title: r.report for s, r in zip(sets, results, strict=True)}
    return {
        "eer_mean": float(np.mean([r.report["eer"] for r in judged])),
        "fnmr_at_fmr_1e-3_mean": float(np.mean([r.report["fnmr_at_fmr"]["1e-3"] for r in judged])),
        "pooled": pooled(judged),
        "extract_ms_median": float(
            np.median([item.milliseconds for r in judged for item in r.extractions.items])
        ),
        "sets": {
            title: {
                key: report[key]
                for key in ("eer", "fnmr_at_fmr", "zero_fmr", "rank1", "failures_to_extract", "intervals")
            }
            for title, report in reports.items()
        },
    }


def card_at_rank_one(data: Path, results: Sequence[Evaluation]) -> int | None:
    """Return how many fingers of the ten-print card's slaps are nearest to their own rolls.

    The other nine rolls and every print of `results` are in the gallery. None where the card is not at hand.
    """
    from matcher.fingerprint.extract import extract
    from matcher.fingerprint.resident import resident
    from matcher.fingerprint.slap import segment_slap
    from matcher.fingerprint.slap_types import SlapKind
    from matcher.image.read import read_image
    from matcher.score.fingerprint import FingerprintProbe, score

    folder = data / "formats" / "ansi-nist" / "samples" / "nist"
    if not folder.is_dir():
        return None

    def read(number: int) -> Image:
        return read_image((folder / f"fp-{number}.png").read_bytes(), ppi=500)

    rolls = {p: resident(extract(read(int(p)))) for p in FingerPosition if p}
    others = [
        resident(item.template)
        for result in results
        for item in result.extractions.items
        if item.template is not None
    ]
    right = 0
    for number, (kind, missing) in CARD_SLAPS.items():
        for finger in segment_slap(read(number), SlapKind(kind), missing=missing):
            try:
                probe = FingerprintProbe(extract(finger.image))
            except FailureToExtractError:
                continue
            reached = score(probe, rolls[finger.position]).raw
            rest = [words for p, words in rolls.items() if p is not finger.position] + others
            right += all(score(probe, words).raw < reached for words in rest)
    return right


if __name__ == "__main__":
    print(json.dumps(measure_level(Path(sys.argv[1]))))
