#!/usr/bin/env python3
"""Makes the calibration of persons again: run it after `tools.recalibrate`, whose calibration it stands on.

    python -m tools.fit_fusion [--persons 12] [--out matcher/score/data]

Each real set and the synthetic persons are extracted once. No score is kept. It also prints how the fused
scores do out of sample: fitted to the persons at hand and held against chimeric ones, and the other way
round.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sets import Set, real_sets
from matcher.datasets.fingerprint_synthesis.finger import generate_subject
from matcher.datasets.fingerprint_synthesis.impression import generate_impression
from matcher.datasets.load import load
from matcher.datasets.protocol import identity_codes
from matcher.errors import FailureToExtractError
from matcher.evaluate.extraction import extract_all
from matcher.evaluate.modality import FingerprintModality, Gallery
from matcher.evaluate.persons import FingerScores, all_fingers, several_impressions, two_fingers
from matcher.score.calibration import Calibration
from matcher.score.person import FILE, Evidence
from matcher.score.person_fit import (
    Strangers,
    actual_over_nominal,
    claims,
    fit_correlation,
    fit_evidence,
    fit_impression_cost,
    make_person_calibration,
    tables,
)

ROOT = Path(__file__).resolve().parent.parent

SYNTHETIC_SEED = 4000
"""Of the first synthetic person; the others follow."""

IMPRESSIONS = 2
"""Of each synthetic finger."""

DIFFICULTY = 0.5
"""Of the synthetic impressions, 0 easy to 1 hard."""

GROUPS = ((2, 1), (2, 2), (4, 1), (4, 2), (2, 4))
"""Impressions of probe and candidate from which the cost of several comparisons is fitted."""

LEVELS = (20.0, 30.0, 40.0)
"""Scores at which actual and nominal rates are compared."""


def scores_of(templates: Sequence[Any], modality: FingerprintModality, calibration: Calibration) -> Any:
    """Return calibrated scores of all pairs, (n, n), each compared once, NaN without a template."""
    there = [i for i, template in enumerate(templates) if template is not None]
    gallery = Gallery.of([modality.resident(templates[i]) for i in there])
    score = np.full((len(templates), len(templates)), np.nan)
    for place, i in enumerate(there):
        rows = np.arange(place, len(there))
        found = calibration.scores(modality.scorer(templates[i])(gallery, rows, 1))[0]
        score[i, np.array(there)[rows]] = score[np.array(there)[rows], i] = found
    return score


def real_scores(
    one: Set, modality: FingerprintModality, calibration: Calibration
) -> tuple[FingerScores, Any]:
    """Return the comparisons of a real set, and the mated scores."""
    dataset = load(one.dataset, one.root)
    score = scores_of([i.template for i in extract_all(dataset, modality).items], modality, calibration)
    code = identity_codes(dataset)
    probe, reference = np.triu_indices(len(code), 1)
    mated = np.nan_to_num(score[probe, reference][code[probe] == code[reference]])
    return FingerScores.of(one.title, dataset.samples, score), mated


def synthetic_scores(persons: int, modality: FingerprintModality, calibration: Calibration) -> FingerScores:
    """Return the comparisons of synthetic persons with ten fingers, alike in class and ridge period."""
    templates, where = [], []
    for person in range(persons):
        for number, finger in generate_subject(SYNTHETIC_SEED + person, range(1, 11)).items():
            for impression in range(IMPRESSIONS):
                image = generate_impression(finger, impression + 1, difficulty=DIFFICULTY)
                try:
                    templates.append(modality.extract(image))
                except FailureToExtractError:
                    templates.append(None)
                where.append((person, int(number), impression))
    at = np.array(where, dtype=np.int64).reshape(-1, 3)
    score = scores_of(templates, modality, calibration)
    return FingerScores(f"synthetic, {persons} persons", score, at[:, 0], at[:, 1], at[:, 2], True)


def strangers(fingers: FingerScores, *, own_scale: bool = False) -> Strangers:
    """Return two fingers of non-mated persons: the same positions where persons are known.

    On their own scale single fingers have the rate that their score says, and only what goes together is
    left: for synthetic prints, whose single rates are not those of real ones.
    """
    pairs = two_fingers(fingers)
    chosen = ~pairs.mated & (pairs.same_positions | (not fingers.persons_known))
    scores = pairs.scores[chosen]
    if own_scale:
        above = scores.size - np.searchsorted(np.sort(scores, axis=None), scores)
        scores = -10.0 * np.log10(above / scores.size)
    return Strangers(fingers.title, scores)


def check(
    sources: Sequence[Strangers], evidence: Evidence, correlation: float
) -> dict[str, dict[str, float]]:
    """Return actual over nominal FMR of two fused fingers, by source and score."""
    knots = tables(evidence, correlation, 2)[0]
    return {
        source.name: {
            f"{level:g}": round(actual_over_nominal(claims(evidence, source.scores, knots), level), 3)
            for level in LEVELS
            if len(source.scores) * 10.0 ** (-level / 10.0) >= 1.0
        }
        for source in sources
    }


def counted(every: Sequence[FingerScores]) -> dict[int, int]:
    """Return how many non-mated persons were compared in n fingers, by n: two or ten at a time."""
    two = sum(int((~two_fingers(fingers).mated).sum()) for fingers in every)
    ten = sum(
        int((~all_fingers(fingers, range(1, 11)).mated).sum()) for fingers in every if fingers.persons_known
    )
    return {2: two, **dict.fromkeys(range(3, 11), ten)}


def compact(value: dict[str, Any]) -> str:
    """Return JSON with one line for each table."""
    body = json.dumps({**value, "fingers": {}}, indent=1)
    rows = ",\n".join(f'  "{n}": {json.dumps(table)}' for n, table in value["fingers"].items())
    return body.replace('"fingers": {}', f'"fingers": {{\n{rows}\n }}') + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, compare, fit, check, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "matcher" / "score" / "data")
    parser.add_argument("--persons", type=int, default=12, help="synthetic persons, about 10 s each")
    given = parser.parse_args(arguments)
    sets = real_sets()
    if not sets:
        parser.error("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    modality = FingerprintModality()
    modality.warm()
    calibration = modality.calibration()
    read = [real_scores(one, modality, calibration) for one in sets]
    made = synthetic_scores(given.persons, modality, calibration)
    real = [fingers for fingers, _ in read]
    every = [*real, made]
    cost = fit_impression_cost([several_impressions(f, *group) for f in real for group in GROUPS])
    evidence = fit_evidence([mated for _, mated in read], calibration.support_score, cost)
    known = [strangers(f) for f in real if f.persons_known] + [strangers(made, own_scale=True)]
    chimeric = [strangers(f) for f in real if not f.persons_known]
    share = max(len(chimeric), 1)
    sources = known + [Strangers(s.name, s.scores, 1.0 / share) for s in chimeric]
    across = {}
    for fitted, held in ((known, chimeric), (chimeric, known)):
        if fitted and held:
            correlation = fit_correlation(fitted, evidence)
            title = "fitted to " + ", ".join(s.name for s in fitted)
            across[title] = {"correlation": correlation, **check(held, evidence, correlation)}
    provenance: dict[str, Any] = {
        "finger_calibration": calibration.id,
        "data": [
            {"set": f.title, "persons": len(np.unique(f.person)) if f.persons_known else "chimeric"}
            for f in every
        ],
        "protocol": "two fingers of one impression number; non-mated: the same positions of other persons; "
        "chimeric, disjoint pairs of fingers; synthetic scores on their own scale",
        "actual_over_nominal_out_of_sample": across,
    }
    # Synthetic persons go together less than real ones: they may confirm a correlation, not lower it.
    correlation = max(
        fit_correlation(part, evidence) for part in (sources, [s for s in sources if s not in known[-1:]])
    )
    provenance["actual_over_nominal"] = check(sources, evidence, correlation)
    result = make_person_calibration(correlation, evidence, counted(every), provenance)
    path = given.out / FILE
    path.write_text(compact(result.to_json()), encoding="utf-8")
    print(f"{path}\n{result.id}: correlation {result.correlation}, {evidence}")
    print(json.dumps(provenance, indent=1))


if __name__ == "__main__":
    main()
