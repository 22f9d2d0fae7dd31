"""Two templates to one score: the stages in their order, and no score without a checked calibration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import matcher.score as score_package
from matcher.errors import CalibrationMissingError
from matcher.evaluate.witness import KEY, TOLERANCE, scorer_witness
from matcher.fingerprint.resident import resident
from matcher.score.calibration import load_calibration
from matcher.score.compare import compare
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import FingerprintTemplate, Minutiae

EXTRACTOR = "numba/1"
SHIPPED = sorted(
    path
    for path in (Path(score_package.__file__).parent / "data").glob("*.json")
    # Of persons, irises and faces: in the tests of theirs.
    if not path.name.startswith("person-") and json.loads(path.read_text()).get("scorer") == "fingerprint/1"
)


def template(seed: int, *, n: int = 40, jitter: int = 0, extractor: str = EXTRACTOR) -> FingerprintTemplate:
    """Return n random minutiae at least a ridge apart; `jitter` moves each by up to so many pixels."""
    rng = np.random.default_rng(seed)
    points: list[tuple[float, float]] = []
    while len(points) < n:
        x, y = rng.uniform(40, 340, 2)
        if all((x - u) ** 2 + (y - v) ** 2 > 15**2 for u, v in points):
            points.append((x, y))
    moved = np.array(points) + np.random.default_rng(seed + 1).uniform(-jitter, jitter, (n, 2))
    x, y = moved.round().astype(np.int16).T
    minutiae = Minutiae(
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        rng.integers(0, 256, n).astype(np.uint8),
        rng.integers(1, 3, n).astype(np.uint8),
        np.full(n, 60, np.uint8),
    )
    return FingerprintTemplate(minutiae, 380, 380, extractor)


def test_compare_is_the_stages_in_their_order() -> None:
    probe, candidate = template(1), template(1, jitter=3)
    found = compare(probe, candidate)
    raw = score(FingerprintProbe(probe), resident(candidate)).raw
    calibration = load_calibration(EXTRACTOR, EXTRACTOR)
    assert found == calibration.score(raw)
    assert found.calibration == calibration.id


def test_mates_score_above_others() -> None:
    others = [compare(template(2), template(seed)).value for seed in range(50, 60)]
    assert compare(template(2), template(2, jitter=3)).value > max(others) + 10


def test_no_calibration_no_score() -> None:
    foreign = replace(template(1), extractor="unknown/9")
    for probe, candidate in ((template(1), foreign), (foreign, template(1)), (foreign, foreign)):
        with pytest.raises(CalibrationMissingError, match="unknown/9"):
            compare(probe, candidate)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_calibrations_are_of_this_scorer(path: Path) -> None:
    kept = json.loads(path.read_text())["provenance"][KEY]
    assert scorer_witness() == pytest.approx(kept, rel=TOLERANCE, abs=TOLERANCE), (
        "the scorer has changed: run `python -m tools.recalibrate`"
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_calibration_says_what_it_stands_on(path: Path) -> None:
    probe, candidate = json.loads(path.read_text())["pairing"]
    calibration = load_calibration(probe, candidate)
    assert load_calibration(candidate, probe).id == calibration.id
    stated = calibration.provenance
    assert sum(data["non_mated"] for data in stated["data"]) == calibration.non_mated
    assert stated["support"]["fmr"] == pytest.approx(10 ** (-calibration.support_score / 10))
    low, high = stated["support"]["fmr_interval_95"]
    assert low <= stated["support"]["fmr"] <= high
    assert stated["tail_exceedances"] >= 100
    # The last decade of FMR, held back from the fit, was predicted to within half of it.
    assert max(abs(check["predicted"] - check["observed"]) for check in stated["held_back_decade"]) < 5.0
