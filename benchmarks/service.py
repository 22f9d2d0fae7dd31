"""The service under load, client and server on one machine: verifications and bulk enrolments a second.

    python -m benchmarks.service --json FILE
    python -m benchmarks.service --subjects 1000 --seconds 10

A server process holds synthetic people with two fingers each. One client process asks:

- Verify with the template of one finger, another impression than the enrolled one, plain: one caller (median
  and p99 of the wall time of each call), then 16 callers (calls a second), each on a thread of its own;
- one caller again while two exhaustive searches are always under way (p99 of a verification);
- BulkEnroll of templates: encounters a second, each durable before its answer.

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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.register import samples_of
from matcher.client import BulkItem, BulkOutcome, Client
from matcher.datasets.population import Population
from matcher.demo.server import ServerProcess
from matcher.samples import Sample
from matcher.types import Modality

SEED, NEWCOMERS = 6, 8
"""Of those enrolled first, and of those enrolled in bulk."""

CALLERS = 16
"""Threads that verify at a time."""

SEARCHERS = 2
"""Threads that search at a time, in that figure."""

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
    """

    def __init__(self, address: str, asked: Sequence[tuple[str, Sample]]) -> None:
        self._address, self._asked = address, asked

    def run(self, callers: int, seconds: float) -> dict[str, float]:
        """Verify for some seconds; return calls a second, latencies in ms and the share accepted."""
        taken: list[list[float]] = [[] for _ in range(callers)]
        accepted = [0] * callers
        end = time.perf_counter() + seconds

        def call(worker: int) -> None:
            with Client(self._address) as client:
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


def bulk(address: str, people: Sequence[tuple[str, list[Sample]]]) -> dict[str, float]:
    """Enrol people on one stream."""
    begin = time.perf_counter()
    with Client(address) as client:
        items = (BulkItem(name, samples, subject_id=name) for name, samples in people)
        outcomes = [answer.outcome for answer in client.bulk_enroll(items)]
    wall = time.perf_counter() - begin
    if outcomes != [BulkOutcome.ENROLLED] * len(people):
        raise AssertionError("not everybody was enrolled")
    return {"calls": len(people), "encounters_per_s": len(people) / wall}


def run(subjects: int, seconds: float) -> dict[str, Any]:
    """Return every figure."""
    population = Population(SEED)
    known = fingers(population, 0, subjects)
    asked = [(name, probe) for name, probe in probes(population, 0, subjects).items() if name in dict(known)]
    newcomers = [(f"new {name}", own) for name, own in fingers(Population(NEWCOMERS), 0, subjects)]
    found: dict[str, Any] = {"subjects": len(known), "machine": machine.describe()}
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server:
        address = server.start()
        pid = server.pid or 0
        bulk(address, known)
        load = Load(address, asked)
        load.run(1, min(seconds, 1.0))
        found["verify_one"] = measured(pid, lambda: load.run(1, seconds))
        found[f"verify_{CALLERS}"] = measured(pid, lambda: load.run(CALLERS, seconds))
        stop = threading.Event()

        def search() -> None:
            with Client(address) as client:
                number = 0
                while not stop.is_set():
                    client.identify([asked[number % len(asked)][1]], exhaustive=True)
                    number += 1

        searchers = [threading.Thread(target=search) for _ in range(SEARCHERS)]
        for thread in searchers:
            thread.start()
        found["verify_beside_searches"] = measured(pid, lambda: load.run(1, seconds))
        stop.set()
        for thread in searchers:
            thread.join()
        found["bulk_enroll"] = measured(pid, lambda: bulk(address, newcomers))
    return found


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = json.dumps(run(options.subjects, options.seconds), indent=1)
    if options.json is not None:
        options.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
