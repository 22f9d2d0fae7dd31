"""`matcher enroll | verify | identify | delete | status` against a server, and what users get wrong."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from matcher.cli.main import EXIT_ERROR, main
from matcher.engine import Engine
from matcher.service.server import Server
from matcher.template.codec import encode_template
from matcher.types import FingerPosition

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(tmp_path: Path, fakes: ModuleType) -> Iterator[Server]:
    store = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(store, scorers=fakes.scorers(), read=fakes.read) as engine:
        server = Server("127.0.0.1:0")
        server.serve(engine)
        yield server
        server.drain(1)


@pytest.fixture
def bare_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["matcher", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def run(server: Server, bare_run: Run) -> Run:
    return lambda *arguments: bare_run(*arguments, "--server", server.address)


def file_of(folder: Path, identity: int, impression: int = 0) -> Path:
    path = folder / f"{identity}-{impression}.img"
    path.write_bytes(f"IMG {identity} {impression}".encode())
    return path


def test_the_main_job(run: Run, tmp_path: Path) -> None:
    first, second = file_of(tmp_path, 1), file_of(tmp_path, 1, 1)
    stranger = file_of(tmp_path, 2)
    assert run("enroll", first, "--subject", "alice") == (0, "alice enrolled\n", "")
    status, out, _ = run("verify", "alice", second)
    assert (status, out) == (0, "MATCH: score 100.0, threshold 40.0\n")
    status, out, _ = run("verify", "alice", stranger)
    assert status == 1
    assert out.startswith("NO MATCH")
    assert run("identify", second) == (0, "   1    100.0  alice\n", "")
    assert run("identify", stranger)[:2] == (0, "nobody at or above 20.0 among 1 subjects\n")
    assert "subjects        1\n" in run("status")[1]
    assert run("delete", "alice") == (0, "alice deleted\n", "")
    assert "subjects        0\n" in run("status")[1]


def test_json_is_one_object(run: Run, tmp_path: Path) -> None:
    file = file_of(tmp_path, 1)
    enrolled = json.loads(run("enroll", file, "--key", "k", "--json")[1])
    assert (enrolled["created"], enrolled["sequence"]) == (True, 1)
    again = json.loads(run("enroll", file, "--key", "k", "--json")[1])
    assert (again["created"], again["subject_id"]) == (False, enrolled["subject_id"])
    verified = json.loads(run("verify", enrolled["subject_id"], file, "--json")[1])
    assert verified["accepted"] is True
    assert verified["score"] == {"value": 100.0, "calibration": "fake-1", "extrapolated": True}
    found = json.loads(run("identify", file, "--json", "--threshold", "5")[1])
    assert found["candidates"][0]["subject_id"] == enrolled["subject_id"]
    assert json.loads(run("status", "--json")[1])["samples"] == 1
    assert json.loads(run("delete", enrolled["subject_id"], "--json")[1])["sequence"] == 2


def test_parts_and_warnings_are_printed(run: Run, tmp_path: Path) -> None:
    one, two = file_of(tmp_path, 1), file_of(tmp_path, 2)
    fingers = ("--finger", "right-index", "--finger", "left-index")
    run("enroll", one, two, *fingers, "--subject", "alice")
    status, out, _ = run("verify", "alice", two, one, *fingers, "--json")
    answer = json.loads(out)
    assert [part["use"] for part in answer["parts"]] == ["USED", "USED"]
    assert answer["parts"][0]["probe_position"] == "right-index"
    told = {(w["kind"], w["side"], w["first_position"], w["second_position"]) for w in answer["warnings"]}
    assert told == {
        ("WRONG_POSITION_SUSPECTED", "BOTH", "right-index", "left-index"),
        ("WRONG_POSITION_SUSPECTED", "BOTH", "left-index", "right-index"),
    }
    assert status == 1
    assert (
        "warning: WRONG_POSITION_SUSPECTED (both: right-index, left-index"
        in run("verify", "alice", two, one, *fingers)[1]
    )
    found = json.loads(run("identify", one, two, *fingers, "--json")[1])
    [candidate] = found["candidates"]
    assert (len(candidate["parts"]), candidate["warnings"], found["warnings"]) == (2, [], [])
    twice = json.loads(run("enroll", one, one, *fingers, "--subject", "bob", "--json")[1])
    assert [w["kind"] for w in twice["warnings"]] == ["SAME_IMPRESSION_TWICE"]
    assert "warning: SAME_IMPRESSION_TWICE" in run("enroll", one, one, *fingers, "--subject", "carol")[1]
    assert "warning: SAME_IMPRESSION_TWICE" in run("identify", one, one, *fingers)[1]


def test_fingers_are_named_or_numbered_one_for_each_file(run: Run, tmp_path: Path) -> None:
    one, two = file_of(tmp_path, 1), file_of(tmp_path, 2)
    run("enroll", one, two, "--finger", "right-index", "--finger", "LEFT_INDEX", "--subject", "alice")
    assert run("verify", "alice", one, "--finger", "2")[0] == 0
    assert run("verify", "alice", one, "--finger", "left-index")[0] == 1
    status, _, err = run("verify", "alice", one, "--finger", "nose")
    assert status == EXIT_ERROR
    assert "right-index" in err
    status, _, err = run("enroll", one, two, "--finger", "right-index")
    assert (status, "one for each of 2 files, got 1" in err) == (EXIT_ERROR, True)


def test_a_template_file_is_sent_as_what_it_is(run: Run, tmp_path: Path, fakes: ModuleType) -> None:
    file = tmp_path / "finger.tpl"
    file.write_bytes(encode_template(fakes.template(1, 0, FingerPosition.RIGHT_THUMB)))
    assert run("enroll", file, "--subject", "alice")[0] == 0
    assert run("verify", "alice", file_of(tmp_path, 1), "--finger", "right-thumb")[0] == 0
    assert run("verify", "alice", file_of(tmp_path, 1), "--finger", "left-thumb")[0] == 1


def test_a_mistake_is_one_clear_line_and_exit_status_2(run: Run, tmp_path: Path) -> None:
    good = file_of(tmp_path, 1)
    bad, empty = tmp_path / "bad.png", tmp_path / "empty.png"
    bad.write_bytes(b"BAD")
    empty.touch()
    run("enroll", good, "--subject", "alice")
    for arguments, reason in (
        (("enroll", tmp_path / "missing.png"), "ARGUMENT_INVALID"),
        (("enroll", tmp_path), "ARGUMENT_INVALID"),
        (("enroll", bad), "IMAGE_FORMAT_UNKNOWN"),
        (("identify", empty), "IMAGE_FORMAT_UNKNOWN"),
        (("enroll", good, "--subject", "alice"), "SUBJECT_EXISTS"),
        (("enroll", good, "--subject", ""), "ARGUMENT_INVALID"),
        (("verify", "bob", good), "SUBJECT_NOT_FOUND"),
        (("verify", "alice", good, "--fmr", "0"), "ARGUMENT_INVALID"),
        (("verify", "alice", good, "--fmr", "0.1", "--threshold", "3"), "ARGUMENT_INVALID"),
        (("identify", good, "--candidates", "0"), "ARGUMENT_INVALID"),
        (("identify", good, "--fpir", "7"), "ARGUMENT_INVALID"),
        (("delete", "bob"), "SUBJECT_NOT_FOUND"),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (EXIT_ERROR, ""), arguments
        assert err.startswith(f"matcher: {reason}: "), arguments
        assert err.count("\n") == 1, arguments


def test_without_a_server_it_is_one_clear_line(bare_run: Run, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    status, _, err = bare_run("enroll", file_of(tmp_path, 1), "--server", address)
    assert status == EXIT_ERROR
    assert err.startswith(f"matcher: SERVER_UNAVAILABLE: No server answers at {address}.")
    assert err.count("\n") == 1
    status, _, err = bare_run("status", "--server", "nonsense")
    assert (status, "HOST:PORT" in err) == (EXIT_ERROR, True)


def test_a_file_too_large_is_refused_before_it_is_read(
    bare_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matcher.cli.files.MAX_FILE_BYTES", 10)
    file = tmp_path / "large"
    file.write_bytes(b"x" * 11)
    status, _, err = bare_run("identify", file)
    assert (status, "larger than 10 bytes" in err) == (EXIT_ERROR, True)


def test_modalities_are_named_with_their_files(run: Run, tmp_path: Path) -> None:
    finger, left, right, face = (file_of(tmp_path, n) for n in range(1, 5))
    named = ("--finger", f"right-index={finger}", "--iris", f"left={left}", "--iris", f"right={right}")
    assert run("enroll", *named, "--face", face, "--subject", "alice") == (0, "alice enrolled\n", "")
    answer = json.loads(run("verify", "alice", *named, "--face", face, "--json")[1])
    assert [(p["modality"], p["probe_position"], p["use"]) for p in answer["parts"]] == [
        ("fingerprint", "right-index", "USED"),
        ("iris", "left", "USED"),
        ("iris", "right", "USED"),
        ("face", "face", "USED"),
    ]
    # Files without an option are of one modality; an eye nobody names is tried against both.
    for arguments in (
        (left, "--modality", "iris", "--iris", "left"),
        (left, "--modality", "iris"),
        ("--iris", left),
        (face, "--modality", "face"),
        (finger, "--iris", f"right={right}"),
        (left, "--modality", "iris", "--iris", "left", "--finger", f"right-index={finger}"),
    ):
        assert run("verify", "alice", *arguments)[0] == 0, arguments
    assert run("verify", "alice", left, "--modality", "iris", "--iris", "right")[0] == 1
    assert json.loads(run("identify", "--face", face, "--json")[1])["candidates"][0]["subject_id"] == "alice"
    held = json.loads(run("status", "--json")[1])["modalities"]
    assert {name: one["samples"] for name, one in held.items()} == {"fingerprint": 1, "iris": 2, "face": 1}
    assert "iris            samples 2" in run("status")[1]


def test_modalities_that_contradict_are_refused(run: Run, tmp_path: Path) -> None:
    one = file_of(tmp_path, 1)
    for arguments in (
        (),
        (one, "--modality", "voice"),
        (one, "--modality", "face", "--finger", "right-index"),
        (one, "--modality", "iris", "--finger", "right-index"),
        (one, one, "--modality", "iris", "--iris", "left"),
        ("--finger", f"nose={one}"),
        ("--iris", f"left={tmp_path / 'missing'}"),
        (one, "--slap", "right", "--modality", "iris"),
    ):
        status, out, err = run("enroll", *arguments)
        assert (status, out) == (EXIT_ERROR, ""), arguments
        assert err.startswith("matcher: ARGUMENT_INVALID: "), arguments
