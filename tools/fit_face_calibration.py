#!/usr/bin/env python3
"""Makes the calibration of a face model from the pictures of a set: its templates, all pairs of two persons.

    tools/fit_face_calibration.py --root LFW --name "LFW, all pictures at hand" --out matcher/score/data

Of a set in LFW's layout (`Name/Name_NNNN.jpg`) the pictures that a pairs file names, without one all of them.
It promises the upper bound of each rate over draws of people (`matcher.evaluate.conservative`). What it
promises of other people is checked by fitting to some people and looking at the others, many times; the file
says what came out, and in how many of these it promised too much. For a model of your own: --model PATH.toml,
and the file goes into the folder `calibrations` of the cache. The file holds
quantiles of scores: no sample, and no name of one.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matcher.datasets.lfw_pairs import parse_pairs
from matcher.datasets.load import load
from matcher.datasets.samples import Sample
from matcher.evaluate.calibrate import ScoreSet, make_calibration, summary
from matcher.evaluate.conservative import conservative
from matcher.face.extract import extract
from matcher.face.model import DEFAULT_MODEL
from matcher.face.types import FaceTemplate
from matcher.image.colour import read_colour
from matcher.score.calibration import Calibration
from matcher.score.face import SCORER_ID, FaceProbe, resident, score_many
from matcher.score.face_calibration import MODEL, own_folder, pairing_name
from matcher.score.fit import fit_calibration

PROMISES = (20.0, 25.0, 30.0, 35.0, 40.0, 45.0)
"""Scores that the check looks at."""

DIVISIONS = 10
"""Random divisions of the people into halves; each half is fitted to once."""

CHECK_REPLICATES = 60
"""Draws of people for the bound of each half: fewer than of the calibration itself, twenty times."""

FEWEST_EXPECTED = 30
"""Comparisons that have to be expected at a score for the check to look at it."""

SEED = 19795


def fit(samples: Sequence[Sample], templates: Sequence[FaceTemplate], name: str) -> Calibration:
    """Return the calibration from every comparison of two persons."""
    forms = [resident(template) for template in templates]
    words = np.concatenate(forms)
    offsets = np.cumsum([0, *(len(form) for form in forms)]).astype(np.int64)
    persons = np.array([sample.identity for sample in samples])
    raw, one, two = [], [], []
    for place, form in enumerate(forms):
        rows = np.flatnonzero(persons[place + 1 :] != persons[place]) + place + 1
        raw.append(score_many(FaceProbe(form), words, offsets, rows=rows))
        one += [samples[place]] * len(rows)
        two += [samples[row] for row in rows.tolist()]
    model = templates[0].model
    scores = ScoreSet.of(name, "lfw", np.concatenate(raw), (one, two))
    pairing = (pairing_name(model), pairing_name(model))
    stated = {MODEL: model, "held_out_people": held_out_people(scores)}
    return conservative(make_calibration([scores], pairing, SCORER_ID, **stated), scores)


def held_out_people(scores: ScoreSet) -> list[dict[str, float]]:
    """Return what calibrations fitted to half of the people promise of the other half, and what is so.

    A score is promised where PROMISES says, and observed is -10 log10 of the share of the others' comparisons
    that reach it: lower is worse than promised. Levels at which too few are expected are left out.
    """
    rng = np.random.default_rng(SEED)
    observed: dict[float, list[float]] = {promise: [] for promise in PROMISES}
    for _ in range(DIVISIONS):
        half = rng.permutation(scores.clusters) % 2 == 0
        for side in (half, ~half):
            seen, other = (scores.taken(s[scores.one] & s[scores.two]) for s in (side, ~side))
            fitted = fit_calibration(seen.raw, pairing=("some", "some"), scorer=SCORER_ID)
            calibration = conservative(fitted, seen, replicates=CHECK_REPLICATES)
            raw = np.sort(other.raw)
            for promise, found in observed.items():
                reached = len(raw) - int(np.searchsorted(raw, calibration.raw_at(promise)))
                if len(raw) * 10 ** (-promise / 10) >= FEWEST_EXPECTED:
                    found.append(-10 * math.log10(max(reached, 1) / len(raw)))
    return [
        {
            "promised": promise,
            "observed_mean": round(statistics.mean(found), 2),
            "observed_deviation": round(statistics.pstdev(found), 2),
            "promised_too_much": round(sum(value < promise for value in found) / len(found), 2),
        }
        for promise, found in observed.items()
        if len(found) == 2 * DIVISIONS
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, fit, write and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of the set")
    parser.add_argument("--pairs", help="pairs file in it that names the pictures")
    parser.add_argument("--name", required=True, help="what the set is called")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or path of a manifest")
    parser.add_argument("--out", type=Path, help="folder to write into; by default the user's own")
    given = parser.parse_args(arguments)
    samples = list(load("lfw", given.root).samples)
    if given.pairs:
        rows = parse_pairs((given.root / given.pairs).read_bytes())
        named = {side for row in rows for side in (row.probe, row.reference)}
        samples = [sample for sample in samples if sample.name.rsplit(".", 1)[0] in named]
    templates = [extract(read_colour(given.root / s.name), model=given.model) for s in samples]
    calibration = fit(samples, templates, given.name)
    folder = given.out or own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{pairing_name(templates[0].model)}.json"
    path.write_text(json.dumps(calibration.to_json(), indent=1) + "\n", encoding="utf-8")
    print(f"{path}\n{summary(calibration)}")


if __name__ == "__main__":
    main()
