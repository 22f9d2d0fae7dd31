"""`matcher extract` and `matcher compare`: files in, one clear answer or one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner, Result

from matcher.cli.main import app
from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
from matcher.errors import ArgumentError, BlankImageError, FailureToExtractError, ImageError, MatcherError
from matcher.formats.detect import is_minutiae_record, read_minutiae_record
from matcher.template.codec import decode_template, is_template
from matcher.types import FingerPosition


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def save(path: Path, finger: int, impression: int, dpi: int | None = 500) -> Path:
    pixels = generate_impression(generate_finger(finger), impression, difficulty=0.3).pixels
    Picture.fromarray(pixels).save(path, **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return path


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two impressions of one finger, one of another, and one without a resolution."""
    folder = tmp_path_factory.mktemp("prints")
    return {
        "first": save(folder / "first.png", 21, 0),
        "second": save(folder / "second.png", 21, 1),
        "other": save(folder / "other.png", 22, 0),
        "silent": save(folder / "silent.png", 21, 0, None),
    }


def test_extract_tells_what_it_found(prints: dict[str, Path]) -> None:
    done = run("extract", prints["first"])
    assert done.exit_code == 0
    assert "minutiae, quality" in done.stdout
    assert "500 ppi (as the file says)" in done.stdout


def test_an_assumed_resolution_is_said_so(prints: dict[str, Path]) -> None:
    assert "500 ppi (ASSUMED" in run("extract", prints["silent"]).stdout
    assert "500 ppi (as given)" in run("extract", prints["silent"], "--ppi", 500).stdout


def test_extract_as_json(prints: dict[str, Path]) -> None:
    done = run("extract", prints["silent"], "--json", "--finger", "right-index")
    answer = json.loads(done.stdout)
    assert answer["minutiae"] > 15
    assert (answer["width"], answer["height"]) == (388, 374)
    assert answer["resolution_source"] == "assumed"
    assert answer["position"] == "right-index"
    assert answer["extractor"].startswith("numba/")


def test_extract_writes_a_template(prints: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "template"
    done = run("extract", prints["first"], "--out", out, "--finger", "7", "--json")
    data = out.read_bytes()
    assert is_template(data)
    template = decode_template(data)
    assert template.position is FingerPosition.LEFT_INDEX
    assert len(template.minutiae) == json.loads(done.stdout)["minutiae"]


@pytest.mark.parametrize("form", ["iso-2005", "iso-2011", "ansi-2004"])
def test_extract_writes_records(prints: dict[str, Path], tmp_path: Path, form: str) -> None:
    out = tmp_path / "record"
    done = run("extract", prints["first"], "--out", out, "--format", form, "--json")
    data = out.read_bytes()
    assert is_minutiae_record(data)
    assert len(read_minutiae_record(data).views[0].minutiae) == json.loads(done.stdout)["minutiae"]


def test_extract_plots(prints: dict[str, Path], tmp_path: Path) -> None:
    assert run("extract", prints["first"], "--plot", tmp_path / "stages.png").exit_code == 0
    with Picture.open(tmp_path / "stages.png") as picture:
        assert picture.width <= 1600


def test_extract_writes_every_intermediate(prints: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "trace.npz"
    assert run("extract", prints["first"], "--trace", out).exit_code == 0
    with np.load(out) as stages:
        assert stages["mask"].ndim == 2
        assert len(stages.files) > 5


def test_a_mated_pair_matches(prints: dict[str, Path], tmp_path: Path) -> None:
    done = run("compare", prints["first"], prints["second"], "--plot", tmp_path / "pair.png")
    assert done.exit_code == 0
    assert done.stdout.startswith("MATCH: score ")
    assert "threshold 40.0" in done.stdout
    assert (tmp_path / "pair.png").stat().st_size > 10_000


def test_a_non_mated_pair_does_not(prints: dict[str, Path]) -> None:
    done = run("compare", prints["first"], prints["other"], "--json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["accepted"] is False
    assert answer["score"]["value"] < answer["threshold"] == 40


def test_the_rate_sets_the_threshold(prints: dict[str, Path]) -> None:
    done = run("compare", prints["first"], prints["other"], "--fmr", 1)
    assert done.exit_code == 0
    assert "threshold 0.0" in done.stdout
    assert json.loads(run("compare", prints["first"], prints["second"], "--fmr", 1e-6, "--json").stdout)[
        "threshold"
    ] == pytest.approx(60)


def test_templates_and_images_compare_alike(prints: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "template"
    run("extract", prints["first"], "--out", template)
    by_image = run("compare", prints["first"], prints["second"], "--json").stdout
    by_template = run("compare", template, prints["second"], "--json", "--plot", tmp_path / "pair.png")
    assert by_template.exit_code == 0
    assert json.loads(by_template.stdout) == json.loads(by_image)
    assert (tmp_path / "pair.png").exists()


def test_records_are_compared(prints: dict[str, Path], tmp_path: Path) -> None:
    record = tmp_path / "record"
    run("extract", prints["first"], "--out", record, "--format", "iso-2005")
    assert run("compare", record, prints["second"]).exit_code == 0
    assert run("compare", record, prints["other"]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["extract", "{missing}"], ArgumentError, "missing.png"),
        (["extract", "{folder}"], ArgumentError, "directory"),
        (["extract", "{text}"], ImageError, "text.png"),
        (["extract", "{empty}"], ImageError, "empty.png"),
        (["extract", "{white}"], BlankImageError, "white.png"),
        (["extract", "{noise}"], FailureToExtractError, "noise.png"),
        (["extract", "{first}", "--finger", "nose"], ArgumentError, "right-index"),
        (["extract", "{first}", "--ppi", "7"], MatcherError, "7"),
        (["extract", "{first}", "--modality", "iris"], FailureToExtractError, "first.png"),
        (["extract", "{first}", "--eye", "left"], ArgumentError, "--eye"),
        (["extract", "{first}", "--modality", "gait"], ArgumentError, "unknown"),
        (["extract", "{first}", "--out", "{folder}/t", "--format", "nothing"], ArgumentError, "iso-2005"),
        (["extract", "{first}", "--format", "iso-2005"], ArgumentError, "--out"),
        (["extract", "{first}", "--out", "{folder}"], ArgumentError, "Cannot write"),
        (["extract", "{first}", "--plot", "{folder}"], ArgumentError, "Cannot write"),
        (["compare", "{first}", "{missing}"], ArgumentError, "missing.png"),
        (["compare", "{text}", "{first}"], ImageError, "text.png"),
        (["compare", "{first}", "{white}"], BlankImageError, "white.png"),
        (["compare", "{first}", "{first}", "--fmr", "0"], ArgumentError, "FMR"),
        (["compare", "{first}", "{first}", "--model", "dlib-resnet-v1"], ArgumentError, "--model"),
    ],
)
def test_a_mistake_is_one_clear_line(
    prints: dict[str, Path], tmp_path: Path, arguments: list[str], error: type[MatcherError], says: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    Picture.fromarray(noise).save(tmp_path / "noise.png")
    Picture.fromarray(np.full((200, 200), 255, np.uint8)).save(tmp_path / "white.png")
    (tmp_path / "text.png").write_text("this is no image, however long one looks at it")
    (tmp_path / "empty.png").write_bytes(b"")
    names = {name: tmp_path / f"{name}.png" for name in ("noise", "white", "text", "empty", "missing")}
    done = run(*(argument.format(folder=tmp_path, first=prints["first"], **names) for argument in arguments))
    assert isinstance(done.exception, error), done.output
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
