#!/usr/bin/env python3
"""Makes the calibrations of irises' private score again: run it after a change to the encoder or to the rule.

    python -m tools.recalibrate_private [--out matcher/score/data]
    python -m tools.recalibrate_private --slopes      what generated eyes lose at other slopes of the rule

One for a mask number a bit, one for a mask number for two bits, both of search codes. Comparisons across eyes
are non-mated, the two eyes of a person included. The files hold quantiles of scores, no sample's name.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.privacy_loss import private_scores
from matcher.datasets.iris_codes import IrisCodes
from matcher.evaluate.calibrate import ScoreSet, make_calibration, summary, write_calibration
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.privacy.encode import IrisForm, encoded_bits, unpacked
from matcher.privacy.products import MAX_REACH
from matcher.privacy.records import PRIVATE
from matcher.privacy.rule import FITTED_SCALE, fitted_rule, least_common
from tools.recalibrate_iris import ROOT, Extracted, extracted_sets

SCORER = "iris-private/1"
"""Id of the score that these calibrations are for: `matcher.privacy.rule.fitted_raw`."""

SLOPES = (0.0, 1 / 20, 1 / 12, 1 / 9, 1 / 7, 1 / 6, 1 / 5, 1 / 4, 3 / 10)

NOISE = (0.35, 0.45, 0.55)
"""Shares of noise of generated samples: more than usual ones, so that some are lost."""

EYES, SEED = 1024, 77

FMRS = (1e-3, 1e-4)


def score_set(one: Extracted, form: IrisForm) -> ScoreSet:
    """Return the non-mated scores of a set."""
    scores = private_scores(one.templates, form, fitted_rule(0.1, form.bits), False)
    wanted = one.wanted(mated=False)
    place = np.cumsum(~np.asarray(one.found.failed)) - 1
    raw = scores[place[wanted.probe], place[wanted.reference]] / (FITTED_SCALE * form.bits)
    sides = [[one.dataset.samples[i] for i in side] for side in (wanted.probe, wanted.reference)]
    return ScoreSet.of(one.title, one.dataset.name, np.maximum(raw, 0.0), sides)


def slope_table() -> list[str]:
    """Return FNMR of generated eyes in per cent, a line a slope, columns by noise and FMR."""
    made = IrisCodes(SEED)
    lines = ["slope  " + "  ".join(f"noise {noise}, FMR {fmr:.0e}" for noise in NOISE for fmr in FMRS)]
    columns: list[list[float]] = [[] for _ in SLOPES]
    bits = IrisForm().bits
    for noise in NOISE:
        sides = []
        for sample in (0, 1):
            found = [
                encoded_bits(unpacked(code), unpacked(mask))
                for code, mask in zip(*made.search_codes(0, EYES, sample, noise=noise), strict=True)
            ]
            sides.append([np.array([e.code.view(np.int16) for e in found], np.float32)])
            sides[-1].append(np.array([e.mask for e in found], np.float32))
        (probes, probe_masks), (codes, masks) = sides
        best = np.full((len(SLOPES), EYES, EYES), -np.inf, np.float32)
        for turn in range(-MAX_REACH, MAX_REACH + 1):
            shift = -turn * (bits // 256)
            cd = np.roll(probes, shift, axis=1) @ codes.T
            md = np.roll(probe_masks, shift, axis=1) @ masks.T
            cd[md < least_common(bits)] = -np.inf
            for place, slope in enumerate(SLOPES):
                np.maximum(best[place], cd - np.float32(slope) * md, out=best[place])
        mated = np.eye(EYES, dtype=bool)
        for place, scores in enumerate(best):
            others = np.sort(scores[~mated])
            for fmr in FMRS:
                missed = scores[mated] <= others[len(others) - 1 - int(fmr * len(others))]
                columns[place].append(100 * float(missed.mean()))
    for slope, rates in zip(SLOPES, columns, strict=True):
        lines.append(f"{slope:.3f}  " + "  ".join(f"{rate:21.2f}" for rate in rates))
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, compare, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "matcher" / "score" / "data")
    parser.add_argument("--slopes", action="store_true", help="print what generated eyes lose, fit nothing")
    given = parser.parse_args(arguments)
    if given.slopes:
        print("\n".join(slope_table()))
        return
    sets = extracted_sets()
    if not sets:
        parser.error("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    for pairs, suffix in PRIVATE.items():
        calibration = make_calibration(
            [score_set(one, IrisForm(pairs=pairs)) for one in sets],
            (EXTRACTOR_ID + suffix, EXTRACTOR_ID + suffix),
            SCORER,
            code="search",
            rotations=2 * MAX_REACH + 1,
        )
        print(f"{write_calibration(given.out, calibration)}\n{summary(calibration)}", flush=True)


if __name__ == "__main__":
    main()
