"""Fits the weights of `matcher.fingerprint.quality` and shows what discarding by quality does.

    python -m benchmarks.fit_quality             the synthetic set and the real sets at hand
    python -m benchmarks.fit_quality --smallest  a few synthetic prints: shows that the script runs

A mated comparison is taken to be accepted with probability sigmoid(c + s (log q1 + log q2)), q being the
weighted geometric mean of an image's parts and c a constant of its set; the weights are those that foretell
best whether the calibrated score reaches 30 (FMR 1e-3). They are fitted to synthetic prints and to two real
sets; the others are only looked at. Nothing is written: the weights go into the code by hand, rounded.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.sets import Set, real_sets
from matcher.datasets.load import load
from matcher.datasets.protocol import Impostors, pairs
from matcher.errors import FailureToExtractError
from matcher.evaluate.comparisons import Comparisons, comparable
from matcher.evaluate.discard import Graded, discard_curve
from matcher.evaluate.extraction import Extraction, Extractions
from matcher.evaluate.modality import FingerprintModality
from matcher.evaluate.run import calibrated, compare_pairs
from matcher.fingerprint.extract import extract
from matcher.fingerprint.quality import COMPONENTS, assess_trace
from matcher.fingerprint.trace import Trace
from matcher.image.read import read_image
from matcher.sample_quality import FLOOR
from matcher.types import MAX_QUALITY

F64 = npt.NDArray[np.float64]

FITTED = ("FVC2002 DB1_B", "FVC2004 DB3_B")
"""The real sets that the weights are fitted to, as all of the extractor's parameters are."""

THRESHOLD = 30.0
"""Calibrated score that a mate should reach: FMR 1e-3."""

SOFTNESS = 8.0
"""Scale of the soft target around the threshold, score units: near misses tell something as well."""

RIDGE = 0.05
"""Penalty on squared weights: parts that tell the same share the weight."""

LEAST_WEIGHT = 0.05
"""Least share of a part in the end: sets at hand may lack a fault that others have."""

SYNTHETIC_SEED = 77
SYNTHETIC_DIFFICULTY = (0.3, 1.0)
"""Of the synthetic set; each impression draws its own difficulty."""

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One set: the score of every part, float64 (n, parts), 0 to 1, and its comparisons."""

    title: str
    parts: F64
    graded: Graded
    comparisons: Comparisons
    score: F64


def synthetic_set(folder: Path, fingers: int, impressions: int) -> Set:
    """Write synthetic prints, easy and hard ones mixed."""
    from PIL import Image

    from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
    from matcher.datasets.fingerprint_synthesis.folders import finger_seed

    rng = np.random.default_rng(SYNTHETIC_SEED)
    for number in range(1, fingers + 1):
        finger = generate_finger(finger_seed(SYNTHETIC_SEED, number))
        place = folder / f"finger_{number:06d}"
        place.mkdir(parents=True)
        for impression in range(1, impressions + 1):
            difficulty = float(rng.uniform(*SYNTHETIC_DIFFICULTY))
            pixels = generate_impression(finger, impression, difficulty=difficulty).pixels
            Image.fromarray(pixels).save(place / f"impression_{impression:02d}.png", dpi=(500, 500))
    return Set(f"synthetic, {fingers} fingers x {impressions}", "folders", folder, judged=False)


def measure_set(one: Set, modality: FingerprintModality) -> Measured:
    """Extract a set with every part of quality, and compare all pairs."""
    data = load(one.dataset, one.root)
    items, parts = [], []
    for sample in data.samples:
        image, trace = read_image(one.root / sample.name), Trace()
        try:
            template = extract(image, trace=trace)
        except FailureToExtractError as error:
            items.append(Extraction(None, 0.0, 0, error.reason))
            parts.append([0.0] * len(COMPONENTS))
            continue
        items.append(Extraction(template, 0.0))
        quality = assess_trace(image, trace, template.minutiae)
        parts.append([part.score / MAX_QUALITY for part in quality.parts])
    found = Extractions(tuple(items))
    nothing = np.empty(0, np.uint64)
    residents = [nothing if e.template is None else modality.resident(e.template) for e in found.items]
    wanted = comparable(pairs(data, Impostors.ALL), found.failed)
    comparisons = compare_pairs(wanted, modality, found, residents)
    graded, score = Graded.of(found, comparisons), calibrated(comparisons, modality.calibration())
    assert graded is not None
    assert score is not None
    return Measured(one.title, np.array(parts), graded, comparisons, score)


def fit_weights(sets: Sequence[Measured]) -> F64:
    """Return the weights, float64 (parts,), adding up to 1; each set weighs the same."""
    rows, targets, shares = [], [], []
    for place, one in enumerate(sets):
        mated = one.comparisons.mated
        parts = np.log(FLOOR + (1 - FLOOR) * one.parts)
        both = parts[one.comparisons.probe[mated]] + parts[one.comparisons.reference[mated]]
        rows.append(np.hstack([both, np.eye(len(sets))[np.full(len(both), place)]]))
        targets.append(expit((np.nan_to_num(one.score[mated]) - THRESHOLD) / SOFTNESS))
        shares.append(np.full(len(both), 1 / (len(both) * len(sets))))
    table, target, share = np.vstack(rows), np.concatenate(targets), np.concatenate(shares)
    n = len(COMPONENTS)

    def loss(values: F64) -> tuple[float, F64]:
        z = table @ values
        gradient = table.T @ (share * (expit(z) - target))
        gradient[:n] += 2 * RIDGE * values[:n]
        penalty = RIDGE * float((values[:n] ** 2).sum())
        return float((share * (np.logaddexp(0, z) - target * z)).sum()) + penalty, gradient

    start = np.concatenate([np.full(n, 0.3), np.zeros(len(sets))])
    bounds = [(0, None)] * n + [(None, None)] * len(sets)
    found = minimize(loss, start, jac=True, bounds=bounds).x[:n]
    weights = np.maximum(found / max(found.sum(), 1e-9), LEAST_WEIGHT)
    shares_of_one: F64 = weights / weights.sum()
    return shares_of_one


def describe(title: str, graded: Graded) -> str:
    """Return FNMR at the fixed threshold as the worst images go, one line."""
    curve = discard_curve(graded, SHARES)
    if curve is None:
        return f"{title}: too few comparisons for FMR 1e-3"
    rates = "  ".join(f"{share:.0%}: {rate:.2%}" for share, rate in zip(curve.share, curve.fnmr, strict=True))
    return f"{title}: median {np.median(graded.quality):.0f}; FNMR discarding {rates}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="4 synthetic fingers only, no real data")
    given = parser.parse_args(arguments)
    modality = FingerprintModality()
    with tempfile.TemporaryDirectory() as folder:
        synthetic = synthetic_set(Path(folder), *((4, 3) if given.smallest else (40, 6)))
        sets = [measure_set(s, modality) for s in [synthetic, *([] if given.smallest else real_sets())]]
    weights = fit_weights([s for s in sets if s is sets[0] or s.title in FITTED])
    print("part              fitted  shipped")
    for component, weight in zip(COMPONENTS, weights, strict=True):
        print(f"{component.name:<17} {weight:6.3f}  {component.weight:.2f}")
    print("\nWith the shipped weights:")
    for one in sets:
        print(
            describe(one.title + (" (fitted)" if one is sets[0] or one.title in FITTED else ""), one.graded)
        )
    if len(sets) > 1:
        print(describe("real sets pooled", Graded.pooled([s.graded for s in sets[1:]])))


if __name__ == "__main__":
    main()
