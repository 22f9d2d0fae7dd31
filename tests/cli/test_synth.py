"""`matcher synth images`: what it writes is a data set of one folder an identity."""

from __future__ import annotations

import typer
from typer.testing import CliRunner

from matcher.cli import synth
from matcher.datasets.load import load


def run(*arguments: str) -> int:
    app = typer.Typer()
    synth.register(app)
    return CliRunner().invoke(app, ["synth", "images", *arguments]).exit_code


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
