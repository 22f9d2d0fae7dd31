"""Enrolments of whoever is new, a second: two fingers, two irises and a face as templates, many callers.

    python -m benchmarks.unique --people 200 --callers 16 [--store URL]

Every person comes twice, in two impressions, at about the same time; one of the two is to be refused. The
same people are then enrolled plainly into another gallery, for comparison.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.gallery_made import templates_of
from matcher.datasets.population import Population, SyntheticPerson
from matcher.engine import Engine
from matcher.samples import Sample, SampleKind
from matcher.template.modality import encode, position_of

SEED = 31


def samples_of(person: SyntheticPerson) -> list[Sample]:
    """Return a capture as a request brings it."""
    return [Sample(encode(t), SampleKind.TEMPLATE, position_of(t)) for t in templates_of(person)]


def rate(work: Callable[[int], Any], calls: int, callers: int) -> tuple[float, float, list[Any]]:
    """Return calls a second of wall time and of CPU time, and what they gave."""
    begun, spent = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(callers) as pool:
        answers = list(pool.map(work, range(calls)))
    return calls / (time.perf_counter() - begun), calls / (time.process_time() - spent), answers


def measure(people: int, callers: int, url: str | None) -> dict[str, Any]:
    """Return the figures."""
    population = Population(SEED)
    both = zip(population.subjects(0, people), population.probes(0, people), strict=True)
    requests = [samples_of(one) for pair in both for one in pair]
    with tempfile.TemporaryDirectory() as folder:
        with Engine(url or f"sqlite:///{folder}/unique.db", threads=1) as engine:
            engine.enroll("first", requests[0])  # kernels
            engine.delete("first")
            wall, cpu, answers = rate(
                lambda n: engine.enroll_if_unique(f"s{n}", requests[n]), len(requests), callers
            )
            enrolled = sum(a.enrolled is not None for a in answers)
            missed = sum(
                answers[n].enrolled is not None and answers[n + 1].enrolled is not None
                for n in range(0, len(answers), 2)
            )
        with Engine(f"sqlite:///{folder}/plain.db", threads=1) as engine:
            plain_wall, plain_cpu, _ = rate(
                lambda n: engine.enroll(f"s{n}", requests[2 * n]), people, callers
            )
    return {
        "people": people,
        "calls": len(requests),
        "callers": callers,
        "enrolled": enrolled,
        "enrolled_twice": missed,
        "calls_per_s": wall,
        "calls_per_cpu_s": cpu,
        "plain_enrolments_per_s": plain_wall,
        "plain_enrolments_per_cpu_s": plain_cpu,
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument(
        "--store", default=None, help="URL of an empty store; a SQLite file of its own by default"
    )
    given = parser.parse_args()
    print(json.dumps(measure(given.people, given.callers, given.store), indent=1))


if __name__ == "__main__":
    main()
