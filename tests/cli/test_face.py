"""`matcher extract` and `matcher compare --modality face`, on drawn faces and a small network."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.errors import (
    ArgumentError,
    CalibrationMissingError,
    ModelMissingError,
    ModelsDifferError,
    NoFaceError,
)
from matcher.score.fit import fit_calibration
from matcher.template.face_codec import decode_face

RUNNER = CliRunner()


def run(*arguments: object) -> dict[str, object]:
    """Run the command and return its JSON answer; errors are raised."""
    result = RUNNER.invoke(app, [*map(str, arguments), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return {"exit": result.exit_code, **json.loads(result.stdout)}


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers of the small network score about 1 to 3."""
    scores = np.random.default_rng(5).gamma(20.0, 0.08, 5000)
    found = fit_calibration(scores, pairing=("face", "face"), scorer="face-cosine/1")
    monkeypatch.setattr("matcher.score.face_scorer.load_face_calibration", lambda model, stated: found)


def test_the_face_of_a_picture_becomes_a_template(
    drawn: ModuleType, face_model: Path, tmp_path: Path
) -> None:
    picture = save(tmp_path / "one.png", drawn.portrait(3))
    out, plot, trace = tmp_path / "one.template", tmp_path / "one-plot.png", tmp_path / "one.npz"
    answer = run(
        *("extract", picture, "--modality", "face", "--model", face_model),
        *("--out", out, "--plot", plot, "--trace", trace),
    )
    template = decode_face(out.read_bytes())
    assert (answer["faces_seen"], answer["model"]) == (1, template.model)
    (face,) = answer["faces"]  # type: ignore[misc]
    assert np.abs(np.array(face["box"]) - [34, 44, 112, 112]).max() < 1.5
    assert face["dimensions"] == len(template.values) == drawn.DIMENSIONS
    with Image.open(plot) as shown:
        assert shown.size[0] == 1200
    with np.load(trace) as stages:
        assert stages["crops"].shape == (1, drawn.SIDE, drawn.SIDE, 3)


def test_every_face_on_request(drawn: ModuleType, face_model: Path, tmp_path: Path) -> None:
    pixels = np.full((200, 460, 3), 128, np.uint8)
    for number in range(3):
        drawn.draw_face(pixels, number, 20 + 140 * number, 40)
    picture, out = save(tmp_path / "three.png", pixels), tmp_path / "faces"
    plot = tmp_path / "three-plot.png"
    answer = run(
        *("extract", picture, "--modality", "face", "--model", face_model, "--all"),
        *("--out", out, "--plot", plot),
    )
    assert answer["faces_seen"] == len(answer["faces"]) == 3  # type: ignore[arg-type]
    files = sorted(path.name for path in out.iterdir())
    assert files == [f"three-{number:02d}-face.template" for number in (1, 2, 3)]
    assert len({(out / name).read_bytes() for name in files}) == 3
    assert plot.stat().st_size > 1000
    # Without --all the one in the middle is meant.
    (middle,) = run("extract", picture, "--modality", "face", "--model", face_model)["faces"]  # type: ignore[misc]
    assert abs(middle["box"][0] - 160) < 1.5
    with pytest.raises(ArgumentError, match="folder"):
        run("extract", picture, "--modality", "face", "--all", "--out", tmp_path / "x.template")


@pytest.mark.usefixtures("calibrated")
def test_two_files_are_compared(drawn: ModuleType, face_model: Path, tmp_path: Path) -> None:
    one = save(tmp_path / "one.png", drawn.portrait(3))
    again = save(tmp_path / "again.png", drawn.portrait(3, noise=10, size=(240, 260)))
    other = save(tmp_path / "other.png", drawn.portrait(4))
    common = ("--modality", "face", "--model", face_model)
    plot = tmp_path / "pair.png"
    mated = run("compare", one, again, *common, "--plot", plot)
    stranger = run("compare", one, other, *common)
    assert (mated["exit"], mated["accepted"]) == (0, True)
    assert (stranger["exit"], stranger["accepted"]) == (1, False)
    assert mated["cosine"] > 0.95 > stranger["cosine"]  # type: ignore[operator]
    with Image.open(plot) as shown:
        assert shown.size[0] == 1200
    template = tmp_path / "one.template"
    run("extract", one, *common, "--out", template)
    same = run("compare", template, again, *common, "--plot", plot)
    assert same["score"] == mated["score"]


def test_without_a_calibration_no_score_is_made_up(
    drawn: ModuleType, face_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    one = save(tmp_path / "one.png", drawn.portrait(3))
    with pytest.raises(CalibrationMissingError):
        run("compare", one, one, "--modality", "face", "--model", face_model)


def test_the_owner_s_thresholds_decide_where_there_is_no_calibration(
    drawn: ModuleType, face_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    stated = face_model.with_name("stated.toml")
    stated.write_text(face_model.read_text() + '[thresholds]\n"1e-3" = 0.9\n"1e-4" = 0.97\n')
    one = save(tmp_path / "one.png", drawn.portrait(3))
    again = save(tmp_path / "again.png", drawn.portrait(3, noise=10, size=(240, 260)))
    other = save(tmp_path / "other.png", drawn.portrait(4))
    common = ("--modality", "face", "--model", stated)
    mated, stranger = run("compare", one, again, *common), run("compare", one, other, *common)
    assert mated["cosine"] > 0.97 > 0.9 > stranger["cosine"]  # type: ignore[operator]
    assert mated["score"]["value"] == pytest.approx(40.0, abs=0.05)  # type: ignore[index]
    assert stranger["score"]["value"] == pytest.approx(0.0, abs=0.05)  # type: ignore[index]
    assert (mated["accepted"], stranger["accepted"]) == (True, False)
    # Of nothing stricter than its owner states is anybody told.
    assert run("compare", one, one, *common, "--fmr", "1e-5")["accepted"] is False
    # Another model's manifest says nothing of these templates.
    run("extract", one, *common, "--out", tmp_path / "one.template")
    turned = stated.with_name("turned.toml")
    turned.write_text(stated.read_text().replace("flip = false", "flip = true"))
    template = tmp_path / "one.template"
    with pytest.raises(CalibrationMissingError):
        run("compare", template, template, "--modality", "face", "--model", turned)


@pytest.mark.usefixtures("calibrated")
def test_templates_of_two_models_never_compare(drawn: ModuleType, face_model: Path, tmp_path: Path) -> None:
    one = save(tmp_path / "one.png", drawn.portrait(3))
    other = face_model.with_name("other.toml")
    other.write_text(face_model.read_text().replace("flip = false", "flip = true"))
    for model in (face_model, other):
        run(
            *("extract", one, "--modality", "face", "--model", model),
            *("--out", tmp_path / f"{model.stem}.template"),
        )
    with pytest.raises(ModelsDifferError):
        run("compare", tmp_path / "small.template", tmp_path / "other.template", "--modality", "face")


@pytest.mark.parametrize("command", ["extract", "compare"])
def test_options_of_other_modalities_are_refused(
    drawn: ModuleType, face_model: Path, tmp_path: Path, command: str
) -> None:
    one = save(tmp_path / "one.png", drawn.portrait(3))
    files = [one] if command == "extract" else [one, one]
    for more, said in (
        (["--extractor", "leader"], "--extractor"),
        (["--ppi", "500"], "--ppi"),
        (["--model", "nobody"], "^Face model"),
    ):
        with pytest.raises(ArgumentError, match=said):
            run(command, *files, "--modality", "face", *more)


def test_errors_are_typed_and_name_the_file(drawn: ModuleType, face_model: Path, tmp_path: Path) -> None:
    wall = save(tmp_path / "wall.png", np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(NoFaceError, match=r"wall\.png"):
        run("extract", wall, "--modality", "face", "--model", face_model)
    one = save(tmp_path / "one.png", drawn.portrait(1))
    stray = (("--ppi", "500"), ("--finger", "right-index"), ("--eye", "left"), ("--format", "iso-2011"))
    for option in stray:
        with pytest.raises(ArgumentError, match=option[0]):
            run("extract", one, "--modality", "face", "--model", face_model, *option)
    for option in (("--model", "x"), ("--all",)):
        with pytest.raises(ArgumentError, match=option[0]):
            run("extract", one, *option)
    with pytest.raises(ArgumentError, match="--model"):
        run("compare", one, one, "--model", "x")


def test_a_missing_model_names_the_command(
    drawn: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matcher.face import model as face_models

    face_models._load.cache_clear()
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "empty"))
    one = save(tmp_path / "one.png", drawn.portrait(1))
    with pytest.raises(ModelMissingError, match="matcher models fetch"):
        run("extract", one, "--modality", "face")
    face_models._load.cache_clear()
