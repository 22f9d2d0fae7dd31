#!/usr/bin/env python3
"""Makes the calibrations of irises again from the real sets: run it after a change to encoder or scorer.

    python -m tools.recalibrate_iris [--out matcher/score/data]

One for full codes, one for search codes, each of the extractor with itself. Comparisons across eyes are
non-mated, the two eyes of a person included. The files hold quantiles of scores, no sample's name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matcher.datasets.load import load
from matcher.datasets.protocol import Pairs, pairs
from matcher.datasets.samples import Dataset
from matcher.evaluate.calibrate import ScoreSet, make_calibration, summary, write_calibration
from matcher.evaluate.comparisons import comparable
from matcher.evaluate.extraction import Extractions, extract_all
from matcher.evaluate.modality_iris import IrisCode, IrisModality
from matcher.evaluate.run import compare_pairs
from matcher.evaluate.witness import KEY
from matcher.evaluate.witness_iris import iris_scorer_witness
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import IrisTemplate
from matcher.score.iris_scorer import SEARCH
from matcher.score.tail_binomial import fit_binomial_maximum
from matcher.types import I64

ROOT = Path(__file__).resolve().parent.parent

SCORER = "iris/1"
"""Id of the scorer that these calibrations are for."""

TAIL_RATE = 0.1
"""Share of the non-mated scores that the tail is fitted to: a binomial holds far into the bulk."""

SETS = {"casia1": "CASIA 1", "mmu2": "MMU2"}
"""Titles by name and folder."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One set with its templates."""

    title: str
    dataset: Dataset
    found: Extractions

    @property
    def templates(self) -> list[IrisTemplate]:
        """Templates of the images that gave one."""
        return [item.template for item in self.found.items if item.template is not None]

    def rows(self, mated: bool, count: int, seed: int) -> tuple[I64, I64]:
        """Return at most `count` pairs as numbers within `templates`."""
        there = ~np.asarray(self.found.failed)
        place = np.cumsum(there) - 1
        wanted = self.wanted(mated)
        chosen = np.random.default_rng(seed).permutation(len(wanted.probe))[:count]
        return place[wanted.probe[chosen]], place[wanted.reference[chosen]]

    def wanted(self, mated: bool) -> Pairs:
        """Return the pairs of images with templates that are mated, or that are not."""
        all_pairs = comparable(pairs(self.dataset), self.found.failed)
        kept = all_pairs.mated == mated
        return Pairs(all_pairs.probe[kept], all_pairs.reference[kept], all_pairs.mated[kept])


def extracted_sets() -> list[Extracted]:
    """Extract the real sets that are at hand (`MATCHER_DATA`, or `../shared/data` beside the checkout)."""
    candidates = (os.environ.get("MATCHER_DATA"), str(ROOT.parent / "shared" / "data"))
    data = next((Path(c) for c in candidates if c and Path(c).is_dir()), None)
    made = []
    for name, title in SETS.items():
        root = None if data is None else data / "iris" / name
        if root is not None and root.is_dir():
            dataset = load(name, root)
            made.append(Extracted(title, dataset, extract_all(dataset, IrisModality())))
    return made


def score_set(one: Extracted, code: IrisCode) -> ScoreSet:
    """Return the non-mated scores of a set."""
    scoring = IrisModality(code=code)
    wanted = one.wanted(mated=False)
    nothing = np.empty(0, dtype=np.uint64)
    forms = [nothing if i.template is None else scoring.resident(i.template) for i in one.found.items]
    sides = [[one.dataset.samples[i] for i in side] for side in (wanted.probe, wanted.reference)]
    raw = compare_pairs(wanted, scoring, one.found, forms).raw
    return ScoreSet.of(one.title, one.dataset.name, raw, sides)


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, compare, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "matcher" / "score" / "data")
    given = parser.parse_args(arguments)
    sets = extracted_sets()
    if not sets:
        parser.error("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    for code, suffix in ((IrisCode.FULL, ""), (IrisCode.SEARCH, SEARCH)):
        calibration = make_calibration(
            [score_set(one, code) for one in sets],
            (EXTRACTOR_ID + suffix, EXTRACTOR_ID + suffix),
            SCORER,
            fit_tail=fit_binomial_maximum,
            tail_rate=TAIL_RATE,
            code=code.value,
            rotations=31,
            **{KEY: iris_scorer_witness()},
        )
        print(f"{write_calibration(given.out, calibration)}\n{summary(calibration)}", flush=True)


if __name__ == "__main__":
    main()
