"""Persons out of single fingers: which comparisons are made, and the figures that come of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from matcher.datasets.load import load
from matcher.datasets.samples import Sample
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.modality import FingerprintModality
from matcher.evaluate.persons import FingerScores, all_fingers, several_impressions, two_fingers
from matcher.evaluate.persons_report import finger_scores, two_finger_report
from matcher.evaluate.run import evaluate
from matcher.score.person import load_person_calibration


def made_up(
    persons: int, fingers: int, impressions: int, *, known: bool = True, seed: int = 1
) -> FingerScores:
    """Mated fingers score 60 to 90, others as their scores say."""
    rng = np.random.default_rng(seed)
    samples = [
        Sample(f"{p}_{f}_{i}.png", f"{p}_{f}", str(p) if known else None)
        for p in range(persons)
        for f in range(1, fingers + 1)
        for i in range(impressions)
    ]
    one, two = np.triu_indices(len(samples), 1)
    mated = np.array([samples[i].identity == samples[j].identity for i, j in zip(one, two, strict=True)])
    score = np.where(mated, rng.uniform(60, 90, len(one)), rng.exponential(10 / np.log(10), len(one)))
    comparisons = Comparisons(one, two, mated, score.astype(np.float32))
    return finger_scores("made up", samples, comparisons, score)


def test_every_pair_of_two_finger_persons_is_compared_once() -> None:
    fingers = made_up(3, 4, 2)
    pairs = two_fingers(fingers)
    made = [(p, fs, i) for p in range(3) for fs in combinations(range(1, 5), 2) for i in range(2)]
    mated = other = same = 0
    for (p, (f, g), _), (q, (h, k), _) in combinations(made, 2):
        alike = [p == q and f == h, p == q and g == k]
        mated += all(alike)
        other += not any(alike)
        same += not any(alike) and (f, g) == (h, k)
    assert (pairs.mated.sum(), (~pairs.mated).sum()) == (mated, other)
    assert (pairs.same_positions & ~pairs.mated).sum() == same
    assert (pairs.one == pairs.two)[pairs.mated].all()
    assert pairs.scores[pairs.mated].min() >= 60
    assert pairs.scores[~pairs.mated].max() < 60


def test_ten_fingers_are_compared_across_persons() -> None:
    pairs = all_fingers(made_up(3, 4, 2), (1, 2, 4))
    assert pairs.scores.shape == (15, 3)
    assert pairs.mated.sum() == 3
    assert all_fingers(made_up(3, 4, 2), (1, 5)).scores.shape == (0, 2)


def test_a_set_without_persons_is_one_chimera() -> None:
    fingers = made_up(2, 3, 2, known=False)
    assert not fingers.persons_known
    assert fingers.person.max() == 0


def test_impressions_are_grouped_once() -> None:
    fingers = made_up(2, 2, 5)
    found = several_impressions(fingers, 2, 2)
    # 6 pairs of fingers, 2 groups of each.
    assert found.shape == (6 * 4, 4)
    assert found.max() < 60
    assert several_impressions(fingers, 4, 1).shape == (6 * 1 * 5, 4)


def test_a_failed_image_is_a_score_of_nought() -> None:
    fingers = made_up(2, 2, 2)
    fingers.score[0, :] = fingers.score[:, 0] = np.nan
    pairs = two_fingers(fingers)
    assert np.isfinite(pairs.scores).all()
    assert (pairs.scores[pairs.mated] == 0).any()


def test_the_report_of_two_fingers() -> None:
    report = two_finger_report(made_up(6, 4, 3), load_person_calibration())
    assert report["zero_fmr"] == 0.0
    low, high = report["zero_fmr_interval_95"]
    assert (low, high) == (0.0, pytest.approx(3 / report["mated"]))
    assert report["interval"].endswith("indicative")
    assert report["persons"] == 6
    # Independent fingers: the claims hold with room.
    assert report["actual_over_nominal"]["all"]["20"] <= 1.0
    assert report["actual_over_nominal"]["same_positions"]["40"] is None
    chimeric = two_finger_report(made_up(1, 6, 3, known=False), load_person_calibration())
    assert (chimeric["persons"], chimeric["zero_fmr_interval_95"]) == (None, None)


def test_two_real_fingers_are_told_apart(real_data: Path, full_size: bool) -> None:
    """The real sibling of the test above; all seven persons at full size, else two."""
    folder = real_data / "fingerprint" / "uareu"
    if not folder.is_dir():
        pytest.skip("the set UareU is not at hand")
    dataset = load("neurotechnology", folder)
    persons = sorted({sample.person or "" for sample in dataset.samples})[: None if full_size else 2]
    samples = tuple(s for s in dataset.samples if s.person in persons and (full_size or s.name[-5] in "12"))
    dataset = replace(dataset, samples=samples)
    modality = FingerprintModality()
    found = evaluate(dataset, modality, timed=False)
    assert found.score is not None
    fingers = finger_scores("UareU", samples, found.comparisons, found.score)
    report = two_finger_report(fingers, load_person_calibration())
    assert report["mated"] > (2500 if full_size else 80)
    assert report["zero_fmr"] <= 0.003
