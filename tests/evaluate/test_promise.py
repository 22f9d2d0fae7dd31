"""The shipped calibration on images: what a threshold promises, and what is observed."""

from __future__ import annotations

from pathlib import Path

from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.datasets.load import load
from matcher.evaluate.modality import FingerprintModality
from matcher.evaluate.run import evaluate

FINGERS, IMPRESSIONS, SEED = 16, 2, 3


def test_synthetic_prints_keep_the_promise(tmp_path: Path) -> None:
    for number in range(1, FINGERS + 1):
        write_finger(tmp_path, number, seed=SEED, impressions=IMPRESSIONS)
    report = evaluate(load("folders", tmp_path), FingerprintModality(), timed=False).report
    assert report["comparisons_per_second_core"] is None
    assert report["eer"] < 0.06
    # No people of the calibration, and few: the order of magnitude is asked for.
    assert report["at_score"]["30"]["fmr"] <= 0.01 + 3 / report["non_mated"]
    assert report["at_score"]["40"]["fmr"] <= 0.001 + 3 / report["non_mated"]
    assert report["at_score"]["30"]["fnmr"] < 0.15


def test_real_prints_keep_the_promise(real_data: Path, full_size: bool) -> None:
    names = ["fvc2002/DB1_B", "fvc2002/DB3_B", "fvc2004/DB1_B", "fvc2004/DB3_B"]
    for name in names if full_size else names[:1]:
        data = load("fvc", real_data / "fingerprint" / name)
        report = evaluate(data, FingerprintModality(), timed=False).report
        assert (report["mated"], report["images"]) == (280, 80)
        # 10 fingers: a rate off by three is still likely.
        assert report["at_score"]["20"]["fmr"] <= 0.03
        assert report["at_score"]["30"]["fmr"] <= 0.003 + 3 / report["non_mated"]
        assert report["eer"] < (0.15 if "DB3" in name else 0.10)
