"""`matcher audit`: verify, prove, check, export, accesses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from matcher.audit.entry import Entry
from matcher.audit.keys import load_key
from matcher.audit.log import AuditLog
from matcher.audit.segment import segment_path
from matcher.cli.main import app
from matcher.errors import ArgumentError, AuditCorruptError

COUNT = 6


def run(*arguments: object) -> list[dict[str, object]]:
    """The JSON lines that a command prints."""
    done = CliRunner().invoke(app, ["audit", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of six entries, signed with key.pem."""
    CliRunner().invoke(app, ["audit", "key", str(tmp_path / "key.pem")], catch_exceptions=False)
    with AuditLog(tmp_path / "log", load_key(tmp_path / "key.pem"), full=4) as log:
        for number in range(COUNT):
            log.append(Entry(number, "clerk", "Verify", subjects=(f"subject-{number % 2}",)))
    return tmp_path / "log"


def test_a_sound_log_is_verified_with_a_kept_head(folder: Path, tmp_path: Path) -> None:
    (said,) = run("verify", folder, "--public-key", tmp_path / "key.pem.pub")
    assert said["entries"] == COUNT
    (tmp_path / "kept").write_text(str(said["head"]))
    assert run("verify", folder, "--head", tmp_path / "kept") == [said]
    path = segment_path(folder, 0)
    path.write_bytes(path.read_bytes().replace(b"clerk", b"crook", 1))
    with pytest.raises(AuditCorruptError):
        run("verify", folder)


def test_proofs_are_checked_without_the_log(folder: Path, tmp_path: Path) -> None:
    runner, proof = CliRunner(), tmp_path / "proof.json"
    early = runner.invoke(app, ["audit", "head", str(folder)]).stdout
    (tmp_path / "early").write_text(early)
    with AuditLog(folder, load_key(tmp_path / "key.pem")) as log:
        log.append(Entry(9, "clerk", "Identify"))
    proof.write_text(runner.invoke(app, ["audit", "prove", str(folder), "--entry", "3"]).stdout)
    (said,) = run("check", proof, "--public-key", tmp_path / "key.pem.pub")
    assert (said["number"], said["subjects"], said["size"]) == (3, ["subject-1"], COUNT + 1)
    earlier = ["audit", "prove", str(folder), "--earlier", str(tmp_path / "early")]
    proof.write_text(runner.invoke(app, earlier).stdout)
    (said,) = run("check", proof, "--public-key", tmp_path / "key.pem.pub")
    assert said["earlier_size"] == COUNT
    with pytest.raises(ArgumentError, match="one of"):
        run("prove", folder)


def test_export_and_accesses(folder: Path) -> None:
    assert [line["number"] for line in run("export", folder)] == list(range(COUNT))
    assert [line["number"] for line in run("export", folder, "--since-us", 4)] == [4, 5]
    wanted = run("export", folder, "--subject", "subject-1")
    assert [line["number"] for line in wanted] == [1, 3, 5]
    told = run("accesses", folder, "subject-1")
    assert told == [{**line, "subject_id": "subject-1"} for line in wanted]
