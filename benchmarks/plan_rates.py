"""Measures what `matcher plan` reckons with, and writes it where the package ships it.

    python -m benchmarks.plan_rates                    registers of 2,000 to 20,000 people, about 20 minutes
    python -m benchmarks.plan_rates --subjects 100000 1000000

Searches, enrolments, bytes and the scores of mates come from registers of synthetic people in the real engine
(`benchmarks.register`), extraction from the newest figures (`make figures`), verification from calls of the
service on loopback: CPU of client and server together, so it is a little too high.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.figures import FIGURES
from benchmarks.register import FPIR, SEED, Register, samples_of
from matcher.datasets.population import Population
from matcher.engine import Engine
from matcher.plan.rates import FORMAT, SHIPPED, rates_of
from matcher.score.units import unit_calibration

SAMPLES = {"fingerprint": 2, "iris": 2, "face": 1}
"""Images of one subject by modality."""

PROBES = 200
"""Mated searches and verifications at each size."""

LEVELS = np.linspace(0.0, 1.0, 41)
"""Quantiles of the mated scores that are kept."""

UNITS = 4
"""Independent units of a whole subject: the fingers, two irises, the face."""

FULL = Path(__file__).resolve().parent.parent / "matcher" / "plan" / SHIPPED


def extraction_seconds(figures: dict[str, Any]) -> dict[str, float]:
    """Return CPU seconds of one image by modality, from a file of figures."""
    face = figures["face"]["figures"]
    return {
        "fingerprint": figures["figures"]["extract_ms_median"] / 1e3,
        "iris": figures["iris"]["figures"]["extract_ms_median"] / 1e3,
        "face": (face["detection_ms"] + face["alignment_ms"] + face["embedding_ms"]) / 1e3,
    }


def mates(register: Register, probes: int) -> tuple[list[float], list[float], int, float]:
    """Return CPU seconds of searches, scores of mates, how many were lost, and bytes of a probe."""
    seconds: list[float] = []
    scores: list[float] = []
    lost, size = 0, 0
    step = max(register.enrolled // probes, 1)
    for number in range(0, register.enrolled, step)[:probes]:
        (person,) = register.people.probes(number, number + 1)
        samples = samples_of(person)
        if number in register.empty or not samples:
            continue
        begin = time.process_time()
        found = register.engine.identify(samples, fpir=FPIR, max_candidates=1)
        seconds.append(time.process_time() - begin)
        size += sum(len(sample.data) for sample in samples)
        direct = register.engine.verify(person.subject_id, samples, threshold=found.threshold)
        scores.append(direct.decision.score.value)
        there = any(candidate.subject_id == person.subject_id for candidate in found.candidates)
        lost += direct.decision.accepted and not there
    return seconds, scores, lost, size / len(seconds)


def verify_seconds(register: Register, probes: int) -> float:
    """Return the median CPU of a verification over the service, one caller, templates given."""
    from matcher.client import Client
    from matcher.service.server import Server

    server = Server("127.0.0.1:0")
    server.serve(register.engine)
    spent = []
    with Client(server.address) as client:
        for number in range(probes):
            (person,) = register.people.probes(number, number + 1, sample=1)
            samples = samples_of(person)[:1]
            if not samples or number in register.empty:
                continue
            begin = time.process_time()
            client.verify(person.subject_id, samples)
            spent.append(time.process_time() - begin)
    server.drain()
    return statistics.median(spent)


def measure(sizes: Sequence[int], probes: int, figures: dict[str, Any]) -> dict[str, Any]:
    """Return the rates as plain JSON values."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "register.db"
        people = Population(SEED)
        with Engine(f"sqlite:///{path}", threads=1) as engine:
            register = Register(engine, people)
            subjects: list[float] = []
            seconds: list[float] = []
            scores: list[float] = []
            lost = searched = 0
            for size in sorted(sizes):
                print(f"{size} subjects ...", flush=True)
                register.grow(size)
                spent, found, gone, probe_bytes = mates(register, probes)
                subjects.append(float(engine.status().subjects))
                seconds.append(statistics.median(spent))
                scores += found
                lost += gone
                searched += len(spent)
            status = engine.status()
            hot = sum(m.resident_bytes for m in status.modalities) / status.subjects
            verify = verify_seconds(register, probes)
        stored = sum(file.stat().st_size for file in path.parent.glob("register.db*")) / status.subjects
    knots = np.maximum.accumulate(np.quantile(scores, LEVELS))
    kept = np.flatnonzero(np.diff(knots, prepend=-1.0) > 0)
    described = machine.describe()
    return {
        "format": FORMAT,
        "machine": f"{described['cpu']}, {described['simd']}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "subject": "two index fingers, two irises and a face, synthetic, as templates",
        "load": described["load_1_5_15_min"],
        "search": {"subjects": subjects, "seconds": seconds},
        "verify_seconds": verify,
        "extract_seconds": extraction_seconds(figures),
        "samples": SAMPLES,
        "enrolments_per_second": register.acknowledged / register.seconds,
        "hot_bytes": hot,
        "stored_bytes": stored,
        "probe_bytes": probe_bytes,
        "reply_bytes": 1000.0,
        "lost": lost / searched,
        "mated": {
            "scores": knots[kept].tolist(),
            "fnmr": LEVELS[kept].tolist(),
            "supported": unit_calibration().supported[UNITS - 2],
            "probes": searched,
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, check and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[2_000, 6_000, 20_000])
    parser.add_argument("--probes", type=int, default=PROBES)
    parser.add_argument("--out", type=Path, default=FULL)
    given = parser.parse_args(arguments)
    newest = max(FIGURES.glob("*.json"))
    rates = measure(given.subjects, given.probes, json.loads(newest.read_text(encoding="utf-8")))
    rates_of(rates)  # refuses what could not be read back
    given.out.write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
