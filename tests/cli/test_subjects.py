"""Filters, uniqueness and changes of encounters from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from matcher.cli.main import EXIT_ERROR, main
from matcher.engine import Engine
from matcher.service.server import build_server

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a command of a client; numbers stand for pictures of people."""

    def file(identity: int) -> str:
        path = tmp_path / f"{identity}.img"
        path.write_bytes(f"IMG {identity} 0".encode())
        return str(path)

    store = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(store, scorers=fakes.scorers(), read=fakes.read) as engine:
        server = build_server(engine)

        def call(*arguments: object) -> tuple[int, str, str]:
            named = [file(a) if isinstance(a, int) else str(a) for a in arguments]
            monkeypatch.setattr(sys, "argv", ["matcher", *named, "--server", server.address])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            out, err = capsys.readouterr()
            return int(ended.value.code or 0), out, err

        yield call
        server.drain(1)


def found(run: Run, *arguments: object) -> list[str]:
    answer = json.loads(run("identify", *arguments, "--threshold", "50", "--json")[1])
    return [candidate["subject_id"] for candidate in answer["candidates"]]


def test_filters(run: Run) -> None:
    run("enroll", 1, "--subject", "alice", "--gallery", "north", "--tag", "a=b", "--year-of-birth", "1980")
    run("enroll", 1, "--subject", "bob")
    assert found(run, 1, "--gallery", "north") == found(run, 1, "--tag", "a=b") == ["alice"]
    assert found(run, 1, "--born", "1990-2000") == found(run, 1, "--without", "alice") == ["bob"]
    assert sorted(found(run, 1, "--born", "1980", "--exhaustive")) == ["alice", "bob"]
    assert found(run, "--subject", "alice") == ["bob"]
    assert found(run, "--encounter", "2") == ["alice"]
    assert run("galleries")[1].startswith("north ")
    for wrong in (
        (1, "--tag", "a"),
        (1, "--born", "x"),
        (1, "--subject", "alice"),
        ("--subject", "alice", "--encounter", "1"),
    ):
        assert run("identify", *wrong)[0] == EXIT_ERROR


def test_only_somebody_new(run: Run) -> None:
    assert run("enroll", 1, "--subject", "alice", "--unique")[:2] == (0, "alice enrolled\n")
    status, out, _ = run("enroll", 1, "--subject", "bob", "--unique", "--fpir", "0.001")
    assert (status, out) == (1, "   1    100.0  alice\n")
    assert run("enroll", 1, "--unique", "--known")[0] == run("enroll", 1, "--fpir", "0.1")[0] == EXIT_ERROR


def test_changes(run: Run) -> None:
    run("enroll", 1, "--subject", "alice")
    run("enroll", 2, "--subject", "alice", "--known")
    assert run("encounter", "status", "1", "inactive")[:2] == (0, "encounter 1 is inactive now\n")
    assert found(run, 1) == []
    assert found(run, 1, "--include-inactive") == ["alice"]
    assert run("encounter", "status", "1", "gone")[0] == EXIT_ERROR
    run("encounter", "galleries", "1", "x", "y")
    (one, two) = json.loads(run("subject", "show", "alice", "--json")[1])["encounters"]
    assert (one["status"], one["galleries"], two["encounter_id"]) == ("inactive", ["x", "y"], 2)
    assert two["samples"][0] == {
        "sample_id": 512,
        "modality": "fingerprint",
        "position": "unknown",
        "quality": 50,
        "extractor": "fake",
    }
    assert run("encounter", "move", "2", "bob", "--new")[:2] == (0, "encounter 2 is bob's now\n")
    assert [line.split()[:2] for line in run("encounter", "list")[1].splitlines()] == [
        ["1", "alice"],
        ["2", "bob"],
    ]
    assert run("encounter", "list", "--gallery", "z")[1] == "no encounter\n"
    assert run("subject", "merge", "alice", "bob", "--key", "m")[1] == "bob is alice now\n"
    assert run("subject", "merge", "alice", "bob", "--key", "m")[0] == 0
    assert run("encounter", "delete", "2")[:2] == (0, "encounter 2 deleted\n")
    status, _, err = run("encounter", "delete", "1")
    assert (status, err.split(":")[1].strip()) == (EXIT_ERROR, "NOTHING_LEFT")
    assert run("subject", "delete", "alice")[:2] == (0, "alice deleted\n")
    assert "search          running 0, waiting 0\n" in run("status")[1]


def test_encounters_by_own_ids(run: Run) -> None:
    assert (
        json.loads(run("enroll", 1, "--subject", "alice", "--encounter-id", "v1", "--json")[1])[
            "client_encounter_id"
        ]
        == "v1"
    )
    run("enroll", 2, "--subject", "alice", "--known", "--encounter-id", "v2")
    status, _, err = run("enroll", 3, "--subject", "alice", "--known", "--encounter-id", "v2")
    assert (status, "'v2'" in err) == (EXIT_ERROR, True)
    own = ("--of", "alice")
    assert "inactive" in run("encounter", "status", "v1", "inactive", *own)[1]
    assert "north" in run("encounter", "galleries", "v1", "north", *own)[1]
    assert run("encounter", "name", "v2", "second", *own)[1].startswith(
        "encounter 'v2' of subject 'alice' has"
    )
    listed = json.loads(run("encounter", "list", "--subject", "alice", "--json")[1])["encounters"]
    assert [(e["encounter_id"], e["client_encounter_id"]) for e in listed] == [(1, "v1"), (2, "second")]
    shown = run("encounter", "list", "--subject", "alice", "--encounter-id", "second")[1]
    assert shown.split()[:2] == ["2", "second"]
    run("enroll", 2, "--subject", "bob")
    assert found(run, "--encounter", "second", *own) == ["bob"]
    moved = json.loads(run("encounter", "move", "second", "carl", "--new", *own, "--json")[1])
    assert (moved["subject_id"], moved["client_encounter_id"]) == ("alice", "second")
    run("subject", "merge", "alice", "carl")
    assert run("encounter", "delete", "second", *own)[0] == 0
    assert run("encounter", "name", "1")[0] == 0
    for wrong in (
        ("encounter", "delete", "v1"),
        ("encounter", "delete", "0"),
        ("encounter", "delete", "v1", *own),
        ("identify", "--of", "alice", "--subject", "alice"),
    ):
        assert run(*wrong)[0] == EXIT_ERROR
