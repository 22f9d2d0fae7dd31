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
from matcher.datasets.iris_synthesis.folders import write_eye
from matcher.demo.claims import CHANCE, claims, most_by_chance
from matcher.demo.findings import Findings, Verified
from matcher.demo.real import people_of
from matcher.demo.report import percentile
from matcher.demo.server import ServerProcess
from matcher.demo.synthetic import make_person
from matcher.errors import DatasetMissingError, ServerUnavailableError
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.kernel_cache import configure
from matcher.models.cache import State, state_of
from matcher.models.registry import DLIB_FACE, YUNET
from matcher.types import FingerPosition, Modality

DEMO = [sys.executable, "-m", "matcher.cli.main", "demo"]
LIMIT_S = 200
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

FINGERPRINT, FACE = Modality.FINGERPRINT, Modality.FACE

GOOD = Findings(
    times={"enroll": [1.0]},
    subjects_sent=100,
    enrolled=100,
    samples_enrolled=200,
    subjects_counted=100,
    samples_counted=200,
    verified={FINGERPRINT: Verified(200, 10, 200, 3), FACE: Verified(100, 40, 100, 2)},
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


OFFLINE = {**os.environ, "PIP_NO_INDEX": "1"}
"""No test fetches anything: the demonstration is as on a machine without a network."""


def demo(*arguments: str | Path, environment: dict[str, str] = OFFLINE) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=environment)


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


@pytest.mark.parametrize("models", [False, True], ids=["without models", "with models"])
def test_the_whole_job_on_synthetic_people(tmp_path: Path, models: bool) -> None:
    out, environment = tmp_path / "made" / "here", OFFLINE
    if not models:
        # An empty cache, but for the kernels.
        environment = {**OFFLINE, "MATCHER_CACHE": str(tmp_path), "NUMBA_CACHE_DIR": str(configure())}
    elif {state_of(model) for model in (YUNET, DLIB_FACE)} != {State.PRESENT}:
        pytest.skip("the face models were not fetched: `matcher models fetch`")
    done = demo("--subjects", "2", "--out", out, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("holds: ") == 15
    assert "FAILS" not in done.stdout
    people = 2 + models
    for text in (f"of {people} sent", "0 of 4 mated", "0 of 4 non-mated", "0 of 1 searches"):
        assert text in done.stdout
    assert f"{people} of {people} searches" in done.stdout
    assert ("one public photograph" in done.stdout) == models
    assert ("The one public portrait is left out, too: " in done.stdout) != models
    for modality in ("fingerprint", "iris", "face"):
        assert f"one {modality}" in done.stdout
    # What is no photograph is not passed off as one.
    assert "left out: photographs of faces" in done.stdout
    assert "faces are embeddings drawn" in done.stdout
    assert "planted, 0 false pairs" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["dedup.html", "pair.png"]
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
    assert "FNMR at FMR 0.0001, one fingerprint 50.00% 2 of 4 mated verifications" in lines
    assert any("2 of 4 searches by enrolled people" in line for line in lines)
    assert any("0 of 1 searches by strangers" in line for line in lines)
    assert "FAILS" not in done.stdout
    assert "at the threshold is" not in done.stdout


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
    assert len({claim.text for claim in verdicts}) == 13
    assert len(claims(GOOD, synthetic=False)) == 6


def verified(modality: Modality, counts: Verified) -> dict[str, object]:
    """The good findings with other counts of one modality."""
    return {"verified": {**GOOD.verified, modality: counts}}


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
        ({"subjects_sent": 101}, "failures to extract"),
        ({"failures": Counter(EXTRACT_BLANK=20)}, "failures to extract"),
        (verified(FINGERPRINT, Verified(200, 11, 200, 3)), "FNMR of one fingerprint"),
        (verified(FINGERPRINT, Verified(0, 0, 200, 3)), "FNMR of one fingerprint"),
        (verified(FACE, Verified(100, 41, 100, 2)), "FNMR of one face"),
        (verified(FINGERPRINT, Verified(200, 10, 200, 4)), "false matches of one fingerprint"),
        (verified(FACE, Verified(100, 40, 0, 0)), "false matches of one face"),
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


def test_a_synthetic_person_shows_the_same_fingers_eyes_and_face_later() -> None:
    person, again = make_person(5), make_person(5)
    assert person == again
    assert [s.position for s in person.enrolment] == [
        FingerPosition.RIGHT_INDEX,
        FingerPosition.LEFT_INDEX,
        EyePosition.RIGHT,
        EyePosition.LEFT,
        FacePosition.FACE,
    ]
    assert [s.position for s in person.probes] == [s.position for s in person.enrolment]
    assert len({s.data for s in (*person.enrolment, *person.probes, *make_person(6).probes)}) == 15


def test_the_whole_job_on_images_of_eyes(tmp_path: Path) -> None:
    root = tmp_path / "eyes"
    for number in range(1, 6):
        write_eye(root, number, seed=3, samples=2, difficulty=0.0, height=240, width=320)
    done = demo("--data", root, "--dataset", "folders", "--modality", "iris", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert "subjects enrolled 4 of 4 sent" in lines
    assert "FNMR at FMR 0.0001, one iris 0.00% 0 of 4 mated verifications" in lines
    assert "picture of a mated pair of median score: none, as no mated pair of prints matched" in lines


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
    assert people.sample_count == 16 * 3 + 4 * 2
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
