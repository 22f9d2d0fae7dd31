"""Non-mated scores of several sets to one calibration that says what they were."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.layouts import layout
from matcher.datasets.samples import Sample
from matcher.errors import ArgumentError
from matcher.evaluate.intervals import PERCENTILES, REPLICATES, SEED, Clusters
from matcher.evaluate.scores_file import read_scores
from matcher.score.calibration import SUPPORT_EXCEEDANCES, Calibration, pairing_slug
from matcher.score.fit import TAIL_RATE, fit_calibration
from matcher.score.tail import TailFit, fit_generalised_pareto

I64 = npt.NDArray[np.int64]


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

    @classmethod
    def of(
        cls, name: str, dataset: str, raw: npt.NDArray[np.floating[Any]], sides: Sequence[Sequence[Sample]]
    ) -> ScoreSet:
        """Build from the raw scores and the samples of both sides, n each.

        Raises
        ------
        ArgumentError
            If a row compares a finger with itself.
        """
        first, second = sides
        if any(probe.identity == reference.identity for probe, reference in zip(first, second, strict=True)):
            raise ArgumentError("Calibration: a non-mated score compares a finger with itself.")
        samples = [*first, *second]
        known = all(sample.person is not None for sample in samples)
        clusters = Clusters.of([str(sample.person) if known else sample.identity for sample in samples])
        n = len(raw)
        return cls(
            name=name,
            dataset=dataset,
            raw=raw.astype(np.float64),
            one=clusters.code[:n],
            two=clusters.code[n:],
            fingers=len({sample.identity for sample in samples}),
            clusters=clusters.count,
            unit="person" if known else "finger",
        )

    @classmethod
    def read(cls, name: str, dataset: str, path: Path) -> ScoreSet:
        """Build from the non-mated rows of a scores file of `matcher evaluate`."""
        rows, form = read_scores(path), layout(dataset)
        chosen = np.flatnonzero(~rows.mated)
        sides = [[form.sample(side[i]) for i in chosen] for side in (rows.probe, rows.reference)]
        return cls.of(name, dataset, rows.raw[chosen], sides)

    def taken(self, rows: npt.NDArray[np.bool_]) -> ScoreSet:
        """Return some of the comparisons; clusters are numbered anew, those without any left out."""
        kept, code = np.unique(np.concatenate([self.one[rows], self.two[rows]]), return_inverse=True)
        count = len(code) // 2
        return replace(self, raw=self.raw[rows], one=code[:count], two=code[count:], clusters=len(kept))

    def describe(self) -> dict[str, Any]:
        """Return what the set is, as plain JSON values without a sample's name."""
        return {
            "set": self.name,
            "layout": self.dataset,
            "non_mated": len(self.raw),
            "fingers": self.fingers,
            "clusters": self.clusters,
            "cluster_unit": self.unit,
        }


def fmr_interval(
    sets: Sequence[ScoreSet], raw: float, *, replicates: int = REPLICATES
) -> tuple[float, float]:
    """Return a 95 % interval of the pooled FMR at `raw`: a bootstrap over the clusters within each set."""
    rng = np.random.default_rng(SEED)
    rates = np.empty(replicates)
    whole = [(s, np.ones(len(s.raw), np.bool_), s.raw >= raw) for s in sets]
    grouped = [(s.clusters, _grouped(s, every), _grouped(s, reaching)) for s, every, reaching in whole]
    for i in range(replicates):
        false = total = 0
        for clusters, every, reaching in grouped:
            weight = np.bincount(rng.integers(clusters, size=clusters), minlength=clusters)
            total += _weighted(weight, *every)
            false += _weighted(weight, *reaching)
        rates[i] = false / max(total, 1)
    low, high = np.percentile(rates, PERCENTILES)
    return float(low), float(high)


def _grouped(s: ScoreSet, rows: npt.NDArray[np.bool_]) -> tuple[I64, I64, I64]:
    """Return the pairs of clusters among some comparisons, and how often each occurs: int64 arrays alike."""
    pairs, count = np.unique(s.one[rows] * s.clusters + s.two[rows], return_counts=True)
    return pairs // s.clusters, pairs % s.clusters, count.astype(np.int64)


def _weighted(weight: I64, one: I64, two: I64, count: I64) -> int:
    """Return how many comparisons there are where each cluster is there `weight` times."""
    return int((weight[one] * np.where(one != two, weight[two], 1) * count).sum())


def make_calibration(
    sets: Sequence[ScoreSet],
    pairing: tuple[str, str],
    scorer: str,
    *,
    fit_tail: TailFit = fit_generalised_pareto,
    tail_rate: float = TAIL_RATE,
    **stated: Any,
) -> Calibration:
    """Fit the pooled sets, each comparison one count, and state what they were and how well they support it.

    Parameters
    ----------
    sets : sequence of ScoreSet
    pairing : tuple of str
        The two extractors.
    scorer : str
        Id of the scorer that gave the scores.
    fit_tail, tail_rate
        Model of the tail, and the share of the scores that it is fitted to.
    **stated
        More to keep in the provenance; plain JSON values.
    """
    pooled = np.concatenate([s.raw for s in sets])
    support = float(np.sort(pooled)[-min(SUPPORT_EXCEEDANCES, len(pooled))])
    provenance: dict[str, Any] = {
        **stated,
        "data": [s.describe() for s in sets],
        "support": {
            "raw": support,
            "fmr": int((pooled >= support).sum()) / len(pooled),
            "fmr_interval_95": list(fmr_interval(sets, support)),
            "interval": f"bootstrap over clusters within each set, {REPLICATES} replicates, seed {SEED}",
        },
    }
    return fit_calibration(
        pooled,
        pairing=pairing,
        scorer=scorer,
        provenance=provenance,
        fit_tail=fit_tail,
        tail_rate=tail_rate,
    )


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write the calibration under its pairing's name and return the path."""
    path = folder / f"{pairing_slug(*calibration.pairing)}.json"
    path.write_text(json.dumps(calibration.to_json(), indent=1) + "\n", encoding="utf-8")
    return path


def summary(calibration: Calibration) -> str:
    """Return what was found, in a few lines."""
    stated = calibration.provenance
    low, high = stated["support"]["fmr_interval_95"]
    checks = ", ".join(
        f"{check['predicted']:.1f} for {check['observed']:.1f}" for check in stated["held_back_decade"]
    )
    tail = ", ".join(f"{name} {value:.4g}" for name, value in calibration.tail.parameters().items())
    return "\n".join(
        [
            f"{calibration.id}: {calibration.non_mated} non-mated scores of {len(stated['data'])} sets",
            f"  support: raw {calibration.support_raw:.6g}, score {calibration.support_score:.2f}, "
            f"FMR {stated['support']['fmr']:.2e} ({low:.2e} to {high:.2e})",
            f"  tail: {tail}",
            f"  decade held back, predicted for observed: {checks}",
        ]
    )
