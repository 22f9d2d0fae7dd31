"""The service under load, client and server on one machine: verifications and bulk enrolments a second.

    python -m benchmarks.service --json FILE
    python -m benchmarks.service --subjects 1000 --seconds 10
    python -m benchmarks.service --only beside --crowd 1000000

A server process (`matcher serve`) holds synthetic people with two fingers each. One client process asks, a
connection and a thread for each caller:

- plain: Verify with the template of one finger, another impression than the enrolled one: one caller (median
  and p99 of the wall time of each call), then 16 callers (calls a second), then the same 16 while nobody has
  been asked for before (each subject once, as long as there are some); BulkEnroll of templates, each durable
  before its answer;
- secured: the same Verify of 16 callers with mutual TLS, roles, and an entry of the log of accesses that is
  durable before each reply;
- image: Verify with the image (PNG, 500 ppi) of one synthetic finger, one caller;
- beside: Verify of one caller while two callers search everybody with two fingers, two irises and a face.

CPU times of client and server are told beside: where the machine has other work, calls a CPU second are what
can be compared. The answers are checked: mated verifications are accepted, all items are enrolled.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from benchmarks import machine
from benchmarks.certificates import secured_by
from benchmarks.enrolments import captures, fill
from benchmarks.figures_store import fsyncs_per_second
from benchmarks.register import samples_of
from matcher.client import BulkItem, BulkOutcome, Client
from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.datasets.population import Population
from matcher.demo.server import ServerProcess
from matcher.engine import Engine
from matcher.samples import Sample
from matcher.types import Modality

SEED, NEWCOMERS = 6, 8
"""Of those enrolled first, and of those enrolled in bulk."""

CALLERS = 16
"""Threads that verify at a time."""

SEARCHERS = 2
"""Threads that search at a time, in that figure."""

IMAGE_FINGERS, IMAGE_DIFFICULTY = 8, 0.3
"""Synthetic fingers of whom an image is sent, and how hard their impressions are, 0 to 1."""

CROWD_DRAWN = 400
"""People drawn for the server that is searched; the others are copies, their eyes and faces strangers'."""

ACCEPTED_LEAST = 0.9
"""Share of mated verifications of one finger that must be accepted at the default rate."""


def fingers(population: Population, begin: int, end: int) -> list[tuple[str, list[Sample]]]:
    """Return ids and enrolled fingers of people, as callers send them."""
    found = []
    for person in population.subjects(begin, end):
        own = [sample for sample in samples_of(person) if sample.modality is Modality.FINGERPRINT]
        if own:
            found.append((person.subject_id, own))
    return found


def probes(population: Population, begin: int, end: int) -> dict[str, Sample]:
    """Return another impression of one finger of each person."""
    found = {}
    for person in population.probes(begin, end):
        own = [sample for sample in samples_of(person) if sample.modality is Modality.FINGERPRINT]
        if own:
            found[person.subject_id] = own[0]
    return found


def cpu_of(pid: int) -> float:
    """Return the CPU time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load:
    """Verifications of one server by several callers.

    Parameters
    ----------
    address : str
    asked : sequence of (subject id, probe)
    credentials : grpc.ChannelCredentials, optional
    """

    def __init__(
        self,
        address: str,
        asked: Sequence[tuple[str, Sample]],
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._address, self._asked, self._credentials = address, asked, credentials

    def run(self, callers: int, seconds: float) -> dict[str, float]:
        """Verify for some seconds; return calls a second, latencies in ms and the share accepted."""
        taken: list[list[float]] = [[] for _ in range(callers)]
        accepted = [0] * callers
        end = time.perf_counter() + seconds

        def call(worker: int) -> None:
            with Client(self._address, credentials=self._credentials) as client:
                client.status()  # connected, and its keys agreed
                number = worker
                while time.perf_counter() < end:
                    subject, probe = self._asked[number % len(self._asked)]
                    begin = time.perf_counter()
                    answer = client.verify(subject, [probe])
                    taken[worker].append(time.perf_counter() - begin)
                    accepted[worker] += answer.decision.accepted
                    number += callers

        begin = time.perf_counter()
        _together([lambda w=w: call(w) for w in range(callers)])  # type: ignore[misc]
        wall = time.perf_counter() - begin
        every = sorted(one for own in taken for one in own)
        if not every:
            raise AssertionError("no verification was answered")
        share = sum(accepted) / len(every)
        if share < ACCEPTED_LEAST:
            raise AssertionError(f"only {share:.3f} of mated verifications were accepted")
        return {
            "calls": len(every),
            "calls_per_s": len(every) / wall,
            "median_ms": statistics.median(every) * 1e3,
            "p99_ms": every[int(len(every) * 0.99)] * 1e3,
            "accepted": share,
        }


def _together(jobs: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measured(server_pid: int, job: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Run a job, and tell its calls for each CPU second of client and server together."""
    client, server = time.process_time(), cpu_of(server_pid)
    found = job()
    client, server = time.process_time() - client, cpu_of(server_pid) - server
    found |= {
        "client_cpu_s": client,
        "server_cpu_s": server,
        "calls_per_cpu_s": found["calls"] / (client + server),
    }
    return found


def bulk(
    address: str,
    people: Sequence[tuple[str, list[Sample]]],
    credentials: grpc.ChannelCredentials | None = None,
) -> dict[str, float]:
    """Enrol people on one stream."""
    begin = time.perf_counter()
    with Client(address, credentials=credentials) as client:
        items = (BulkItem(name, samples, subject_id=name) for name, samples in people)
        outcomes = [answer.outcome for answer in client.bulk_enroll(items)]
    wall = time.perf_counter() - begin
    if outcomes != [BulkOutcome.ENROLLED] * len(people):
        raise AssertionError("not everybody was enrolled")
    return {"calls": len(people), "encounters_per_s": len(people) / wall}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    subjects : int
        People of the plain and the secured server.
    seconds : float
        Of each figure.
    crowd : int
        People of the server that is searched.
    """

    subjects: int = 500
    seconds: float = 5.0
    crowd: int = 100_000


def plain(sizes: Sizes) -> dict[str, Any]:
    """Return the figures of a server without security."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server:
        address = server.start()
        pid = server.pid or 0
        known, asked = _people(sizes.subjects)
        bulk(address, known)
        load = Load(address, asked)
        found: dict[str, Any] = {"subjects": len(known)}
        found["verify_first"] = measured(pid, lambda: each_once(address, asked))
        load.run(1, min(sizes.seconds, 1.0))
        found["verify_one"] = measured(pid, lambda: load.run(1, sizes.seconds))
        found[f"verify_{CALLERS}"] = measured(pid, lambda: load.run(CALLERS, sizes.seconds))
        newcomers = [(f"new {name}", own) for name, own in fingers(Population(NEWCOMERS), 0, sizes.subjects)]
        found["bulk_enroll"] = measured(pid, lambda: bulk(address, newcomers))
    return found


def secured(sizes: Sizes) -> dict[str, Any]:
    """Return the figures of a server with mutual TLS, roles and a log of accesses."""
    with tempfile.TemporaryDirectory() as name:
        settings, credentials = secured_by(Path(name) / "security")
        with ServerProcess(Path(name), ("--security", str(settings))) as server:
            address = server.start()
            pid = server.pid or 0
            known, asked = _people(sizes.subjects)
            bulk(address, known, credentials)
            load = Load(address, asked, credentials)
            load.run(1, min(sizes.seconds, 1.0))
            return {
                "subjects": len(known),
                "fsyncs_per_second": fsyncs_per_second(Path(name)),
                "verify_one": measured(pid, lambda: load.run(1, sizes.seconds)),
                f"verify_{CALLERS}": measured(pid, lambda: load.run(CALLERS, sizes.seconds)),
            }


def image(sizes: Sizes) -> dict[str, Any]:
    """Return the figures of verifications with an image."""
    with tempfile.TemporaryDirectory() as name, ServerProcess(Path(name)) as server:
        address = server.start()
        asked = []
        with Client(address) as client:
            for number in range(1, IMAGE_FINGERS + 1):
                paths = write_finger(
                    Path(name) / "set", number, seed=SEED, impressions=2, difficulty=IMAGE_DIFFICULTY
                )
                enrolled, probe = (Sample(path.read_bytes()) for path in paths)
                client.enroll([enrolled], subject_id=f"F{number}")
                asked.append((f"F{number}", probe))
        load = Load(address, asked)
        load.run(1, min(sizes.seconds, 1.0))
        found = measured(server.pid or 0, lambda: load.run(1, sizes.seconds))
        return {"bytes": statistics.median(len(probe.data) for _, probe in asked), "verify_one": found}


def beside(sizes: Sizes) -> dict[str, Any]:
    """Return the figures of verifications while a crowd is searched."""
    drawn = captures(min(sizes.crowd, CROWD_DRAWN))
    people, others = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
    with tempfile.TemporaryDirectory() as name:
        with Engine(f"sqlite:///{Path(name).resolve() / 'gallery.db'}") as engine:
            fill(engine, people, others, sizes.crowd)
        with ServerProcess(Path(name)) as server:
            address = server.start()
            pid = server.pid or 0
            asked = [(f"f{number}", person.probe[0]) for number, person in enumerate(people)]
            load = Load(address, asked)
            load.run(1, min(sizes.seconds, 1.0))
            found: dict[str, Any] = {"subjects": sizes.crowd, "searchers": SEARCHERS}
            found["alone"] = measured(pid, lambda: load.run(1, sizes.seconds))
            stop = threading.Event()
            counts = [0] * SEARCHERS

            def search(worker: int) -> None:
                with Client(address) as client:
                    while not stop.is_set():
                        number = worker + SEARCHERS * counts[worker]
                        client.identify(people[number % len(people)].probe, max_candidates=1)
                        counts[worker] += 1

            searchers = [threading.Thread(target=search, args=(n,)) for n in range(SEARCHERS)]
            begin = time.perf_counter()
            for thread in searchers:
                thread.start()
            found["verify_beside_searches"] = measured(pid, lambda: load.run(1, sizes.seconds))
            stop.set()
            for thread in searchers:
                thread.join()
            found["searches_per_s"] = sum(counts) / (time.perf_counter() - begin)
            if not sum(counts):
                raise AssertionError("nobody was searched meanwhile")
    return found


def each_once(address: str, asked: Sequence[tuple[str, Sample]]) -> dict[str, float]:
    """Verify every person once, of whom nothing is remembered yet; return calls a second."""
    accepted = [0] * CALLERS

    def call(worker: int) -> None:
        with Client(address) as client:
            for subject, probe in asked[worker::CALLERS]:
                accepted[worker] += client.verify(subject, [probe]).decision.accepted

    begin = time.perf_counter()
    _together([lambda w=w: call(w) for w in range(CALLERS)])  # type: ignore[misc]
    wall = time.perf_counter() - begin
    return {
        "calls": len(asked),
        "calls_per_s": len(asked) / wall,
        "accepted": sum(accepted) / max(len(asked), 1),
    }


def _people(count: int) -> tuple[list[tuple[str, list[Sample]]], list[tuple[str, Sample]]]:
    """Return who is enrolled, and who is asked for."""
    population = Population(SEED)
    known = fingers(population, 0, count)
    names = {name for name, _ in known}
    return known, [(name, probe) for name, probe in probes(population, 0, count).items() if name in names]


FIGURES: Mapping[str, Callable[[Sizes], dict[str, Any]]] = {
    "plain": plain,
    "secured": secured,
    "image": image,
    "beside": beside,
}
"""What is measured, each with a server of its own."""


def run(sizes: Sizes, only: Sequence[str] = tuple(FIGURES)) -> dict[str, Any]:
    """Return figures, all by default."""
    return {"machine": machine.describe(), **{name: FIGURES[name](sizes) for name in only}}


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = Sizes()
    parser.add_argument("--subjects", type=int, default=usual.subjects)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--crowd", type=int, default=usual.crowd, help="people that are searched")
    parser.add_argument("--only", nargs="+", choices=tuple(FIGURES), default=tuple(FIGURES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = Sizes(options.subjects, options.seconds, options.crowd)
    text = json.dumps(run(sizes, options.only), indent=1)
    if options.json is not None:
        options.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
