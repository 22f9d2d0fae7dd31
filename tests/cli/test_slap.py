"""`matcher slap`, and `matcher enroll --slap`: from one picture to named fingers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture
from typer.testing import CliRunner, Result

from matcher.cli.main import app
from matcher.cli.slap import slap_samples
from matcher.datasets.fingerprint_synthesis import generate_slap
from matcher.engine import Engine
from matcher.errors import ArgumentError, MatcherError, SlapFingerCountError
from matcher.fingerprint.slap_types import POSITIONS, SlapKind
from matcher.service.server import Server


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A right hand's slap in a file."""
    path = tmp_path_factory.mktemp("slap") / "right.png"
    slap = generate_slap(101, SlapKind.RIGHT_FOUR, rotation=-20.0, difficulty=0.3)
    Picture.fromarray(slap.image.pixels).save(path, dpi=(500, 500))
    return path


def test_fingers_as_json_and_pictures(right: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "fingers", tmp_path / "boxes.png"
    done = run("slap", right, "--out", out, "--plot", plot, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    names = ["right-index", "right-middle", "right-ring", "right-little"]
    assert answer["kind"] == "right"
    assert answer["missing"] == []
    assert not answer["suspected_wrong_hand"]
    assert [finger["position"] for finger in answer["fingers"]] == names
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.png" for name in names)
    with Picture.open(plot) as picture:
        assert picture.width > 500


def test_the_other_hand_is_said_aloud(right: Path) -> None:
    done = run("slap", right, "--hand", "left")
    assert done.exit_code == 0
    assert "LOOKS LIKE THE OTHER HAND" in done.stdout
    with pytest.raises(ArgumentError, match="other hand"):
        slap_samples(right, "left", None, None)


def test_what_users_get_wrong(right: Path, tmp_path: Path) -> None:
    for arguments, kind in (
        (("slap", right, "--hand", "upper"), ArgumentError),
        (("slap", right, "--hand", "right", "--missing", "left-ring"), ArgumentError),
        (("slap", right, "--hand", "thumbs"), SlapFingerCountError),
        (("slap", right, "--hand", "right", "--out", right), ArgumentError),
        (("slap", tmp_path / "nothing.png"), ArgumentError),
        (("enroll", right, "--slap", "right", "--slap", "left"), ArgumentError),
        (("enroll", right, "--missing", "right-ring"), ArgumentError),
    ):
        done = run(*arguments)
        assert isinstance(done.exception, kind), (arguments, done.exception)
        assert isinstance(done.exception, MatcherError)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Engine(f"sqlite:///{tmp_path}/gallery.db") as engine:
        server = Server("127.0.0.1:0")
        server.serve(engine)
        yield server
        server.drain(1)


def test_a_slap_is_enrolled_finger_by_finger(right: Path, tmp_path: Path, server: Server) -> None:
    samples = slap_samples(right, "right", None, None)
    assert [sample.position for sample in samples] == list(POSITIONS[SlapKind.RIGHT_FOUR])
    address = server.address
    done = run("enroll", right, "--slap", "right", "--subject", "somebody", "--server", address)
    assert done.exit_code == 0, done.output
    assert "somebody enrolled" in done.stdout
    # Each finger finds the person again under its own name.
    (tmp_path / "ring.png").write_bytes(samples[2].data)
    again = ("verify", "somebody", tmp_path / "ring.png", "--finger", "right-ring", "--server", address)
    assert run(*again).exit_code == 0
