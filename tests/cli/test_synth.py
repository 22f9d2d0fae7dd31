"""`matcher synth`: images are a data set of one folder an identity, a population is read back."""

from __future__ import annotations

import typer
from typer.testing import CliRunner

from matcher.cli import synth
from matcher.datasets.load import load
from matcher.datasets.population import Population, PopulationFolder
from matcher.errors import ArgumentError
from matcher.types import Modality


def run(*arguments: str, command: str = "images") -> int:
    app = typer.Typer()
    synth.register(app)
    return CliRunner().invoke(app, ["synth", command, *arguments]).exit_code


def test_images_load_as_folders_and_repeat_by_seed(tmp_path):
    size = ["--fingers", "2", "--impressions", "2", "--height", "80", "--width", "70"]
    for name, seed in (("one", "5"), ("again", "5"), ("other", "6")):
        assert run("--out", str(tmp_path / name), "--seed", seed, *size) == 0
    dataset = load("folders", tmp_path / "one")
    assert len(dataset.samples) == 4
    assert len(dataset.identities) == 2

    def content(name: str) -> dict[str, bytes]:
        root = tmp_path / name
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.png"))}

    assert len(content("one")) == 4
    assert content("one") == content("again")
    assert content("one").keys() == content("other").keys()
    assert not set(content("one").values()) & set(content("other").values())


def test_counts_out_of_range_are_refused(tmp_path):
    assert run("--out", str(tmp_path), "--fingers", "0") == 2
    assert run("--out", str(tmp_path), "--difficulty", "1.5") == 2
    assert not list(tmp_path.iterdir())


def test_eyes_load_as_folders_and_repeat_by_seed(tmp_path):
    size = ["--modality", "iris", "--eyes", "2", "--samples", "2", "--height", "160", "--width", "200"]
    for name, seed in (("one", "5"), ("again", "5"), ("other", "6")):
        assert run("--out", str(tmp_path / name), "--seed", seed, *size) == 0
    dataset = load("folders", tmp_path / "one", modality="iris")
    assert dataset.identities == ["eye_000001", "eye_000002"]
    files = {
        name: [(tmp_path / name / sample.name).read_bytes() for sample in dataset.samples]
        for name in ("one", "again", "other")
    }
    assert len(set(files["one"])) == 4
    assert files["one"] == files["again"]
    assert not set(files["one"]) & set(files["other"])


def test_unknown_modality_and_small_eyes_are_refused(tmp_path):
    app = typer.Typer()
    synth.register(app)
    for more in (["--modality", "gait"], ["--modality", "iris", "--height", "100"]):
        result = CliRunner().invoke(app, ["synth", "images", "--out", str(tmp_path / "x"), *more])
        assert isinstance(result.exception, ArgumentError)


def test_a_population_is_written_and_read(tmp_path):
    out = tmp_path / "people"
    options = ["--subjects", "3", "--seed", "9", "--fingers", "10", "--probes", "1", "--duplicates", "0.1"]
    assert run("--out", str(out), *options, "--modalities", "fingerprint", command="population") == 0
    expected = Population(9, fingers=10, duplicates=0.1, modalities=[Modality.FINGERPRINT])
    assert list(PopulationFolder.open(out).enrolments()) == expected.subjects(0, 3)
    assert list(PopulationFolder.open(out).probe_samples()) == expected.probes(0, 3)


def test_populations_out_of_range_are_refused(tmp_path):
    out = str(tmp_path / "none")
    for wrong in (["--subjects", "0"], ["--subjects", "1", "--duplicates", "0.9"]):
        assert run("--out", out, *wrong, command="population") == 2
    for wrong in (["--fingers", "3"], ["--modalities", "voice"]):
        assert run("--out", out, "--subjects", "1", *wrong, command="population") != 0
    assert not (tmp_path / "none").exists()
