"""`matcher extract` and `matcher compare` with `--modality iris`: pictures, records and templates in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner, Result

from matcher.cli.main import app
from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
from matcher.datasets.iris_synthesis import EyeSettings, draw_eye, generate_eye
from matcher.errors import (
    ArgumentError,
    FailureToExtractError,
    ImageError,
    MatcherError,
    RecordUnsupportedError,
    TemplateCorruptError,
)
from matcher.formats.eyes import eye_image
from matcher.formats.iso19794_6 import write_iris_image_record
from matcher.formats.iso19794_6_record import IrisImageRecord
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import EyePosition
from matcher.score.calibration import Calibration
from matcher.score.fit import fit_calibration
from matcher.score.iris_scorer import IrisScorer
from matcher.template.iris_codec import decode_iris

SETTINGS = EyeSettings(height=240, width=320, radius=58.0, leds=1)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def extract(path: Path, *more: object) -> Result:
    return run("extract", path, "--modality", "iris", *more)


def compare(one: Path, other: Path, *more: object) -> Result:
    return run("compare", one, other, "--modality", "iris", *more)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two pictures of one eye, one of another; a record of the second and one of both; a fingerprint."""
    folder = tmp_path_factory.mktemp("eyes")
    eye = generate_eye(51)
    pictures = {
        "first": draw_eye(eye, 1, difficulty=SETTINGS)[0],
        "second": draw_eye(eye, 2, difficulty=SETTINGS)[0],
        "other": draw_eye(52, 1, difficulty=SETTINGS)[0],
    }
    paths = {name: folder / f"{name}.png" for name in pictures}
    for name, pixels in pictures.items():
        Picture.fromarray(pixels).save(paths[name])
    one, both = (
        IrisImageRecord(tuple(eye_image(pictures[name], eye=EyePosition.LEFT) for name in names))
        for names in (("second",), ("first", "second"))
    )
    for name, record in (("record", one), ("both", both)):
        paths[name] = folder / f"{name}.iso"
        paths[name].write_bytes(write_iris_image_record(record))
    paths["finger"] = folder / "finger.png"
    Picture.fromarray(generate_impression(generate_finger(1), 1).pixels).save(paths["finger"])
    return paths


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibration made of numbers: what the command does with it is tested, not which one is shipped."""
    scores = np.abs(np.random.default_rng(5).normal(0.0, 0.05, 20_000))

    def calibration(self: IrisScorer, probe_extractor: str, candidate_extractor: str) -> Calibration:
        return fit_calibration(scores, pairing=(probe_extractor, candidate_extractor), scorer="iris")

    monkeypatch.setattr(IrisScorer, "calibration", calibration)


def test_extract_tells_what_it_found(files: dict[str, Path]) -> None:
    done = extract(files["first"])
    assert done.exit_code == 0
    assert done.stdout.startswith("iris 1")
    assert "320 x 240 px, eye unknown" in done.stdout


def test_extract_writes_template_and_intermediates(files: dict[str, Path], tmp_path: Path) -> None:
    out, trace = tmp_path / "template", tmp_path / "trace.npz"
    done = extract(files["first"], "--out", out, "--trace", trace, "--eye", "right", "--json")
    answer = json.loads(done.stdout)
    template = decode_iris(out.read_bytes())
    assert template.position is EyePosition.RIGHT
    assert (answer["quality"], answer["extractor"]) == (template.quality, template.extractor)
    assert (answer["width"], answer["height"], answer["position"]) == (320, 240, "right")
    # The truth: an iris of radius 58, a pupil of 0.4 of that.
    assert answer["iris_px"] == pytest.approx(116, rel=0.05)
    assert answer["pupil_px"] == pytest.approx(46.4, rel=0.08)
    assert 0.2 < answer["valid_bits"] <= 1.0
    with np.load(trace) as stages:
        assert np.array_equal(stages["code"] & stages["mask"], template.code)


def test_extract_says_what_to_do_about_a_poor_picture(files: dict[str, Path], tmp_path: Path) -> None:
    answer = json.loads(extract(files["first"], "--json").stdout)
    parts = answer["quality_parts"]
    assert set(parts) >= {"usable_area", "pupil_dilation", "sharpness", "margin"}
    assert parts["iris_radius"]["value"] == pytest.approx(58, rel=0.05)
    assert parts["iris_radius"]["unit"] == "px"
    # A picture cut just beside the iris.
    with Picture.open(files["first"]) as picture:
        picture.crop((98, 0, 320, 240)).save(tmp_path / "cut.png")
    done = extract(tmp_path / "cut.png", "--json")
    poor = json.loads(done.stdout)
    assert poor["quality"] < answer["quality"]
    assert poor["quality_parts"]["margin"]["score"] < 50
    sentence = poor["quality_parts"]["margin"]["advice"]
    assert sentence in poor["advice"]
    assert sentence in extract(tmp_path / "cut.png").stdout


def test_extract_plots(files: dict[str, Path], tmp_path: Path) -> None:
    assert extract(files["first"], "--plot", tmp_path / "stages.png").exit_code == 0
    with Picture.open(tmp_path / "stages.png") as picture:
        assert picture.width <= 1600


def test_a_record_says_which_eye(files: dict[str, Path]) -> None:
    assert json.loads(extract(files["record"], "--json").stdout)["position"] == "left"
    done = extract(files["record"], "--eye", "right")
    assert isinstance(done.exception, ArgumentError)
    assert "RIGHT" in str(done.exception)


@pytest.mark.usefixtures("calibrated")
def test_mates_match_and_others_do_not(files: dict[str, Path], tmp_path: Path) -> None:
    done = compare(files["first"], files["second"], "--plot", tmp_path / "pair.png", "--json")
    assert done.exit_code == 0
    answer = json.loads(done.stdout)
    assert answer["accepted"] is True
    assert answer["hamming"] < 0.3
    assert answer["common_bits"] > 2000
    assert abs(answer["turn"]) <= 1
    assert (tmp_path / "pair.png").stat().st_size > 10_000
    done = compare(files["first"], files["other"])
    assert done.exit_code == 1
    assert done.stdout.startswith("NO MATCH: score ")
    assert compare(files["first"], files["other"], "--fmr", 1).exit_code == 0


def test_the_shipped_calibration_tells_mates_from_others(files: dict[str, Path]) -> None:
    """From picture to decision as a user meets it: nothing stands in for anything."""
    mates = json.loads(compare(files["first"], files["second"], "--json").stdout)
    other = json.loads(compare(files["first"], files["other"], "--json").stdout)
    shipped = IrisScorer().calibration(EXTRACTOR_ID, EXTRACTOR_ID)
    assert mates["score"]["calibration"] == other["score"]["calibration"] == shipped.id
    assert (mates["accepted"], other["accepted"]) == (True, False)
    assert mates["score"]["value"] > 60 > 40 > other["score"]["value"]


@pytest.mark.usefixtures("calibrated")
def test_templates_records_and_pictures_compare_alike(files: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "template"
    extract(files["first"], "--out", template)
    answers = [
        json.loads(compare(one, other, "--json").stdout)
        for one in (files["first"], template)
        for other in (files["second"], files["record"])
    ]
    assert all(answer == answers[0] for answer in answers)
    assert compare(template, files["record"], "--plot", tmp_path / "pair.png").exit_code == 0
    assert (tmp_path / "pair.png").exists()


@pytest.fixture
def wrong(files: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Files that are no iris, each in its own way."""
    paths = {
        name: tmp_path / name
        for name in ("minutiae", "fingerprint", "eye", "cut", "white", "text", "none", "noise")
    }
    run("extract", files["finger"], "--out", paths["fingerprint"])
    run("extract", files["finger"], "--out", paths["minutiae"], "--format", "iso-2005")
    extract(files["first"], "--out", paths["eye"])
    paths["cut"].write_bytes(paths["eye"].read_bytes()[:-1])
    Picture.fromarray(np.full((240, 320), 255, np.uint8)).save(paths["white"], "PNG")
    noise = np.random.default_rng(0).integers(0, 256, (240, 320), np.uint8)
    Picture.fromarray(noise).save(paths["noise"], "PNG")
    paths["text"].write_text("this is no image, however long one looks at it")
    return paths | {"both": files["both"], "finger": files["finger"], "first": files["first"]}


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("fingerprint", ArgumentError, "template of modality fingerprint"),
        ("minutiae", ArgumentError, "template of modality fingerprint"),
        ("cut", TemplateCorruptError, "cut"),
        ("white", FailureToExtractError, "white"),
        ("finger", FailureToExtractError, "finger.png"),
        ("noise", FailureToExtractError, "noise"),
        ("text", ImageError, "text"),
        ("none", ArgumentError, "none"),
        ("both", RecordUnsupportedError, "got 2"),
    ],
)
@pytest.mark.usefixtures("calibrated")
def test_a_file_without_an_iris_is_one_clear_line(
    wrong: dict[str, Path], name: str, error: type[MatcherError], says: str
) -> None:
    for done in (compare(wrong["eye"], wrong[name]), compare(wrong[name], wrong["eye"])):
        assert isinstance(done.exception, error), done.output
        assert says in str(done.exception)
        assert "\n" not in str(done.exception)


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("eye", [], "got a template"),
        ("first", ["--eye", "nose"], "left"),
        ("first", ["--ppi", "500"], "--ppi"),
        ("first", ["--finger", "1"], "--finger"),
        ("first", ["--format", "iso-2005"], "--format"),
        ("first", ["--extractor", "leader"], "Extractor"),
        ("first", ["--out", "/"], "Cannot write"),
        ("first", ["--trace", "/"], "Cannot write"),
        ("first", ["--plot", "/"], "Cannot write"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    wrong: dict[str, Path], name: str, more: list[str], says: str
) -> None:
    done = extract(wrong[name], *more)
    assert isinstance(done.exception, ArgumentError), done.output
    assert says in str(done.exception)


def test_fingerprint_commands_refuse_irises_with_a_reason(wrong: dict[str, Path]) -> None:
    done = run("compare", wrong["eye"], wrong["finger"])
    assert isinstance(done.exception, ArgumentError)
    assert "got a template of modality iris. Use --modality iris" in str(done.exception)
