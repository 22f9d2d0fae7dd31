"""A register of synthetic people in the real engine: seconds a search, losses, errors, memory, restart.

    python -m benchmarks.register --subjects 10000 100000 --json FILE
    python -m benchmarks.register --modalities fingerprint --subjects 100000

Every subject is enrolled through `Engine.enroll` with templates, by 16 callers, into a SQLite store; the
register grows from one size to the next. Then, at each size:

- mated probes, the first ones among the subjects that were enrolled: the seconds of each search; a mate is
  *lost* where a verification passes the search's threshold and the search does not return it, and *missed*
  (FNIR) where the search does not return it, for whichever reason;
- probes of people who are not enrolled: the share of searches that return anybody (FPIR);
- a few searches exhaustively: they must find whom the others find.

Times are CPU times of one thread (`--threads 1`), wall times of two.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.shortlist_ranks import wilson
from matcher.datasets.population import Population
from matcher.datasets.population.population import SyntheticPerson
from matcher.engine import Engine
from matcher.samples import Sample, SampleKind
from matcher.template.modality import encode, position_of
from matcher.types import Modality

SEED, STRANGERS = 6, 7
"""Of those enrolled, and of those who are not."""

CALLERS = 16
"""Threads that enrol, each waiting for its own commit."""

CHUNK = 2048
"""People drawn at a time; drawing is not timed."""

EXHAUSTIVE = 20
"""Searches repeated exhaustively."""

FPIR = 1e-2
"""Target of the searches."""

DELETED = 50
"""Subjects deleted for that figure."""


def samples_of(person: SyntheticPerson) -> list[Sample]:
    """Return a person's templates as a caller sends them."""
    templates = [*person.fingers, *person.irises, *([person.face] if person.face is not None else [])]
    return [Sample(encode(one), SampleKind.TEMPLATE, position_of(one)) for one in templates]


@dataclass(slots=True)
class Register:
    """An engine and the people in it.

    Attributes
    ----------
    engine : Engine
    people : Population
    enrolled : int
        Numbers below it were enrolled, but for those in `empty`, who gave no sample at all.
    seconds : float
        Wall time of `acknowledged` enrolments.
    """

    engine: Engine
    people: Population
    enrolled: int = 0
    empty: set[int] = field(default_factory=set)
    seconds: float = 0.0
    acknowledged: int = 0

    def grow(self, subjects: int) -> None:
        """Enrol people until there are so many."""
        with ThreadPoolExecutor(CALLERS) as pool:
            while self.enrolled < subjects:
                end = min(self.enrolled + CHUNK, subjects)
                people = self.people.subjects(self.enrolled, end)
                requests = [(person, samples_of(person)) for person in people]
                self.empty |= {person.number for person, samples in requests if not samples}
                start = time.perf_counter()
                list(pool.map(self._enroll, [request for request in requests if request[1]]))
                self.seconds += time.perf_counter() - start
                self.acknowledged += sum(1 for _, samples in requests if samples)
                self.enrolled = end

    def _enroll(self, request: tuple[SyntheticPerson, list[Sample]]) -> None:
        self.engine.enroll(request[0].subject_id, request[1])


def mated(register: Register, probes: int) -> dict[str, Any]:
    """Search for people who are there."""
    lost = missed = searched = 0
    cpu: list[float] = []
    wall: list[float] = []
    step = max(register.enrolled // probes, 1)
    for number in range(0, register.enrolled, step)[:probes]:
        (person,) = register.people.probes(number, number + 1)
        samples = samples_of(person)
        if number in register.empty or not samples:
            continue
        own, begin = time.process_time(), time.perf_counter()
        found = register.engine.identify(samples, fpir=FPIR, max_candidates=1)
        cpu.append(time.process_time() - own)
        wall.append(time.perf_counter() - begin)
        searched += 1
        if any(candidate.subject_id == person.subject_id for candidate in found.candidates):
            continue
        missed += 1
        direct = register.engine.verify(person.subject_id, samples, threshold=found.threshold)
        lost += direct.decision.accepted
    return {
        "probes": searched,
        "search_cpu_seconds_median": statistics.median(cpu),
        "search_cpu_seconds_p99": float(np.quantile(cpu, 0.99)),
        "search_wall_seconds_median": statistics.median(wall),
        "lost": lost / searched,
        "lost_interval": wilson(lost, searched),
        "fnir": missed / searched,
        "fnir_interval": wilson(missed, searched),
    }


def non_mated(register: Register, probes: int) -> dict[str, Any]:
    """Search for people who are not there."""
    strangers = Population(STRANGERS, modalities=register.people.modalities)
    alarms = searched = 0
    for person in strangers.subjects(0, probes):
        samples = samples_of(person)
        if samples:
            searched += 1
            alarms += bool(register.engine.identify(samples, fpir=FPIR, max_candidates=1).candidates)
    return {
        "probes": searched,
        "target": FPIR,
        "fpir": alarms / searched,
        "fpir_interval": wilson(alarms, searched),
    }


def exhaustive(register: Register) -> dict[str, Any]:
    """Repeat some searches exhaustively; return how many agree on the best candidate and its score."""
    agreed = 0
    for number in range(EXHAUSTIVE):
        (person,) = register.people.probes(number, number + 1)
        samples = samples_of(person)
        if not samples:
            agreed += 1
            continue
        quick, full = (
            register.engine.identify(samples, fpir=FPIR, max_candidates=1, exhaustive=way).candidates
            for way in (False, True)
        )
        agreed += [(c.subject_id, c.score) for c in quick] == [(c.subject_id, c.score) for c in full]
    return {"searches": EXHAUSTIVE, "agreed": agreed}


def measure(
    sizes: Sequence[int],
    modalities: Sequence[Modality],
    *,
    probes: int,
    others: int,
    threads: int,
    url: str | None = None,
) -> dict[str, Any]:
    """Grow a register from size to size; return the figures of each as plain JSON values."""
    with tempfile.TemporaryDirectory() as folder:
        store = url or f"sqlite:///{Path(folder) / 'register.db'}"
        people = Population(SEED, modalities=modalities)
        rows = []
        with Engine(store, threads=threads) as engine:
            register = Register(engine, people)
            for size in sorted(sizes):
                print(f"{size} subjects ...", flush=True)
                register.seconds, register.acknowledged = 0.0, 0
                register.grow(size)
                rows.append(_row(register, probes, others))
                print(json.dumps(rows[-1]), flush=True)
        start = time.perf_counter()
        with Engine(store, threads=threads) as engine:
            restart = time.perf_counter() - start
            spent = []
            for number in [n for n in range(min(sizes)) if n not in register.empty][:DELETED]:
                begin = time.perf_counter()
                engine.delete(f"S{number:09d}")
                spent.append(time.perf_counter() - begin)
    return {
        "machine": machine.describe(),
        "modalities": [modality.name.lower() for modality in modalities],
        "threads": threads,
        "sizes": rows,
        "restart_seconds": restart,
        "delete_ms_median": statistics.median(spent) * 1e3,
    }


def _row(register: Register, probes: int, others: int) -> dict[str, Any]:
    status = register.engine.status()
    return {
        "subjects": status.subjects,
        "enrolments_per_second": register.acknowledged / register.seconds,
        "hot_bytes_per_subject": sum(m.resident_bytes for m in status.modalities) / status.subjects,
        "peak_resident_set_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mated": mated(register, probes),
        "non_mated": non_mated(register, others),
        "exhaustive": exhaustive(register),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[10_000])
    parser.add_argument(
        "--modalities", nargs="+", choices=[m.name.lower() for m in Modality], default=None, help="all"
    )
    parser.add_argument("--probes", type=int, default=500, help="mated ones at each size")
    parser.add_argument("--others", type=int, default=500, help="non-mated ones at each size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--store", help="URL of an empty store; by default a SQLite file that is removed")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    chosen = [Modality[name.upper()] for name in given.modalities] if given.modalities else list(Modality)
    figures = measure(
        given.subjects,
        chosen,
        probes=given.probes,
        others=given.others,
        threads=given.threads,
        url=given.store,
    )
    text = json.dumps(figures, indent=1)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
