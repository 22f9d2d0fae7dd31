"""`matcher demo` as it is installed, at a small size; broken claims are named; nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.demo.claims import CHANCE, claims, most_by_chance
from matcher.demo.findings import Findings
from matcher.demo.real import people_of
from matcher.demo.report import percentile
from matcher.demo.server import ServerProcess
from matcher.demo.synthetic import make_person
from matcher.errors import DatasetMissingError, ServerUnavailableError
from matcher.types import FingerPosition

DEMO = [sys.executable, "-m", "matcher.cli.main", "demo"]
LIMIT_S = 200
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

GOOD = Findings(
    times={"enroll": [1.0]},
    subjects_sent=100,
    enrolled=100,
    samples_enrolled=200,
    subjects_counted=100,
    samples_counted=200,
    mated=200,
    false_non_matches=10,
    non_mated=200,
    false_matches=3,
    mated_searches=100,
    hits=95,
    stranger_searches=25,
    false_positives=5,
    same_subject_back=True,
    nobody_added=True,
    other_payload_refused=True,
    key_survives_restart=True,
    deleted_searches=2,
    deleted_unknown=True,
    searches_repeated=125,
)
"""All claims hold, the rates barely."""


def demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)


def servers_of(folder: Path) -> list[int]:
    """Return the processes whose command line names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in command and any(str(folder).encode() in part for part in command):
            found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five synthetic fingers, two impressions each, two of the images blank."""
    root = tmp_path_factory.mktemp("prints")
    for number in range(1, 6):
        write_finger(root, number, seed=3, impressions=2, difficulty=0.2)
    for blank in ("finger_000002/impression_01.png", "finger_000003/impression_02.png"):
        PillowImage.fromarray(np.full((300, 300), 255, np.uint8)).save(root / blank)
    return root


def test_the_whole_job_on_synthetic_people(tmp_path: Path) -> None:
    out = tmp_path / "made" / "here"
    done = demo("--subjects", "2", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("holds: ") == 11
    assert "FAILS" not in done.stdout
    for text in ("of 2 sent", "0 of 4 mated", "0 of 4 non-mated", "2 of 2 searches", "0 of 1 searches"):
        assert text in done.stdout
    assert [path.name for path in out.iterdir()] == ["pair.png"]
    with PillowImage.open(out / "pair.png") as picture:
        assert min(picture.size) > 300
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100
    assert not servers_of(tmp_path)


def test_the_whole_job_on_images_of_a_folder(tmp_path: Path, prints: Path) -> None:
    done = demo("--data", prints, "--dataset", "folders", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert "subjects enrolled 3 of 4 sent" in lines
    assert "failures to extract 2 EXTRACT_BLANK 2" in lines
    assert "FNMR at FMR 0.0001 50.00% 2 of 4 mated verifications" in lines
    assert any("2 of 4 searches by enrolled people" in line for line in lines)
    assert any("0 of 1 searches by strangers" in line for line in lines)
    assert "FAILS" not in done.stdout
    assert "FNMR at the threshold" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_server_and_no_store(
    tmp_path: Path, prints: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    command = [*DEMO, "--data", str(prints), "--dataset", "folders", "--out", str(out)]
    # A shell ignores Ctrl-C for what it runs in the background, and a program inherits that: not this one.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(number, before)
    try:
        end = time.monotonic() + LIMIT_S
        while not servers_of(out):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == EXIT_INTERRUPTED
    assert err == ""
    assert not servers_of(out)
    assert list(out.iterdir()) == []


def test_what_cannot_begin_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for arguments, said in (
        (("--out", file / "sub"), "ARGUMENT_INVALID: Cannot write in"),
        (("--data", tmp_path, "--out", tmp_path / "out"), "ARGUMENT_INVALID: Expected --data and --dataset"),
        (("--data", tmp_path, "--dataset", "fvc", "--out", tmp_path / "out"), "DATASET_MISSING: "),
    ):
        done = demo(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (EXIT_ERROR, 1), done.stderr
        assert done.stderr.startswith(f"matcher: {said}")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_bytes(b"not a database" * 100)
    with (
        pytest.raises(ServerUnavailableError, match=r"did not start: STORE_CORRUPT"),
        ServerProcess(tmp_path) as server,
    ):
        server.start()
    assert not servers_of(tmp_path)


def test_barely_good_findings_hold() -> None:
    verdicts = claims(GOOD, synthetic=True)
    assert [claim.text for claim in verdicts if not claim.held] == []
    assert len({claim.text for claim in verdicts}) == 11
    assert len(claims(GOOD, synthetic=False)) == 6


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"subjects_counted": 99}, "counts every subject"),
        ({"samples_counted": 201}, "counts every subject"),
        ({"same_subject_back": False}, "returns the same subject"),
        ({"nobody_added": False}, "returns the same subject"),
        ({"other_payload_refused": False}, "another payload is refused"),
        ({"deleted_found": 1}, "no longer found"),
        ({"deleted_unknown": False}, "no longer found"),
        ({"answers_changed": 1}, "same answer"),
        ({"searches_repeated": 0}, "same answer"),
        ({"key_survives_restart": False}, "still recognised"),
        ({"subjects_sent": 101}, "every subject is enrolled"),
        ({"failures": Counter(EXTRACT_BLANK=1)}, "every subject is enrolled"),
        ({"false_non_matches": 11}, "FNMR"),
        ({"mated": 0, "false_non_matches": 0}, "FNMR"),
        ({"false_matches": 4}, "false matches"),
        ({"non_mated": 0, "false_matches": 0}, "false matches"),
        ({"hits": 94}, "found, and first"),
        ({"false_positives": 6}, "strangers found"),
        ({"stranger_searches": 0, "false_positives": 0}, "strangers found"),
    ],
)
def test_each_broken_claim_is_named_and_no_other(change: dict[str, object], named: str) -> None:
    failed = [claim.text for claim in claims(replace(GOOD, **change), synthetic=True) if not claim.held]
    assert len(failed) == 1
    assert named in failed[0]


@pytest.mark.parametrize(("trials", "rate"), [(200, 1e-4), (25, 1e-2), (10, 0.5)])
def test_a_rate_is_broken_only_where_chance_cannot_explain_it(trials: int, rate: float) -> None:
    def chance_of_more(count: int) -> float:
        return sum(
            comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(count + 1, trials + 1)
        )

    bound = most_by_chance(trials, rate)
    assert chance_of_more(bound) < CHANCE <= chance_of_more(bound - 1)
    assert most_by_chance(0, rate) == 0


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_a_synthetic_person_shows_the_same_fingers_later() -> None:
    person, again = make_person(5), make_person(5)
    assert person == again
    assert [s.position for s in person.enrolment] == [FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX]
    assert [s.position for s in person.probes] == [s.position for s in person.enrolment]
    assert len({s.data for s in (*person.enrolment, *person.probes, *make_person(6).probes)}) == 6


def test_strangers_share_no_person_with_the_enrolled(tmp_path: Path) -> None:
    for person in range(10):
        for finger in (1, 2):
            for scan in (1, 2, 3):
                (tmp_path / f"{person:03d}_{finger}_{scan}.png").write_bytes(b"%d %d" % (person, finger))
    (tmp_path / "010_1_1.png").write_bytes(b"alone")
    people = people_of("neurotechnology", tmp_path, 100)
    assert (len(people.subjects), len(people.strangers)) == (16, 4)
    assert all(len(person.enrolment) == 1 and len(person.visits) == 2 for person in people.subjects)
    assert all(not person.enrolment for person in people.strangers)
    shown = [
        {s.data.split()[0] for p in side for s in p.probes} for side in (people.subjects, people.strangers)
    ]
    assert not shown[0] & shown[1]
    assert len(people_of("neurotechnology", tmp_path, 3).subjects) == 3
    assert people.image_count == 16 * 3 + 4 * 2
    with pytest.raises(DatasetMissingError):
        people_of("neurotechnology", tmp_path, 1)


def test_a_server_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.demo.server.STOP_S", 0.2)
    server = ServerProcess(tmp_path)
    server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert server.stop() is None
    assert not Path(f"/proc/{pid}").exists()
    assert server.stop() is None
