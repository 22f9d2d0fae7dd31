"""Enrolments through the whole engine: how many a second, and what they take from searches beside them.

    python -m benchmarks.enrolments --seconds 20                       enrolments a second, both databases
    python -m benchmarks.enrolments --beside 100000 --seconds 10       searches while people are enrolled

Enrolments: two fingers, two irises and a face as templates, from 16 callers, each of which waits for its own
acknowledgement (after the commit's fsync, and in memory) before it sends the next. Wall time, beside it the
CPU time of this process for each and the disk's fsyncs a second before and after.

Searches beside: as many searching threads as cores, one thread a search, so that idle cores hide nothing;
in turns alone and while others enrol at a steady rate. Whom probes are of is enrolled once, and so are those
who are drawn beside them; what is missing then are strangers joined of these (see `benchmarks.gallery`), put
in without describing them again. Those who are enrolled meanwhile are of these others, too: a search beside
has one mate, as a search alone. The register grows by a few per cent in each turn, which is counted against
the searches beside. Then deletions, one after the other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.figures_store import CALLERS, DATABASES, database, fsyncs_per_second
from benchmarks.gallery_made import STRIDE, joined
from benchmarks.register import samples_of
from matcher.datasets.population import Population
from matcher.engine import Engine
from matcher.gallery.operations import Enrolment
from matcher.gallery.records import Receipt, SampleRecord
from matcher.gallery.rows import ResidentSample
from matcher.samples import Sample
from matcher.template.modality import decode, extractor_of, modality_of, position_of
from matcher.types import Modality

SEED = 41
PEOPLE = 400
"""Drawn; requests go round them, each under an id of its own."""

OTHERS = 4_000
"""Most people drawn beside them for a register: neither probed, nor anybody's mates."""

RATE = 200.0
"""Enrolments a second beside the searches."""

ROUNDS = 4
"""Of searches alone and searches beside enrolments, in turns: the machine's other load drifts."""

DELETIONS = 200
WINDOW = 1024
"""Filling: enrolments that are under way at once."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A person's request, and what an engine makes of it."""

    samples: list[Sample]
    probe: list[Sample]


def captures(people: int) -> list[Capture]:
    """Draw people of whom every sample is there."""
    population = Population(SEED)
    both = zip(population.subjects(0, people), population.probes(0, people), strict=True)
    return _whole([Capture(samples_of(one), samples_of(other)) for one, other in both])


def others_than(people: int, subjects: int) -> list[Capture]:
    """Draw who is not among the first people, and of whom every sample is there; nobody looks for them."""
    last = people + max(min(subjects, OTHERS), 1)
    return _whole([Capture(samples_of(one), []) for one in Population(SEED).subjects(people, last)])


def _whole(drawn: list[Capture]) -> list[Capture]:
    most = max(len(one.samples) for one in drawn)
    return [one for one in drawn if len(one.samples) == most]


class Enroller:
    """Enrols from many callers until it is told to stop; each call is acknowledged before the caller's next.

    Parameters
    ----------
    engine : Engine
    people : sequence of Capture
    prefix : str
        Of the ids.
    rate : float, optional
        Enrolments a second of all callers together; without it, as fast as they are acknowledged.
    """

    def __init__(
        self, engine: Engine, people: Sequence[Capture], prefix: str, rate: float | None = None
    ) -> None:
        self._engine, self._people, self._prefix, self._rate = engine, people, prefix, rate
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._done = itertools.count()
        self._callers = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        self._begun = time.perf_counter()

    def run(self, seconds: float) -> float:
        """Enrol for that long; return acknowledged enrolments a second."""
        self.start()
        time.sleep(seconds)
        return self.stop()

    def start(self) -> None:
        """Begin."""
        self._begun = time.perf_counter()
        for caller in self._callers:
            caller.start()

    def stop(self) -> float:
        """End, and return acknowledged enrolments a second."""
        self._stop.set()
        for caller in self._callers:
            caller.join()
        return next(self._done) / (time.perf_counter() - self._begun)

    def _call(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            if self._rate is not None:
                due = self._begun + number / self._rate
                time.sleep(max(due - time.perf_counter(), 0.0))  # costs less than to wait for an event
                if self._stop.is_set():
                    return
            samples = self._people[number % len(self._people)].samples
            self._engine.enroll(f"{self._prefix}{number}", samples)
            next(self._done)


def enrolments(kind: str, people: Sequence[Capture], seconds: float) -> dict[str, float | None]:
    """Return the figures of one database."""
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        if url is None:
            return {f"{kind}_enrolments_per_second": None}
        before = fsyncs_per_second(Path(name))
        with Engine(url, threads=1) as engine:
            Enroller(engine, people, "warm").run(min(seconds, 2.0))
            spent = time.process_time()
            rate = Enroller(engine, people, "s").run(seconds)
            spent = time.process_time() - spent
        return {
            f"{kind}_enrolments_per_second": rate,
            f"{kind}_cpu_ms_of_an_enrolment": 1e3 * spent / (rate * seconds),
            f"{kind}_fsyncs_per_second_before": before,
            f"{kind}_fsyncs_per_second_after": fsyncs_per_second(Path(name)),
        }


Made = tuple[tuple[SampleRecord, ...], list[ResidentSample]]
"""A person's samples as the store keeps them, and as memory does."""


def fill(engine: Engine, probed: Sequence[Capture], others: Sequence[Capture], subjects: int) -> None:
    """Put people into an engine's store and memory: those who are probed once, others, and joins of these."""
    rng = np.random.default_rng(SEED)
    waiting: deque[Future[Receipt]] = deque()

    def put(number: int, records: tuple[SampleRecord, ...], residents: list[ResidentSample]) -> None:
        waiting.append(engine._gallery.submit(Enrolment(f"f{number}", records, resident=residents)))
        if len(waiting) == WINDOW:
            waiting.popleft().result()

    for number, person in enumerate(probed[:subjects]):
        put(number, *_made(engine, person))
    made = [_made(engine, person) for person in others]
    noise, turn = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for number in range(len(probed), subjects):
        copy, which = divmod(number - len(probed), len(made))
        if which == 0:
            noise, turn = rng.integers(0, 2**63, 32, dtype=np.uint64), rng.permutation(128)
        records, residents = made[which]
        if copy:
            residents = joined(residents, made[(which + STRIDE * copy) % len(made)][1], noise, turn)
        put(number, records, residents)
    for future in waiting:
        future.result()


def _made(engine: Engine, person: Capture) -> Made:
    templates = [decode(sample.data) for sample in person.samples]
    records = tuple(
        SampleRecord(modality_of(t), int(position_of(t)), t.quality, sample.data, extractor_of(t))
        for t, sample in zip(templates, person.samples, strict=True)
    )
    return records, engine._gallery.residents(templates)


@dataclass(frozen=True, slots=True)
class Pace:
    """What searching threads did.

    Attributes
    ----------
    rate : float
        Searches a second of all threads together.
    cpu_ms : float
        CPU time of a search: of the threads that search alone.
    other_cores : float
        Cores that everything else in this process took meanwhile.
    """

    rate: float
    cpu_ms: float
    other_cores: float


def searched(engine: Engine, people: Sequence[Capture], seconds: float, searchers: int) -> Pace:
    """Search from several threads for that long."""
    ends: list[tuple[int, float]] = []
    stop = time.perf_counter() + seconds

    def call(first: int) -> None:
        count, own = 0, time.thread_time()
        for number in itertools.count(first, searchers):
            if time.perf_counter() >= stop:
                break
            engine.identify(people[number % len(people)].probe, max_candidates=1)
            count += 1
        ends.append((count, time.thread_time() - own))

    callers = [threading.Thread(target=call, args=(first,)) for first in range(searchers)]
    begun, spent = time.perf_counter(), time.process_time()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    wall, spent = time.perf_counter() - begun, time.process_time() - spent
    count, own = sum(n for n, _ in ends), sum(cpu for _, cpu in ends)
    return Pace(count / wall, 1e3 * own / max(count, 1), (spent - own) / wall)


def beside(
    people: Sequence[Capture], others: Sequence[Capture], subjects: int, seconds: float, searchers: int
) -> dict[str, Any]:
    """Return searches a second alone and beside enrolments, and what a deletion takes.

    Parameters
    ----------
    people : sequence of Capture
        Who is looked for.
    others : sequence of Capture
        Who is enrolled meanwhile, and of whom the register is made beside.
    subjects : int
    seconds : float
        Of each turn.
    searchers : int
    """
    with tempfile.TemporaryDirectory() as name, Engine(f"sqlite:///{name}/gallery.db", threads=1) as engine:
        fill(engine, people, others, subjects)
        engine._gallery._upkeep.wait()
        searched(engine, people, min(seconds, 1.0), searchers)
        alone, among, rates = list[Pace](), list[Pace](), list[float]()
        for turn in range(ROUNDS):
            alone.append(searched(engine, people, seconds, searchers))
            enroller = Enroller(engine, others, f"{turn}-", RATE)
            enroller.start()
            among.append(searched(engine, people, seconds, searchers))
            rates.append(enroller.stop())
        with_faces = [
            b.inverted is not None for b, _ in engine._gallery.memory().view().rows[Modality.FACE].blocks
        ]
        wall, cpu = deletions(engine, min(DELETIONS, subjects))
        syncs = fsyncs_per_second(Path(name))
    pairs = list(zip(alone, among, strict=True))
    dearer = statistics.median(b.cpu_ms / a.cpu_ms for a, b in pairs)
    taken = statistics.median(b.other_cores - a.other_cores for a, b in pairs)
    cores = len(os.sched_getaffinity(0))
    return {
        "subjects": subjects,
        "searchers": searchers,
        "searches_per_second_idle": statistics.median(a.rate for a in alone),
        "searches_per_second_enrolling": statistics.median(b.rate for b in among),
        "share_of_idle": statistics.median(b.rate / a.rate for a, b in pairs),
        "search_cpu_ms_idle": statistics.median(a.cpu_ms for a in alone),
        "search_cpu_ms_enrolling": statistics.median(b.cpu_ms for b in among),
        "search_cpu_of_idle": dearer,
        "cores_of_enrolling": taken,
        # What would be left if all cores were busy both ways: no rate of a machine that others use says it.
        "share_that_cpu_time_leaves": (1.0 - taken / cores) / dearer,
        "enrolments_per_second_beside": statistics.median(rates),
        "blocks_of_faces_indexed": sum(with_faces),
        "delete_ms_median": statistics.median(wall),
        "delete_cpu_ms_median": statistics.median(cpu),
        "fsyncs_per_second": syncs,
    }


def deletions(engine: Engine, count: int) -> tuple[list[float], list[float]]:
    """Delete people that `fill` put in, one after the other; return wall and CPU milliseconds of each."""
    wall, cpu = [], []
    for number in range(count):
        own, begun = time.process_time(), time.perf_counter()
        engine.delete(f"f{number}")
        wall.append(1e3 * (time.perf_counter() - begun))
        cpu.append(1e3 * (time.process_time() - own))
    return wall, cpu


def measure(
    *,
    people: int = PEOPLE,
    seconds: float,
    databases: Sequence[str] = DATABASES,
    subjects: int = 0,
    searchers: int | None = None,
) -> dict[str, Any]:
    """Return the figures: of enrolments on each database, and, with subjects, of searches beside them."""
    drawn = captures(people)
    report: dict[str, Any] = {"machine": machine.describe()}
    for kind in databases:
        report |= enrolments(kind, drawn, seconds)
    if subjects:
        cores = len(os.sched_getaffinity(0))
        others = others_than(people, subjects)
        report["beside"] = beside(drawn, others, subjects, seconds, searchers or cores)
    return report


def main(arguments: Sequence[str] | None = None, out: Callable[[str], object] = print) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--database", choices=[*DATABASES, "none"], action="append")
    parser.add_argument("--beside", type=int, default=0, metavar="N", help="searches among so many")
    parser.add_argument("--searchers", type=int, help="threads that search; by default as many as cores")
    given = parser.parse_args(arguments)
    found = measure(
        people=given.people,
        seconds=given.seconds,
        databases=[kind for kind in given.database or DATABASES if kind != "none"],
        subjects=given.beside,
        searchers=given.searchers,
    )
    out(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
