"""The whole run on made-up people: who is there twice is found, however it is run and however it is ended."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.dedup.decide import Rule, Trouble
from matcher.dedup.explain import explain
from matcher.dedup.modes import Asked, incremental
from matcher.dedup.nominate import Comparison, RecordProbe
from matcher.dedup.open import open_source
from matcher.dedup.report import write_report
from matcher.dedup.run import WORK, deduplicate
from matcher.dedup.settings import Settings
from matcher.dedup.work import WorkFolder
from matcher.errors import CalibrationMissingError

TABLES = ("pairs.parquet", "clusters.parquet", "records.parquet", "pairs.csv", "summary.json", "report.html")


def digest(out: Path) -> dict[str, str]:
    """Return the digests of what a run wrote."""
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in TABLES}


def test_who_is_there_twice_is_found_and_nobody_else(
    people, duplicated, planted, run, pairs, tmp_path
) -> None:
    """Four planted pairs, no other; each is a cluster."""
    found = run(people.write_ndjson(tmp_path / "r.ndjson", duplicated), tmp_path / "out")
    assert pairs(found) == planted
    assert [len(cluster.records) for cluster in found.clusters.found] == [2] * 4
    assert all(pair.rule is Rule.FUSED and not pair.troubles for pair in found.pairs if pair.fmr < 1e-9)
    assert int(found.histogram.sum()) == 40 * 39 // 2


def test_the_result_does_not_depend_on_workers_or_memory(people, duplicated, run, tmp_path) -> None:
    """Two processes and little memory write the same bytes as one process."""
    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    for name, settings in {"one": {}, "two": {"workers": 2, "memory": 1 << 26}}.items():
        write_report(run(source, tmp_path / name, **settings), tmp_path / name, "r")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_an_ended_run_goes_on_where_it_was(people, duplicated, run, tmp_path) -> None:
    """A run that is ended at every task in turn leaves its parts, and the last gives the same result."""

    class EndedError(Exception):
        pass

    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    write_report(run(source, tmp_path / "whole"), tmp_path / "whole", "r")
    ended = 0
    for _ in range(20):
        fresh = 0

        def end(stage: str, done: int, total: int, seen: dict[str, int]) -> None:
            if done > seen.setdefault(stage, done):
                raise EndedError

        seen: dict[str, int] = {}
        try:
            found = run(source, tmp_path / "out", progress=lambda s, d, t, seen=seen: end(s, d, t, seen))
        except EndedError:
            ended += 1
            continue
        fresh = sum(seen.values())
        break
    assert ended >= 4
    assert fresh > 0
    write_report(found, tmp_path / "out", "r")
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")


@pytest.mark.timeout(600)
def test_killed_at_random_it_gives_the_undisturbed_result(people, duplicated, tmp_path, full_size) -> None:
    """kill -9 of the whole command at random moments; then once in peace."""
    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(out: Path) -> list[str]:
        return [
            sys.executable,
            "-m",
            "matcher.cli.main",
            "dedup",
            str(source),
            "--out",
            str(out),
            "--workers",
            "1",
        ]

    start = time.monotonic()
    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True, env=environment)
    whole_s = time.monotonic() - start
    chance = random.Random(8)
    kills = 20 if full_size else 1
    for _ in range(kills):
        process = subprocess.Popen(
            command(tmp_path / "out"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        time.sleep(chance.uniform(0.3, 1.0) * whole_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(tmp_path / "out"), check=True, capture_output=True, env=environment)
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")


def test_an_encrypted_run_is_the_same_and_leaves_no_template_readable(
    people, duplicated, run, pairs, planted, tmp_path
) -> None:
    """With a key, no work file holds a template's bytes; the pairs are the same."""
    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    plain = run(source, tmp_path / "plain")
    sealed = run(source, tmp_path / "sealed", key=bytes(range(32)))
    assert pairs(plain) == pairs(sealed) == planted
    words = people.finger(0).minutiae.x.tobytes()[:8]
    magic = b"iris-numba/2"
    held = {
        kind: b"".join(path.read_bytes() for path in (tmp_path / kind / WORK).rglob("*.part"))
        for kind in ("plain", "sealed")
    }
    assert magic in held["plain"]
    assert magic not in held["sealed"]
    assert words not in held["sealed"]


def test_nomination_and_full_comparison_agree(people, duplicated, run, tmp_path) -> None:
    """The fused score of the vectorised pass is that of the full comparison."""
    found = run(people.write_ndjson(tmp_path / "r.ndjson", duplicated), tmp_path / "out")
    (folder,) = (tmp_path / "out" / WORK / "comparisons").iterdir()
    work = WorkFolder(folder.parent, folder.name)
    work.folder = folder
    block = Comparison(work, 1 << 30, (0.0,) * 8).blocks()[0]
    for probe in (0, 7, 21):
        scores, compared = RecordProbe(block, probe).scores(block, probe + 1, swapped=False)
        assert compared[probe + 1 :].all()
        assert not compared[: probe + 1].any()
        for candidate in (probe + 1, 30, 36 + probe // 7):
            told = explain(block, probe, block, candidate)
            assert told["swapped"] or told["score"] == pytest.approx(scores[candidate], abs=1e-6)
    assert found.nominated >= 4


def test_swapped_hands_are_found_and_named(people, run, pairs, tmp_path) -> None:
    """A record whose right and left are exchanged matches under the second hypothesis, and says so."""
    first = people.person(3)
    again = people.person(3, sample=1)
    swapped = [
        people.finger(6, 1, type(again[0].position).LEFT_INDEX),
        people.finger(7, 1, type(again[0].position).RIGHT_INDEX),
    ]
    register = {f"r{i}": people.person(i) for i in range(8) if i != 3}
    register |= {"original": first[:2], "swapped": swapped}
    found = run(people.write_ndjson(tmp_path / "r.ndjson", register), tmp_path / "out")
    assert pairs(found) == {("original", "swapped")}
    (pair,) = [pair for pair in found.pairs if pair.verdict == "DUPLICATE"]
    assert pair.rule is Rule.SWAPPED_HANDS
    assert Trouble.SWAPPED_HANDS in pair.troubles
    assert {(p["probe_position"], p["candidate_position"]) for p in pair.told["parts"]} == {
        ("RIGHT_INDEX", "LEFT_INDEX"),
        ("LEFT_INDEX", "RIGHT_INDEX"),
    }


def test_mixed_records_and_reused_pictures_are_named(people, run, tmp_path) -> None:
    """One person's eyes in another's record; one capture under two names; one file twice."""
    one, two = people.person(1), people.person(2)
    register = {f"r{i}": people.person(i) for i in range(10, 16)}
    register |= {"one": one, "mixed": [*two[:2], *people.person(1, sample=1)[2:4]]}
    register |= {"photo": [people.face(5, 1)], "copied": [people.face(5, 1, quality=60)]}
    register |= {"file": people.person(6), "same": people.person(6)}
    found = run(people.write_ndjson(tmp_path / "r.ndjson", register), tmp_path / "out")
    ids = found.source.ids
    told = {(ids[p.probe], ids[p.candidate]): set(p.troubles) for p in found.pairs}
    assert Trouble.MIXED_BIOMETRICS in told["one", "mixed"]
    assert Trouble.IMAGE_REUSED in told["photo", "copied"]
    assert [{ids[record] for record, _ in group} for group in found.samples.same_files] == [
        {"file", "same"}
    ] * 5
    write_report(found, tmp_path / "out", "register")
    summary = (tmp_path / "out" / "summary.json").read_text()
    assert '"SAME_FILE": 5' in summary
    assert "IMAGE_REUSED" in (tmp_path / "out" / "report.html").read_text()


def test_incremental_compares_new_records_only(people, duplicated, planted, pairs, tmp_path) -> None:
    """Records that were known are not compared with each other."""
    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    settings = Settings()
    known = [name for name in duplicated if name != "again2"]
    own, asked = incremental(open_source(str(source), settings), known)
    found = deduplicate(own, tmp_path / "out", settings, asked=asked)
    assert pairs(found) == {pair for pair in planted if "again2" in pair}
    assert int(found.histogram.sum()) == 39 == asked.pairs(40)
    assert own.ids[-1] == "again2"
    assert asked == Asked(39)


def test_against_compares_across_the_two_registers_only(people, run, pairs, tmp_path) -> None:
    """A watch list: its own duplicates and the register's own are not looked for."""
    from matcher.dedup.modes import against

    register = {"r1": people.person(1), "r1b": people.person(1, 2), "r2": people.person(2)}
    listed = {"w1": people.person(1, 1), "w3": people.person(3), "w3b": people.person(3, 1)}
    settings = Settings()
    sources = [
        open_source(str(people.write_ndjson(tmp_path / f"{name}.ndjson", own)), settings)
        for name, own in {"r": register, "w": listed}.items()
    ]
    joined, asked = against(sources[1], sources[0])
    found = deduplicate(joined, tmp_path / "out", settings, asked=asked)
    assert pairs(found) == {("against:w1", "r1"), ("against:w1", "r1b")}
    assert int(found.histogram.sum()) == 9 == asked.pairs(6)


def test_templates_that_do_not_compare_are_told(people, run, tmp_path) -> None:
    """Two extractors without a calibration: a typed error before any comparison."""
    from dataclasses import replace

    register = {"one": [people.finger(1)], "two": [replace(people.finger(1, 1), extractor="strange/1")]}
    with pytest.raises(CalibrationMissingError, match="do not compare"):
        run(people.write_ndjson(tmp_path / "r.ndjson", register), tmp_path / "out")


def test_real_fingers_without_ids_come_together(
    real_data: Path, run: Any, tmp_path: Path, full_size: bool
) -> None:
    """UareU: each image a record of its own. No two fingers are joined, hardly a print stays alone."""
    folder = real_data / "fingerprint" / "uareu"
    every = sorted(folder.glob("*.tif"))
    fingers = sorted({path.stem.rsplit("_", 1)[0] for path in every})
    chosen = fingers if full_size else fingers[::9]
    (tmp_path / "images").mkdir()
    for path in every:
        if path.stem.rsplit("_", 1)[0] in chosen:
            (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    found = run(tmp_path / "images", tmp_path / "out")
    of = [name.rsplit("_", 1)[0] for name in found.source.ids]
    assert len(of) == 5 * len(chosen)
    false = [
        pair for pair in found.pairs if pair.verdict == "DUPLICATE" and of[pair.probe] != of[pair.candidate]
    ]
    largest = dict.fromkeys(chosen, 1)
    for cluster in found.clusters.found:
        for name in {of[record] for record in cluster.records}:
            inside = sum(of[record] == name for record in cluster.records)
            largest[name] = max(largest[name], inside)
    outside = sum(5 - inside for inside in largest.values())
    assert len(false) <= (1 if full_size else 0)
    assert outside <= 0.06 * len(of)


def test_a_register_without_any_template_is_reported(run, tmp_path) -> None:
    """Every sample fails: the report says why, and there are no pairs."""
    (tmp_path / "r" / "one").mkdir(parents=True)
    (tmp_path / "r" / "two").mkdir()
    (tmp_path / "r" / "one" / "right-index.png").write_bytes(b"no image")
    (tmp_path / "r" / "two" / "face.png").write_bytes(b"")
    found = run(tmp_path / "r", tmp_path / "out")
    summary = write_report(found, tmp_path / "out", "r")
    assert summary["records_without_template"] == 2
    assert sum(summary["failures"].values()) == 2
    assert not found.pairs
    assert np.sum(found.histogram) == 0
