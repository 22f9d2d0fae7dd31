#!/usr/bin/env python3
"""Makes the calibration of one pairing of extractors from score files of `matcher evaluate --scores`.

    tools/fit_calibration.py --pairing numba/1 numba/1 --scorer ID --out matcher/score/data \
        --set "FVC2002 DB1_B" fvc db1.csv --set "UareU" neurotechnology uareu.csv

Only comparisons across fingers are used, one count each, all sets pooled. The file that comes out holds
quantiles of scores and the names of the sets: no sample, and no name of one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.layouts import layout
from matcher.errors import ArgumentError
from matcher.evaluate.intervals import PERCENTILES, REPLICATES, SEED
from matcher.evaluate.scores_file import read_scores
from matcher.score.calibration import SUPPORT_EXCEEDANCES, Calibration, pairing_slug
from matcher.score.fit import fit_calibration


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSet:
    """Non-mated scores of one data set.

    Attributes
    ----------
    name, dataset : str
        As it is to be called, and its layout.
    raw : float64 array (n,)
    one, two : int64 arrays (n,)
        The cluster (person where the layout says, else finger) of each side, 0 to `clusters` - 1.
    fingers, clusters : int
    unit : str
        "person" or "finger".
    """

    name: str
    dataset: str
    raw: npt.NDArray[np.float64]
    one: npt.NDArray[np.int64]
    two: npt.NDArray[np.int64]
    fingers: int
    clusters: int
    unit: str


def read_set(name: str, dataset: str, path: Path) -> ScoreSet:
    """Read the non-mated rows of a scores file."""
    rows = read_scores(path)
    form = layout(dataset)
    samples = {sample: form.sample(sample) for sample in {*rows.probe, *rows.reference}}
    unit = "person" if all(s.person is not None for s in samples.values()) else "finger"
    cluster = {key: s.person if unit == "person" else s.identity for key, s in samples.items()}
    number = {value: i for i, value in enumerate(sorted({str(v) for v in cluster.values()}))}
    chosen = np.flatnonzero(~rows.mated)
    if any(samples[rows.probe[i]].identity == samples[rows.reference[i]].identity for i in chosen):
        raise ArgumentError(
            "Scores file: a non-mated row compares a finger with itself.", hint="Check --set."
        )
    one, two = (
        np.array([number[str(cluster[side[i]])] for i in chosen], dtype=np.int64)
        for side in (rows.probe, rows.reference)
    )
    fingers = len({s.identity for s in samples.values()})
    return ScoreSet(name, dataset, rows.raw[chosen].astype(np.float64), one, two, fingers, len(number), unit)


def fmr_interval(
    sets: Sequence[ScoreSet], raw: float, *, replicates: int = REPLICATES
) -> tuple[float, float]:
    """Return a 95 % interval of the pooled FMR at `raw`: a bootstrap over the clusters within each set."""
    rng = np.random.default_rng(SEED)
    rates = np.empty(replicates)
    for i in range(replicates):
        false = total = 0
        for s in sets:
            weight = np.bincount(rng.integers(s.clusters, size=s.clusters), minlength=s.clusters)
            pair = weight[s.one] * np.where(s.one != s.two, weight[s.two], 1)
            total += int(pair.sum())
            false += int(pair[s.raw >= raw].sum())
        rates[i] = false / max(total, 1)
    low, high = np.percentile(rates, PERCENTILES)
    return float(low), float(high)


def make_calibration(sets: Sequence[ScoreSet], pairing: tuple[str, str], scorer: str) -> Calibration:
    """Fit the pooled sets, and state what they were and how well they support the limit."""
    pooled = np.concatenate([s.raw for s in sets])
    support = float(np.sort(pooled)[-SUPPORT_EXCEEDANCES])
    provenance: dict[str, Any] = {
        "data": [
            {
                "set": s.name,
                "layout": s.dataset,
                "non_mated": len(s.raw),
                "fingers": s.fingers,
                "clusters": s.clusters,
                "cluster_unit": s.unit,
            }
            for s in sets
        ],
        "support": {
            "raw": support,
            "fmr": int((pooled >= support).sum()) / len(pooled),
            "fmr_interval_95": list(fmr_interval(sets, support)),
            "interval": f"bootstrap over clusters within each set, {REPLICATES} replicates, seed {SEED}",
        },
    }
    return fit_calibration(pooled, pairing=pairing, scorer=scorer, provenance=provenance)


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write the calibration under its pairing's name and return the path."""
    path = folder / f"{pairing_slug(*calibration.pairing)}.json"
    path.write_text(json.dumps(calibration.to_json(), indent=1) + "\n", encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, write and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairing", nargs=2, required=True, metavar="EXTRACTOR")
    parser.add_argument("--scorer", required=True, help="id of the scorer that gave the scores")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--set", nargs=3, action="append", required=True, metavar=("NAME", "DATASET", "FILE"))
    given = parser.parse_args(arguments)
    sets = [read_set(name, dataset, Path(path)) for name, dataset, path in given.set]
    calibration = make_calibration(sets, tuple(given.pairing), given.scorer)
    path = write_calibration(given.out, calibration)
    support = calibration.provenance["support"]
    low, high = support["fmr_interval_95"]
    print(f"{path}\n{calibration.id}: {calibration.non_mated} non-mated scores of {len(sets)} sets")
    print(
        f"support: raw {calibration.support_raw:.6g}, score {calibration.support_score:.2f}, "
        f"FMR {support['fmr']:.2e} ({low:.2e} to {high:.2e})"
    )
    print(f"tail: scale {calibration.tail.scale:.4g}, shape {calibration.tail.shape:.4g}")
    for check in calibration.provenance["held_back_decade"]:
        print(
            f"held back, {check['predicted_at']} exceedances: predicted {check['predicted']:.2f}, "
            f"observed {check['observed']:.2f}"
        )


if __name__ == "__main__":
    main()
