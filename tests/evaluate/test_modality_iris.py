"""Irises evaluated end to end, on synthetic eyes: both codes, failures counted, records read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.datasets.iris_synthesis.folders import write_eye
from matcher.errors import ArgumentError, RecordUnsupportedError
from matcher.evaluate.modality import Gallery, modality
from matcher.evaluate.modality_iris import IrisCode, IrisModality
from matcher.formats.eyes import eye_image
from matcher.formats.iso19794_6 import write_iris_image_record
from matcher.formats.iso19794_6_record import IrisImageRecord
from matcher.iris.types import IrisTemplate
from matcher.score.iris import IrisProbe, score, search_score
from matcher.template.iris_codec import TEMPLATE_BYTES

EYES, SAMPLES = 5, 2


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 5 synthetic eyes x 2 samples and a white image, in the `folders` layout; one is a record."""
    root = tmp_path_factory.mktemp("eyes")
    for number in range(1, EYES + 1):
        write_eye(root, number, seed=3, samples=SAMPLES, difficulty=0.2, height=240, width=320)
    Image.new("L", (320, 240), 255).save(root / "eye_000002" / "sample_03.png")
    return root


def run(root: Path, out: Path, *more: str) -> dict[str, Any]:
    arguments = ["evaluate", "iris", "--dataset", "folders", "--root", str(root), "--json", str(out), *more]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def reports(eyes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run once for each code; the full one with scores and pictures."""
    folder = tmp_path_factory.mktemp("reports")
    more = ["--scores", str(folder / "s.csv"), "--plots", str(folder / "plots")]
    return {
        "full": run(eyes, folder / "full.json", *more),
        "search": run(eyes, folder / "search.json", "--code", "search"),
        "folder": folder,
    }


def test_the_report_has_the_contract_s_figures(reports: dict[str, Any]) -> None:
    report = reports["full"]
    assert (report["modality"], report["extractor"], report["code"]) == ("iris", "numba", "full")
    assert (report["images"], report["identities"], report["failures_to_extract"]) == (11, EYES, 1)
    assert report["failure_reasons"] == {"EXTRACT_BLANK": 1}
    # The white image is a non-match with both samples of its eye, and in no non-mated comparison.
    assert (report["mated"], report["non_mated"]) == (EYES + 2, 10 * 9 // 2 - EYES)
    assert report["rank1"] == (EYES) / (EYES + 1)
    assert report["fnmr_at_fmr"]["1e-2"] is None
    assert report["zero_fmr"] == pytest.approx(2 / (EYES + 2))
    assert report["extract_ms_median"] > 0
    assert report["comparisons_per_second_core"] > 0
    assert report["template_bytes_median"] == TEMPLATE_BYTES + len(report["extractor_id"])
    assert report["resident_bytes_median"] == 4608
    assert report["interval_method"]["unit"] == "identity"
    folder = reports["folder"]
    assert len((folder / "s.csv").read_text().splitlines()) == 1 + report["mated"] + report["non_mated"]
    assert {"det.png", "report.html"} <= {path.name for path in (folder / "plots").iterdir()}


def test_the_search_code_is_measured_alone(reports: dict[str, Any]) -> None:
    report = reports["search"]
    assert (report["code"], report["resident_bytes_median"]) == ("search", 512)
    assert (report["mated"], report["failures_to_extract"]) == (EYES + 2, 1)
    assert report["calibration"] != reports["full"]["calibration"]
    assert "search" in report["calibration"]
    assert report["zero_fmr"] == pytest.approx(2 / (EYES + 2))


def template(seed: int) -> IrisTemplate:
    rng = np.random.default_rng(seed)
    words, octets = rng.integers(0, 1 << 64, 256, dtype=np.uint64), rng.integers(0, 256, 256, dtype=np.uint8)
    whole, octet = np.full(256, ~np.uint64(0)), np.full(256, 255, np.uint8)
    return IrisTemplate(words, whole, octets, octet, "iris-numba/1")


@pytest.mark.parametrize("code", IrisCode)
def test_scores_are_those_of_the_scorer(code: IrisCode) -> None:
    """Rows of a gallery with a hole, as a failure to extract leaves one."""
    kind = IrisModality(code=code)
    templates = [template(seed) for seed in range(4)]
    residents = [kind.resident(t) for t in templates]
    gallery = Gallery.of([residents[0], np.empty(0, np.uint64), *residents[1:]])
    rows = np.array([4, 0, 2])
    found = kind.scorer(templates[1])(gallery, rows, 1)
    compare = score if code is IrisCode.FULL else search_score
    probe = IrisProbe(templates[1])
    full = IrisModality()
    expected = [compare(probe, full.resident(templates[i])).raw for i in (3, 0, 1)]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert found[2] == 1.0
    pairing = kind.extractor_id + ("" if code is IrisCode.FULL else "/search")
    assert kind.calibration().pairing == (pairing, pairing)


def test_records_are_read_and_others_refused(tmp_path: Path) -> None:
    pixels = np.arange(200 * 160, dtype=np.uint8).reshape(200, 160)
    image = eye_image(pixels)
    for name, images in (("one.png", (image,)), ("two.png", (image, image))):
        (tmp_path / name).write_bytes(write_iris_image_record(IrisImageRecord(images)))
    kind = IrisModality()
    assert np.array_equal(kind.read(tmp_path / "one.png"), pixels)
    with pytest.raises(RecordUnsupportedError):
        kind.read(tmp_path / "two.png")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("iris", "leader"), "Extractor"),
        (("iris", "numba", "half"), "--code"),
        (("fingerprint", "numba", "search"), "--code"),
        (("gait", "numba"), "unknown"),
    ],
)
def test_what_is_not_there_is_a_typed_error(arguments: tuple[str, ...], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        modality(*arguments)
