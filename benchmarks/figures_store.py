"""The store's rows of `python -m benchmarks.figures`: enrolments and deletions a second, on both databases.

    python -m benchmarks.figures_store              a million subjects in each database, printed alone
    python -m benchmarks.figures_store --smallest   a hundred: shows that the script runs
    python -m benchmarks.figures_store --subjects 100000 --database sqlite

Enrolments: 2 fingers, 2 irises and a face as templates of usual sizes, from 16 callers, each of which waits
for its own acknowledgement (after the commit's fsync) before it sends the next. They and the deletions are
wall time, and depend on the disk: its fsyncs a second, of 8 kB appended, are measured right before and after.
No deletion can be acknowledged before one fsync. Reading all is CPU time of this process; PostgreSQL's own
work comes beside it.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.bars import Bar
from matcher.gallery.enrolment import enroll
from matcher.gallery.ledger import Ledger
from matcher.gallery.operations import Enrolment, SubjectDeletion
from matcher.gallery.read import Stored
from matcher.gallery.records import Change, SampleRecord
from matcher.gallery.store import Store
from matcher.types import Modality

DATABASES = ("sqlite", "postgresql")

BARS = (
    *(
        Bar(f"{name}_enrolments_per_second", f"{name}: enrolments/s, 16 callers", 500.0, at_least=True)
        for name in DATABASES
    ),
    *(Bar(f"{name}_delete_ms_median", f"{name}: delete at 1 M, ms, median", 5.0) for name in DATABASES),
)

CALLERS = 16
SECONDS = 20.0
DELETIONS = 500
SYNCS = 200
SYNCED_BYTES = 8192
SUBJECTS, SMALLEST_SUBJECTS = 1_000_000, 100
FILL_GROUP = 1000
"""Enrolments in one transaction while the store is filled."""

FINGER_BYTES, IRIS_BYTES, FACE_BYTES = 420, 4637, 181
"""Of stored templates: a finger of 50 minutiae, an iris, a face of 128 values."""

FILL_IRIS_BYTES = 500
"""Of irises in the filled store: a tenth of the disk, and what is deleted and read is as many rows."""

SEED = 5


class Nobody:
    """Keeps nothing: what is measured is the store."""

    def resume(self, identity: str, sequence: int, stored: Stored) -> int | None:
        """Claim to know everything."""
        return sequence

    def replay(self, sequence: int, stored: Stored) -> None:
        """Never called."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Take nothing over."""


def person(iris_bytes: int = IRIS_BYTES) -> tuple[SampleRecord, ...]:
    """Return the samples of somebody; random bytes, since the store does not look into templates."""
    rng = np.random.default_rng(SEED)
    finger, iris, face = (rng.bytes(n) for n in (FINGER_BYTES, iris_bytes, FACE_BYTES))
    return (
        SampleRecord(Modality.FINGERPRINT, 2, 60, finger, "numba/1"),
        SampleRecord(Modality.FINGERPRINT, 7, 60, finger, "numba/1"),
        SampleRecord(Modality.IRIS, 1, 60, iris, "iris-numba/1"),
        SampleRecord(Modality.IRIS, 2, 60, iris, "iris-numba/1"),
        SampleRecord(Modality.FACE, 1, 60, face, "ab" * 32),
    )


def fsyncs_per_second(folder: Path) -> float:
    """Return how often the disk under a folder makes a short append durable."""
    path = folder / "synced"
    with open(path, "wb", buffering=0) as file:
        begin = time.perf_counter()
        for _ in range(SYNCS):
            file.write(bytes(SYNCED_BYTES))
            os.fsync(file.fileno())
        spent = time.perf_counter() - begin
    path.unlink()
    return SYNCS / spent


def enrolments_per_second(store: Store, seconds: float) -> float:
    """Return acknowledged enrolments of all callers over wall time."""
    samples = person()
    numbers = itertools.count()
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            store.submit(Enrolment(f"caller-{next(numbers)}", samples)).result()

    before = len_of_log(store)
    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    begin = time.perf_counter()
    for caller in callers:
        caller.start()
    time.sleep(seconds)
    stop.set()
    for caller in callers:
        caller.join()
    return (len_of_log(store) - before) / (time.perf_counter() - begin)


def len_of_log(store: Store) -> int:
    """Return the number of the last change."""
    with store.state() as (sequence, _):
        return sequence


def fill(store: Store, subjects: int) -> None:
    """Enrol many at a time, under ids in no order."""
    samples = person(FILL_IRIS_BYTES)
    backend = store._backend
    ids = np.random.default_rng(SEED).permutation(subjects)
    for begin in range(0, subjects, FILL_GROUP):
        with backend.writer.begin() as connection:
            ledger = Ledger(backend, connection)
            for number in ids[begin : begin + FILL_GROUP]:
                enroll(ledger, Enrolment(name(int(number)), samples))
            ledger.finish()


def name(number: int) -> str:
    """Return an id as they are given out: no two neighbours begin alike."""
    return f"{number * 2654435761 % (1 << 32):08x}-{number}"


def delete_milliseconds(store: Store, subjects: int) -> float:
    """Return the median wall time of one deletion after the other, each acknowledged."""
    chosen = np.random.default_rng(SEED + 1).permutation(subjects)[:DELETIONS]
    spent = []
    for number in chosen:
        begin = time.perf_counter()
        store.submit(SubjectDeletion(name(int(number)))).result()
        spent.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(spent)


def samples_per_second(store: Store) -> float:
    """Return how many samples are read, in order, in a second of CPU time."""
    with store.state() as (_, stored):
        begin = time.process_time()
        count = sum(len(page) for page in stored.samples())
        return count / (time.process_time() - begin)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str | None]:
    """Give the URL of an empty database; None where PostgreSQL is not installed."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/gallery.db"
        return
    module = _postgres()
    if module.binaries() is None:
        yield None
        return
    server = module.Server(module.binaries())
    try:
        yield server.url()
    finally:
        server.remove()


def of_database(kind: str, subjects: int, seconds: float) -> dict[str, float | None]:
    """Return the figures of one database."""
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        keys = ("enrolments_per_second", "delete_ms_median", "samples_read_per_cpu_second")
        if url is None:
            return {f"{kind}_{key}": None for key in keys}
        store = Store(url, Nobody())
        fill(store, subjects)
        store.close()  # opened again: it noticed that somebody else had written
        store = Store(url, Nobody())
        syncs = [fsyncs_per_second(Path(name))]
        reading = samples_per_second(store)
        deleting = delete_milliseconds(store, subjects)
        enrolling = enrolments_per_second(store, seconds)
        store.close()
        syncs.append(fsyncs_per_second(Path(name)))
    values = (enrolling, deleting, reading)
    return {
        **{f"{kind}_{key}": value for key, value in zip(keys, values, strict=True)},
        f"{kind}_fsyncs_per_second_before": syncs[0],
        f"{kind}_fsyncs_per_second_after": syncs[1],
    }


def measure(
    *, smallest: bool = False, subjects: int = SUBJECTS, databases: Sequence[str] = DATABASES
) -> dict[str, Any]:
    """Measure both databases. The bar of deletions is for a million subjects: fewer prove nothing."""
    count = SMALLEST_SUBJECTS if smallest else subjects
    before = machine.describe()
    figures: dict[str, float | None] = {bar.key: None for bar in BARS}
    for kind in databases:
        figures |= of_database(kind, count, 0.2 if smallest else SECONDS)
    judged = {bar.key: figures[bar.key] for bar in BARS if count >= SUBJECTS or "delete" not in bar.key}
    return {
        "machine": before,
        "subjects": count,
        "figures": figures,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(judged.get(bar.key))} for bar in BARS},
    }


def _postgres() -> ModuleType:
    """Return the module of the tests that runs a server."""
    path = machine.ROOT / "tests" / "postgres.py"
    spec = importlib.util.spec_from_file_location("matcher_postgres", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="a hundred subjects")
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument("--database", choices=DATABASES, action="append")
    given = parser.parse_args()
    found = measure(smallest=given.smallest, subjects=given.subjects, databases=given.database or DATABASES)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
